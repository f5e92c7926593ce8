"""A scheduler by its name, made for one model.

It is always made from the configuration the model came with, never from the scheduler that ran
last: every conversion loses and adds keys. What belongs to the model (noise schedule, prediction
type, timestep spacing) is kept; what belongs to the sampler is set in full, so that
``use_karras_sigmas`` of one model does not sneak into another scheduler.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from core.errors import InvalidRequest
from core.schedulers.table import FLOW_SCHEDULERS, SCHEDULERS, UNCLIPPED, SchedulerRow

_NOISE_PREDICTIONS = ("epsilon", "v_prediction")
_FLOW = "flow_prediction"

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

# Consistency samplers step on a coarse grid of the training's timesteps: 50 of 1000, or where
# more steps are asked for, the next finer grid that divides them.
_CONSISTENCY = ("LCMScheduler", "TCDScheduler")
_GRIDS = (50, 100, 125, 200, 250, 500, 1000)


def make_scheduler(
    name: str, original_config: Mapping[str, Any], num_inference_steps: int = 1
) -> Any:
    """A fresh diffusers scheduler.

    Args:
        name: A key of `SCHEDULERS`, or of `FLOW_SCHEDULERS` for a model of that kind.
        original_config: ``dict(pipe.scheduler.config)`` as it was right after loading.
        num_inference_steps: How many steps it will be asked for, at most.

    Raises:
        InvalidRequest: the name is unknown, or the scheduler would silently draw a wrong picture
            with what this model predicts.
    """
    row = _row(name, _predicted(original_config))
    import diffusers

    scheduler = getattr(diffusers, row.class_name)
    config = _config_for(row, original_config)
    if row.class_name in _CONSISTENCY:
        config["original_inference_steps"] = _grid(config, num_inference_steps)
    # A model's file may hold keys of other classes, about which diffusers would warn each time.
    known = inspect.signature(scheduler.__init__).parameters
    made = scheduler.from_config({key: value for key, value in config.items() if key in known})
    if row.options.get("use_flow_sigmas"):  # what pipelines of flow models call `add_noise`
        made.scale_noise = lambda sample, timestep, noise: made.add_noise(sample, noise, timestep)
    return made


def _grid(config: Mapping[str, Any], num_inference_steps: int) -> int:
    trained: int = config.get("original_inference_steps", _GRIDS[0])
    return next((grid for grid in (trained, *_GRIDS) if grid >= num_inference_steps), _GRIDS[-1])


def _predicted(config: Mapping[str, Any]) -> str:
    if "FlowMatch" in str(config.get("_class_name")):
        return _FLOW
    return str(config.get("prediction_type", "epsilon"))


def _row(name: str, predicted: str) -> SchedulerRow:
    known = SCHEDULERS.keys() | FLOW_SCHEDULERS.keys()
    if name not in known:
        raise InvalidRequest(
            f"“{name}” is not a known scheduler. Choose one of: {', '.join(SCHEDULERS)}."
        )
    table = FLOW_SCHEDULERS if predicted == _FLOW else SCHEDULERS
    if name in table and predicted in (*_NOISE_PREDICTIONS, _FLOW):
        return table[name]
    fitting = ", ".join(FLOW_SCHEDULERS) if predicted == _FLOW else "none"
    raise InvalidRequest(
        f"The scheduler “{name}” cannot lead this model, whose prediction type is "
        f"“{predicted}”. Schedulers for it: {fitting}."
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
    config = {**row.defaults, **written, **row.options}
    if row.options.get("use_flow_sigmas"):
        config["flow_shift"] = original_config.get("shift", 1.0)
    return _with_variance(config, row, original_config)


def _with_variance(
    config: dict[str, Any], row: SchedulerRow, original_config: Mapping[str, Any]
) -> dict[str, Any]:
    """A model that learned the variance (Kandinsky) does so for DDPM alone, clipping included."""
    if not str(original_config.get("variance_type")).startswith("learned"):
        return config
    if row.class_name == "DDPMScheduler":
        return config | {key: original_config.get(key, no) for key, no in UNCLIPPED.items()}
    config.pop("variance_type")  # else the scheduler, not the pipeline, would split it off
    return config
