"""What is put on top of Stable Diffusion 1.5: ControlNet, IP-Adapter, LoRA, inversions, TAESD."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from tools.tiny_zoo.files import sort_metadata
from tools.tiny_zoo.image_models import with_visible_output
from tools.tiny_zoo.stable_diffusion import SD1_WIDTH, SDXL_SECOND_WIDTH
from tools.tiny_zoo.text_encoders import clip_image_encoder

_IMAGE_WIDTH = 48
_IMAGE_HIDDEN = 32
_HEAD = 64  # diffusers counts the heads of a "plus" file by this
_IMAGE_TOKENS = 4
_LORA_RANK = 4


def write_taesd(folder: Path) -> None:
    """The tiny autoencoder for Stable Diffusion's latents."""
    from diffusers import AutoencoderTiny

    narrow = (16,) * 4
    vae = AutoencoderTiny(
        encoder_block_out_channels=narrow,
        decoder_block_out_channels=narrow,
        num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4,
        latent_channels=4,
    )
    with_visible_output(vae.eval()).save_pretrained(folder)


def write_controlnet(folder: Path) -> None:
    """A ControlNet whose last convolutions are not zero, so that it changes the picture."""
    _write_controlnet(folder, _unet(folder))


def write_sdxl_controlnet(folder: Path) -> None:
    """The same for SDXL's U-Net."""
    _write_controlnet(folder, _unet(folder, "sdxl-base"))


def write_sd2_controlnet(folder: Path) -> None:
    """The same for Stable Diffusion 2's U-Net."""
    _write_controlnet(folder, _unet(folder, "sd21"))


def write_sd3_controlnet(folder: Path) -> None:
    """One block of Stable Diffusion 3's transformer that reads a picture too."""
    from diffusers import SD3ControlNetModel

    like = dict(_transformer(folder, "sd3").config)
    _save_residuals(folder, SD3ControlNetModel.from_config(like | {"num_layers": 1}))


def write_flux_controlnet(folder: Path) -> None:
    """One block of each sort of Flux's transformer that reads a picture too."""
    from diffusers import FluxControlNetModel

    # It warns of where it imports a part of its own from.
    warnings.filterwarnings("ignore", "`FluxPosEmbed`", FutureWarning)
    _save_residuals(
        folder, FluxControlNetModel.from_config(dict(_transformer(folder, "flux-dev").config))
    )


def write_ip_adapter(folder: Path) -> None:
    """h94/IP-Adapter: ``models`` with ``image_encoder`` for SD 1.5, and ``sdxl_models``."""
    from safetensors.torch import save_file

    unet = _unet(folder)
    models = folder / "models"
    models.mkdir()
    weights = _image_projection(SD1_WIDTH) | _image_attention(unet, SD1_WIDTH)
    save_file(weights, models / "ip-adapter_sd15.safetensors")
    clip_image_encoder(_IMAGE_HIDDEN, _IMAGE_WIDTH).save_pretrained(models / "image_encoder")
    plus = _image_resampler(SD1_WIDTH) | _image_attention(unet, SD1_WIDTH)
    save_file(plus, models / "ip-adapter-plus_sd15.safetensors")
    wide = SD1_WIDTH + SDXL_SECOND_WIDTH
    sdxl = _image_projection(wide) | _image_attention(_unet(folder, "sdxl-base"), wide)
    (folder / "sdxl_models").mkdir()
    save_file(sdxl, folder / "sdxl_models" / "ip-adapter_sdxl_vit-h.safetensors")


def write_loras(folder: Path) -> None:
    """Three dialects: diffusers for the U-Net, diffusers with text encoder, and kohya-ss."""
    from safetensors.torch import save_file

    unet = _lora_weights(_unet(folder), ("to_k", "to_q", "to_v", "to_out.0"))
    text = _lora_weights(_text_encoder(folder), ("q_proj", "k_proj", "v_proj", "out_proj"))
    unet_keys = {f"unet.{key}": value for key, value in unet.items()}
    text_keys = _text_keys(text)
    metadata = {"format": "pt"}
    save_file(unet_keys, folder / "tiny_unet.safetensors", metadata=metadata)
    save_file(unet_keys | text_keys, folder / "tiny_unet_te.safetensors", metadata=metadata)
    _write_kohya(folder, unet)


def write_sdxl_lora(folder: Path) -> None:
    """For SDXL's U-Net, in diffusers' dialect."""
    _save_lora(folder / "tiny_sdxl.safetensors", _unet(folder, "sdxl-base"), "unet")


