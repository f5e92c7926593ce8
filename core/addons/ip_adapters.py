"""IP-Adapter files by their headers: which sort, for which U-Net, and whose eyes they need.

The layouts are those of their authors (tencent-ailab/IP-Adapter), which diffusers reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.addons.headers import Header, Shape
from core.errors import BrokenAddon

PROJECTION, ATTENTION = "image_proj.", "ip_adapter."
PLAIN, PLUS, FULL = "plain", "plus", "full"
# By sort, the tensor whose second number is the width of what the image encoder must give.
_READS = {PLAIN: "proj.weight", PLUS: "proj_in.weight", FULL: "proj.0.weight"}
_TOLD_BY = {"proj.weight": PLAIN, "latents": PLUS, "proj.3.weight": FULL}


@dataclass(frozen=True)
class Sight:
    """What an IP-Adapter wants to see of a picture.

    Attributes:
        dialect: ``"plain"`` reads the encoder's summary of it; ``"plus"`` and ``"full"`` read
            its last layer but one.
        width: Numbers for each token of that.
    """

    dialect: str
    width: int


def is_ip_adapter(header: Header) -> bool:
    """Whether a file is one, of whichever sort."""
    return all(
        any(name.startswith(prefix) for name in header.shapes) for prefix in (PROJECTION, ATTENTION)
    )


def sight_of(header: Header, file: Path) -> Sight:
    """Which sort of IP-Adapter it is.

    Raises:
        BrokenAddon: it reads faces, is of a sort that nobody knows, or lacks weights.
    """
    names = header.shapes
    if _reads_faces(header):
        raise BrokenAddon(
            f"{file} is an IP-Adapter for faces (FaceID), which needs a face recognizer that "
            "Sfumato does not have. Take one of the others, such as ip-adapter-plus-face."
        )
    for told_by, dialect in _TOLD_BY.items():
        if PROJECTION + told_by in names:
            shape = names.get(PROJECTION + _READS[dialect], ())
            return Sight(dialect, _second(shape, file))
    raise BrokenAddon(f"{file} is an IP-Adapter of an unknown sort. Take it out of that folder.")


def text_width_of(header: Header, file: Path) -> int:
    """Numbers for each token of the U-Net that it was trained on.

    Raises:
        BrokenAddon: the file lacks that weight.
    """
    for name, shape in header.shapes.items():
        if name.startswith(ATTENTION) and name.endswith(".to_k_ip.weight"):
            return _second(shape, file)
    raise BrokenAddon(f"{file} lacks weights. Download it again.")


def _reads_faces(header: Header) -> bool:
    """Whether it wants what a face recognizer says, as those with LoRAs and the "portraits" do."""
    names = header.shapes
    has_norm_alone = f"{PROJECTION}norm.weight" in names and f"{PROJECTION}proj.weight" not in names
    return has_norm_alone or any("_lora." in name or "perceiver_" in name for name in names)


def _second(shape: Shape, file: Path) -> int:
    if len(shape) != 2:
        raise BrokenAddon(f"{file} lacks weights. Download it again.")
    return shape[1]
