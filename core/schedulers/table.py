"""Names of schedulers that people know, and the diffusers scheduler that each one stands for.

Names are those of AUTOMATIC1111: the sampler, and behind it the spacing of the noise levels where
it is not the model's own (Karras et al. 2022; exponential; ``SGM Uniform``, which diffusers calls
trailing). One name may stand for two classes: models that predict noise or v need another one than
models trained with flow matching, on which the former run without an error and draw a wrong
picture.

Left out: LMS needs scipy; DPM++ SDE needs torchsde and ignores the generator; the A1111 samplers
without a counterpart in diffusers (DPM++ 2S a, Restart, DPM adaptive).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


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


_KARRAS, _EXPONENTIAL, _TRAILING = "Karras", "Exponential", "SGM Uniform"
SPACINGS = (_KARRAS, _EXPONENTIAL, _TRAILING)

# Latents reach far beyond -1..1, so that clipping them, the default of DDIM and its like, spoils
# the picture (x0 off by a factor of 19); thresholding is for pixels too.
UNCLIPPED: Mapping[str, Any] = MappingProxyType({"clip_sample": False, "thresholding": False})
_ALPHA = {"set_alpha_to_one": False}

_MULTISTEP = {
    "solver_order": 2,
    "solver_type": "midpoint",
    "lower_order_final": True,
    "euler_at_final": False,
    "use_lu_lambdas": False,
    "use_flow_sigmas": False,
    "thresholding": False,
    "final_sigmas_type": "zero",
}
_SINGLESTEP = {
    "algorithm_type": "dpmsolver++",
    "solver_order": 2,
    "solver_type": "midpoint",
    "lower_order_final": True,
    "thresholding": False,
    "final_sigmas_type": "zero",
}
_UNIPC = {
    "solver_order": 2,
    "solver_type": "bh2",
    "lower_order_final": True,
    "predict_x0": True,
    "use_flow_sigmas": False,
    "thresholding": False,
    "final_sigmas_type": "zero",
}
_DEIS = {
    "algorithm_type": "deis",
    "solver_order": 2,
    "solver_type": "logrho",
    "lower_order_final": True,
    "use_flow_sigmas": False,
    "thresholding": False,
}
_SA = {
    "algorithm_type": "data_prediction",
    "predictor_order": 2,
    "corrector_order": 2,
    "lower_order_final": True,
    "use_flow_sigmas": False,
    "thresholding": False,
}


def _sigmas(spacing: str = "") -> dict[str, Any]:
    options: dict[str, Any] = {
        "use_karras_sigmas": spacing == _KARRAS,
        "use_exponential_sigmas": spacing == _EXPONENTIAL,
        "use_beta_sigmas": False,
    }
    return options | ({"timestep_spacing": "trailing"} if spacing == _TRAILING else {})


def _spaced(
    name: str, class_name: str, options: Mapping[str, Any], spacings: tuple[str, ...]
) -> Iterator[tuple[str, SchedulerRow]]:
    """A sampler with the model's own spacing, then with each of the others."""
    for spacing in ("", *spacings):
        row = SchedulerRow(class_name, {**options, **_sigmas(spacing)})
        yield f"{name} {spacing}".strip(), row


def _dpm(name: str, algorithm: str, **options: Any) -> Iterator[tuple[str, SchedulerRow]]:
    options = {**_MULTISTEP, "algorithm_type": algorithm, **options}
    return _spaced(name, "DPMSolverMultistepScheduler", options, SPACINGS)


