"""Model folders on disk: found, checked and described without reading a weight or importing torch.

`describe` looks at the JSON files and at the headers of the weights, so that a broken folder is
refused with a sentence before minutes of loading. A further family is a row in
`core.checkpoints.families`.
"""

from __future__ import annotations

from core.checkpoints.describe import Checkpoint, describe
from core.checkpoints.families import FAMILIES, FAMILY_NAMED, Family
from core.checkpoints.search import find_checkpoints, model_folders, resolve

__all__ = [
    "FAMILIES",
    "FAMILY_NAMED",
    "Checkpoint",
    "Family",
    "describe",
    "find_checkpoints",
    "model_folders",
    "resolve",
]