def write_sd3_loras(folder: Path) -> None:
    """For Stable Diffusion 3's transformer, alone and with its first text encoder."""
    from safetensors.torch import load_file, save_file

    alone = folder / "tiny_sd3.safetensors"
    _save_lora(alone, _transformer(folder, "sd3"), "transformer")
    encoder = _text_encoder(folder, "sd3")
    text = _lora_weights(encoder, ("q_proj", "k_proj", "v_proj", "out_proj"))
    save_file(load_file(alone) | _text_keys(text), folder / "tiny_sd3_te.safetensors")


def write_flux_loras(folder: Path) -> None:
    """For Flux's transformer, in diffusers' dialect and in that of kohya-ss."""
    from safetensors.torch import save_file

    transformer = _transformer(folder, "flux-dev")
    _save_lora(folder / "tiny_flux.safetensors", transformer, "transformer")
    width = transformer.config.num_attention_heads * transformer.config.attention_head_dim
    save_file(_kohya_flux(width), folder / "tiny_flux_kohya.safetensors")


def write_textual_inversions(folder: Path) -> None:
    """A learned word as diffusers, A1111 and SDXL write it."""
    import torch
    from safetensors.torch import save_file

    save_file({"<tiny-cat>": torch.randn(1, SD1_WIDTH)}, folder / "learned_embeds.safetensors")
    save_file({"emb_params": torch.randn(3, SD1_WIDTH)}, folder / "tiny_badhands.safetensors")
    both = {"clip_l": torch.randn(2, SD1_WIDTH), "clip_g": torch.randn(2, SDXL_SECOND_WIDTH)}
    save_file(both, folder / "tiny_sdxl.safetensors")


def _write_controlnet(folder: Path, unet: Any) -> None:
    import torch
    from diffusers import ControlNetModel

    colours = (16, 16, 16, 32)
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=colours)
    last = [*net.controlnet_down_blocks, net.controlnet_mid_block]
    with torch.no_grad():
        for layer in (*last, net.controlnet_cond_embedding.conv_out):
            torch.nn.init.normal_(layer.weight, std=0.2)
    net.eval().save_pretrained(folder)


def _save_residuals(folder: Path, net: Any) -> None:
    """With no layers left at zero, so that it changes the picture, and the picture it."""
    import torch

    with torch.no_grad():
        for name, weights in net.named_parameters():
            if name.startswith(("controlnet_", "pos_embed_input")) and name.endswith("weight"):
                torch.nn.init.normal_(weights, std=0.2)
    net.eval().save_pretrained(folder)


def _save_lora(file: Path, network: Any, part: str) -> None:
    """In diffusers' newer dialect, which calls the halves A and B."""
    from safetensors.torch import save_file

    weights = _lora_weights(network, ("to_k", "to_q", "to_v"))
    halves = {".lora.down.": ".lora_A.", ".lora.up.": ".lora_B."}
    for old, new in halves.items():
        weights = {name.replace(old, new): value for name, value in weights.items()}
    save_file({f"{part}.{name}": value for name, value in weights.items()}, file)


def _text_keys(weights: dict[str, Any]) -> dict[str, Any]:
    """Text encoders have another name for the same thing in diffusers' dialect."""
    renamed = {key.replace(".lora.", ".lora_linear_layer."): v for key, v in weights.items()}
    return {f"text_encoder.{key}": value for key, value in renamed.items()}


def _transformer(folder: Path, model: str) -> Any:
    from diffusers import AutoModel

    return AutoModel.from_pretrained(str(folder.parent / model / "transformer"))


def _unet(folder: Path, model: str = "sd15") -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel.from_pretrained(folder.parent / model / "unet")


def _text_encoder(folder: Path, model: str = "sd15") -> Any:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    kind = CLIPTextModel if model == "sd15" else CLIPTextModelWithProjection
    return kind.from_pretrained(folder.parent / model / "text_encoder")


def _image_projection(text_width: int) -> dict[str, Any]:
    import torch

    width = text_width * _IMAGE_TOKENS
    return {
        "image_proj.proj.weight": torch.randn(width, _IMAGE_WIDTH) * 0.2,
        "image_proj.proj.bias": torch.zeros(width),
        "image_proj.norm.weight": torch.ones(text_width),
        "image_proj.norm.bias": torch.zeros(text_width),
    }


