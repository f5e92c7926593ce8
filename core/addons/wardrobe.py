"""A loaded model dressed for one picture, and undressed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from core.abilities import AddonKind, GenerationKind
from core.addons.embeddings import taught
from core.addons.loras import WornLoras
from core.addons.networks import load_controlnet, load_vae
from core.addons.outfit import Chosen, Outfit
from core.addons.text_layers import clip_skipped
from core.memory import DevicePlan
from core.previews import LatentPreview


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

    @contextmanager
    def dressed(
        self,
        pipe: Any,
        outfit: Outfit,
        plan: DevicePlan,
        between: Callable[[], None] = lambda: None,
    ) -> Iterator[tuple[Any, LatentPreview | None]]:
        """(the pipeline to call, previews where its VAE is another) while the context is open.

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
            yield (led(pipe, request.kind, nets) if nets else pipe), preview

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
