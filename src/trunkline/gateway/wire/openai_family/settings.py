"""Members of a request that are a value and nothing more, the same in OpenAI's formats."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.documents import (
    are_texts,
    take_count,
    take_flag,
    take_number,
    take_object,
    take_text,
    wrong_type,
)

_NUMBERS: Final = (
    "temperature",
    "top_p",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
)
_TEXTS: Final = ("verbosity", "user", "service_tier", "prompt_cache_key")
# The member of the request, and its name in this wire.
_PLAIN: Final = (
    ("answers", "n"),
    ("max_tokens", "max_completion_tokens"),
    *((name, name) for name in _NUMBERS),
    ("top_k", "top_k"),
    ("seed", "seed"),
    ("logprobs", "logprobs"),
    ("top_logprobs", "top_logprobs"),
    ("logit_bias", "logit_bias"),
    *((name, name) for name in _TEXTS),
    ("metadata", "metadata"),
    ("parallel_tools", "parallel_tool_calls"),
)


def take_settings(rest: Document) -> dict[str, Any]:
    """Take the settings out of a request's members; the result is for ``Request``.

    Raises:
        InvalidRequest: one of them is of another type.
    """
    read: dict[str, Any] = {name: take_number(rest, name) for name in _NUMBERS if name in rest}
    read |= {name: take_text(rest, name) for name in _TEXTS if name in rest}
    read["answers"] = take_count(rest, "n")
    read["top_k"] = take_count(rest, "top_k")
    ceiling, older = take_count(rest, "max_completion_tokens"), take_count(rest, "max_tokens")
    read["max_tokens"] = older if ceiling is None else ceiling
    seed, mistral = take_count(rest, "seed"), take_count(rest, "random_seed")
    read["seed"] = mistral if seed is None else seed
    read["parallel_tools"] = take_flag(rest, "parallel_tool_calls")
    read["stop"] = _take_stop(rest)
    read["logit_bias"] = _take_bias(rest)
    _take_logprobs(rest, read)
    _take_metadata(rest, read)
    return read


def _take_stop(rest: Document) -> tuple[str, ...]:
    stop = rest.pop("stop", None)
    if stop is None:
        return ()
    if isinstance(stop, str):
        return (stop,)
    if isinstance(stop, list) and are_texts(stop):
        return tuple(stop)
    raise wrong_type("stop", "a string or an array of strings")


def _take_bias(rest: Document) -> dict[str, float] | None:
    bias = take_object(rest, "logit_bias")
    if bias is None:
        return None
    if all(isinstance(value, (int, float)) for value in bias.values()):
        return bias
    raise wrong_type("logit_bias", "an object of numbers")


def _take_logprobs(rest: Document, read: dict[str, Any]) -> None:
    told = rest.get("logprobs")
    read["top_logprobs"] = take_count(rest, "top_logprobs")
    if isinstance(told, int) and not isinstance(told, bool):
        # Together takes how many there shall be.
        del rest["logprobs"]
        read["logprobs"] = True
        read["top_logprobs"] = told
    else:
        read["logprobs"] = take_flag(rest, "logprobs")


def _take_metadata(rest: Document, read: dict[str, Any]) -> None:
    told = take_object(rest, "metadata")
    if told is None:
        return
    read["metadata"] = {name: value for name, value in told.items() if isinstance(value, str)}
    other = {name: value for name, value in told.items() if not isinstance(value, str)}
    if other:
        rest["metadata"] = other


def write_settings(request: Request) -> Document:
    """The settings by their names in this wire."""
    document: Document = {}
    for member, name in _PLAIN:
        value = getattr(request, member)
        if value is not None:
            document[name] = value
    if request.stop:
        document["stop"] = list(request.stop)
    return document


def take_stream(rest: Document) -> tuple[bool, bool]:
    """Whether a stream is asked for, and whether the caller wants its usage."""
    stream = take_flag(rest, "stream") is True
    options = take_object(rest, "stream_options")
    if options is None:
        return stream, False
    left = dict(options)
    wanted = take_flag(left, "include_usage", "stream_options.")
    if left:
        rest["stream_options"] = left
    return stream, wanted is True
