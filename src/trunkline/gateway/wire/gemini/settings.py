"""``generationConfig``, read and written."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import OutputFormat, ReasoningAsk, Request
from trunkline.gateway.wire.documents import (
    members_of,
    take_count,
    take_flag,
    take_number,
    take_object,
    take_texts,
)
from trunkline.gateway.wire.gemini.own import OwnAsk, OwnFormat, overridden
from trunkline.gateway.wire.gemini.schemas import json_schema

CONFIG: Final = "generationConfig"
LEFT: Final = f"{CONFIG}."
"""Before the name of a member of the configuration that has no place in the internal form."""
JSON: Final = "application/json"
_PLAIN: Final = "text/plain"
_NUMBERS: Final = {
    "temperature": "temperature",
    "topP": "top_p",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
}
_COUNTS: Final = {
    "maxOutputTokens": "max_tokens",
    "candidateCount": "answers",
    "seed": "seed",
    "logprobs": "top_logprobs",
}
_THINKING: Final = "thinkingConfig"
_NO_LEVEL: Final = "THINKING_LEVEL_UNSPECIFIED"


def read_settings(rest: Document, own: Document) -> dict[str, Any]:
    """The members of the internal request that the configuration says.

    What is left of it goes to ``rest`` under ``LEFT``.

    Raises:
        InvalidRequest: one of them is of another type.
    """
    config = take_object(rest, CONFIG)
    if config is None:
        return {}
    left = members_of(config)
    if not left:
        own[CONFIG] = left
        return {}
    read: dict[str, Any] = {
        member: take_number(left, name, LEFT) for name, member in _NUMBERS.items()
    }
    read |= {member: take_count(left, name, LEFT) for name, member in _COUNTS.items()}
    read["logprobs"] = take_flag(left, "responseLogprobs", LEFT)
    read["top_k"] = _read_top_k(left)
    stop = take_texts(left, "stopSequences", LEFT)
    if stop == ():
        left["stopSequences"] = []
    read["stop"] = stop or ()
    read["output"] = _read_output(left)
    read["reasoning"] = _read_thinking(left)
    rest.update({LEFT + name: value for name, value in left.items()})
    return read


def _read_top_k(left: Document) -> int | None:
    """Google's own SDK sends it as a number with a point."""
    value = left.get("topK")
    if isinstance(value, float) and value.is_integer():
        left["topK"] = int(value)
    elif isinstance(value, float):
        return None
    return take_count(left, "topK", LEFT)


def _read_output(left: Document) -> OutputFormat | None:
    kind = left.get("responseMimeType")
    if kind == _PLAIN:
        del left["responseMimeType"]
        return OutputFormat("text")
    if kind != JSON:
        return None
    del left["responseMimeType"]
    if isinstance(left.get("responseJsonSchema"), dict):
        return OutputFormat("json_schema", schema=left.pop("responseJsonSchema"))
    googles = left.get("responseSchema")
    if isinstance(googles, dict) and "responseJsonSchema" not in left:
        try:
            schema = json_schema(googles)
        except RecursionError:
            return OutputFormat("json")
        return OwnFormat("json_schema", schema=schema, own=left.pop("responseSchema"))
    return OutputFormat("json")


def _read_thinking(left: Document) -> ReasoningAsk | None:
    config = left.get(_THINKING)
    if not isinstance(config, dict) or not members_of(config):
        return None
    inner = members_of(config)
    where = f"{LEFT}{_THINKING}."
    show = take_flag(inner, "includeThoughts", where)
    budget = take_count(inner, "thinkingBudget", where)
    level, effort, own = inner.get("thinkingLevel"), None, {}
    if isinstance(level, str) and level != _NO_LEVEL:
        del inner["thinkingLevel"]
        effort = level.lower()
        if level != level.upper():
            own["thinkingLevel"] = level
    del left[_THINKING]
    return OwnAsk(
        enabled=False if budget == 0 else None,
        effort=effort,
        budget=budget,
        show=show,
        extra=inner,
        own=own,
    )


def settings_back(request: Request) -> Document:
    """The configuration of a request that came by this wire."""
    config = sampling(request)
    if request.stop:
        config["stopSequences"] = list(request.stop)
    config |= output_back(request.output)
    if request.reasoning is not None:
        config[_THINKING] = _thinking_back(request.reasoning)
    for name, value in request.extra.items():
        if name.startswith(LEFT):
            config[name.removeprefix(LEFT)] = value
    return config


def _thinking_back(ask: ReasoningAsk) -> Document:
    config = thinking(ask)
    if isinstance(ask, OwnAsk):
        config = overridden(config, ask.own)
    config.update(ask.extra)
    return config


def sampling(request: Request) -> Document:
    """The members that are numbers or flags."""
    members = {**_NUMBERS, **_COUNTS, "topK": "top_k", "responseLogprobs": "logprobs"}
    return {
        name: value
        for name, member in members.items()
        if (value := getattr(request, member)) is not None
    }


def output_back(output: OutputFormat | None) -> Document:
    """The members that say which form the text shall have."""
    if output is None:
        return {}
    if output.kind == "text":
        return {"responseMimeType": _PLAIN}
    config: Document = {"responseMimeType": JSON}
    if isinstance(output, OwnFormat):
        config["responseSchema"] = output.own
    elif output.schema is not None:
        config["responseJsonSchema"] = output.schema
    return config


def thinking(ask: ReasoningAsk) -> Document:
    """The value of ``thinkingConfig``; a budget or a level, as it is asked for."""
    config: Document = {}
    if ask.show is not None:
        config["includeThoughts"] = ask.show
    if ask.budget is not None:
        config["thinkingBudget"] = ask.budget
    elif ask.enabled is False:
        config["thinkingBudget"] = 0
    if ask.effort is not None:
        config["thinkingLevel"] = ask.effort.upper()
    return config
