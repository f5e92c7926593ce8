"""What the zoo holds, and in which order it is built."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tools.tiny_zoo import addons, flow_models, kandinsky, single_file, stable_diffusion
from tools.tiny_zoo.text_encoders import use_hub_key_names


@dataclass(frozen=True)
class Entry:
    """One folder of the zoo.

    Attributes:
        write: Fills the folder it is given; other entries lie beside that folder.
        needs: Entries that must be built before.
        is_pipeline: Whether the folder is a whole model, not something to put on one.
    """

    write: Callable[[Path], None]
    needs: tuple[str, ...] = ()
    is_pipeline: bool = True


_ALL = {
    "sd15": Entry(stable_diffusion.write_sd15),
    "sd15-nsfw": Entry(stable_diffusion.write_sd15_nsfw),
    "sd15-inpaint": Entry(stable_diffusion.write_sd15_inpaint),
    "sd21": Entry(stable_diffusion.write_sd21),
    "starter-layout": Entry(stable_diffusion.write_starter_layout),
    "lcm": Entry(stable_diffusion.write_lcm),
    "sdxl-base": Entry(stable_diffusion.write_sdxl_base),
    "sdxl-inpaint": Entry(stable_diffusion.write_sdxl_inpaint),
    "sdxl-refiner": Entry(stable_diffusion.write_sdxl_refiner),
    "kandinsky-2-2-prior": Entry(kandinsky.write_prior),
    "kandinsky-2-2-decoder": Entry(kandinsky.write_decoder, ("kandinsky-2-2-prior",)),
    "kandinsky-2-2-decoder-inpaint": Entry(
        kandinsky.write_decoder_inpaint, ("kandinsky-2-2-prior",)
    ),
    "sd3": Entry(flow_models.write_sd3),
    "flux-dev": Entry(flow_models.write_flux_dev),
    "flux-schnell": Entry(flow_models.write_flux_schnell),
    "taesd": Entry(addons.write_taesd, is_pipeline=False),
    "controlnet-canny-sd15": Entry(addons.write_controlnet, ("sd15",), is_pipeline=False),
    "ip-adapter": Entry(addons.write_ip_adapter, ("sd15", "sdxl-base"), is_pipeline=False),
    "lora-sd15": Entry(addons.write_loras, ("sd15",), is_pipeline=False),
    "lora-sdxl": Entry(addons.write_sdxl_lora, ("sdxl-base",), is_pipeline=False),
    "lora-sd3": Entry(addons.write_sd3_loras, ("sd3",), is_pipeline=False),
    "lora-flux": Entry(addons.write_flux_loras, ("flux-dev",), is_pipeline=False),
    "controlnet-sd21": Entry(addons.write_sd2_controlnet, ("sd21",), is_pipeline=False),
    "controlnet-sdxl": Entry(addons.write_sdxl_controlnet, ("sdxl-base",), is_pipeline=False),
    "controlnet-sd3": Entry(addons.write_sd3_controlnet, ("sd3",), is_pipeline=False),
    "controlnet-flux": Entry(addons.write_flux_controlnet, ("flux-dev",), is_pipeline=False),
    "textual-inversion": Entry(addons.write_textual_inversions, is_pipeline=False),
    "single-file": Entry(single_file.write_single_file, ("sd15",), is_pipeline=False),
    **{
        f"{name}-file": Entry(single_file.writer(name), (name,), is_pipeline=False)
        for name in ("sd15", "sd15-inpaint", "sd21", "sdxl-base", "sdxl-inpaint", "sdxl-refiner")
    },
}
ENTRIES: Mapping[str, Entry] = MappingProxyType(_ALL)


def build(folder: Path, only: Collection[str] | None = None, seed: int = 0) -> None:
    """Write the zoo, or some of it, into `folder`.

    The same seed gives the same bytes, whatever else is built. What an entry in `only` needs is
    built too, unless it is there already. torch's own generator is left as it was.

    Args:
        folder: Created when missing; entries of the same name are replaced.
        only: Keys of `ENTRIES`; everything when left out.
        seed: Seed of all weights.

    Raises:
        KeyError: `only` names something the zoo does not have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = ENTRIES.keys() if only is None else only
    needed = {need for name in wanted for need in ENTRIES[name].needs}
    missing = {name for name in needed if not (folder / name).is_dir()}
    for name, entry in ENTRIES.items():
        if name in wanted or name in missing:
            _write(folder / name, entry, _seed_of(name, seed))


def _write(folder: Path, entry: Entry, seed: int) -> None:
    import torch

    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    with torch.random.fork_rng(devices=[]), _quiet():
        torch.manual_seed(seed)
        entry.write(folder)
    use_hub_key_names(folder)


def _seed_of(name: str, seed: int) -> int:
    """A seed of its own for each entry, so that one does not depend on those before it."""
    return seed + int(hashlib.sha1(name.encode()).hexdigest()[:6], 16)


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and no warnings of transformers; nothing here is worth either."""
    from transformers.utils import logging

    verbosity, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bars:
            logging.enable_progress_bar()
