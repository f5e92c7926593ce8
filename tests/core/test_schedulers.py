"""Schedulers are checked with models whose answer is known, so that right means right.

If all pictures were one picture, or spread as a normal distribution around it, the best possible
prediction can be written down. Led by it, a scheduler that knows its model must arrive there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import InvalidRequest
from core.schedulers import FLOW_SCHEDULERS, SCHEDULERS, grouped, make_scheduler, names_for

# diffusers hands tensors to numpy in ways that numpy 2 deprecates.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:__array_wrap__ must accept:DeprecationWarning"),
]

STABLE_DIFFUSION = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
}
STARTER = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "steps_offset": 1,
}
# As the files of Stable Diffusion 3 and of Flux.1 dev have it.
SD3 = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0}
FLUX = {
    **SD3,
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "max_image_seq_len": 4096,
    "max_shift": 1.15,
    "use_dynamic_shifting": True,
}
MODELS = {
    "epsilon": STABLE_DIFFUSION,
    "v_prediction": {**STABLE_DIFFUSION, "prediction_type": "v_prediction"},
    "trailing v_prediction": STARTER,
    "leading": {**STABLE_DIFFUSION, "timestep_spacing": "leading"},
}
# Samplers that jump to the predicted picture and add noise again: for models distilled to know
# the picture from any noise, so that with others the variety gets lost.
CONSISTENCY = ("LCM", "TCD")
# A spacing in the name stands instead of the model's own; 2S has but one.
SPACED_BY_NAME = ("Karras", "Exponential", "SGM Uniform")
# Latents reach to about 4; whoever clips them to -1..1 is seen at once.
PICTURE = torch.tensor([4.0, -3.0, 0.5, 0.0])


def signal_left(config: dict[str, Any]) -> Callable[[float], float]:
    """How much of the picture's variance is left at a timestep (alpha-bar), by its definition."""
    root = 2 if config["beta_schedule"] == "scaled_linear" else 1
    first, last = (config[key] ** (1 / root) for key in ("beta_start", "beta_end"))
    betas = np.linspace(first, last, config["num_train_timesteps"]) ** root
    alphas = np.cumprod(1 - betas)
    return lambda timestep: float(np.interp(timestep, np.arange(len(alphas)), alphas))


def best_prediction(
    config: dict[str, Any], spread: float
) -> Callable[[torch.Tensor, float], torch.Tensor]:
    """What a perfect model says where pictures are `PICTURE` plus normal noise of that spread."""
    left = signal_left(config)

    def predict(noisy: torch.Tensor, timestep: float) -> torch.Tensor:
        a = left(timestep)
        noise = (1 - a) ** 0.5 * (noisy - a**0.5 * PICTURE) / (a * spread**2 + 1 - a)
        clean = (noisy - (1 - a) ** 0.5 * noise) / a**0.5
        if config.get("prediction_type") == "v_prediction":
            return a**0.5 * noise - (1 - a) ** 0.5 * clean
        return noise

    return predict


def denoise(
    scheduler: Any, config: dict[str, Any], steps: int, spread: float = 0.0, count: int = 3
) -> torch.Tensor:
    """Denoise `count` pictures of four values with a perfect model."""
    generator = torch.Generator().manual_seed(7)
    predict = best_prediction(config, spread)
    scheduler.set_timesteps(steps)
    latents = torch.randn((count, 4), generator=generator, dtype=torch.float32)
    latents = latents * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(latents, timestep)
        latents = step(scheduler, predict(seen, float(timestep)), timestep, latents, generator)
    return latents


def step(
    scheduler: Any, said: torch.Tensor, timestep: Any, latents: torch.Tensor, generator: Any
) -> torch.Tensor:
    """One step as the pipelines do it: the generator goes to those that take one."""
    takes = "generator" in scheduler.step.__code__.co_varnames
    options = {"generator": generator} if takes else {}
    previous: torch.Tensor = scheduler.step(said, timestep, latents, **options).prev_sample
    return previous


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_arrives_at_the_only_picture(name: str, model: str) -> None:
    config = MODELS[model]
    latents = denoise(make_scheduler(name, config), config, steps=20)
    # DDIM stops at the last trained noise level, whose deviation is 0.03 here.
    assert torch.allclose(latents, PICTURE.expand_as(latents), atol=0.15)


