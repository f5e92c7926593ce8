"""What is written in a prompt: its tokens, its weights, its alternatives. Plain data, no torch."""

from core.prompts.alternatives import (
    EXAMPLE,
    WildcardFolder,
    Wildcards,
    drawn,
    has_alternatives,
    resolve,
)
from core.prompts.chunks import Token, chunks_of
from core.prompts.emphasis import Emphasized, emphasize
from core.prompts.tags import split_addon_tags, without_addon_tags
from core.prompts.tokens import CLIP_LIMIT, PromptTokenizer, TokenCount, WrittenToken
from core.prompts.weights import Span, is_plain, joined, parse_weights

__all__ = [
    "CLIP_LIMIT",
    "EXAMPLE",
    "Emphasized",
    "PromptTokenizer",
    "Span",
    "Token",
    "TokenCount",
    "WildcardFolder",
    "Wildcards",
    "WrittenToken",
    "chunks_of",
    "drawn",
    "emphasize",
    "has_alternatives",
    "is_plain",
    "joined",
    "parse_weights",
    "resolve",
    "split_addon_tags",
    "without_addon_tags",
]
