"""The thread that makes pictures: requests in, events out; the only Qt in core, and only QtCore."""

from core.engine.events import (
    Cancelled,
    EngineEvent,
    Failed,
    Finished,
    MemoryIsTight,
    MemoryRanShort,
    QueueChanged,
    Ready,
    Remark,
)
from core.engine.queue import Lane
from core.engine.shelf import WaitingShelf
from core.engine.thread import InferenceThread

__all__ = [
    "Cancelled",
    "EngineEvent",
    "Failed",
    "Finished",
    "InferenceThread",
    "Lane",
    "MemoryIsTight",
    "MemoryRanShort",
    "QueueChanged",
    "Ready",
    "Remark",
    "WaitingShelf",
]
