"""The preview shows what the model believes, and the map of a VAE is true to its colours."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.pipelines import import_libraries
from core.previews import LatentPreview, X0Tap
from core.previews.latents import vae_key
from core.schedulers import FLOW_SCHEDULERS, SCHEDULERS, make_scheduler
from core.settings import RESOURCES

STARTER_VAE = RESOURCES / "models" / "starter" / "vae"
STEPS = 6
# The schedule of Stable Diffusion, as its scheduler_config.json has it.
MODEL = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
}
COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (214, 48, 49),
    "green": (76, 175, 80),
    "blue": (52, 120, 220),
    "yellow": (250, 214, 70),
    "brown": (150, 100, 60),
}


@pytest.fixture(autouse=True)
def _libraries() -> None:
    import_libraries()


def noise(seed: int) -> torch.Tensor:
    return torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


def alpha_and_sigma(scheduler: Any, timestep: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How much picture and how much noise a sample holds at that time, from the betas alone."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    cumulated = torch.cumprod(1 - betas, 0).numpy()
    log_alpha = np.interp(float(timestep), np.arange(1000), np.log(cumulated) / 2)
    alpha = torch.tensor(np.exp(log_alpha), dtype=torch.float32)
    return alpha, (1 - alpha**2).sqrt()


def believing_model(scheduler: Any, x0: torch.Tensor, predicts: str) -> Callable[..., torch.Tensor]:
    """A model that believes in `x0` at every step: its exact output, by the schedule's formula.

    It sees what a U-Net sees, the sample after `scale_model_input`: alpha x0 + sigma eps.
    """

    def output(seen: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        alpha, sigma = alpha_and_sigma(scheduler, timestep)
        eps = (seen - alpha * x0) / sigma
        return eps if predicts == "epsilon" else alpha * eps - sigma * x0

    return output


def walk(scheduler: Any, x0: torch.Tensor, predicts: str, begin: int = 0) -> Iterator[torch.Tensor]:
    """Run the scheduler on the model above under a tap; the tap's x0 after each step."""
    scheduler.set_timesteps(STEPS)
    scheduler.set_begin_index(begin) if hasattr(scheduler, "set_begin_index") else None
    timesteps = scheduler.timesteps[begin:]
    model = believing_model(scheduler, x0, predicts)
    sample = noise(1) * scheduler.init_noise_sigma
    if begin:
        sample = scheduler.add_noise(x0, noise(1), timesteps[:1])
    with X0Tap(scheduler) as tap:
        assert tap.x0 is None
        for timestep in timesteps:
            seen = scheduler.scale_model_input(sample, timestep)
            sample = scheduler.step(model(seen, timestep), timestep, sample).prev_sample
            assert tap.x0 is not None
            yield tap.x0


@pytest.mark.parametrize("predicts", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("begin", [0, 2])
def test_x0_is_what_the_model_believes(name: str, predicts: str, begin: int) -> None:
    # Timesteps of these schedules are rounded to whole numbers, where sigmas are not.
    tolerance = 0.05 if name.endswith(("Karras", "Exponential")) else 2e-3
    scheduler = make_scheduler(name, {**MODEL, "prediction_type": predicts})
    x0 = noise(2) * 0.8
    seen = list(walk(scheduler, x0, predicts, begin * scheduler.order))
    assert len(seen) >= STEPS - begin
    for step, predicted in enumerate(seen):
        error = float((predicted - x0).abs().max())
        assert error < tolerance, f"step {step}: {error}"


def test_x0_follows_a_model_that_changes_its_mind() -> None:
    scheduler = make_scheduler("Euler", MODEL)
    first, second = (list(walk(scheduler, noise(seed), "epsilon"))[-1] for seed in (3, 4))
    assert float((first - noise(3)).abs().max()) < 2e-3
    assert float((second - noise(4)).abs().max()) < 2e-3


def test_tap_leaves_no_trace_and_keeps_the_signature() -> None:
    scheduler = make_scheduler("Euler a", MODEL)
    before = inspect.signature(scheduler.step)
    with X0Tap(scheduler):
        # Pipelines pass the generator only to a step that has a parameter of this name.
        assert inspect.signature(scheduler.step) == before
        assert "generator" in before.parameters
    assert "step" not in vars(scheduler)


def test_tap_leaves_no_trace_after_a_failure() -> None:
    scheduler = make_scheduler("Euler", MODEL)
    with pytest.raises(ZeroDivisionError), X0Tap(scheduler):
        raise ZeroDivisionError
    assert "step" not in vars(scheduler)


def test_unknown_prediction_gives_no_preview() -> None:
    scheduler = make_scheduler("DDIM", MODEL)
    scheduler.set_timesteps(STEPS)
    scheduler.register_to_config(prediction_type="something new")
    with X0Tap(scheduler) as tap, pytest.raises(ValueError, match="something new"):
        scheduler.step(noise(1), scheduler.timesteps[0], noise(2))
    assert tap.x0 is None


@pytest.mark.parametrize("name", FLOW_SCHEDULERS)
def test_x0_of_flow_matching_is_where_the_straight_line_ends(name: str) -> None:
    """The sample is (1 - sigma) x0 + sigma eps, and the model says eps - x0."""
    config = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}
    scheduler = make_scheduler(name, config)
    scheduler.set_timesteps(STEPS)
    x0, eps = noise(2), noise(3)
    sample = eps
    with X0Tap(scheduler) as tap:
        for timestep in scheduler.timesteps:
            sample = scheduler.step(eps - x0, timestep, sample).prev_sample
            assert tap.x0 is not None
            assert float((tap.x0 - x0).abs().max()) < 2e-3


