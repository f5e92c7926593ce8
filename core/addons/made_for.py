"""Which models an add-on was made for, told by the names and shapes of its tensors alone."""

from __future__ import annotations

from collections.abc import Collection

from core.addons.headers import Header

UNET, SD3, FLUX = "unet", "sd3", "flux"
Architectures = frozenset[str]
ANY: Architectures = frozenset()

# Ends of the names of a LoRA's first half, which is as wide as what it reads, by dialect.
KOHYA, DIFFUSERS = "kohya", "diffusers"
DOWNS = {
    KOHYA: (".lora_down.weight",),
    DIFFUSERS: (".lora.down.weight", ".lora_A.weight", "_lora.down.weight"),
}
# Parts of a LoRA's names, dots as underscores, ^ before the first; the first found decides.
_LORA_PARTS: tuple[tuple[tuple[str, ...], Architectures], ...] = (
    (("single_transformer_blocks", "single_blocks", "double_blocks"), frozenset({FLUX})),
    (("joint_blocks",), frozenset({SD3})),
    (("^unet_", "down_blocks", "up_blocks", "mid_block", "input_blocks", "output_blocks",
      "middle_block"), frozenset({UNET})),
    # Both call their blocks so; then only the width tells them apart.
    (("transformer_blocks",), frozenset({SD3, FLUX})),
)  # fmt: skip
# Layers that read what a transformer works with; kohya-ss joins the three.
_READS_INSIDE = ("attn_to_q", "attn_to_k", "attn_to_v", "attn_qkv", "linear1")
_CONTROL_PARTS = {"pos_embed_input.proj.weight": SD3, "controlnet_x_embedder.weight": FLUX}
_LATENTS = ("decoder.conv_in.weight", "decoder.layers.0.weight")


def lora_architectures(header: Header) -> Architectures:
    """What kinds of network a LoRA may be for; none where it changes text encoders alone."""
    names = ["^" + name.replace(".", "_") for name in header.shapes]
    for parts, architectures in _LORA_PARTS:
        if any(part in name for part in parts for name in names):
            return architectures
    return ANY


def lora_width(header: Header, architectures: Collection[str]) -> int | None:
    """Numbers for each token that its U-Net reads, or that its transformer works with."""
    downs = tuple(end for ends in DOWNS.values() for end in ends)
    for name, shape in header.shapes.items():
        if len(shape) < 2 or not name.endswith(downs):
            continue
        plain = name.replace(".", "_")
        if UNET in architectures:
            # The cross-attention's keys read the text.
            if "attn2" in plain and "to_k" in plain:
                return shape[1]
        elif "text" not in plain and any(part in plain for part in _READS_INSIDE):
            return shape[1]
    return None


def control_architectures(header: Header) -> Architectures:
    """What kind of network a ControlNet leads."""
    told = {kind for name, kind in _CONTROL_PARTS.items() if name in header.shapes}
    return frozenset(told or {UNET})


def control_width(header: Header) -> int | None:
    """As `lora_width`."""
    for name, shape in header.shapes.items():
        if name in _CONTROL_PARTS and len(shape) >= 2:
            return shape[0]
        if name.endswith("attn2.to_k.weight") and len(shape) == 2:
            return shape[1]
    return None


def latent_channels(header: Header) -> int | None:
    """Channels of the latents that a VAE decodes."""
    for name, shape in header.shapes.items():
        if name.removeprefix("first_stage_model.") in _LATENTS and len(shape) == 4:
            return shape[1]
    return None
