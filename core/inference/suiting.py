"""A request for one model, made to fit another."""

from __future__ import annotations

from dataclasses import replace

from core.abilities import ModelAbilities
from core.request import GenerationRequest


def suited(request: GenerationRequest, abilities: ModelAbilities) -> GenerationRequest:
    """The request without what this model would not look at; what it cannot do stays."""
    if not abilities.uses_guidance_scale:
        request = replace(request, guidance_scale=abilities.guidance_scale)
    if abilities.ignores_strength(request.kind):
        request = replace(request, strength=1.0)
    if not abilities.uses_negative_prompt:
        request = replace(request, negative_prompt="", written_negative_prompt="")
    return request
