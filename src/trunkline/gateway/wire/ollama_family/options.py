"""Sampling: Ollama's ``options``, and what of them other APIs know."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.documents import are_texts

_NUMBERS: Final = (
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("min_p", "min_p"),
    ("repeat_penalty", "repetition_penalty"),
    ("presence_penalty", "presence_penalty"),
    ("frequency_penalty", "frequency_penalty"),
)
_COUNTS: Final = (("top_k", "top_k"), ("seed", "seed"))


def read_options(options: Document) -> tuple[dict[str, Any], Document]:
    """Members of ``Request`` by their names, and the options that nobody else knows.

    An option of a type that Ollama would not take stays where it is: it is for Ollama to refuse.
    """
    rest = {name: value for name, value in options.items() if value is not None}
    read: dict[str, Any] = {}
    for option, member in _NUMBERS:
        value = rest.get(option)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            read[member] = rest.pop(option)
    for option, member in _COUNTS:
        if _is_whole(rest.get(option)):
            read[member] = rest.pop(option)
    # Zero and below are Ollama's words for "no ceiling".
    if _is_whole(rest.get("num_predict")) and rest["num_predict"] > 0:
        read["max_tokens"] = rest.pop("num_predict")
    stop = rest.get("stop")
    if isinstance(stop, list) and stop and are_texts(stop):
        read["stop"] = tuple(rest.pop("stop"))
    return read, rest


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def write_options(request: Request) -> Document:
    """The options that a request's members stand for."""
    options: Document = {}
    for option, member in (*_NUMBERS, *_COUNTS):
        value = getattr(request, member)
        if value is not None:
            options[option] = value
    if request.max_tokens is not None:
        options["num_predict"] = request.max_tokens
    if request.stop:
        options["stop"] = list(request.stop)
    return options
