"""Models on disk: found, checked and described without reading a weight or importing torch.

`describe` looks at the JSON files and at the headers of the weights, so that a broken folder or
file is refused with a sentence before minutes of loading. A further family is a row in
`core.checkpoints.families`.
"""

from __future__ import annotations

from core.checkpoints.checkpoint import Checkpoint, TextReader
from core.checkpoints.describe import describe
from core.checkpoints.families import FAMILIES, FAMILY_NAMED, Family
from core.checkpoints.search import (
    find_checkpoints,
    look_through,
    model_folders,
    resolve,
    signature,
)

__all__ = [
    "FAMILIES",
    "FAMILY_NAMED",
    "Checkpoint",
    "Family",
    "TextReader",
    "describe",
    "find_checkpoints",
    "look_through",
    "model_folders",
    "resolve",
    "signature",
]
