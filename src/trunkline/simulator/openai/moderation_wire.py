"""OpenAI Moderations: scores by plain words, so that a test can decide what is flagged."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.models import WireName
from trunkline.simulator.openai.wire import OpenAiWire, invalid, pretty, required_model
from trunkline.simulator.reading import decode
from trunkline.simulator.tokens import count_tokens
from trunkline.simulator.wire import WorkWire
from trunkline.simulator.work import Work, done

_DEFAULT_MODEL = "omni-moderation-latest"
_FLAGGED_SCORE = 0.9
_LOW_SCORE = 1e-5
_WORDS: Mapping[str, frozenset[str]] = {
    "harassment": frozenset({"idiot", "stupid"}),
    "harassment/threatening": frozenset(),
    "hate": frozenset({"hate"}),
    "hate/threatening": frozenset(),
    "illicit": frozenset({"steal", "bomb"}),
    "illicit/violent": frozenset({"bomb"}),
    "self-harm": frozenset({"suicide"}),
    "self-harm/intent": frozenset(),
    "self-harm/instructions": frozenset(),
    "sexual": frozenset({"naked"}),
    "sexual/minors": frozenset(),
    "violence": frozenset({"kill", "bomb"}),
    "violence/graphic": frozenset({"blood"}),
}
"""The words that flag each category."""

_ALSO_IMAGES = frozenset(
    {"self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "violence"}
    | {"violence/graphic"}
)


class _Part(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["text", "image_url"]
    text: str = ""
    image_url: dict[str, str] | None = None


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    input: str | list[str | _Part]
    model: str = _DEFAULT_MODEL


class Moderations(OpenAiWire, WorkWire):
    """``/v1/moderations``, which is free and reports no usage."""

    name: WireName = "openai_moderation"

    @override
    def named(self, asked: Asked) -> str:
        return super().named(asked) or _DEFAULT_MODEL

    @override
    def work(self, asked: Asked, seed: int, *, with_usage: bool) -> Work:
        body = decode(asked.body, _Body, invalid)
        model = required_model(body.model, self.name)
        judged = _judged(body.input)
        if not judged:
            raise invalid("Invalid 'input': input cannot be an empty array.", "input")
        ident = hashlib.blake2b(asked.body, key=str(seed).encode(), digest_size=12).hexdigest()
        document = {
            "id": f"modr-{ident}",
            "model": model.served_as,
            "results": [_result(text, kinds) for text, kinds in judged],
        }
        tokens = sum(count_tokens(text) for text, _ in judged)
        return done(model, TokenUse(uncached=tokens), pretty(document), with_usage=False)


def _judged(given: str | list[str | _Part]) -> list[tuple[str, list[str]]]:
    """Each text with the kinds of input it came from; parts belong to one result."""
    if isinstance(given, str):
        return [(given, ["text"])]
    texts = [one for one in given if isinstance(one, str)]
    parts = [one for one in given if isinstance(one, _Part)]
    if texts and parts:
        raise invalid("Invalid 'input': texts and parts cannot be mixed.", "input", "invalid_type")
    if parts:
        kinds = {"text": "text", "image_url": "image"}
        return [
            (
                " ".join(part.text for part in parts),
                sorted({kinds[part.type] for part in parts}, reverse=True),
            )
        ]
    return [(text, ["text"]) for text in texts]


def _result(text: str, kinds: list[str]) -> dict[str, Any]:
    words = set(text.lower().split())
    flags = {category: not found.isdisjoint(words) for category, found in _WORDS.items()}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {
            category: _FLAGGED_SCORE if flagged else _LOW_SCORE
            for category, flagged in flags.items()
        },
        "category_applied_input_types": {
            category: [kind for kind in kinds if kind == "text" or category in _ALSO_IMAGES]
            for category in flags
        },
    }
