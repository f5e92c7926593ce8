"""How the latents of a loaded model are shown while it computes: every way there is for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from core.checkpoints import Family
from core.checkpoints.tiny import CLASS, TinyAutoencoder, tiny_autoencoder_for
from core.geometry import Size
from core.logs import logger
from core.memory import DevicePlan, is_out_of_memory
from core.pipelines.loading import FAULTS
from core.previews import LatentPreview, PreviewChoice
from core.previews.choosing import Costs, Over, Way, clock_for, wait_on
from core.previews.published import FACTORS
from core.previews.tiny import TinyPreview

_log = logger("previews")
# Smaller still, and the map shows more.
_SIZES = {1: "tiny autoencoder", 2: "tiny autoencoder at half the size"}
_FEWEST_CELLS = 8  # a side, after shrinking


class Sketchbook:
    """The ways to preview one model, and what they cost; shared by all kinds of generation."""

    def __init__(self) -> None:
        self._costs = Costs()
        self._tiny: tuple[TinyAutoencoder, Any] | None = None
        # Each VAE that the model ever wore has a map of its own, by which it is known.
        self._trusted: WeakKeyDictionary[LatentPreview, TinyPreview | None] = WeakKeyDictionary()

    def choice(
        self, vae: Any, family: Family, plan: DevicePlan, fitted: LatentPreview, size: Size,
        folders: Iterable[Path], over: Over,
    ) -> PreviewChoice:  # fmt: skip
        """What draws the previews of a run.

        Args:
            vae: The VAE whose latents they are.
            family: The model's.
            plan: Where a tiny autoencoder is to compute.
            fitted: The map of that VAE.
            size: Pixels of the picture that is denoised.
            folders: Where a tiny autoencoder is looked for.
            over: What is laid over each preview.
        """
        tiny = self._tiny_for(vae, family, plan, fitted, folders)
        ways = [] if tiny is None else _ways_of(tiny, size)
        ways += _maps(family, fitted)
        clock, wait = clock_for(plan.device), wait_on(plan.device)
        return PreviewChoice(ways, self._costs, clock=clock, wait=wait, over=over)

    def _tiny_for(
        self,
        vae: Any,
        family: Family,
        plan: DevicePlan,
        fitted: LatentPreview,
        folders: Iterable[Path],
    ) -> TinyPreview | None:
        found = tiny_autoencoder_for(family.latents, folders)
        if found is None:
            return None
        if self._tiny is None or self._tiny[0] != found:
            self._tiny, self._costs = (found, _loaded(found, plan)), Costs()
            self._trusted.clear()
        if fitted not in self._trusted:
            self._trusted[fitted] = _trusted(self._tiny[1], vae, fitted, found.name)
        return self._trusted[fitted]


def _maps(family: Family, fitted: LatentPreview) -> list[Way]:
    """The fitted map, and published factors where they belong to this VAE."""
    own = Way("map fitted to the VAE", fitted)
    published = FACTORS.get(family.latents)
    if published is None or not fitted.agrees_with(published):
        return [own]
    theirs = Way("published factors", published)
    return [own, theirs] if fitted.is_fitted else [theirs]


def _ways_of(tiny: TinyPreview, size: Size) -> list[Way]:
    cells = min(size) // 8
    return [
        Way(name, TinyPreview(tiny.network, shrink), shrink, is_network=True)
        for shrink, name in _SIZES.items()
        if shrink == 1 or cells // shrink >= _FEWEST_CELLS
    ]


def _trusted(network: Any, vae: Any, fitted: LatentPreview, name: str) -> TinyPreview | None:
    """The preview by that network, if it is true to the VAE; a preview must not lie."""
    if network is None or network.config.latent_channels != vae.config.latent_channels:
        return None
    tiny = TinyPreview(network)
    try:
        is_true = tiny.is_true_to(vae, fitted)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        is_true = False
    _log.info("previews by %s: %s", name, "yes" if is_true else "it does not suit this VAE")
    return tiny if is_true else None


def _loaded(found: TinyAutoencoder, plan: DevicePlan) -> Any:
    """The network on the device; None if it cannot be read, for pictures are made without too."""
    import diffusers
    import torch

    try:
        network = getattr(diffusers, CLASS).from_pretrained(
            found.path,
            dtype=getattr(torch, plan.dtype),
            variant=found.variant,
            local_files_only=True,
            use_safetensors=True,
        )
        if any(weights.is_meta for weights in network.parameters()):
            raise ValueError("weights are missing")
        return network.to(plan.device).eval()
    except (*FAULTS, MemoryError) as error:
        _log.info("tiny autoencoder %s is left out: %s", found.path, type(error).__name__)
        return None
