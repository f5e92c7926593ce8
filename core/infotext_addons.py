"""Add-ons in the words of A1111's infotext, by which other programs and civitai know them.

LoRA: extensions-builtin/Lora; clip skip and VAE: modules/processing.py; ControlNet and IP-Adapter:
the unit's line of sd-webui-controlnet; FreeU and PAG: Forge's sd_forge_freeu and
sd_forge_perturbed_attention.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.abilities import AddonKind
from core.addon import Control, Reference
from core.request import GenerationRequest

Field = tuple[str, object]
_MODULES = {"none": "None", "canny": "canny"}


def lora_tags(request: GenerationRequest) -> Iterator[str]:
    """``<lora:name:0.8>`` for each LoRA that is not in the prompt already."""
    for addon in request.addons:
        if addon.kind is AddonKind.LORA:
            yield f"<lora:{addon.name}:{addon.weight:g}>"


def addon_fields(request: GenerationRequest, facts: Mapping[str, Any]) -> Iterator[Field]:
    """Pairs for the last line; hashes come from the result's facts where it has them."""
    used = [fact for fact in facts.get("addons", ()) if isinstance(fact, dict)]
    yield from _vae_fields(request, used)
    if request.clip_skip > 1:
        yield "Clip skip", request.clip_skip
    for index, control in enumerate(request.controls):
        yield f"ControlNet {index}", _control_line(control, used)
    for index, reference in enumerate(request.references, len(request.controls)):
        yield f"ControlNet {index}", _reference_line(reference, used)
    # A1111 hashes a LoRA without its header, an embedding as a whole.
    yield from _hashes("Lora hashes", used, AddonKind.LORA, "tensors_sha256", 12)
    yield from _hashes("TI hashes", used, AddonKind.EMBEDDING, "sha256", 10)
    if request.freeu is not None:
        yield "freeu_enabled", True
        for name, value in request.freeu._asdict().items():
            yield f"freeu_{name}", f"{value:g}"
    if request.refinement is not None:  # as modules/processing.py
        name, digest = request.refinement.checkpoint, facts.get("refiner_hash")
        yield "Refiner", f"{name} [{digest}]" if digest else name
        yield "Refiner switch at", f"{request.refinement.start:g}"
    if request.pag_scale:
        yield "pagi_enabled", True
        yield "pagi_scale", f"{request.pag_scale:g}"


def _vae_fields(request: GenerationRequest, used: list[dict[str, Any]]) -> Iterator[Field]:
    for addon in request.addons:
        if addon.kind is AddonKind.VAE:
            digest = _digest(used, AddonKind.VAE, addon.name)
            if digest:
                yield "VAE hash", digest
            yield "VAE", addon.name


def _control_line(control: Control, used: list[dict[str, Any]]) -> str:
    module = _MODULES.get(control.preprocessor, control.preprocessor)
    digest = _digest(used, AddonKind.CONTROLNET, control.name)
    return _unit(module, control.name, digest, control.weight, control.start, control.end)


def _reference_line(reference: Reference, used: list[dict[str, Any]]) -> str:
    digest = _digest(used, AddonKind.IP_ADAPTER, reference.name)
    return _unit("ip-adapter-auto", reference.name, digest, reference.weight, 0.0, 1.0)


def _unit(module: str, name: str, digest: str, weight: float, start: float, end: float) -> str:
    parts = {
        "Module": module,
        "Model": f"{name} [{digest[:8]}]" if digest else name,
        "Weight": f"{weight:g}",
        "Resize Mode": "Just Resize",
        "Guidance Start": f"{start:g}",
        "Guidance End": f"{end:g}",
        "Control Mode": "Balanced",
    }
    return ", ".join(f"{key}: {value}" for key, value in parts.items())


def _hashes(
    key: str, used: list[dict[str, Any]], kind: AddonKind, digest: str, length: int
) -> Iterator[Field]:
    parts = [
        f"{fact.get('name')}: {str(fact.get(digest, ''))[:length]}"
        for fact in used
        if fact.get("kind") == kind
    ]
    if parts:
        yield key, ", ".join(parts)


def _digest(used: list[dict[str, Any]], kind: AddonKind, name: str) -> str:
    for fact in used:
        if fact.get("kind") == kind and str(fact.get("name", "")).lower() == name.lower():
            return str(fact.get("sha256", ""))[:10]
    return ""
