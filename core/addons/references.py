"""IP-Adapters on a U-Net: pictures read by an image encoder, and layers that listen to them.

Done with diffusers' own conversion of the files, but without its loader: that one would change
the pipeline's parts, cast the whole U-Net, and put other attention layers back than it found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from core.addon import Reference
from core.addons.describe import AddonFile, weights_of
from core.addons.encoders import ImageEncoder, load_encoder
from core.addons.ip_adapters import ATTENTION, PLAIN, PROJECTION
from core.addons.loras import FAULTS
from core.errors import BrokenAddon
from core.logs import logger
from core.memory import DevicePlan, is_out_of_memory
from core.request import Pixels, pixel_digest

Tensor = Any
_log = logger("addons")
# What CLIP was trained on: each colour's mean and spread over its pictures.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_SPREAD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, eq=False)
class Look:
    """One picture that one IP-Adapter shall read.

    Attributes:
        reference: The picture, and how much of it.
        adapter: Its file.
        encoder: Whose eyes it has.
        encoder_sha256: Digest of the encoder's weights.
    """

    reference: Reference
    adapter: AddonFile
    encoder: ImageEncoder
    encoder_sha256: str

    @property
    def key(self) -> tuple[str, str, bool]:
        """Two looks with the same see the same."""
        digest = pixel_digest(self.reference.image) or ""
        return self.encoder_sha256, digest, _is_plain(self)


class Eyes:
    """Reads pictures, and remembers what it saw as long as it is looked at again.

    An encoder is as large as half a model: it is loaded for what is new and let go at once.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, bool], tuple[Tensor, Tensor]] = {}

    def see(
        self, looks: Sequence[Look], plan: DevicePlan, between: Callable[[], None]
    ) -> list[tuple[Tensor, Tensor]]:
        """(what is seen, what nothing would look like), of shape (1, pictures, …).

        One pair for each adapter and weight: its pictures are read together.

        Args:
            between: Called before each layer; may raise to give up.

        Raises:
            BrokenAddon: an encoder cannot be loaded.
        """
        self._seen = {key: seen for key, seen in self._seen.items() if key in _keys(looks)}
        for encoder in dict.fromkeys(look.encoder for look in looks):
            new = [look for look in looks if look.encoder == encoder and look.key not in self._seen]
            if new:
                self._look(encoder, new, plan, between)
        import torch  # only now: a command that refuses did without

        groups = [[self._seen[look.key] for look in group] for group in _together(looks)]
        return [
            (torch.cat([image for image, _ in seen], 1), torch.cat([none for _, none in seen], 1))
            for seen in groups
        ]

    def _look(
        self, encoder: ImageEncoder, looks: list[Look], plan: DevicePlan, between: Any
    ) -> None:
        import torch

        between()
        network = load_encoder(encoder, plan.device, getattr(torch, plan.dtype))
        for layer in network.modules():
            if type(layer).__name__.endswith("EncoderLayer"):
                layer.register_forward_pre_hook(lambda module, arguments: between())
        with torch.no_grad():
            for look in looks:
                self._seen[look.key] = _encoded(network, look)


@contextmanager
def listening(pipe: Any, looks: Sequence[Look], plan: DevicePlan) -> Iterator[None]:
    """While the context is open, the U-Net of `pipe` listens to these IP-Adapters.

    Afterwards it has its very own attention layers again.

    Raises:
        BrokenAddon: one does not fit this U-Net, or its file is damaged.
    """
    unet = pipe.unet
    before = dict(unet.attn_processors)
    layers, projection = _fitted(unet, looks)
    for part in (*layers.values(), projection):
        _bring(part, plan)
    try:
        unet.set_attn_processor(layers)  # which empties `layers`
        unet.encoder_hid_proj = projection
        unet.config.encoder_hid_dim_type = "ip_image_proj"
        yield
    finally:
        # First, since that of the "plus" sort has attention of its own, which would be counted.
        del unet.encoder_hid_proj
        unet.encoder_hid_proj = None
        unet.config.encoder_hid_dim_type = None
        unet.set_attn_processor(before)


def reference_arguments(
    seen: Sequence[tuple[Tensor, Tensor]], *, with_nothing: bool
) -> dict[str, Any]:
    """What the pipeline's call is told of the pictures.

    Args:
        with_nothing: Whether it also computes without the prompt, and so without pictures.
    """
    import torch

    pairs = [torch.cat([nothing, image]) if with_nothing else image for image, nothing in seen]
    return {"ip_adapter_image_embeds": pairs} if pairs else {}