@pytest.mark.parametrize("model", ["epsilon", "v_prediction", "trailing v_prediction"])
@pytest.mark.parametrize("name", [name for name in SCHEDULERS if name not in CONSISTENCY])
def test_every_scheduler_keeps_the_variety_of_pictures(name: str, model: str) -> None:
    config = MODELS[model]
    latents = denoise(make_scheduler(name, config), config, steps=60, spread=0.5, count=4000)
    # Training never reached pure noise: its last level still shows 7 % of the picture, which the
    # start from pure noise lacks.
    assert torch.allclose(latents.mean(0), PICTURE, atol=0.25)
    # Three steps of history spread a little more than the two of the others.
    tolerance = 0.08 if "3M" in name else 0.06
    assert torch.allclose(latents.std(0), torch.full((4,), 0.5), atol=tolerance)


def test_ddim_from_a_config_without_clip_sample_does_not_clip() -> None:
    from diffusers import DDIMScheduler

    assert "clip_sample" not in STABLE_DIFFUSION
    ours = denoise(make_scheduler("DDIM", STABLE_DIFFUSION), STABLE_DIFFUSION, 20)
    naive = denoise(DDIMScheduler.from_config(STABLE_DIFFUSION), STABLE_DIFFUSION, 20)
    error, clipped_error = ((x - PICTURE).abs().mean().item() for x in (ours, naive))
    assert clipped_error > 10 * error


def test_no_scheduler_clips_or_thresholds_whatever_the_model_says() -> None:
    config = {**STABLE_DIFFUSION, "clip_sample": True, "thresholding": True}
    for name in SCHEDULERS:
        latents = denoise(make_scheduler(name, config), config, 20)
        assert torch.allclose(latents, PICTURE.expand_as(latents), atol=0.15), name


def test_options_of_the_models_own_sampler_do_not_sneak_in() -> None:
    config = {
        **STABLE_DIFFUSION,
        "_class_name": "DPMSolverMultistepScheduler",
        "use_karras_sigmas": True,
        "algorithm_type": "sde-dpmsolver++",
        "solver_order": 3,
        "solver_type": "heun",
        "euler_at_final": True,
        "lower_order_final": False,
        "use_lu_lambdas": False,
        "final_sigmas_type": "sigma_min",
    }
    for name in SCHEDULERS:
        alone = make_scheduler(name, STABLE_DIFFUSION)
        beside = make_scheduler(name, config)
        for scheduler in (alone, beside):
            scheduler.set_timesteps(10)
        assert torch.equal(alone.timesteps, beside.timesteps), name
        assert torch.equal(*(denoise(s, config, 10) for s in (alone, beside))), name


def test_karras_sigmas_are_used_where_the_name_says_so() -> None:
    plain = make_scheduler("DPM++ 2M", STABLE_DIFFUSION)
    karras = make_scheduler("DPM++ 2M Karras", STABLE_DIFFUSION)
    for scheduler in (plain, karras):
        scheduler.set_timesteps(10)
    low, high = karras.sigmas[-2] ** (1 / 7), karras.sigmas[0] ** (1 / 7)
    expected = torch.linspace(float(high), float(low), 10) ** 7  # Karras et al. 2022, eq. 5
    assert torch.allclose(karras.sigmas[:-1], expected, rtol=1e-3)
    assert not torch.allclose(plain.sigmas, karras.sigmas, rtol=0.05)


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if name.endswith("Exponential")])
def test_exponential_sigmas_fall_by_the_same_factor(name: str) -> None:
    scheduler = make_scheduler(name, STABLE_DIFFUSION)
    scheduler.set_timesteps(10)
    factors = scheduler.sigmas[1:10] / scheduler.sigmas[:9]
    assert torch.allclose(factors, factors[0].expand(9), rtol=1e-3)


