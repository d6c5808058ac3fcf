"""What wires need to read a request."""

import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from trunkline.simulator.refusals import Refusal

JSON_OBJECT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["answer", "confidence"],
}
"""What a model writes when it must write JSON and no schema says which."""

FAULT_MARK = "+fault="

Decoded = TypeVar("Decoded")

Invalid = Callable[[str, str | None, str | None], Refusal]
"""Makes a provider's 400 of a sentence, a field and a code."""

_PATH = re.compile(r" - at `\$(?:\.(?P<path>.*?))?(?:\[\.\.\.\])?`$")
_UNKNOWN = re.compile(r"contains unknown field `(?P<name>[^`]*)`")
_MISSING = re.compile(r"missing required field `(?P<name>\w+)`")


def decode(
    body: bytes | msgspec.Raw, shape: type[Decoded], invalid: Invalid, *, inside: str = ""
) -> Decoded:
    """A JSON body, or the part of one that is ``inside``, as a structure.

    Raises:
        Refusal: made by ``invalid``; a missing field gets ``missing_required_parameter``, one that
            nobody knows ``unknown_parameter``, a value of the wrong type ``invalid_type``.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        sentence = str(error)
        found = _PATH.search(sentence)
        path = ".".join(filter(None, (inside, found["path"] if found else "")))
        if missing := _MISSING.search(sentence):
            field = f"{path}.{missing['name']}" if path else missing["name"]
            raise invalid(
                f"Missing required parameter: '{field}'.", field, "missing_required_parameter"
            ) from None
        if unknown := _UNKNOWN.search(sentence):
            field = f"{path}.{unknown['name']}" if path else unknown["name"]
            raise invalid(f"Unknown parameter: '{field}'.", field, "unknown_parameter") from None
        raise invalid(
            f"Invalid type for '{path}': {_PATH.sub('', sentence)}.", path or None, "invalid_type"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid(
            "We could not parse the JSON body of your request. The body must be valid JSON.",
            None,
            None,
        ) from None


def base_name(model: str) -> str:
    """The model's name without the fault that may be asked for behind it."""
    return model.partition(FAULT_MARK)[0]


def digest_of(value: Any) -> str:
    """A short digest that tells one attached image or file from another."""
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=8).hexdigest()