def _rows() -> Iterator[tuple[str, SchedulerRow]]:
    yield from _spaced("Euler", "EulerDiscreteScheduler", {"final_sigmas_type": "zero"}, SPACINGS)
    ancestral = "EulerAncestralDiscreteScheduler"
    yield "Euler a", SchedulerRow(ancestral)
    yield "Euler a SGM Uniform", SchedulerRow(ancestral, {"timestep_spacing": "trailing"})
    yield from _spaced("Heun", "HeunDiscreteScheduler", UNCLIPPED, (_KARRAS,))
    yield from _dpm("DPM++ 2M", "dpmsolver++")
    yield from _dpm("DPM++ 2M SDE", "sde-dpmsolver++")
    yield from _dpm("DPM++ 3M SDE", "sde-dpmsolver++", solver_order=3)
    singlestep = "DPMSolverSinglestepScheduler"
    yield from _spaced("DPM++ 2S", singlestep, _SINGLESTEP, (_KARRAS,))
    yield from _spaced("DPM2", "KDPM2DiscreteScheduler", {}, (_KARRAS,))
    yield from _spaced("DPM2 a", "KDPM2AncestralDiscreteScheduler", {}, (_KARRAS,))
    yield from _spaced("UniPC", "UniPCMultistepScheduler", _UNIPC, (_KARRAS,))
    yield from _spaced("DEIS", "DEISMultistepScheduler", _DEIS, (_KARRAS,))
    yield from _spaced("SA-Solver", "SASolverScheduler", _SA, ())
    yield "DDIM", SchedulerRow("DDIMScheduler", UNCLIPPED, _ALPHA)
    trailing = {**UNCLIPPED, "timestep_spacing": "trailing"}
    yield "DDIM SGM Uniform", SchedulerRow("DDIMScheduler", trailing, _ALPHA)
    yield "DDPM", SchedulerRow("DDPMScheduler", UNCLIPPED)
    yield "PNDM", SchedulerRow("PNDMScheduler", {"skip_prk_steps": True}, _ALPHA)
    yield "LCM", SchedulerRow("LCMScheduler", UNCLIPPED, _ALPHA)
    yield "TCD", SchedulerRow("TCDScheduler", UNCLIPPED, _ALPHA)


def _flow_rows() -> Iterator[tuple[str, SchedulerRow]]:
    flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True}
    multistep = {**_MULTISTEP, "algorithm_type": "dpmsolver++", **_sigmas(), **flow}
    yield "Euler", SchedulerRow("FlowMatchEulerDiscreteScheduler")
    yield "DPM++ 2M", SchedulerRow("DPMSolverMultistepScheduler", multistep)
    yield "UniPC", SchedulerRow("UniPCMultistepScheduler", {**_UNIPC, **_sigmas(), **flow})


_COMMON = (
    "Euler", "Euler a", "DPM++ 2M", "DPM++ 2M Karras", "DPM++ 2M SDE Karras", "UniPC", "DDIM",
)  # fmt: skip
_ALL = dict(_rows())

SCHEDULERS: Mapping[str, SchedulerRow] = MappingProxyType(
    {name: _ALL[name] for name in dict.fromkeys((*_COMMON, *_ALL))}
)
"""For models that predict noise or v; what most people choose comes first."""

FLOW_SCHEDULERS: Mapping[str, SchedulerRow] = MappingProxyType(dict(_flow_rows()))
"""For models trained with flow matching."""

# Kandinsky's pipelines hand a generator to every step, which the classes of some others do not
# take, and never scale a sample for the model, without which Euler and its like draw wrongly.
_KANDINSKY = (
    "DDPM", "DDIM", "DPM++ 2M", "DPM++ 2M Karras", "DPM++ 2M SDE", "DPM++ 2M SDE Karras",
)  # fmt: skip
# Flux sets the noise levels itself, and with a picture in hand does so for a class that does not
# take them too.
_FLUX = ("Euler", "UniPC")
_OF_FAMILY = {
    "sd3": tuple(FLOW_SCHEDULERS),
    "flux-dev": _FLUX,
    "flux-schnell": _FLUX,
    "kandinsky22": _KANDINSKY,
    "lcm": ("LCM",),
}


def names_for(family: str) -> tuple[str, ...]:
    """The schedulers that are right for a family of models, the best to begin with first."""
    return _OF_FAMILY.get(family, tuple(SCHEDULERS))


_DRAWING = (
    "EulerAncestralDiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "SASolverScheduler",
    "DDPMScheduler", "LCMScheduler",
)  # fmt: skip


def draws_noise(name: str) -> bool:
    """Whether a scheduler draws new noise between its steps, so that a seed counts there too."""
    row = SCHEDULERS.get(name)
    if row is None:
        return False
    return row.class_name in _DRAWING or str(row.options.get("algorithm_type")).startswith("sde")


def grouped(names: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(title, names) to choose from: a few that most people take, then the rest by sampler."""
    common = tuple(name for name in names if name in _COMMON)
    groups: dict[str, list[str]] = {}
    for name in names:
        if name not in common:
            groups.setdefault(_group(name), []).append(name)
    rest = tuple((title, tuple(found)) for title, found in groups.items())
    return (("Common", common), *rest) if rest and common else (("", names),)


def _group(name: str) -> str:
    starts = {"Euler": "Euler and Heun", "Heun": "Euler and Heun", "DPM++": "DPM++ family"}
    starts |= {"DPM2": "DPM2 family"}
    return next((title for start, title in starts.items() if name.startswith(start)), "Others")
