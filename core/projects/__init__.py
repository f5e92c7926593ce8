"""Projects on disk: OpenRaster (.ora), which Krita, GIMP and MyPaint open, and one JSON record.

Every layer is a PNG with straight alpha; the mask is a hidden layer named "Inpaint mask". What
OpenRaster has no word for (frame, active layer, the dock's settings) is in sfumato/project.json.
"""

from core.projects.documents import snapshot_of
from core.projects.loading import Project, load_project
from core.projects.saving import save_project

__all__ = ["Project", "load_project", "save_project", "snapshot_of"]
