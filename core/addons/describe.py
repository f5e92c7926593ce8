"""One file told apart by its tensors' names and shapes: what it is, and which model it is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.abilities import AddonKind, ModelAbilities
from core.addons.headers import Header, Shape, read_header
from core.addons.ip_adapters import Sight, is_ip_adapter, sight_of, text_width_of
from core.errors import BrokenAddon

# Numbers for each token that a family's U-Net reads; shown to people, never decided by.
_FAMILIES = {768: "sd1", 1024: "sd2", 2048: "sdxl"}
# Ends of the names of a LoRA's first half, which is as wide as what it reads, by dialect.
_DIALECTS = {
    "kohya": (".lora_down.weight",),
    "diffusers": (".lora.down.weight", ".lora_A.weight", "_lora.down.weight"),
    "lycoris": (".hada_w1_a", ".lokr_w1", ".lokr_w1_a", ".oft_blocks"),
}
_TRANSFORMERS = (
    "single_transformer_blocks",
    "single_blocks",
    "double_blocks",
    "joint_blocks",
    "transformer.transformer_blocks",
)
_NO_UNET = 0
_VAE_NAMES = ("decoder.conv_in.weight", "decoder.layers.0.weight")
_MOST_VECTORS = 1024


@dataclass(frozen=True)
class AddonFile:
    """An add-on on disk.

    Attributes:
        kind: What it is.
        name: How people and requests call it.
        path: The file, or the folder of a model in diffusers' layout.
        dialect: Who wrote it: ``"kohya"``, ``"diffusers"``, or ``""``.
        text_width: Numbers for each token of the prompt that it was made for; 0 for a model
            that is no U-Net, None where the file does not say.
        family: ``"sd1"``, ``"sd2"``, ``"sdxl"``, or ``""`` where the width is none of theirs.
        title: What its author called it, if anything.
        sight: Of an IP-Adapter: what it wants to see of a picture.
    """

    kind: AddonKind
    name: str
    path: Path
    dialect: str = ""
    text_width: int | None = None
    family: str = ""
    title: str = ""
    sight: Sight | None = None

    def fits(self, abilities: ModelAbilities) -> bool:
        """Whether it can be put on such a model, as far as the headers tell."""
        if self.kind not in abilities.addons:
            return False
        return None in (self.text_width, abilities.text_width) or (
            self.text_width == abilities.text_width
        )


def describe_addon(path: Path, kinds: Collection[AddonKind] = (), name: str = "") -> AddonFile:
    """What the file is, from its header alone.

    Args:
        path: A safetensors file, or a folder with ``config.json`` and weights.
        kinds: What it may be, by the folder it was found in; without any, what it is.
        name: How to call it; the file's name without its ending when left out.

    Raises:
        BrokenAddon: damaged, a pickle, or not what it has to be.
    """
    file = weights_of(path)
    header = read_header(file)
    found = _kind(header)
    if found is None or (kinds and found not in kinds):
        raise BrokenAddon(f"{file} is not {_either(kinds)}. Take it out of that folder.")
    if found is AddonKind.IP_ADAPTER:
        return _ip_adapter(path, name or path.stem, file, header)
    if _dialect(header) == "lycoris":
        raise BrokenAddon(
            f"{file} is a LyCORIS file (LoHa, LoKr or OFT), which Sfumato cannot load. Get it as a "
            "plain LoRA."
        )
    width = _WIDTHS[found](header)
    return AddonFile(
        found,
        name or path.stem,
        path,
        _dialect(header) if found is AddonKind.LORA else "",
        width,
        _FAMILIES.get(width or 0, ""),
        _title(header),
    )


def _ip_adapter(path: Path, name: str, file: Path, header: Header) -> AddonFile:
    sight, width = sight_of(header, file), text_width_of(header, file)
    family, title = _FAMILIES.get(width, ""), _title(header)
    kind = AddonKind.IP_ADAPTER
    return AddonFile(kind, name, path, sight.dialect, width, family, title, sight)


def _title(header: Header) -> str:
    return header.metadata.get("modelspec.title", "")[:100]


def _either(kinds: Collection[AddonKind]) -> str:
    if not kinds:
        return "an add-on that Sfumato knows"
    return " or ".join(f"{kind.article} {kind.words}" for kind in kinds)


def weights_of(path: Path) -> Path:
    """The file with the weights: `path` itself, or the one in that folder.

    Raises:
        BrokenAddon: the folder holds none as safetensors.
    """
    if not path.is_dir():
        return path
    plain = path / "diffusion_pytorch_model.safetensors"
    others = sorted(path.glob("diffusion_pytorch_model*.safetensors"))
    if plain.exists() or not others:
        return plain if plain.exists() else _refuse_folder(path)
    return others[0]


def _refuse_folder(path: Path) -> Path:
    if any(path.glob("*.bin")):
        raise BrokenAddon(
            f"{path} has its weights as pickle only, which could run a stranger's program. Get "
            "them as safetensors."
        )
    raise BrokenAddon(f"{path} holds no weights (*.safetensors). Download it again.")


def _kind(header: Header) -> AddonKind | None:
    names = header.shapes
    if is_ip_adapter(header):  # those for faces hold LoRAs too
        return AddonKind.IP_ADAPTER
    if _dialect(header):
        return AddonKind.LORA
    if any("controlnet_" in name or "control_model." in name for name in names) or any(
        name.startswith(("input_hint_block.", "zero_convs.")) for name in names
    ):
        return AddonKind.CONTROLNET
    if any(name.startswith("model.diffusion_model.") for name in names):
        return None  # a whole checkpoint
    if any(name.removeprefix("first_stage_model.") in _VAE_NAMES for name in names):
        return AddonKind.VAE
    return AddonKind.EMBEDDING if _vectors(names) else None


def _dialect(header: Header) -> str:
    for dialect, ends in _DIALECTS.items():
        if any(name.endswith(ends) for name in header.shapes):
            return dialect
    return ""


def _vectors(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """The tensors of an embedding: at most two, each of some vectors or a single one."""
    if len(shapes) > 2 or not all(
        len(shape) in (1, 2) and 0 < shape[-1] <= 16_384 and shape[0] <= 16_384
        for shape in shapes.values()
    ):
        return {}
    if any(len(shape) == 2 and not 1 <= shape[0] <= _MOST_VECTORS for shape in shapes.values()):
        return {}
    two = {"clip_l", "clip_g"}
    return dict(shapes) if len(shapes) == 1 or set(shapes) == two else {}


def _lora_width(header: Header) -> int | None:
    """The cross-attention's keys read the text, so that their first half is as wide as that."""
    if any(part in name for name in header.shapes for part in _TRANSFORMERS):
        return _NO_UNET
    downs = (*_DIALECTS["kohya"], *_DIALECTS["diffusers"])
    for name, shape in header.shapes.items():
        if "attn2" in name and "to_k" in name and name.endswith(downs) and len(shape) >= 2:
            return shape[1]
    return None


def _embedding_width(header: Header) -> int | None:
    return sum(shape[-1] for shape in header.shapes.values())


def _control_width(header: Header) -> int | None:
    for name, shape in header.shapes.items():
        if name.endswith("attn2.to_k.weight") and len(shape) == 2:
            return shape[1]
    return None


def _no_width(header: Header) -> int | None:
    return None


_WIDTHS = {
    AddonKind.LORA: _lora_width,
    AddonKind.EMBEDDING: _embedding_width,
    AddonKind.CONTROLNET: _control_width,
    AddonKind.VAE: _no_width,
}