@pytest.mark.parametrize("name", [name for name in SCHEDULERS if name.endswith("SGM Uniform")])
def test_sgm_uniform_begins_at_the_last_trained_level_whatever_the_model_says(name: str) -> None:
    scheduler = make_scheduler(name, {**STABLE_DIFFUSION, "timestep_spacing": "leading"})
    scheduler.set_timesteps(5)
    assert scheduler.timesteps.tolist() == [999, 799, 599, 399, 199]


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize(
    "name",
    [
        n
        for n in SCHEDULERS
        if n not in (*CONSISTENCY, "DPM++ 2S") and not n.endswith(SPACED_BY_NAME)
    ],
)
def test_timestep_spacing_is_the_models(name: str, spacing: str) -> None:
    scheduler = make_scheduler(name, {**STABLE_DIFFUSION, "timestep_spacing": spacing})
    scheduler.set_timesteps(10)
    # UniPC and DPM++ count one timestep more, and leave out the last.
    count = 11 if name.startswith(("DPM++", "UniPC", "DEIS", "SA")) else 10
    first, second = {
        "leading": (901, 901 - 1000 // count),
        "trailing": (999, 899),
        "linspace": (999, 999 - 999 / (count - 1)),
    }[spacing]
    levels = scheduler.timesteps
    if name.startswith("DPM2"):  # looks once between any two levels
        levels = levels[::2]
    distinct = torch.unique(levels.round()).flip(0)[:2]  # Heun visits levels twice
    assert distinct.tolist() == pytest.approx([first, second], abs=1)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_loaded_configuration_gives_what_its_file_gives(name: str) -> None:
    """diffusers fills in defaults of the old class, which must not become the new one's."""
    from diffusers import PNDMScheduler

    loaded = dict(PNDMScheduler.from_config(STABLE_DIFFUSION).config)
    assert loaded["timestep_spacing"] == "leading"
    from_loaded, from_file = make_scheduler(name, loaded), make_scheduler(name, STABLE_DIFFUSION)
    for scheduler in (from_loaded, from_file):
        scheduler.set_timesteps(12)
    assert torch.equal(from_loaded.timesteps, from_file.timesteps)
    spacings = (s.config.get("timestep_spacing") for s in (from_loaded, from_file))
    assert len(set(spacings)) == 1


def test_the_noise_of_training_is_kept_even_where_diffusers_filled_it_in() -> None:
    from diffusers import DDIMScheduler

    loaded = dict(DDIMScheduler.from_config({"prediction_type": "v_prediction"}).config)
    for name in SCHEDULERS:
        config = make_scheduler(name, loaded).config
        assert (config.beta_start, config.beta_end) == (0.0001, 0.02), name
        assert config.prediction_type == "v_prediction", name


def test_each_call_makes_a_new_scheduler_and_leaves_the_config_alone() -> None:
    config = copy.deepcopy(STARTER)
    first, second = (make_scheduler("UniPC", config) for _ in range(2))
    assert first is not second
    assert config == STARTER


@pytest.mark.parametrize("name", ["", "euler", "LMS", "DPM++ SDE", "Nonsense"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"Euler, Euler a, DPM\+\+ 2M"):
        make_scheduler(name, STABLE_DIFFUSION)


@pytest.mark.parametrize(
    "config",
    [SD3, FLUX, {**STABLE_DIFFUSION, "prediction_type": "flow_prediction"}],
)
def test_on_flow_models_the_same_name_is_another_class_or_refused(config: dict[str, Any]) -> None:
    for name in SCHEDULERS:
        if name in FLOW_SCHEDULERS:
            assert make_scheduler(name, config).config != make_scheduler(name, STARTER).config
        else:
            with pytest.raises(InvalidRequest, match="Schedulers for it: Euler, DPM"):
                make_scheduler(name, config)


def test_a_model_that_predicts_the_picture_itself_is_refused() -> None:
    for name in SCHEDULERS:
        with pytest.raises(InvalidRequest, match="prediction type"):
            make_scheduler(name, {**STABLE_DIFFUSION, "prediction_type": "sample"})


@pytest.mark.parametrize("config", [SD3, FLUX], ids=["sd3", "flux"])
@pytest.mark.parametrize("name", FLOW_SCHEDULERS)
def test_every_flow_scheduler_arrives_at_the_only_picture(
    name: str, config: dict[str, Any]
) -> None:
    scheduler = make_scheduler(name, config)
    shifted = {"mu": 0.8} if scheduler.config.get("use_dynamic_shifting") else {}
    scheduler.set_timesteps(12, **shifted)
    latents = start = torch.randn((3, 4), generator=torch.Generator().manual_seed(7))
    for timestep in scheduler.timesteps:
        noise_share = timestep / 1000  # flow matching: x = (1 - t) picture + t noise
        velocity = (latents - PICTURE) / noise_share
        latents = scheduler.step(velocity, timestep, latents).prev_sample
    assert not torch.allclose(latents, start, atol=0.5)
    assert torch.allclose(latents, PICTURE.expand_as(latents), atol=0.02)


def test_a_flow_model_led_by_a_scheduler_for_noise_goes_silently_wrong() -> None:
    """The reason why the table has two rows of the name Euler."""
    from diffusers import EulerDiscreteScheduler

    def led_by(scheduler: Any) -> torch.Tensor:
        scheduler.set_timesteps(12)
        latents = torch.randn((3, 4), generator=torch.Generator().manual_seed(7))
        latents = latents * getattr(scheduler, "init_noise_sigma", 1.0)
        for timestep in scheduler.timesteps:
            scale = getattr(scheduler, "scale_model_input", lambda latents, timestep: latents)
            velocity = (scale(latents, timestep) - PICTURE) / max(float(timestep) / 1000, 1e-3)
            latents = scheduler.step(velocity, timestep, latents).prev_sample
        return latents

    wrong = led_by(EulerDiscreteScheduler(num_train_timesteps=SD3["num_train_timesteps"]))
    right = led_by(make_scheduler("Euler", SD3))
    assert torch.isfinite(wrong).all()
    assert (wrong - PICTURE).abs().max() > 20 * (right - PICTURE).abs().max()


@pytest.mark.parametrize("name", CONSISTENCY)
@pytest.mark.parametrize("steps", [1, 4, 50, 51, 101, 150, 200])
def test_consistency_samplers_take_any_number_of_steps(name: str, steps: int) -> None:
    scheduler = make_scheduler(name, STABLE_DIFFUSION, steps)
    scheduler.set_timesteps(steps)
    assert len(scheduler.timesteps) == steps
    assert scheduler.timesteps[0] == 999


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_seed_gives_the_same_picture_again(name: str) -> None:
    first, second = (
        denoise(make_scheduler(name, STABLE_DIFFUSION), STABLE_DIFFUSION, 7, 0.5) for _ in range(2)
    )
    assert torch.equal(first, second)


def test_names_are_those_that_people_know() -> None:
    known = """Euler, Euler a, Euler Karras, Heun, DPM2, DPM2 a, DDIM, DDPM, PNDM, DEIS, UniPC,
        DPM++ 2M, DPM++ 2M Karras, DPM++ 2M SDE, DPM++ 2M SDE Karras, DPM++ 2M SDE Exponential,
        DPM++ 3M SDE, DPM++ 2M SGM Uniform, LCM, TCD"""
    assert {name.strip() for name in known.split(",")} <= SCHEDULERS.keys()


def test_kandinsky_gets_only_schedulers_whose_step_takes_a_generator() -> None:
    learned = {**STABLE_DIFFUSION, "variance_type": "learned_range", "clip_sample": True}
    names = names_for("kandinsky22")
    assert names[0] == "DDPM"
    for name in names:
        scheduler = make_scheduler(name, learned)
        assert "generator" in scheduler.step.__code__.co_varnames, name
        # Only DDPM knows what to do with a learned variance, and clips as the model wants it.
        assert (scheduler.config.get("variance_type") == "learned_range") == (name == "DDPM")
        assert bool(scheduler.config.get("clip_sample")) == (name == "DDPM")


def test_each_family_gets_names_that_can_lead_it() -> None:
    for family, config in {"sd1": STABLE_DIFFUSION, "sd3": SD3, "flux-dev": FLUX}.items():
        for name in names_for(family):
            make_scheduler(name, config)
    assert names_for("lcm") == ("LCM",)


def test_groups_hold_every_name_once_and_begin_with_the_common_ones() -> None:
    groups = grouped(tuple(SCHEDULERS))
    assert [name for _, names in groups for name in names] == list(
        dict.fromkeys(name for _, names in groups for name in names)
    )
    assert {name for _, names in groups for name in names} == SCHEDULERS.keys()
    assert groups[0][0] == "Common"
    assert groups[0][1][0] == "Euler"
    assert all(2 <= len(names) <= 12 for _, names in groups)


def test_a_few_names_are_not_grouped() -> None:
    assert grouped(("Euler", "DPM++ 2M", "UniPC")) == (("", ("Euler", "DPM++ 2M", "UniPC")),)
    assert grouped(("LCM",)) == (("", ("LCM",)),)
