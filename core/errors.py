"""Errors that are the world's fault, not ours: their text is shown to the person as it is."""


class KnownError(Exception):
    """Something outside the program went wrong; `str(error)` says what, and what to do about it.

    Everything that is not a `KnownError` is a bug and keeps its traceback.
    """


class InvalidRequest(KnownError):
    """A generation was asked for that no model could carry out as written."""


class InvalidSetting(KnownError):
    """A choice of the person's that cannot hold on this computer."""


class UnreadableImage(KnownError):
    """A file is missing, is not a picture, or is a picture that must not be opened."""


class CanvasTooLarge(KnownError):
    """A canvas was asked for that is larger than memory is likely to hold."""


class BrokenCheckpoint(KnownError):
    """A model folder is missing, incomplete, or not a model."""


class BrokenAddon(KnownError):
    """A LoRA, ControlNet, IP-Adapter or the like is missing, damaged, or for another model."""


class StorageFailed(KnownError):
    """A file or the gallery could not be written or read: full disk, missing rights, damage."""


class OutOfMemory(KnownError):
    """The picture did not fit into the memory of the device."""


class GenerationCancelled(Exception):
    """The person asked to stop. Control flow, not an error: nothing is shown but the fact."""