def _image_resampler(text_width: int) -> dict[str, Any]:
    """What the "plus" files have: four layers that ask the picture's patches for 16 tokens."""
    shapes: dict[str, tuple[int, ...]] = {
        "latents": (1, 16, _HEAD),
        "proj_in.weight": (_HEAD, _IMAGE_HIDDEN),
        "proj_in.bias": (_HEAD,),
        "proj_out.weight": (text_width, _HEAD),
        "proj_out.bias": (text_width,),
        "norm_out.weight": (text_width,),
        "norm_out.bias": (text_width,),
    }
    for layer in range(4):
        attention, forward = f"layers.{layer}.0", f"layers.{layer}.1"
        for norm in (f"{attention}.norm1", f"{attention}.norm2", f"{forward}.0"):
            shapes |= {f"{norm}.weight": (_HEAD,), f"{norm}.bias": (_HEAD,)}
        for name in ("to_q", "to_out"):
            shapes[f"{attention}.{name}.weight"] = (_HEAD, _HEAD)
        shapes[f"{attention}.to_kv.weight"] = (2 * _HEAD, _HEAD)
        shapes[f"{forward}.1.weight"] = (4 * _HEAD, _HEAD)
        shapes[f"{forward}.3.weight"] = (_HEAD, 4 * _HEAD)
    return {f"image_proj.{name}": _drawn(name, shape) for name, shape in shapes.items()}


def _drawn(name: str, shape: tuple[int, ...]) -> Any:
    """Norms that leave things as they are, no biases, and weights by chance."""
    import torch

    if name.endswith("bias"):
        return torch.zeros(shape)
    return torch.ones(shape) if len(shape) == 1 else torch.randn(shape) * 0.2


def _image_attention(unet: Any, text_width: int) -> dict[str, Any]:
    """Keys and values for each cross-attention; those sit at the odd numbers."""
    import torch

    names = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    weights = {}
    for rank, name in enumerate(names):
        width = unet.get_submodule(name.removesuffix(".processor")).to_k.weight.shape[0]
        for letter in "kv":
            key = f"ip_adapter.{2 * rank + 1}.to_{letter}_ip.weight"
            weights[key] = torch.randn(width, text_width) * 0.3
    return weights


def _lora_weights(model: Any, targets: tuple[str, ...]) -> dict[str, Any]:
    """Random low-rank changes to every layer of these names, in diffusers' dialect."""
    import torch

    weights = {}
    for name, layer in model.named_modules():
        if name.endswith(targets):
            rows, columns = layer.weight.shape
            weights[f"{name}.lora.down.weight"] = torch.randn(_LORA_RANK, columns) / _LORA_RANK
            weights[f"{name}.lora.up.weight"] = torch.randn(rows, _LORA_RANK) * 0.3
    return weights


def _write_kohya(folder: Path, unet: dict[str, Any]) -> None:
    """The file that kohya-ss's trainer writes and most of civitai has."""
    from safetensors.torch import save_file

    metadata = {
        "ss_base_model_version": "sd_v1",
        "ss_network_dim": str(_LORA_RANK),
        "ss_network_alpha": "2",
        "ss_tag_frequency": json.dumps({"10_tiny": {"tinystyle": 10}}),
        "modelspec.title": "tiny",
    }
    file = folder / "tiny_kohya.safetensors"
    save_file(_kohya_unet(unet) | _kohya_text_encoder(layers=2), file, metadata=metadata)
    sort_metadata(file)


def _kohya_flux(width: int) -> dict[str, Any]:
    """The attention of the first double block, whose three layers are one in this dialect."""
    import torch

    weights = {}
    for side in ("img", "txt"):
        name = f"lora_unet_double_blocks_0_{side}_attn_qkv"
        weights[f"{name}.lora_down.weight"] = torch.randn(_LORA_RANK, width) / _LORA_RANK
        weights[f"{name}.lora_up.weight"] = torch.randn(3 * width, _LORA_RANK) * 0.3
        weights[f"{name}.alpha"] = torch.tensor(2.0)
    return weights


def _kohya_unet(unet: dict[str, Any]) -> dict[str, Any]:
    import torch

    weights = {}
    for key, value in unet.items():
        module, direction = key.removesuffix(".weight").rsplit(".lora.", 1)
        name = f"lora_unet_{module.replace('.', '_')}"
        weights[f"{name}.lora_{direction}.weight"] = value.contiguous()
        weights[f"{name}.alpha"] = torch.tensor(2.0)
    return weights


def _kohya_text_encoder(layers: int) -> dict[str, Any]:
    import torch

    wide = 2 * SD1_WIDTH
    shapes = {f"self_attn_{part}_proj": (SD1_WIDTH, SD1_WIDTH) for part in ("q", "k", "v", "out")}
    shapes |= {"mlp_fc1": (wide, SD1_WIDTH), "mlp_fc2": (SD1_WIDTH, wide)}
    weights = {}
    for layer in range(layers):
        for part, (rows, columns) in shapes.items():
            name = f"lora_te_text_model_encoder_layers_{layer}_{part}"
            weights[f"{name}.lora_down.weight"] = torch.randn(_LORA_RANK, columns) * 0.3
            weights[f"{name}.lora_up.weight"] = torch.randn(rows, _LORA_RANK) * 0.3
            weights[f"{name}.alpha"] = torch.tensor(float(_LORA_RANK))
    return weights
