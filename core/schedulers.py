"""Names of schedulers that people know, and the diffusers scheduler that each one stands for.

A scheduler is always made from the configuration the model came with, never from the scheduler
that ran last: every conversion loses and adds keys. What belongs to the model (noise schedule,
prediction type, timestep spacing) is kept; what belongs to the sampler is set here in full, so
that ``use_karras_sigmas`` of one model does not sneak into another scheduler.

Left out: LMS needs scipy, DPM++ SDE needs torchsde and ignores the generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from core.errors import InvalidRequest

# Only these two are right for every class in the table; flow matching needs a table of its own,
# since these schedulers run on it without an error and draw a wrong picture.
_PREDICTION_TYPES = ("epsilon", "v_prediction")

# The noise the model was trained with. diffusers drops such a key when it was not written in the
# file, and classes disagree on the defaults (beta_start is 0.0001 for DDIM, 0.00085 for Heun).
_OF_THE_MODEL = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
)


@dataclass(frozen=True)
class SchedulerRow:
    """One line of the table.

    Attributes:
        class_name: Class in diffusers.
        options: Values that make the sampler; they win over the model's configuration.
        defaults: Values for keys that the model's configuration does not have.
    """

    class_name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


def _sigmas(*, karras: bool) -> dict[str, bool]:
    return {
        "use_karras_sigmas": karras,
        "use_exponential_sigmas": False,
        "use_beta_sigmas": False,
    }


def _dpm(algorithm: str, *, karras: bool = False) -> SchedulerRow:
    options = {
        "algorithm_type": algorithm,
        "solver_order": 2,
        "solver_type": "midpoint",
        "lower_order_final": True,
        "euler_at_final": False,
        "use_lu_lambdas": False,
        "thresholding": False,
        "final_sigmas_type": "zero",
        **_sigmas(karras=karras),
    }
    return SchedulerRow("DPMSolverMultistepScheduler", options)


def _unipc() -> SchedulerRow:
    options = {
        "solver_order": 2,
        "solver_type": "bh2",
        "lower_order_final": True,
        "predict_x0": True,
        "thresholding": False,
        "final_sigmas_type": "zero",
        **_sigmas(karras=False),
    }
    return SchedulerRow("UniPCMultistepScheduler", options)


# Latents reach far beyond -1..1, so that clipping them, the default of DDIM, spoils the picture
# (x0 off by a factor of 19); thresholding is for pixels too.
_UNCLIPPED = {"clip_sample": False, "thresholding": False}

SCHEDULERS: Mapping[str, SchedulerRow] = MappingProxyType(
    {
        "Euler": SchedulerRow(
            "EulerDiscreteScheduler", {**_sigmas(karras=False), "final_sigmas_type": "zero"}
        ),
        "Euler a": SchedulerRow("EulerAncestralDiscreteScheduler"),
        "DDIM": SchedulerRow("DDIMScheduler", _UNCLIPPED, {"set_alpha_to_one": False}),
        "DPM++ 2M": _dpm("dpmsolver++"),
        "DPM++ 2M Karras": _dpm("dpmsolver++", karras=True),
        "DPM++ 2M SDE": _dpm("sde-dpmsolver++"),
        "DPM++ 2M SDE Karras": _dpm("sde-dpmsolver++", karras=True),
        "UniPC": _unipc(),
        "Heun": SchedulerRow("HeunDiscreteScheduler", {**_sigmas(karras=False), **_UNCLIPPED}),
    }
)


def make_scheduler(name: str, original_config: Mapping[str, Any]) -> Any:
    """A fresh diffusers scheduler.

    Args:
        name: A key of `SCHEDULERS`.
        original_config: ``dict(pipe.scheduler.config)`` as it was right after loading.

    Raises:
        InvalidRequest: the name is unknown, or the model predicts something (flow matching, the
            sample itself) that these schedulers would silently get wrong.
    """
    row = _row(name)
    _require_prediction_type(name, original_config)
    import diffusers

    config = _config_for(row, original_config)
    return getattr(diffusers, row.class_name).from_config(config)


def _row(name: str) -> SchedulerRow:
    row = SCHEDULERS.get(name)
    if row is None:
        raise InvalidRequest(
            f"“{name}” is not a known scheduler. Choose one of: {', '.join(SCHEDULERS)}."
        )
    return row


def _require_prediction_type(name: str, original_config: Mapping[str, Any]) -> None:
    predicts = original_config.get("prediction_type", "epsilon")
    if "FlowMatch" in str(original_config.get("_class_name")):
        predicts = "flow_prediction"
    if predicts not in _PREDICTION_TYPES:
        raise InvalidRequest(
            f"The scheduler “{name}” cannot lead this model, whose prediction type is "
            f"“{predicts}”; it leads models of the types {' and '.join(_PREDICTION_TYPES)}."
        )


def _config_for(row: SchedulerRow, original_config: Mapping[str, Any]) -> dict[str, Any]:
    # `_use_default_values` names the keys that only diffusers filled in: there the new class
    # has a better default than the old one, the noise schedule excepted.
    filled_in = set(original_config.get("_use_default_values", ())) - set(_OF_THE_MODEL)
    written = {
        key: value
        for key, value in original_config.items()
        if not key.startswith("_") and key not in filled_in
    }
    return {**row.defaults, **written, **row.options}
