"""What a pipeline is told about the prompts: plain text, or embeddings where weights count.

A prompt without weights that fits goes to the pipeline as text, so that its picture is the
pipeline's own. Others are read here, 75 tokens at a time; the embeddings follow each other, and
the shorter of the two prompts is filled up with empty chunks.

Weights act as A1111's emphasis "No norm": the embedding of each token is multiplied. Its default
also scales the chunk back to the mean it had, which goes wrong where that mean is near zero, as in
SDXL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from core.pipelines import LoadedPipeline
from core.prompts import Span, Token, chunks_of, is_plain, joined, parse_weights
from core.request import GenerationRequest

Tensor = Any
Spans = tuple[Span, ...]


class _Reading(NamedTuple):
    """What the text encoders make of a prompt.

    Attributes:
        embeds: Tensor (1, 77 × chunks, width), the encoders side by side.
        pooled: Tensor (1, width) of the first chunk; None where no encoder sums it up.
    """

    embeds: Tensor
    pooled: Tensor | None


def prompt_arguments(request: GenerationRequest, loaded: LoadedPipeline) -> dict[str, Any]:
    """The keyword arguments that tell the pipeline the prompts."""
    abilities = loaded.checkpoint.abilities
    prompt, negative = parse_weights(request.prompt), parse_weights(request.negative_prompt)
    encoders = list(_encoders(loaded.pipe)) if abilities.reads_weights else []
    if all(_is_ordinary(each, encoders) for each in (prompt, negative)):
        told = {"prompt": joined(prompt).text}
        # None and "" are not the same to SDXL, whose empty prompt may be all zeros.
        return told | (
            {"negative_prompt": joined(negative).text or None}
            if abilities.uses_negative_prompt
            else {}
        )
    import torch

    with torch.no_grad():
        return _embedded(
            loaded.pipe, encoders, prompt, negative if abilities.uses_negative_prompt else None
        )


class _Encoder:
    """One text encoder of a pipeline with its tokenizer."""

    def __init__(self, pipe: Any, tokenizer: Any, model: Any, *, is_one_of_two: bool) -> None:
        self._pipe = pipe
        self._tokenizer = tokenizer
        self._model = model
        self._is_xl = is_one_of_two

    def chunks(self, spans: Spans) -> tuple[tuple[Token, ...], ...]:
        """The prompt's tokens, without start and end marks."""
        return chunks_of(spans, self._encode, self._tokenizer.model_max_length - 2)

    def read(self, chunk: tuple[Token, ...]) -> _Reading:
        """One chunk, weighed; start, end and padding marks have weight 1."""
        import torch

        tokens, length = self._tokenizer, self._tokenizer.model_max_length
        ids = [tokens.bos_token_id, *(token.id for token in chunk), tokens.eos_token_id]
        mask = [1] * len(ids) + [0] * (length - len(ids))
        ids += [tokens.pad_token_id] * (length - len(ids))
        said = self._say(torch.tensor([ids]), torch.tensor([mask]))
        weights = [1.0, *(token.weight for token in chunk)]
        weights += [1.0] * (length - len(weights))
        return said._replace(embeds=_weighed(said.embeds, torch.tensor(weights)))

    def _encode(self, text: str) -> Iterator[tuple[int, int]]:
        if hasattr(self._pipe, "maybe_convert_prompt"):  # textual inversions of several vectors
            text = self._pipe.maybe_convert_prompt(text, self._tokenizer)
        ids = self._tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)
        return ((token, 0) for token in ids.input_ids)

    def _say(self, ids: Tensor, mask: Tensor) -> _Reading:
        """As the pipelines' own `encode_prompt` asks."""
        device = self._pipe._execution_device
        if self._is_xl:
            said = self._model(ids.to(device), output_hidden_states=True)
            pooled = said[0] if said[0].ndim == 2 else None
            return _Reading(said.hidden_states[-2], pooled)
        uses_mask = getattr(self._model.config, "use_attention_mask", None)
        said = self._model(ids.to(device), attention_mask=mask.to(device) if uses_mask else None)
        return _Reading(said[0], None)


def _weighed(embeds: Tensor, weights: Tensor) -> Tensor:
    if bool((weights == 1).all()):
        return embeds
    return (embeds.float() * weights.to(embeds.device)[None, :, None]).to(embeds.dtype)


def _encoders(pipe: Any) -> Iterator[_Encoder]:
    is_xl = getattr(pipe, "text_encoder_2", None) is not None
    for suffix in ("", "_2"):
        model = getattr(pipe, f"text_encoder{suffix}", None)
        if model is not None:
            tokenizer = getattr(pipe, f"tokenizer{suffix}")
            yield _Encoder(pipe, tokenizer, model, is_one_of_two=is_xl)


def _is_ordinary(spans: Spans, encoders: list[_Encoder]) -> bool:
    """Whether the pipeline itself reads it as it should be read."""
    if not encoders:
        return True
    return is_plain(spans) and all(len(encoder.chunks(spans)) == 1 for encoder in encoders)


def _embedded(
    pipe: Any, encoders: list[_Encoder], prompt: Spans, negative: Spans | None
) -> dict[str, Any]:
    asked = [spans for spans in (prompt, negative) if spans is not None]
    most = max(len(encoder.chunks(spans)) for encoder in encoders for spans in asked)
    read = _read(encoders, prompt, most)
    arguments = {"prompt_embeds": read.embeds, "pooled_prompt_embeds": read.pooled}
    if negative is not None:
        if negative or not getattr(pipe.config, "force_zeros_for_empty_prompt", False):
            against = _read(encoders, negative, most)
        else:  # as SDXL's own pipelines do for no negative prompt at all
            pooled = None if read.pooled is None else read.pooled.new_zeros(read.pooled.shape)
            against = _Reading(read.embeds.new_zeros(read.embeds.shape), pooled)
        arguments["negative_prompt_embeds"] = against.embeds
        arguments["negative_pooled_prompt_embeds"] = against.pooled
    return {name: tensor for name, tensor in arguments.items() if tensor is not None}


def _read(encoders: list[_Encoder], spans: Spans, count: int) -> _Reading:
    """The prompt in that many chunks, empty ones at its end."""
    import torch

    columns, pooled = [], None
    for encoder in encoders:
        chunks = encoder.chunks(spans)
        read = [encoder.read(chunk) for chunk in chunks + ((),) * (count - len(chunks))]
        columns.append(torch.cat([each.embeds for each in read], dim=1))
        pooled = read[0].pooled if read[0].pooled is not None else pooled
    return _Reading(torch.cat(columns, dim=-1), pooled)