def test_x0_beside_a_learned_variance_is_clipped_as_the_scheduler_clips() -> None:
    """Kandinsky's decoder: noise and variance in one output, latents within -2 and 2."""
    config = MODEL | {"beta_schedule": "linear", "variance_type": "learned_range"}
    config |= {"clip_sample": True, "clip_sample_range": 2.0}
    scheduler = make_scheduler("DDPM", config)
    scheduler.set_timesteps(STEPS)
    output = torch.cat([noise(4), torch.zeros(1, 4, 8, 8)], dim=1)
    with X0Tap(scheduler) as tap:
        step = scheduler.step(output, scheduler.timesteps[0], noise(1) * 3)
        assert tap.x0 is not None
        assert tap.x0.shape == (1, 4, 8, 8)
        assert torch.allclose(tap.x0, step.pred_original_sample, atol=1e-5)
    assert float(step.pred_original_sample.abs().max()) == 2.0


class PaintBox(torch.nn.Module):
    """A VAE whose latents are colours: x0 = A rgb + b for every 8 × 8 pixels, and nothing else."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        mix = torch.randn(4, 3, generator=torch.Generator().manual_seed(seed))
        self.mix = torch.nn.Parameter(mix)
        self.config = type("Config", (), {"latent_channels": 4, "scaling_factor": 0.5})
        self.encoded = 0

    @property
    def device(self) -> torch.device:
        return self.mix.device

    @property
    def dtype(self) -> torch.dtype:
        return self.mix.dtype

    def latents(self, images: torch.Tensor) -> torch.Tensor:
        """Sampler-space latents of images in 0 to 1."""
        cells = torch.nn.functional.avg_pool2d(images * 2 - 1, 8)
        return 0.5 * torch.einsum("lc,nchw->nlhw", self.mix.detach(), cells)

    def encode(self, images: torch.Tensor) -> Any:
        self.encoded += 1
        mode = self.latents((images + 1) / 2) / 0.5
        return type("Out", (), {"latent_dist": type("Dist", (), {"mode": lambda self: mode})()})


def field(colour: tuple[int, int, int], side: int = 64) -> torch.Tensor:
    """One plain picture, 0 to 1, of shape (1, 3, side, side)."""
    return (torch.tensor(colour) / 255).reshape(1, 3, 1, 1).expand(1, 3, side, side).contiguous()


@pytest.mark.parametrize("colour", COLOURS)
def test_linear_vae_is_learned_exactly(colour: str) -> None:
    vae = PaintBox()
    shown = LatentPreview.for_vae(vae)(vae.latents(field(COLOURS[colour])))
    assert shown.shape == (16, 16, 3)
    assert shown.dtype == np.uint8
    assert np.abs(shown.astype(int) - COLOURS[colour]).max() <= 3


def test_preview_shows_where_things_are() -> None:
    vae = PaintBox()
    image = field(COLOURS["black"])
    image[:, :, :32, 32:] = field(COLOURS["yellow"], 32)
    shown = LatentPreview.for_vae(vae)(vae.latents(image)).astype(int)
    assert np.abs(shown[2:6, 10:14] - COLOURS["yellow"]).max() <= 12
    assert np.abs(shown[10:14, 2:14]).max() <= 12
    assert np.abs(shown[2:6, 2:6]).max() <= 12


def test_preview_learns_from_finished_pictures() -> None:
    vae = PaintBox()
    preview = LatentPreview(4)
    images = torch.rand(40, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    smooth = torch.nn.functional.interpolate(images[:, :, :4, :4], (32, 32))
    before = preview(vae.latents(field(COLOURS["red"])))
    preview.observe(vae.latents(smooth), smooth)
    after = preview(vae.latents(field(COLOURS["red"])))
    assert np.abs(after.astype(int) - COLOURS["red"]).max() <= 12
    assert np.abs(before.astype(int) - COLOURS["red"]).max() > 12


def test_one_picture_outweighs_nothing() -> None:
    """A single odd pair must not turn the colours of all the others."""
    vae = PaintBox()
    preview = LatentPreview.for_vae(vae)
    preview.observe(vae.latents(field(COLOURS["red"], 256)), field(COLOURS["green"], 256))
    shown = preview(vae.latents(field(COLOURS["blue"]))).astype(int)
    assert np.abs(shown - COLOURS["blue"]).max() <= 40


def test_numbers_that_are_none_are_not_learned_and_not_shown_as_a_crash() -> None:
    vae = PaintBox()
    preview = LatentPreview.for_vae(vae)
    broken = torch.full((1, 4, 8, 8), torch.nan)
    preview.observe(broken, field(COLOURS["red"]))
    assert preview(broken).shape == (16, 16, 3)
    assert np.abs(preview(vae.latents(field(COLOURS["red"]))) - COLOURS["red"]).max() <= 3.0


def test_map_is_kept_on_disk_for_each_vae(tmp_path: Path) -> None:
    vae, other = PaintBox(), PaintBox(seed=1)
    LatentPreview.for_vae(vae, tmp_path)
    again = LatentPreview.for_vae(vae, tmp_path)
    assert vae.encoded == 1
    assert np.abs(again(vae.latents(field(COLOURS["blue"]))) - COLOURS["blue"]).max() <= 3.0
    LatentPreview.for_vae(other, tmp_path)
    assert other.encoded == 1
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"\x93NUMPY"])
def test_damaged_map_is_calibrated_again(tmp_path: Path, content: bytes) -> None:
    vae = PaintBox()
    file = LatentPreview.for_vae(vae, tmp_path).file
    assert file is not None
    file.write_bytes(content)
    preview = LatentPreview.for_vae(vae, tmp_path)
    assert vae.encoded == 2
    assert np.abs(preview(vae.latents(field(COLOURS["red"]))) - COLOURS["red"]).max() <= 3.0


def test_folder_that_cannot_be_written_costs_only_the_map(tmp_path: Path) -> None:
    blocked = tmp_path / "a file, not a folder"
    blocked.touch()
    vae = PaintBox()
    preview = LatentPreview.for_vae(vae, blocked)
    assert np.abs(preview(vae.latents(field(COLOURS["red"]))) - COLOURS["red"]).max() <= 3.0


def test_key_tells_vaes_apart_by_one_weight() -> None:
    vae = PaintBox()
    before = vae_key(vae)
    assert vae_key(PaintBox()) == before
    with torch.no_grad():
        vae.mix[3, 2] += 1e-3
    assert vae_key(vae) != before


@pytest.mark.skipif(not STARTER_VAE.exists(), reason="the embedded model is not there yet")
@pytest.mark.parametrize("colour", COLOURS)
def test_colours_of_the_embedded_model_are_true(colour: str) -> None:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(STARTER_VAE, local_files_only=True).eval()
    with torch.no_grad():
        mode = vae.encode(field(COLOURS[colour], 64) * 2 - 1).latent_dist.mode()
    shown = LatentPreview.for_vae(vae)(mode * vae.config.scaling_factor)
    assert np.abs(shown.mean((0, 1)) - COLOURS[colour]).max() <= 40
