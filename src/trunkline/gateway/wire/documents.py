"""Decoded JSON, taken apart member by member until only what we do not know is left.

A reader of requests works on a copy of an object: each member that it understands is taken out,
and what remains are the wire's own extensions. ``null`` reads as absent, as the providers' own APIs
take it.
"""

from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_NOTHING: Final[tuple[Any, ...]] = ([], {}, "", None)
_ONLY_THERE: Final = "only the API that the request came by knows it"

# Half of what the encoder follows, since the text becomes a part of a larger document.
_MOST_NESTED: Final = 400


def members_of(document: Document) -> Document:
    """A copy to take members from, without those that are null."""
    return {name: value for name, value in document.items() if value is not None}


def wrong_type(param: str, meaning: str) -> InvalidRequest:
    """The error for a member of another type than its wire says."""
    return InvalidRequest(
        f"'{param}' must be {meaning}.",
        code="invalid_type",
        param=param,
        hint=f"Send {meaning} in '{param}'.",
    )


def missing(param: str, sentence: str, hint: str) -> InvalidRequest:
    """The error for a member without which the request makes no sense."""
    return InvalidRequest(sentence, code=f"missing_{param}", param=param, hint=hint)


def take_text(rest: Document, name: str, where: str = "") -> str | None:
    """A string, or None where there is none.

    Raises:
        InvalidRequest: it is of another type; ``where`` precedes the member's name in ``param``.
    """
    value = rest.pop(name, None)
    if value is None or isinstance(value, str):
        return value
    raise wrong_type(where + name, "a string")


def take_number(rest: Document, name: str, where: str = "") -> float | None:
    """A number, otherwise like ``take_text``."""
    value = rest.pop(name, None)
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise wrong_type(where + name, "a number")


def take_count(rest: Document, name: str, where: str = "") -> int | None:
    """A whole number, otherwise like ``take_text``."""
    value = rest.pop(name, None)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise wrong_type(where + name, "a whole number")


def take_flag(rest: Document, name: str, where: str = "") -> bool | None:
    """True or false, otherwise like ``take_text``."""
    value = rest.pop(name, None)
    if value is None or isinstance(value, bool):
        return value
    raise wrong_type(where + name, "true or false")


def take_list(rest: Document, name: str, where: str = "") -> list[Any] | None:
    """An array, otherwise like ``take_text``."""
    value = rest.pop(name, None)
    if value is None or isinstance(value, list):
        return value
    raise wrong_type(where + name, "an array")


def take_object(rest: Document, name: str, where: str = "") -> Document | None:
    """An object, otherwise like ``take_text``."""
    value = rest.pop(name, None)
    if value is None or isinstance(value, dict):
        return value
    raise wrong_type(where + name, "an object")


def take_texts(rest: Document, name: str, where: str = "") -> tuple[str, ...] | None:
    """An array of strings, otherwise like ``take_text``."""
    value = rest.pop(name, None)
    if value is None:
        return None
    if isinstance(value, list) and are_texts(value):
        return tuple(value)
    raise wrong_type(where + name, "an array of strings")


def are_texts(values: list[Any]) -> bool:
    """Whether all of them are strings."""
    return all(isinstance(value, str) for value in values)


def require_model(rest: Document) -> str:
    """The model that a request names.

    Raises:
        InvalidRequest: it names none.
    """
    model = take_text(rest, "model")
    if not model:
        raise missing(
            "model",
            "'model' is missing.",
            "Name a model; GET /v1/models lists those that your key may use.",
        )
    return model


def decoded(text: str) -> Any:
    """The value of a JSON text, or None where it is not JSON or nested too deeply to be sent on."""
    if text.count("[") + text.count("{") > _MOST_NESTED and _depth(text) > _MOST_NESTED:
        return None
    try:
        return _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def _depth(text: str) -> int:
    """How deeply a JSON text is nested, or more where brackets stand in its strings."""
    deepest = depth = 0
    for letter in text:
        if letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest


def arguments_object(text: str) -> Document:
    """The arguments of a tool call as an object.

    Nothing and ``null`` are no arguments; what is no object is wrapped, since the model's words
    must reach the next turn whatever they are worth.
    """
    if not text.strip():
        return {}
    value = decoded(text)
    if isinstance(value, dict):
        return value
    if text.strip() == "null":
        return {}
    return {"input": text if value is None else value}


def arguments_text(value: Any) -> str:
    """The arguments of a tool call as JSON text of an object, whatever the provider sent."""
    if isinstance(value, str):
        stripped = value.strip()
        if stripped.startswith("{") and isinstance(decoded(value), dict):
            return value
        value = arguments_object(value)
    if isinstance(value, dict):
        return _encode(value).decode()
    return "{}" if value is None else _encode({"input": value}).decode()


def note_extras(extra: Document, losses: Losses) -> None:
    """Note members that only the caller's own wire knows, unless they are empty."""
    for name, value in extra.items():
        if value not in _NOTHING:
            losses.lose(name, _ONLY_THERE)