def _keys(looks: Sequence[Look]) -> set[tuple[str, str, bool]]:
    return {look.key for look in looks}


def _together(looks: Sequence[Look]) -> list[list[Look]]:
    """Pictures that one adapter reads with one weight, in their order.

    They share its attention, as a list of pictures does in diffusers; each with an adapter of its
    own would add its whole weight.
    """
    groups: dict[tuple[AddonFile, float], list[Look]] = {}
    for look in looks:
        groups.setdefault((look.adapter, look.reference.weight), []).append(look)
    return list(groups.values())


def _is_plain(look: Look) -> bool:
    return look.adapter.dialect == PLAIN


def _encoded(network: Any, look: Look) -> tuple[Tensor, Tensor]:
    """As `encode_image` of diffusers' pipelines."""
    import torch

    assert look.reference.image is not None  # validate() refused it
    seen = squared(look.reference.image, network.config.image_size)
    first = next(network.parameters())
    pixels = torch.from_numpy(seen).permute(2, 0, 1)[None].to(first.device, first.dtype)
    if _is_plain(look):
        image = network(pixels).image_embeds
        return image[None], torch.zeros_like(image)[None]
    pair = (pixels, torch.zeros_like(pixels))
    image, nothing = (network(each, output_hidden_states=True).hidden_states[-2] for each in pair)
    return image[None], nothing[None]


def squared(picture: Pixels, side: int) -> Any:
    """The square in the middle of a picture as CLIP sees it, float32 of shape (side, side, 3)."""
    image = Image.fromarray(picture)
    short = min(image.size)
    width, height = (int(side * length / short) for length in image.size)
    scaled = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    left, top = (width - side) // 2, (height - side) // 2
    middle = scaled[top : top + side, left : left + side].astype(np.float32) / 255
    return (middle - np.array(_MEAN, np.float32)) / np.array(_SPREAD, np.float32)


def _fitted(unet: Any, looks: Sequence[Look]) -> tuple[dict[str, Any], Any]:
    """(attention layers by name, what makes tokens of what was seen), one part for each group."""
    from diffusers.models.embeddings import MultiIPAdapterImageProjection

    looks = [group[0] for group in _together(looks)]
    weights: dict[AddonFile, Mapping[str, Any]] = {}
    for look in looks:
        if look.adapter not in weights:
            weights[look.adapter] = _checked(unet, look.adapter)
    try:
        chosen = [weights[look.adapter] for look in looks]
        made = unet._convert_ip_adapter_attn_to_diffusers(chosen, low_cpu_mem_usage=False)
        projections = [
            unet._convert_ip_adapter_image_proj_to_diffusers(
                each["image_proj"], low_cpu_mem_usage=False
            )
            for each in chosen
        ]
    except FAULTS as error:
        if is_out_of_memory(error):
            raise
        raise _unfit([look.adapter.name for look in looks], error) from error
    layers = {
        name: made[name] if hasattr(made[name], "to_k_ip") else own
        for name, own in unet.attn_processors.items()
    }
    for name in (name for name, layer in layers.items() if layer is made[name]):
        layers[name].scale = [look.reference.weight for look in looks]
    return layers, MultiIPAdapterImageProjection(projections)


def _checked(unet: Any, adapter: AddonFile) -> Mapping[str, Any]:
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(weights_of(adapter.path)))
    except FAULTS as error:
        raise _unfit([adapter.name], error) from error
    parts: dict[str, Any] = {}
    for part, prefix in (("image_proj", PROJECTION), ("ip_adapter", ATTENTION)):
        named = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        parts[part] = named
    # Layers that are left over were meant for a larger U-Net.
    heard = sum(name.endswith("attn2.processor") for name in unet.attn_processors)
    if len([name for name in parts["ip_adapter"] if name.endswith("to_k_ip.weight")]) != heard:
        raise _unfit([adapter.name], ValueError("it has another number of layers"))
    return parts


def _bring(part: Any, plan: DevicePlan) -> None:
    import torch

    if isinstance(part, torch.nn.Module):
        part.to(plan.device, getattr(torch, plan.dtype)).eval()


def _unfit(names: Sequence[str], error: Exception) -> BrokenAddon:
    called = ", ".join(f"“{name}”" for name in dict.fromkeys(names))
    _log.info("IP-Adapter %s was not put on: %s", called, type(error).__name__, exc_info=error)
    return BrokenAddon(
        f"The IP-Adapter {called} does not fit this model, or lacks weights. Take it out, or "
        "choose the model it was made for."
    )
