"""OpenAI's text completions, as a caller sends them and as a provider speaks them.

Source: the recorded transcripts of this wire and the types of OpenAI's own SDK.
"""

from typing import Any

import msgspec
from typing_extensions import override

from trunkline.errors import InvalidRequest
from trunkline.gateway.wire.contract import COMPLETION, NOWHERE, Inbound, Place
from trunkline.gateway.wire.members import (
    member,
    read_members,
    required_model,
    shortened,
)
from trunkline.gateway.wire.openai_completions.codec import CompletionsCodec
from trunkline.gateway.wire.openai_family.passing import (
    FamilyWire,
    positive,
    read_stream,
    tags_of,
    text_member,
)
from trunkline.gateway.wire.openai_family.text_meter import TextMeter

_read_prompt = member(
    str | list[str | int | list[int]] | None, "a string, an array of strings or tokens"
)


class OpenAICompletions(FamilyWire):
    """``/v1/completions``."""

    name = "openai_completions"
    operations = frozenset({COMPLETION})
    codec = CompletionsCodec()
    events = codec

    @override
    def read_request(self, body: bytes, operation: str, place: Place = NOWHERE) -> Inbound:
        fields = read_members(body)
        model = required_model(fields, "'model' is missing.")
        prompts = _count_prompts(fields)
        ceiling = positive(fields, "max_tokens")
        stream, wants_usage = read_stream(fields)
        tried = max(positive(fields, "n") or 1, positive(fields, "best_of") or 1)
        return Inbound(
            fields=fields,
            model=model,
            size=len(body),
            stream=stream,
            wants_usage=wants_usage,
            max_tokens=ceiling,
            ceilings=() if ceiling is None else ("max_tokens",),
            answers=tried * prompts,
            fills=bool(text_member(fields, "suffix")),
            end_user=shortened(text_member(fields, "user")),
            service_tier=text_member(fields, "service_tier"),
            tags=tags_of(fields),
        )

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        # Whatever the provider calls it in chats, here it has always been this one.
        super().limit_output(request, ceiling, "max_tokens")

    @override
    def path(self, operation: str, model: str, *, stream: bool) -> bytes:
        return b"/completions"

    @override
    def stream_reader(self, request: Inbound) -> TextMeter:
        return TextMeter(hides_usage=not request.wants_usage)


def _count_prompts(fields: dict[str, msgspec.Raw]) -> int:
    """How many prompts there are, each of which is answered; tokens of one prompt are one."""
    prompt: Any = _read_prompt(fields, "prompt", None)
    if prompt is None:
        raise InvalidRequest(
            "'prompt' is missing.",
            code="missing_prompt",
            param="prompt",
            hint="Send the text to continue in 'prompt'.",
        )
    if isinstance(prompt, str) or not prompt or isinstance(prompt[0], int):
        return 1
    return len(prompt)
