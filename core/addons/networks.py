"""ControlNets and VAEs from files, in the shape of the model they are to work with. Offline."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

from core.addons.describe import AddonFile, weights_of
from core.addons.loras import FAULTS
from core.addons.made_for import FLUX, SD3, UNET
from core.errors import BrokenAddon
from core.logs import logger
from core.memory import DevicePlan, is_out_of_memory

Weights = dict[str, Any]
_log = logger("addons")
_TINY = "AutoencoderTiny"


def load_controlnet(file: AddonFile, pipe: Any, plan: DevicePlan) -> Any:
    """The ControlNet, on the device and in the dtype of `plan`.

    A single file says little of its architecture, which is that of the network it was trained
    for.

    Raises:
        BrokenAddon: it does not fit the denoiser of `pipe`, or cannot be read.
    """
    return _loaded(file, plan, lambda: _controlnet(file, pipe))


def load_vae(file: AddonFile, pipe: Any, plan: DevicePlan) -> Any:
    """The VAE, on the device and in the dtype of `plan`.

    Raises:
        BrokenAddon: its latents are not those of `pipe`, or it cannot be read.
    """
    return _loaded(file, plan, lambda: _vae(file, pipe))


def _loaded(file: AddonFile, plan: DevicePlan, make: Any) -> Any:
    import torch

    try:
        network = make()
    except FAULTS as error:
        if is_out_of_memory(error):
            raise
        raise _unfit(file, error) from error
    return network.to(plan.device, getattr(torch, plan.dtype)).eval()


def _controlnet(file: AddonFile, pipe: Any) -> Any:
    make = _MAKERS[_architecture(file)]
    return make(file, pipe)


def _architecture(file: AddonFile) -> str:
    return next(iter(file.made_for), UNET)


def _for_unet(file: AddonFile, pipe: Any) -> Any:
    from diffusers import ControlNetModel
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    if file.path.is_dir():
        return _require_whole(_from_folder(ControlNetModel, file.path))
    weights = convert_controlnet_checkpoint(_read(file.path), config=pipe.unet.config)
    net = ControlNetModel.from_unet(
        pipe.unet,
        conditioning_embedding_out_channels=_hint_channels(weights),
        load_weights_from_unet=False,
    )
    net.load_state_dict(weights)
    return net


def _for_sd3(file: AddonFile, pipe: Any) -> Any:
    """It always repeats the transformer's first blocks, and reads a mask where it was made to."""
    from diffusers import SD3ControlNetModel

    if file.path.is_dir():
        return _require_text_alone(_require_whole(_from_folder(SD3ControlNetModel, file.path)))
    weights = _read(file.path)
    shape = weights["pos_embed_input.proj.weight"].shape
    like = _like(pipe.transformer, SD3ControlNetModel)
    net = SD3ControlNetModel.from_config(
        like
        | {
            "num_layers": _count(weights, "transformer_blocks"),
            "extra_conditioning_channels": shape[1] - like["in_channels"],
            "force_zeros_for_pooled_projection": True,
        }
    )
    net.load_state_dict(weights)
    return _require_text_alone(net)


def _for_flux(file: AddonFile, pipe: Any) -> Any:
    from diffusers import FluxControlNetModel

    # It warns of where it imports a part of its own from.
    warnings.filterwarnings("ignore", "`FluxPosEmbed`", FutureWarning)
    if file.path.is_dir():
        return _require_one_mode(_require_whole(_from_folder(FluxControlNetModel, file.path)))
    weights = _read(file.path)
    net = FluxControlNetModel.from_config(
        _like(pipe.transformer, FluxControlNetModel)
        | {
            "num_layers": _count(weights, "transformer_blocks"),
            "num_single_layers": _count(weights, "single_transformer_blocks"),
            "guidance_embeds": any("guidance_embedder" in name for name in weights),
        }
    )
    net.load_state_dict(weights)
    return net


_MAKERS = {UNET: _for_unet, SD3: _for_sd3, FLUX: _for_flux}


def _like(transformer: Any, network: Any) -> dict[str, Any]:
    """Those values of the transformer's configuration that such a network has too."""
    known = inspect.signature(network.__init__).parameters
    return {name: value for name, value in transformer.config.items() if name in known}


def _count(weights: Weights, blocks: str) -> int:
    return len({name.split(".")[1] for name in weights if name.startswith(f"{blocks}.")})


def _require_text_alone(net: Any) -> Any:
    """One that reads a mask beside its picture repaints, which it is not asked for here."""
    if net.config.extra_conditioning_channels:
        raise ValueError("it wants a mask beside its picture")
    return net


def _require_one_mode(net: Any) -> Any:
    if net.union:
        raise ValueError("it is several ControlNets in one, and has to be told which")
    return net


def _hint_channels(weights: Weights) -> tuple[int, ...]:
    """How wide each level is of the part that reads the picture: its first layer, then pairs."""
    hint = "controlnet_cond_embedding"
    widths = [weights[f"{hint}.conv_in.weight"].shape[0]]
    while (name := f"{hint}.blocks.{2 * len(widths) - 1}.weight") in weights:
        widths.append(weights[name].shape[0])
    return tuple(widths)


def _vae(file: AddonFile, pipe: Any) -> Any:
    from diffusers import AutoencoderKL, AutoencoderTiny
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    if file.path.is_dir():
        tiny = _TINY in (file.path / "config.json").read_text(encoding="utf-8")
        return _require_latents(
            _require_whole(_from_folder(AutoencoderTiny if tiny else AutoencoderKL, file.path)),
            pipe,
        )
    weights = _read(file.path)
    vae = AutoencoderKL.from_config(pipe.vae.config)
    if "encoder.down_blocks.0.resnets.0.norm1.weight" not in weights:
        weights = convert_ldm_vae_checkpoint(weights, vae.config)
    vae.load_state_dict(weights)
    return _require_latents(vae, pipe)


def _from_folder(network: Any, folder: Path) -> Any:
    weights_of(folder)  # refuses pickles with a sentence
    name = weights_of(folder).name
    variant = name.removeprefix("diffusion_pytorch_model").removesuffix(".safetensors")
    return network.from_pretrained(
        folder, variant=variant.strip(".") or None, local_files_only=True, use_safetensors=True
    )


def _require_whole(network: Any) -> Any:
    """A file that lacks weights loads without an error."""
    if any(weights.is_meta for weights in network.parameters()):
        raise ValueError("weights are missing")
    return network


def _require_latents(vae: Any, pipe: Any) -> Any:
    if vae.config.latent_channels != pipe.vae.config.latent_channels:
        raise ValueError("size mismatch of its latents")
    return vae


def _read(file: Path) -> Weights:
    from safetensors.torch import load_file

    weights: Weights = load_file(str(file))
    return weights


def _unfit(file: AddonFile, error: BaseException) -> BrokenAddon:
    _log.info("%s was not loaded: %s", file.path.name, type(error).__name__, exc_info=error)
    return BrokenAddon(
        f"The {file.kind.words} “{file.name}” does not fit this model, or lacks weights. Take it "
        "out, or choose the model it was made for."
    )
