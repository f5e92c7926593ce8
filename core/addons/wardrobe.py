"""A loaded model dressed for one picture, and undressed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from core.abilities import AddonKind, GenerationKind
from core.addons.controls import encoding_without_chance
from core.addons.embeddings import taught
from core.addons.loras import WornLoras
from core.addons.made_for import SD3
from core.addons.networks import load_controlnet, load_vae
from core.addons.outfit import Chosen, Outfit
from core.addons.perturbation import perturbed
from core.addons.references import Eyes, listening, reference_arguments
from core.addons.text_layers import clip_skipped
from core.memory import DevicePlan
from core.previews import LatentPreview


class Dressed(NamedTuple):
    """A model with everything on.

    Attributes:
        pipe: The pipeline to call.
        preview: How its latents look where its VAE is another; else None.
        arguments: What its call takes besides the request's own.
    """

    pipe: Any
    preview: LatentPreview | None
    arguments: dict[str, Any]


class Wardrobe:
    """What a model in memory wears, and what of it is kept for the next picture.

    One for all pipelines that share the model's weights. LoRAs stay on until a picture wants
    others, and networks in memory until a picture does without them; all else is taken off at
    once.
    """

    def __init__(self) -> None:
        self.loras = WornLoras()
        self._networks: dict[tuple[AddonKind, str], Any] = {}
        self._previews: dict[str, LatentPreview] = {}
        self._eyes = Eyes()

    @contextmanager
    def dressed(
        self,
        pipe: Any,
        outfit: Outfit,
        plan: DevicePlan,
        between: Callable[[], None] = lambda: None,
    ) -> Iterator[Dressed]:
        """The model with everything on, while the context is open.

        Args:
            pipe: The model's own pipeline for the request's kind.
            between: Called before each file is read; may raise to give up.

        Raises:
            BrokenAddon: something does not fit; then the model wears nothing.
        """
        self._let_go(outfit)
        self.loras.wear(pipe, outfit.loras, between)
        with ExitStack() as stack:
            preview = None
            for chosen in outfit.of(AddonKind.VAE):
                between()
                preview = self._wear_vae(pipe, chosen, plan, stack)
            request = outfit.request
            stack.enter_context(taught(pipe, outfit.words))
            stack.enter_context(clip_skipped(pipe, request.clip_skip))
            if request.freeu is not None:
                stack.callback(pipe.disable_freeu)
                pipe.enable_freeu(**request.freeu._asdict())
            nets = []
            for chosen in outfit.of(AddonKind.CONTROLNET):
                between()
                nets.append(self._network(chosen, pipe, plan))
                if SD3 in chosen.file.made_for:
                    stack.enter_context(encoding_without_chance(pipe.vae))
            arguments = self._wear_references(pipe, outfit, plan, between, stack)
            with_nothing = _guides(pipe, request.guidance_scale)
            stack.enter_context(perturbed(pipe, request.pag_scale, with_nothing=with_nothing))
            yield Dressed(led(pipe, request.kind, nets) if nets else pipe, preview, arguments)

    def _wear_references(
        self,
        pipe: Any,
        outfit: Outfit,
        plan: DevicePlan,
        between: Callable[[], None],
        stack: ExitStack,
    ) -> dict[str, Any]:
        seen = self._eyes.see(outfit.looks, plan, between)
        if outfit.looks:
            between()
            stack.enter_context(listening(pipe, outfit.looks, plan))
        with_nothing = _guides(pipe, outfit.request.guidance_scale)
        return reference_arguments(seen, with_nothing=with_nothing)

    def _wear_vae(
        self, pipe: Any, chosen: Chosen, plan: DevicePlan, stack: ExitStack
    ) -> LatentPreview:
        own = pipe.vae
        vae = self._network(chosen, pipe, plan)
        stack.callback(setattr, pipe, "vae", own)
        pipe.vae = vae
        key = chosen.digests.sha256
        if key not in self._previews:
            self._previews[key] = LatentPreview.for_vae(vae)
        return self._previews[key]

    def _network(self, chosen: Chosen, pipe: Any, plan: DevicePlan) -> Any:
        key = (chosen.file.kind, chosen.digests.sha256)
        if key not in self._networks:
            load = load_vae if chosen.file.kind is AddonKind.VAE else load_controlnet
            self._networks[key] = load(chosen.file, pipe, plan)
        return self._networks[key]

    def _let_go(self, outfit: Outfit) -> None:
        wanted = {(c.file.kind, c.digests.sha256) for c in outfit.chosen}
        self._networks = {k: net for k, net in self._networks.items() if k in wanted}
        digests = {digest for _, digest in wanted}
        self._previews = {k: preview for k, preview in self._previews.items() if k in digests}


def _guides(pipe: Any, guidance_scale: float) -> bool:
    """Whether each step also computes without the prompt, as diffusers decides it."""
    network: Any = getattr(pipe, "unet", None) or getattr(pipe, "transformer", None)
    embeds_guidance = getattr(network.config, "time_cond_proj_dim", None) is not None
    return guidance_scale > 1 and not embeds_guidance


def led(pipe: Any, kind: GenerationKind, nets: list[Any]) -> Any:
    """A pipeline of that kind on the same weights that takes the ControlNets too."""
    import diffusers

    auto = {
        GenerationKind.TEXT_TO_IMAGE: "AutoPipelineForText2Image",
        GenerationKind.IMAGE_TO_IMAGE: "AutoPipelineForImage2Image",
        GenerationKind.INPAINTING: "AutoPipelineForInpainting",
    }[kind]
    controlnet = nets[0] if len(nets) == 1 else nets
    made = getattr(diffusers, auto).from_pipe(pipe, controlnet=controlnet)
    made.set_progress_bar_config(disable=True)
    return made
