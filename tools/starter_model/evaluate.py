"""Measure the exported model on fixed prompts and seeds, and draw a sheet of its pictures."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tools.starter_model import classifier
from tools.starter_model.architecture import GUIDANCE
from tools.starter_model.dataset import CAPTIONED_SET, load_drawings
from tools.starter_model.grounds import COLOURS
from tools.starter_model.nouns import LEARNED
from tools.starter_model.phrases import LEFT, RIGHT, SIDES
from tools.starter_model.scenes import Scenes, paste, resized
from tools.starter_model.workplace import Workplace

STEPS, SIDE = 20, 256

SHEET = (
    "a red apple",
    "a green pear on a white background",
    "a cat on a green background",
    "a dog on a yellow background",
    "a pizza on a blue background",
    "a rocket in space",
    "a whale in the sea",
    "a lemon on a black background",
    "a banana on a navy background",
    "a strawberry on a gray background",
    "a sun in the sky",
    "a house on green grass",
    "a red heart on a pink background",
    "a penguin in the snow",
    "a sunflower on a blue background",
    "a smiling face on a purple background",
    "a cat on the left and a dog on the right on a green background",
    "a red apple on the left and a lemon on the right on a blue background",
    "a penguin on the left and a star on the right on a navy background",
    "a rocket on the left and a sun on the right",
    "two ghosts on a black background",
    "two strawberries on a gray background",
    "a small sunflower on the left on a blue background",
    "a small balloon at the top on a yellow background",
)
"""Prompts of the picture sheet."""

_PROMPTS = 200
_PAIRS = 40
_PLACES = 40
_SCENES = 48
_EDITS = 40
_BATCH = 8
_SEED = 31
_VISIBLE = 40
"""Difference from the ground, 0..255, that is something."""


def run(work: Workplace, model: Path | None = None) -> None:
    """Write `evaluation.json` and `sheet.png` into the work folder."""
    import torch
    from diffusers import DiffusionPipeline

    work.use_threads()
    folder = model or work.exported
    pipeline = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    judge = classifier.load(work)
    draw_sheet(pipeline, work.root / "sheet.png", 2 if work.smoke else STEPS)
    figures = {**_on_real_scenes(work, pipeline.vae, judge), **_on_prompts(work, pipeline, judge)}
    figures |= _on_pairs(work, pipeline, judge)
    figures |= _on_places(work, pipeline)
    figures |= _on_edits(work, pipeline, judge)
    (work.root / "evaluation.json").write_text(json.dumps(figures, indent=1), "utf-8")
    work.note("evaluate", **figures)


def draw(pipeline: Any, prompts: list[str], steps: int = STEPS) -> np.ndarray:
    """Draw one picture a prompt, uint8 RGB [B, 256, 256, 3]; the seed goes by the place."""
    import torch

    pictures: list[np.ndarray] = []
    for start in range(0, len(prompts), _BATCH):
        some = prompts[start : start + _BATCH]
        seeds = [torch.Generator().manual_seed(_SEED + start + n) for n in range(len(some))]
        result = pipeline(
            some,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            height=SIDE,
            width=SIDE,
            generator=seeds,
        )
        pictures += [np.asarray(image) for image in result.images]
    return np.stack(pictures)


def draw_sheet(pipeline: Any, path: Path, steps: int = STEPS, columns: int = 8) -> None:
    """Draw the prompts of the sheet side by side, each 192 px wide."""
    tiles = [Image.fromarray(p).resize((192, 192)) for p in draw(pipeline, [*SHEET], steps)]
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (192 * columns, 192 * rows), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (192 * (number % columns), 192 * (number // columns)))
    sheet.save(path)


def ground_colour(picture: np.ndarray) -> str:
    """Name the colour that the outermost eight pixels of a picture have in the middle."""
    edge = np.concatenate([part.reshape(-1, 3) for part in (picture[:8], picture[-8:])])
    middle = np.median(edge, axis=0)
    return min(COLOURS, key=lambda name: float(np.square(middle - COLOURS[name]).sum()))


def _on_prompts(work: Workplace, pipeline: Any, judge: Any) -> dict[str, Any]:
    """Draw single objects on coloured grounds and see whether both are recognised."""
    chance = random.Random(_SEED)
    count = 2 if work.smoke else _PROMPTS
    nouns = [chance.randrange(len(LEARNED)) for _ in range(count)]
    colours = [chance.choice(list(COLOURS)) for _ in range(count)]
    prompts = [
        f"{LEARNED[noun].one(LEARNED[noun].name)} on a {colour} background"
        for noun, colour in zip(nouns, colours, strict=True)
    ]
    pictures = draw(pipeline, prompts, 2 if work.smoke else STEPS)
    found = [ground_colour(picture) for picture in pictures]
    best = classifier.ranked(judge, _small(pictures))
    by_noun: dict[str, list[int]] = {}
    for noun, order in zip(nouns, best, strict=True):
        rank = int(np.flatnonzero(order == noun)[0]) + 1
        by_noun.setdefault(LEARNED[noun].name, []).append(rank)
    return {
        "prompts": count,
        **_tops(best, nouns, "object"),
        "ground": float(np.mean([a == b for a, b in zip(found, colours, strict=True)])),
        "ranks": by_noun,
    }


def _on_pairs(work: Workplace, pipeline: Any, judge: Any) -> dict[str, float]:
    """Draw two things beside each other, different ones and the same twice; name each half."""
    chance = random.Random(_SEED + 1)
    count = 2 if work.smoke else _PAIRS
    pairs = [chance.sample(range(len(LEARNED)), 2) for _ in range(count)]
    prompts = []
    for left, right in pairs:
        one, other = (LEARNED[n].one(LEARNED[n].name) for n in (left, right))
        prompts.append(f"{one} {SIDES[LEFT]} and {other} {SIDES[RIGHT]}")
    alike = [[chance.randrange(len(LEARNED))] * 2 for _ in range(count)]
    twice = [f"two {LEARNED[noun].many(LEARNED[noun].name)}" for noun, _ in alike]
    steps = 2 if work.smoke else STEPS
    named = _named_halves(draw(pipeline, prompts + twice, steps), judge)
    right_names = named == np.array(pairs + alike)
    return {
        "pairs_left": float(right_names[:count, 0].mean()),
        "pairs_right": float(right_names[:count, 1].mean()),
        "pairs_both": float(right_names[:count].all(1).mean()),
        "two_alike": float(right_names[count:].all(1).mean()),
    }


def _named_halves(pictures: np.ndarray, judge: Any) -> np.ndarray:
    """Name the left and the right half, each scaled as if it were whole: indices [B, 2]."""
    middle = slice(SIDE // 4, 3 * SIDE // 4)
    halves = (pictures[:, middle, : SIDE // 2], pictures[:, middle, SIDE // 2 :])
    return np.stack([classifier.ranked(judge, _small(half))[:, 0] for half in halves], 1)


def _on_places(work: Workplace, pipeline: Any) -> dict[str, float]:
    """Draw small things at the four sides, and see on which side of the middle they are."""
    chance = random.Random(_SEED + 4)
    count = 2 if work.smoke else _PLACES
    sides = [number % len(SIDES) for number in range(count)]
    prompts = []
    for side in sides:
        noun, colour = chance.choice(LEARNED), chance.choice(list(COLOURS))
        prompts.append(f"{noun.one('small ' + noun.name)} {SIDES[side]} on a {colour} background")
    pictures = draw(pipeline, prompts, 2 if work.smoke else STEPS)
    found = [side_of(picture) for picture in pictures]
    return {"places": float(np.mean([a == b for a, b in zip(found, sides, strict=True)]))}


def side_of(picture: np.ndarray) -> int:
    """Tell on which side most of what is not ground lies.

    Args:
        picture: uint8 RGB [H, W, 3], with a ground of one colour.

    Returns:
        An index into SIDES.
    """
    ground = np.median(np.concatenate([picture[:8].reshape(-1, 3), picture[-8:].reshape(-1, 3)]), 0)
    thing = np.abs(picture - ground).max(2) > _VISIBLE
    y, x = np.nonzero(thing) if thing.any() else ([0], [0])
    right, down = np.mean(x) / SIDE - 0.5, np.mean(y) / SIDE - 0.5
    if abs(right) > abs(down):
        return RIGHT if right > 0 else LEFT
    return SIDES.index("at the bottom" if down > 0 else "at the top")


def _on_edits(work: Workplace, pipeline: Any, judge: Any) -> dict[str, float]:
    """Repaint a round mask in composed scenes as another object; judge it, and the mask's edge.

    On a ground of one colour, which differs nowhere, an edge that cannot be seen has seam 0.
    """
    import torch
    from diffusers import AutoPipelineForInpainting

    painter = AutoPipelineForInpainting.from_pipe(pipeline)
    painter.set_progress_bar_config(disable=True)
    chance, drawings = random.Random(_SEED + 3), load_drawings(work, CAPTIONED_SET)
    mask, nouns, edited = _disc(SIDE, 0.46), [], []
    for number in range(2 if work.smoke else _EDITS):
        before, after = chance.sample(LEARNED, 2)
        colour = chance.choice(list(COLOURS))
        scene = np.empty((SIDE, SIDE, 3), np.float32)
        scene[:] = COLOURS[colour]
        drawing = resized(drawings[before.slug], SIDE // 2)
        paste(scene, drawing, SIDE // 4, SIDE // 4)
        image = painter(
            f"{after.one(after.name)} on a {colour} background",
            image=Image.fromarray(scene.astype(np.uint8)),
            mask_image=Image.fromarray(mask),
            strength=1.0,
            num_inference_steps=2 if work.smoke else STEPS,
            guidance_scale=GUIDANCE,
            generator=torch.Generator().manual_seed(_SEED + number),
        ).images[0]
        inside = mask[..., None] > 0
        edited.append(np.where(inside, np.asarray(image), scene).astype(np.uint8))
        nouns.append(LEARNED.index(after))
    best = classifier.ranked(judge, _small(np.stack(edited)))
    return {**_tops(best, nouns, "edited"), "seam": seam(np.stack(edited), mask)}


def seam(pictures: np.ndarray, mask: np.ndarray) -> float:
    """Mean difference, 0..255, of horizontal neighbours of which one is masked.

    Args:
        pictures: uint8 [B, H, W, 3].
        mask: uint8 [H, W].
    """
    across = (mask[:, 1:] > 0) != (mask[:, :-1] > 0)
    return float(np.abs(np.diff(pictures.astype(np.int16), axis=2))[:, across].mean())


def _disc(side: int, radius: float) -> np.ndarray:
    """Make a mask with a disc in the middle, its radius in shares of the side."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.where(np.hypot(x, y) < radius * side, np.uint8(255), np.uint8(0))


