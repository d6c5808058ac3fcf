"""The list of models in Google's shape, as its SDK reads it."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from trunkline.gateway.snapshot import Alias

_PREFIX: Final = "models/"
_METHODS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "chat": ("generateContent", "streamGenerateContent", "countTokens"),
        "embedding": ("embedContent", "batchEmbedContents"),
    }
)


def gemini_models(aliases: Iterable[Alias]) -> dict[str, object]:
    """The answer to ``GET /v1beta/models``, in the order of the aliases and on one page."""
    return {"models": [gemini_model(alias) for alias in aliases]}


def gemini_model(alias: Alias) -> dict[str, object]:
    """The answer to ``GET /v1beta/models/{name}``.

    The limits are those that hold whichever target answers; one that is not known is left out.
    """
    model: dict[str, object] = {
        "name": _PREFIX + alias.name,
        "version": "001",
        "displayName": alias.name,
        "supportedGenerationMethods": list(_METHODS.get(alias.kind, ())),
    }
    windows = [target.context_window for target in alias.targets]
    known = [window for window in windows if window is not None]
    if known and len(known) == len(windows):
        model["inputTokenLimit"] = min(known)
    ceilings = [target.max_output_tokens for target in alias.targets]
    if alias.max_tokens is not None:
        ceilings.append(alias.max_tokens)
    if ceilings and alias.kind == "chat":
        model["outputTokenLimit"] = min(ceilings)
    return model


def alias_name(item: str) -> str:
    """The name of an alias as a path or a body of Google's wire has it."""
    return item.removeprefix(_PREFIX)
