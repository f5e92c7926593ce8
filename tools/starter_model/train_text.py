"""Teach the text encoder which words belong to which side of the picture, before the U-Net.

A bag of words (`word_bag`) cannot say that the cat is on the left and the dog on the right. Here
its padding, nearly all of a caption's 77 tokens, learns to: padding at even places says what the
bag says of the left thing alone, and carries a mark for that side; at odd places the same for the
right thing. The U-Net's attention then finds by the mark what to draw where, and what it knows of
single things serves for each of them. Captions of one thing stay as they are.

The bag of words itself is the teacher, asked about the parts of the caption; the loss is the mean
square of the difference of the states.
"""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np

from tools.starter_model import architecture
from tools.starter_model.encode import tokenized
from tools.starter_model.phrases import SIDES, Phrase, Phrases
from tools.starter_model.word_bag import start_as_word_bag
from tools.starter_model.workplace import Workplace, save_torch

_STEPS = 1300
_BATCH = 48
_PEAK_RATE = 1e-3
_FALLING_SHARE = 0.6
_HEAD, _TAIL = 22, 14
"""Places looked at in each batch: all of the first, and so many of the others by lot."""

_MARK = 0.6
"""Length of a side's mark, relative to a state's."""


def run(work: Workplace) -> None:
    """Write the text encoder, unless it is there: 13 minutes of one core."""
    from transformers import CLIPTokenizer

    if work.text_encoder.exists():
        return
    work.use_threads()
    tokenizer = CLIPTokenizer.from_pretrained(work.tokenizer)
    encoder = architecture.text_encoder(tokenizer)
    start_as_word_bag(encoder, tokenizer)
    lesson = Lesson(encoder, tokenizer)
    steps = 3 if work.smoke else _STEPS
    for step in range(steps):
        loss = lesson.step(step / steps)
        if step % 50 == 49 or work.smoke:
            work.note("train_text", steps=step + 1, loss=loss)
    save_torch(work.text_encoder, encoder.state_dict())


class Lesson:
    """Teaches one text encoder.

    Args:
        encoder: a `CLIPTextModel` that is a bag of words; changed in place.
        tokenizer: its tokenizer.
    """

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        import torch

        self._encoder = encoder
        self._tokenizer = tokenizer
        self._teacher = copy.deepcopy(encoder).requires_grad_(False)
        self._marks = _marks(len(SIDES))
        self._phrases = Phrases(random.Random(7))
        self._optimizer = torch.optim.AdamW(
            encoder.parameters(), _PEAK_RATE, betas=(0.9, 0.98), weight_decay=0
        )

    def step(self, done: float) -> float:
        """Learn from one batch and give its loss; `done` is the share of the lesson so far."""
        import torch

        for group in self._optimizer.param_groups:
            group["lr"] = _PEAK_RATE * min(1.0, max(0.02, (1 - done) / _FALLING_SHARE))
        phrases = [self._phrases.phrase() for _ in range(_BATCH)]
        places = _places()
        wanted = self._wanted(phrases, places)
        states = self._states(self._encoder, [p.caption for p in phrases], places)
        loss = (states - wanted).square().mean()
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._encoder.parameters(), 1.0)
        self._optimizer.step()
        return float(loss)

    def _wanted(self, phrases: list[Phrase], places: Any) -> Any:
        """Ask the teacher: states [B, places, width]."""
        import torch

        with torch.no_grad():
            wanted = self._states(self._teacher, [p.caption for p in phrases], places)
            parts = [
                self._states(self._teacher, [p.parts[odd] for p in phrases], places)
                for odd in (0, 1)
            ]
            padding = places >= self._words(phrases)[:, None]
            for row, phrase in enumerate(phrases):
                for odd, side in enumerate(phrase.sides or ()):
                    here = padding[row] & (places % 2 == odd)
                    wanted[row, here] = _marked(parts[odd][row, here], self._marks[side])
        return wanted

    def _words(self, phrases: list[Phrase]) -> Any:
        """Give for each phrase the place from which on its captions are all padding, int [B]."""
        import torch

        texts = [text for phrase in phrases for text in (phrase.caption, *phrase.parts)]
        counts = [len(ids) - 1 for ids in self._tokenizer(texts).input_ids]
        return torch.tensor(counts).view(-1, 3).amax(1)

    def _states(self, encoder: Any, captions: list[str], places: Any) -> Any:
        import torch

        ids = torch.from_numpy(tokenized(self._tokenizer, captions))[:, places]
        places = places.expand(len(captions), -1)
        return encoder(input_ids=ids, position_ids=places).last_hidden_state


def _places() -> Any:
    """Choose the places to look at, rising: fewer than all of them takes half the time."""
    import torch

    rest = architecture.LONGEST_CAPTION - _HEAD
    tail = _HEAD + torch.randperm(rest)[:_TAIL].sort().values
    return torch.cat([torch.arange(_HEAD), tail])


def _marks(count: int) -> Any:
    """Draw vectors [count, width] at right angles to each other; their length is `_MARK`."""
    import torch

    drawn = np.random.default_rng(7).normal(size=(architecture.TEXT_WIDTH, count))
    turned = torch.from_numpy(np.linalg.qr(drawn)[0].T).float()
    return turned * _MARK * architecture.TEXT_WIDTH**0.5


def _marked(states: Any, mark: Any) -> Any:
    """Add a mark to normalised states [N, width] and keep their length."""
    marked = states + mark
    return marked * states.norm(dim=1, keepdim=True) / marked.norm(dim=1, keepdim=True)
