"""Text and image encoders of transformers, a few layers deep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def clip_text_encoder(
    vocabulary: int,
    hidden: int,
    *,
    layers: int = 2,
    activation: str = "quick_gelu",
    projection: int | None = None,
) -> Any:
    """A CLIP text encoder for 77 tokens.

    Args:
        vocabulary: Number of tokens.
        hidden: Width of the embeddings.
        layers: Depth.
        activation: ``"quick_gelu"`` for OpenAI's CLIP, ``"gelu"`` for OpenCLIP.
        projection: Width of the pooled embedding; makes it a CLIPTextModelWithProjection.
    """
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=77,
        hidden_act=activation,
        projection_dim=projection or hidden,
        bos_token_id=0,  # 0, 2 and 1 are the values in the SD repositories
        eos_token_id=2,
        pad_token_id=1,
    )
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def t5_text_encoder(vocabulary: int, hidden: int) -> Any:
    """The encoder half of a T5 v1.1."""
    from transformers import T5Config, T5EncoderModel

    config = T5Config(
        vocab_size=vocabulary,
        d_model=hidden,
        d_kv=8,
        d_ff=2 * hidden,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
        use_cache=False,
        tie_word_embeddings=False,
    )
    return T5EncoderModel(config).eval()


def clip_image_encoder(hidden: int, projection: int) -> Any:
    """A CLIP image encoder for pictures of 224 × 224."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=224,
        patch_size=32,
        projection_dim=projection,
    )
    return CLIPVisionModelWithProjection(config).eval()


def use_hub_key_names(folder: Path) -> None:
    """Give text encoders below `folder` the key names of the hub's files.

    transformers from 5.6 on writes CLIPTextModel without the prefix ``text_model.``; both load.
    """
    for file in sorted(folder.glob("text_encoder*/model*.safetensors")):
        config = json.loads((file.parent / "config.json").read_text(encoding="utf-8"))
        if "CLIPTextModel" in config.get("architectures", []):
            _add_prefix(file, "text_model.")


def _add_prefix(file: Path, prefix: str) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    weights = load_file(file)
    if any(key.startswith(prefix) for key in weights):
        return
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    save_file({prefix + key: value for key, value in weights.items()}, file, metadata=metadata)
