"""Train the U-Net on encoded scenes, by v-prediction.

    v = sqrt(alpha-bar) noise − sqrt(1 − alpha-bar) latents      (Salimans & Ho 2022, appendix D)

The text encoder stays as `train_text` made it: trained along, it let the nouns fall together.

Two things are unusual, both for a small CPU that other programs use as well. Each thread computes
the gradients of its own share of the batch from beginning to end, so that threads wait for each
other once a step and not once an operation. And schedules count samples, never time, so that the
process may be stopped and continued at will.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tools.starter_model import architecture
from tools.starter_model.encode import PAIRS_FROM, load_shards, tokenized
from tools.starter_model.sides import SideLosses, watched
from tools.starter_model.workplace import Workplace, save_torch

BATCH = 8
"""Samples of a step, shared among the threads. More gave fewer steps in the same hour."""

PLANNED_SAMPLES = 120_000
"""When the learning rate reaches its end; `planned.json` in the work folder overrides it."""

_PEAK_RATE = 7e-4
_WARM_UP_STEPS = 60
_FALLING_SHARE = 0.35
_DROPPED_CAPTIONS = 0.08
_NOISE_BIAS = 1.05
_SIDE_WEIGHT = 0.1
_SAVE_SECONDS = 600.0
_NOTE_STEPS = 25


class Training:
    """The state of a training and its step.

    Args:
        work: where latents, tokenizer and checkpoint are.
    """

    def __init__(self, work: Workplace) -> None:
        import torch
        from transformers import CLIPTokenizer

        self.work = work
        self.tokenizer = CLIPTokenizer.from_pretrained(work.tokenizer)
        self.text_encoder = architecture.text_encoder(self.tokenizer)
        self.unet = architecture.unet().to(memory_format=torch.channels_last)
        self._side_losses = SideLosses()
        watched(self.unet, self._side_losses)
        self.weights = list(self.unet.parameters())
        self.averages: list[Any] = []
        self.optimizer = torch.optim.AdamW(
            self.weights, _PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-2, fused=True
        )
        self.steps = self.samples = 0
        self._shards: dict[Path, tuple[np.ndarray, np.ndarray]] = {}
        self._deck = np.empty(0, int)
        self._alpha_bars = architecture.alpha_bars()
        self._no_caption = torch.from_numpy(tokenized(self.tokenizer, [""])[0])
        self._pool = ThreadPoolExecutor(work.threads, initializer=_one_thread)
        self._restore()
        self.look_for_shards()
        self.scaling = scaling_factor(work, self._latents)

    def look_for_shards(self) -> None:
        """Take up shards that `encode` has finished meanwhile."""
        if load_shards(self.work, self._shards):
            self._latents = np.concatenate([latents for latents, _ in self._shards.values()])
            self._ids = np.concatenate([ids for _, ids in self._shards.values()])
            self._is_pair = np.concatenate(
                [np.full(len(ids), _has_pairs(path)) for path, (_, ids) in self._shards.items()]
            )
            self._deck = np.empty(0, int)
        if not self._shards:
            raise SystemExit("no latents yet: run the step `encode` first")

    def step(self, planned: int) -> float:
        """Learn from one batch and give its loss."""
        import torch

        self._set_rate(self.samples / planned)
        batch = self._batch(BATCH)
        shares = [[part[n :: self.work.threads] for part in batch] for n in self._threads]
        results = list(self._pool.map(self._gradients, shares))
        for weight, *gradients in zip(self.weights, *(g for _, g in results), strict=True):
            weight.grad = sum(gradients[1:], start=gradients[0]) / len(batch[0])
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        self.samples += len(batch[0])
        self._average()
        return sum(loss for loss, _ in results) / len(batch[0])

    def save(self) -> None:
        """Write the checkpoint; the one before stays until the new one is whole."""
        state = {
            "unet": self.unet.state_dict(),
            "text_encoder": self.text_encoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averages": self.averages,
            "steps": self.steps,
            "samples": self.samples,
        }
        save_torch(self.work.checkpoint, state)

    @property
    def _threads(self) -> range:
        return range(self.work.threads)

    def _restore(self) -> None:
        import torch

        if not self.work.checkpoint.exists():
            self.text_encoder.load_state_dict(_taught_text_encoder(self.work))
            self.averages = [weight.detach().clone() for weight in self.weights]
            return
        state = torch.load(self.work.checkpoint)
        self.unet.load_state_dict(state["unet"])
        self.text_encoder.load_state_dict(state["text_encoder"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.averages = state["averages"]
        self.steps, self.samples = state["steps"], state["samples"]

    def _set_rate(self, done: float) -> None:
        """Rise over the first steps, stay, and fall in a straight line over the last part."""
        rising = min(1.0, (self.steps + 1) / _WARM_UP_STEPS)
        falling = min(1.0, max(0.01, (1 - done) / _FALLING_SHARE))
        for group in self.optimizer.param_groups:
            group["lr"] = _PEAK_RATE * rising * falling

    def _batch(self, size: int) -> tuple[Any, ...]:
        """Draw noisy latents, time steps, v and its weight, token ids, and whether it is a pair.

        Time steps are stratified and almost even. With twice as many at high noise (a bias of 0.6)
        the nouns came no sooner, and the last steps left speckles on everything.
        """
        import torch

        if len(self._deck) < size:
            self._deck = np.random.default_rng().permutation(len(self._latents))
        chosen, self._deck = self._deck[:size], self._deck[size:]
        latents = torch.from_numpy(self._latents[chosen].astype(np.float32)) * self.scaling
        ids = torch.from_numpy(self._ids[chosen].astype(np.int64))
        dropped = torch.rand(size) < _DROPPED_CAPTIONS
        ids[dropped] = self._no_caption
        pairs = torch.from_numpy(self._is_pair[chosen]) & ~dropped
        even = (torch.arange(size) + torch.rand(size)) / size
        steps = (even**_NOISE_BIAS * (len(self._alpha_bars) - 0.01)).long()
        kept = self._alpha_bars[steps].view(-1, 1, 1, 1)
        noise = torch.randn_like(latents)
        noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
        v = kept.sqrt() * noise - (1 - kept).sqrt() * latents
        return noisy, steps, v, _loss_weights(kept.flatten()), ids, pairs

    def _gradients(self, share: list[Any]) -> tuple[float, Any]:
        """Give the summed loss of some samples and its gradient for every weight."""
        import torch

        noisy, steps, v, weights, ids, pairs = share
        with torch.no_grad():
            text = self.text_encoder(ids).last_hidden_state
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        self._side_losses.begin(pairs.nonzero().flatten())
        predicted = self.unet(noisy, steps, text).sample
        loss = (((predicted - v) ** 2).mean((1, 2, 3)) * weights).sum()
        whole = loss + _SIDE_WEIGHT * int(pairs.sum()) * self._side_losses.total()
        return loss.item(), torch.autograd.grad(whole, self.weights)

    def _average(self) -> None:
        """Move the averages that are exported towards the weights: slower the older they are."""
        import torch

        if self.steps % 4 == 0:
            kept = min(0.999, (1 + self.steps) / (10 + self.steps)) ** 4
            torch._foreach_lerp_(self.averages, [w.detach() for w in self.weights], 1 - kept)


def _has_pairs(shard: Path) -> bool:
    """Tell by its number whether all scenes of a shard have two things."""
    return int(shard.stem) >= PAIRS_FROM


def _taught_text_encoder(work: Workplace) -> dict[str, Any]:
    import torch

    if not work.text_encoder.exists():
        raise SystemExit("no text encoder yet: run the step `train_text` first")
    state: dict[str, Any] = torch.load(work.text_encoder)
    return state


def run(work: Workplace, minutes: float) -> None:
    """Train until the planned samples are seen or the minutes are over."""
    _one_thread()  # of torch's own; the pool's threads are ours
    training = Training(work)
    finish, saved = time.monotonic() + 60 * minutes, time.monotonic()
    planned, losses = planned_samples(work), []
    while training.samples < planned and time.monotonic() < finish:
        losses.append(training.step(planned))
        if training.steps % _NOTE_STEPS == 0 or work.smoke:
            loss = sum(losses) / len(losses)
            work.note("train", steps=training.steps, samples=training.samples, loss=loss)
            losses = []
            training.look_for_shards()
            planned = planned_samples(work)
        if time.monotonic() - saved > _SAVE_SECONDS:
            training.save()
            saved = time.monotonic()
    training.save()


def planned_samples(work: Workplace) -> int:
    """Read how many samples to train on; the file may be changed while the training runs."""
    file = work.root / "planned.json"
    if work.smoke:
        return 3 * BATCH
    return int(json.loads(file.read_text("utf-8"))) if file.exists() else PLANNED_SAMPLES


def scaling_factor(work: Workplace, latents: np.ndarray | None = None) -> float:
    """Give what makes the latents' standard deviation 1; decided once, by the first latents."""
    file = work.root / "scaling.json"
    if latents is not None and not file.exists():
        file.write_text(json.dumps(float(1 / latents.astype(np.float32).std())), "utf-8")
    return float(json.loads(file.read_text("utf-8")))


def _loss_weights(kept: Any) -> Any:
    """Weigh steps with hardly any noise less: min(1, 12 / (SNR + 1)), after Hang et al. 2023."""
    import torch

    snr = kept / (1 - kept)
    return torch.clamp(12 / (snr + 1), max=1)


def _one_thread() -> None:
    """Make torch compute in the calling thread alone."""
    import torch

    torch.set_num_threads(1)
