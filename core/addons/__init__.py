"""Add-on files, such as LoRAs and IP-Adapters: found, told apart, put on a model and off again.

`AddonShelf` finds them, `outfit_for` refuses what does not fit before anything is loaded, and a
`Wardrobe` dresses the loaded model for one picture. After each picture, and after each failure, a
picture without add-ons is bit-identical to one that was made before.
"""

from core.addons.controls import control_arguments
from core.addons.describe import AddonFile, describe_addon
from core.addons.outfit import Outfit, outfit_for
from core.addons.shelf import AddonShelf
from core.addons.wardrobe import Wardrobe

__all__ = [
    "AddonFile",
    "AddonShelf",
    "Outfit",
    "Wardrobe",
    "control_arguments",
    "describe_addon",
    "outfit_for",
]
