"""One file told apart by its tensors' names and shapes: what it is, and which model it is for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.abilities import AddonKind, ModelAbilities
from core.addons.headers import Header, Shape, read_header
from core.addons.ip_adapters import Sight, is_ip_adapter, sight_of, text_width_of
from core.addons.made_for import (
    ANY,
    DOWNS,
    KOHYA,
    SD3,
    UNET,
    Architectures,
    control_architectures,
    control_width,
    latent_channels,
    lora_architectures,
    lora_width,
)
from core.errors import BrokenAddon

# Numbers for each token that a family's U-Net reads; shown to people, never decided by.
_FAMILIES = {768: "sd1", 1024: "sd2", 2048: "sdxl"}
_LYCORIS_NAME = "lycoris"
_LYCORIS = (".hada_w1_a", ".lokr_w1", ".lokr_w1_a", ".oft_blocks")
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
        made_for: The architectures it can be put on, as `ModelAbilities.architecture` names
            them; empty where any will do.
        text_width: Numbers for each token that it was made for, as
            `ModelAbilities.text_width`; None where the file does not say.
        latent_channels: Of a VAE: channels of its latents, where the file says.
        family: ``"sd1"``, ``"sd2"``, ``"sdxl"``, ``"sd3"``, ``"flux"``, or ``""`` where the file
            tells none of them.
        title: What its author called it, if anything.
        sight: Of an IP-Adapter: what it wants to see of a picture.
    """

    kind: AddonKind
    name: str
    path: Path
    dialect: str = ""
    made_for: Architectures = ANY
    text_width: int | None = None
    latent_channels: int | None = None
    family: str = ""
    title: str = ""
    sight: Sight | None = None

    def fits(self, abilities: ModelAbilities) -> bool:
        """Whether it can be put on such a model, as far as the headers tell."""
        if self.kind not in abilities.addons:
            return False
        if self.made_for and abilities.architecture not in self.made_for:
            return False
        pairs = (
            (self.text_width, abilities.text_width),
            (self.latent_channels, abilities.latent_channels),
        )
        return all(None in pair or pair[0] == pair[1] for pair in pairs)


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
    made_for = _ARCHITECTURES.get(found, _any)(header)
    width = _width(found, header, made_for)
    dialect = _dialect(header) if found is AddonKind.LORA else ""
    _refuse_dialect(file, dialect, made_for)
    return AddonFile(
        found,
        name or path.stem,
        path,
        dialect,
        made_for,
        width,
        latent_channels(header) if found is AddonKind.VAE else None,
        _family(made_for, width),
        _title(header),
    )


def _refuse_dialect(file: Path, dialect: str, made_for: Architectures) -> None:
    """Refuse LoRAs that diffusers has no way to load into these networks."""
    if dialect == _LYCORIS_NAME:
        raise BrokenAddon(
            f"{file} is a LyCORIS file (LoHa, LoKr or OFT), which Sfumato cannot load. Get it as a "
            "plain LoRA."
        )
    if dialect == KOHYA and made_for == {SD3}:
        raise BrokenAddon(
            f"{file} is a LoRA for Stable Diffusion 3 as kohya-ss writes it, which Sfumato cannot "
            "load. Get it as diffusers writes it, with “transformer.” in its layers' names."
        )


def _family(made_for: Architectures, width: int | None) -> str:
    """Its family, for people."""
    if made_for and UNET not in made_for:
        return "".join(made_for) if len(made_for) == 1 else ""
    return _FAMILIES.get(width or 0, "")


def _ip_adapter(path: Path, name: str, file: Path, header: Header) -> AddonFile:
    sight, width = sight_of(header, file), text_width_of(header, file)
    family, title = _FAMILIES.get(width, ""), _title(header)
    kind = AddonKind.IP_ADAPTER
    made_for = frozenset({UNET})
    return AddonFile(
        kind, name, path, sight.dialect, made_for, width, family=family, title=title, sight=sight
    )


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
    for dialect, ends in {**DOWNS, _LYCORIS_NAME: _LYCORIS}.items():
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


def _width(kind: AddonKind, header: Header, made_for: Architectures) -> int | None:
    if kind is AddonKind.LORA:
        return lora_width(header, made_for)
    if kind is AddonKind.CONTROLNET:
        return control_width(header)
    if kind is AddonKind.EMBEDDING:
        return sum(shape[-1] for shape in header.shapes.values())
    return None


def _unet(header: Header) -> Architectures:
    return frozenset({UNET})


def _any(header: Header) -> Architectures:
    return ANY


_ARCHITECTURES = {
    AddonKind.LORA: lora_architectures,
    AddonKind.EMBEDDING: _unet,
    AddonKind.CONTROLNET: control_architectures,
}
