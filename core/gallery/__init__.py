"""Every picture that was made: image files are the truth, the index beside them can be remade."""

from core.gallery.records import GalleryItem
from core.gallery.store import Gallery

__all__ = ["Gallery", "GalleryItem"]
