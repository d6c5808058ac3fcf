"""Requests of Mistral's completion in the middle, read and refused as Mistral does."""

from typing import Annotated, Any

import msgspec

from trunkline.simulator.models import find_model
from trunkline.simulator.question import Question, text_segment
from trunkline.simulator.reading import base_name, decode
from trunkline.simulator.refusals import Refusal

_KINDS = {
    "missing_required_parameter": ("missing", "Field required"),
    "unknown_parameter": ("extra_forbidden", "Extra inputs are not permitted"),
}


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    prompt: str
    suffix: str | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    min_tokens: Annotated[int, msgspec.Meta(ge=0)] | None = None
    stop: str | list[str] | None = None
    stream: bool = False
    random_seed: int | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=1.5)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    metadata: dict[str, Any] | None = None
    prompt_cache_key: str | None = None


def read_fim(body: bytes) -> Question:
    """The question in the body of a completion.

    Raises:
        Refusal: with Mistral's status and kind.
    """
    asked = decode(body, _Body, unreadable)
    model = find_model(base_name(asked.model), "mistral_fim")
    if model is None:
        raise Refusal(400, "invalid_model", f"Invalid model: {asked.model}", code="1500")
    stops = [asked.stop] if isinstance(asked.stop, str) else asked.stop or []
    parts = (asked.prompt, asked.suffix or "")
    question = Question(
        model=model,
        prompt=tuple(text_segment(part) for part in parts if part),
        last_text=asked.prompt,
        max_output=asked.max_tokens,
        stops=tuple(stop for stop in stops if stop),
        stream=asked.stream,
    )
    if question.input_tokens > model.context:
        raise Refusal(
            400,
            "invalid_request_prompt",
            f"Prompt contains {question.input_tokens} tokens, too large for model with "
            f"{model.context} maximum context length",
            code="3051",
        )
    return question


def unreadable(message: str, param: str | None, code: str | None) -> Refusal:
    """Mistral's 422 for a body that does not have its shape.

    The refusal's code is the kind of the defect, and its parameter the place.
    """
    if param is None:
        return Refusal(422, "detail", "JSON decode error", code="json_invalid")
    kind, sentence = _KINDS.get(code or "", ("value_error", message))
    return Refusal(422, "detail", sentence, code=kind, param=param)