def _on_real_scenes(work: Workplace, vae: Any, judge: Any) -> dict[str, float]:
    """Give what the judge reaches on composed scenes, and how well the autoencoder keeps them."""
    import torch

    chance, names = random.Random(_SEED + 2), []
    drawings = load_drawings(work, CAPTIONED_SET)
    scenes = []
    for _ in range(4 if work.smoke else _SCENES):
        names.append(chance.randrange(len(LEARNED)))
        source = Scenes(drawings, chance.randrange(2**32), SIDE, [LEARNED[names[-1]]])
        scenes.append(source.scene()[0])
    values = torch.from_numpy(np.stack(scenes)).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        back = [vae.decode(vae.encode(v[None]).latent_dist.mean).sample[0] for v in values]
    errors = ((torch.stack(back).clamp(-1, 1) - values) ** 2).mean((1, 2, 3))
    best = classifier.ranked(judge, _small(np.stack(scenes)))
    return {
        **_tops(best, names, "real"),
        "vae_psnr": float((10 * torch.log10(4 / errors)).mean()),
        "vae_edge_error": edge_error(torch.stack(back).clamp(-1, 1), values),
    }


def edge_error(pictures: Any, originals: Any) -> float:
    """Mean difference of the horizontal gradients, relative to the originals' mean gradient.

    Args:
        pictures: float tensor [B, 3, H, W].
        originals: the same, with what the gradients should be.
    """
    ours, theirs = pictures.diff(dim=3), originals.diff(dim=3)
    return float((ours - theirs).abs().mean() / theirs.abs().mean())


def _tops(ranked: np.ndarray, names: list[int], what: str) -> dict[str, float]:
    places = ranked == np.array(names)[:, None]
    return {
        f"{what}_top1": float(places[:, 0].mean()),
        f"{what}_top5": float(places[:, :5].any(1).mean()),
    }


def _small(pictures: np.ndarray) -> np.ndarray:
    size = (classifier.SIDE, classifier.SIDE)
    return np.stack([np.asarray(Image.fromarray(p).resize(size)) for p in pictures])
