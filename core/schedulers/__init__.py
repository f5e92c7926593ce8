"""Names of schedulers that people know, and the right scheduler of diffusers for each model."""

from core.schedulers.making import make_scheduler
from core.schedulers.table import (
    FLOW_SCHEDULERS,
    SCHEDULERS,
    SPACINGS,
    draws_noise,
    grouped,
    names_for,
)

__all__ = [
    "FLOW_SCHEDULERS",
    "SCHEDULERS",
    "SPACINGS",
    "draws_noise",
    "grouped",
    "make_scheduler",
    "names_for",
]
