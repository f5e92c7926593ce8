"""A model in memory, and what differs from family to family once it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.abilities import GenerationKind
from core.addons import Outfit, Wardrobe
from core.checkpoints import Checkpoint
from core.geometry import Size
from core.memory import DevicePlan
from core.pipelines.compiling import COMPILED, CompiledBlocks
from core.pipelines.sketching import Sketchbook
from core.previews import LatentPreview, PreviewChoice
from core.previews.choosing import Over

Tensor = Any
_PACKED = 2  # Flux makes one token of this many latent cells in each direction


@dataclass
class Pace:
    """What the last run with a model took where it cannot be measured before its end.

    Attributes:
        decode_seconds_per_pixel: Time of decoding and the safety checker; None before a run.
    """

    decode_seconds_per_pixel: float | None = None


@dataclass(frozen=True, eq=False)
class LoadedPipeline:
    """A model in memory, set up for one kind of generation.

    Attributes:
        pipe: The diffusers pipeline; its weights are shared with the other kinds.
        original_scheduler_config: As the model came; every scheduler is made from this.
        preview: Latents to RGB for the model's VAE.
        facts: What decides a picture besides the request: versions, device, dtype, model hash.
        worn_arguments: What a call takes for the add-ons that the model wears.
        sketchbook: The other ways to show its latents.
        compiled: What of it is compiled; None for nothing.
    """

    pipe: Any
    checkpoint: Checkpoint
    original_scheduler_config: dict[str, Any]
    preview: LatentPreview
    plan: DevicePlan
    facts: dict[str, Any]
    pace: Pace = field(default_factory=Pace)
    wardrobe: Wardrobe = field(default_factory=Wardrobe)
    worn_arguments: Mapping[str, Any] = field(default_factory=dict)
    sketchbook: Sketchbook = field(default_factory=Sketchbook)
    compiled: CompiledBlocks | None = None

    @property
    def vae(self) -> Any:
        """The network that encodes and decodes pictures; Kandinsky calls it MoVQ."""
        return getattr(self.pipe, self.checkpoint.family.vae)

    @property
    def cell(self) -> int:
        """Side in pixels of the square that one latent stands for."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    def schedule(self, scheduler: Any) -> None:
        """Let the next run step with that scheduler."""
        self.pipe.scheduler = scheduler
        if self.checkpoint.prior is not None:  # the pipe within that does the steps
            self.pipe.decoder_pipe.scheduler = scheduler

    def map_of(self, latents: Tensor | None, size: Size) -> Tensor | None:
        """Latents as a map: as they are, or those of Flux taken out of their tokens.

        Args:
            latents: Tensor of shape (n, channels, h, w), or (n, tokens, 4 channels).
            size: Pixels of the picture they belong to.

        Returns:
            A tensor of shape (n, channels, h, w); None for None.
        """
        if latents is None or latents.ndim == 4:
            return latents
        token = _PACKED * self.cell
        rows, columns = size.height // token, size.width // token
        cells = latents.unflatten(2, (-1, _PACKED, _PACKED)).unflatten(1, (rows, columns))
        return cells.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)

    def previews(self, size: Size, folders: Iterable[Path], over: Over) -> PreviewChoice:
        """What draws the previews of a run with the VAE that it wears.

        Args:
            size: Pixels of the picture that is denoised.
            folders: Where a tiny autoencoder is looked for.
            over: What is laid over each preview.
        """
        family, fitted = self.checkpoint.family, self.preview
        return self.sketchbook.choice(self.vae, family, self.plan, fitted, size, folders, over)

    @contextmanager
    def wearing(
        self, outfit: Outfit, between: Callable[[], None] = lambda: None
    ) -> Iterator[LoadedPipeline]:
        """The model with these add-ons and no others, while the context is open.

        Raises:
            BrokenAddon: something does not fit; the model wears nothing then.
        """
        with (
            self.wardrobe.dressed(self.pipe, outfit, self.plan, between) as worn,
            self._compiled_for(outfit) as facts,
        ):
            yield replace(
                self,
                pipe=worn.pipe,
                preview=worn.preview or self.preview,
                worn_arguments=worn.arguments,
                facts=facts,
            )

    @contextmanager
    def _compiled_for(self, outfit: Outfit) -> Iterator[dict[str, Any]]:
        """The model's facts, while what is compiled rests for what changes its blocks."""
        compiled, request = self.compiled, outfit.request
        if compiled is None:
            yield self.facts
            return
        changes = bool(outfit.loras or request.references or request.pag_scale)
        with compiled.resting(changes):
            # The same mapping where it counts, since compiling may still fail in the first step.
            yield self.facts if compiled.is_on else _without_compiled(self.facts)

    def for_kind(self, kind: GenerationKind) -> LoadedPipeline:
        """The same weights in the pipeline class for `kind`."""
        import diffusers

        # By Auto…from_pipe: the from_pipe of a pipeline class casts shared weights to float32.
        auto = {
            GenerationKind.TEXT_TO_IMAGE: "AutoPipelineForText2Image",
            GenerationKind.IMAGE_TO_IMAGE: "AutoPipelineForImage2Image",
            GenerationKind.INPAINTING: "AutoPipelineForInpainting",
        }[kind]
        pipe = getattr(diffusers, auto).from_pipe(self.pipe)
        pipe.set_progress_bar_config(disable=True)  # belongs to the object, not to its siblings
        return replace(self, pipe=pipe)


def _without_compiled(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != COMPILED}
