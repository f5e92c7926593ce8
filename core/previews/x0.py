"""The predicted clean latents (x0) at every denoising step, read off the scheduler.

Notation of all formulas: a noisy sample is ``x = alpha * x0 + sigma * eps`` with
``alpha**2 + sigma**2 = 1``, and v is ``alpha * eps - sigma * x0`` (Salimans and Ho,
"Progressive Distillation for Fast Sampling of Diffusion Models", 2022, appendix D). With flow
matching ``alpha + sigma = 1``, and the model predicts ``eps - x0`` (Liu et al., "Flow Straight and
Fast", 2022).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

Tensor = Any  # torch.Tensor; torch is imported by whoever made the scheduler


class NoiseLevel(NamedTuple):
    """How noisy a sample is.

    Attributes:
        alpha: Factor of the clean latents.
        sigma: Factor of the noise.
        scale: What the scheduler's sample is to be multiplied with to follow the notation.
    """

    alpha: Tensor
    sigma: Tensor
    scale: Tensor | float


_PREDICTIONS: dict[str, Callable[[Tensor, Tensor, NoiseLevel], Tensor]] = {
    "epsilon": lambda out, x, level: (x - level.sigma * out) / level.alpha,
    "v_prediction": lambda out, x, level: level.alpha * x - level.sigma * out,
    "sample": lambda out, x, level: out,
    "flow_prediction": lambda out, x, level: x - level.sigma * out,
}


class X0Tap:
    """Watches one scheduler while the context is open; `x0` is the prediction of the last step.

    A pipeline's own callback only sees the sample for the next step, which is mostly noise for
    the first half of a run. The scheduler sees what the model said, and from that x0 follows.
    """

    def __init__(self, scheduler: Any) -> None:
        self._scheduler = scheduler
        self._seen: tuple[Tensor, Tensor, NoiseLevel] | None = None

    def __enter__(self) -> X0Tap:
        original = self._scheduler.step

        # wraps: pipelines ask inspect.signature(scheduler.step) whether it takes a generator.
        @functools.wraps(original)
        def step(model_output: Any, timestep: Any, sample: Any, *args: Any, **rest: Any) -> Any:
            self._seen = (model_output, sample, noise_level(self._scheduler, timestep))
            return original(model_output, timestep, sample, *args, **rest)

        self._scheduler.step = step  # shadows the class's method on this one object
        return self

    def __exit__(self, *_: object) -> None:
        self._scheduler.__dict__.pop("step", None)
        self._seen = None

    @property
    def x0(self) -> Tensor | None:
        """The clean latents as the model expected them at the last step, in sampler space.

        A float32 tensor in the shape of the sample; None before the first step, and for a model
        that predicts something else than noise, v, the flow or the sample.
        """
        if self._seen is None:
            return None
        output, sample, level = self._seen
        formula = _PREDICTIONS.get(_predicted(self._scheduler))
        if formula is None:
            return None
        output = output[:, : sample.shape[1]]  # behind it a learned variance, if there is one
        x0 = formula(output.float(), sample.float() * level.scale, level)
        reach = _clipped_at(self._scheduler)
        return x0 if reach is None else x0.clamp(-reach, reach)


def noise_level(scheduler: Any, timestep: Tensor) -> NoiseLevel:
    """Where on its noise schedule the scheduler is about to step from.

    Four families: DPM-Solver and UniPC keep sigmas and turn them into alpha and sigma
    themselves; flow matching keeps sigma as it is; Euler, Heun and their like keep
    ``sigma / alpha`` of a sample that is not scaled down, DPM2 with a second look between two of
    them; DDIM and PNDM look the cumulated alpha up by timestep.
    """
    if not hasattr(scheduler, "sigmas"):
        cumulated = scheduler.alphas_cumprod[int(timestep)]
        return NoiseLevel(cumulated.sqrt(), (1 - cumulated).sqrt(), 1.0)
    if scheduler.step_index is None:
        scheduler._init_step_index(timestep)  # as its own step() would do next
    ratio = scheduler.sigmas[scheduler.step_index]
    if hasattr(scheduler, "sigmas_interpol") and not scheduler.state_in_first_order:
        # The ancestral one keeps them one place further ahead.
        ahead = 1 if hasattr(scheduler, "sigmas_up") else 0
        ratio = scheduler.sigmas_interpol[scheduler.step_index - ahead]
    if hasattr(scheduler, "_sigma_to_alpha_sigma_t"):
        alpha, sigma = scheduler._sigma_to_alpha_sigma_t(ratio)
        return NoiseLevel(alpha, sigma, 1.0)
    if _predicted(scheduler) == "flow_prediction":
        return NoiseLevel(1 - ratio, ratio, 1.0)
    alpha = 1 / (ratio**2 + 1).sqrt()
    return NoiseLevel(alpha, ratio * alpha, alpha)


def _clipped_at(scheduler: Any) -> float | None:
    """How far the scheduler lets clean latents reach; None where it does not look."""
    # A configuration may hold the key for another class; only those that take it act on it.
    takes = inspect.signature(type(scheduler).__init__).parameters
    if "clip_sample" not in takes or not scheduler.config.get("clip_sample"):
        return None
    return float(scheduler.config.get("clip_sample_range", 1.0))


def _predicted(scheduler: Any) -> str:
    if type(scheduler).__name__.startswith("FlowMatch"):
        return "flow_prediction"
    return str(scheduler.config.get("prediction_type", "epsilon"))
