"""The top level of a JSON request: each member keeps its bytes and is decoded when needed."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec

from trunkline.errors import InvalidRequest

T = TypeVar("T")


class MemberReader(Protocol):
    """Reads one optional member; gives the default where it is absent or null."""

    def __call__(self, members: dict[str, msgspec.Raw], name: str, default: T, /) -> T:
        """The member's value.

        Raises:
            InvalidRequest: it is of another type.
        """
        ...


# Beyond this no count of a request means anything, and sums of prices could not be shown any more.
MOST_COUNT: Final = (1 << 31) - 1

# Texts for attribution are kept in memory and in the ledger, which has room for so many characters.
LONGEST_NAME: Final = 256

_Count = Annotated[int, msgspec.Meta(ge=-MOST_COUNT, le=MOST_COUNT)]
_FILLED_ARRAY: Final = re.compile(rb"\[\s*[^\s\]]")
_ESCAPED_ASCII: Final = re.compile(rb"\\u00([2-7][0-9a-fA-F])")

# Most requests have no other members, and no two of these differ in the case of letters alone.
_USUAL: Final = frozenset({
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stream",
    "stream_options", "tools", "tool_choice", "parallel_tool_calls", "response_format",
    "reasoning_effort", "stop", "n", "seed", "user", "metadata", "system", "thinking",
    "stop_sequences", "input", "instructions", "contents",
})  # fmt: skip

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
encode_members = msgspec.json.Encoder().encode


def read_members(body: bytes) -> dict[str, msgspec.Raw]:
    """The members of a JSON object; the last one wins where a name is repeated.

    Raises:
        InvalidRequest: the body is not one JSON object in UTF-8, is nested too deeply, or names a
            member twice in different letters.
    """
    if not body:
        raise InvalidRequest(
            "The request has no body.", code="empty_body", hint="Send a JSON object."
        )
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidRequest(
                f"The body is not UTF-8: byte {error.start} does not belong there.",
                code="invalid_encoding",
                hint="Encode the body as UTF-8.",
            ) from None
    try:
        members = _decode_members(body)
    except RecursionError:
        raise InvalidRequest(
            "The body is nested too deeply to be read.",
            code="too_deeply_nested",
            hint="Flatten the content, or send the nested part as a string.",
        ) from None
    except msgspec.ValidationError:
        raise InvalidRequest(
            "The body is JSON but not an object.", code="invalid_json", hint="Send a JSON object."
        ) from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(
            f"The body is not valid JSON: {error}.",
            code="invalid_json",
            hint="Send one whole JSON object; the body may have been cut short.",
        ) from None
    # Servers written in Go, Ollama for one, read a name whatever the case of its letters, and would
    # run another model than the one that was looked up here.
    if not _USUAL.issuperset(members) and len(set(map(str.casefold, members))) != len(members):
        raise _named_twice(members)
    return members


def _named_twice(members: dict[str, msgspec.Raw]) -> InvalidRequest:
    seen: set[str] = set()
    for name in members:
        if name.casefold() in seen:
            break
        seen.add(name.casefold())
    return InvalidRequest(
        f"'{name[:100]}' is named twice, in different letters.",
        code="invalid_value",
        param=name[:100],
        hint="Send it once.",
    )


def member(kind: Any, meaning: str) -> MemberReader:
    """A function that reads one optional member of this type and explains when it is another.

    ``null`` reads as the default, as the providers' own APIs take it.
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(members: dict[str, msgspec.Raw], name: str, default: T) -> T:
        raw = members.get(name)
        if raw is None:
            return default
        try:
            value = decode(raw)
        except (msgspec.DecodeError, RecursionError):
            raise InvalidRequest(
                f"'{name}' must be {meaning}.",
                code="invalid_type",
                param=name,
                hint=f"Send {meaning} in '{name}'.",
            ) from None
        return default if value is None else value

    return read


read_text = member(str | None, "a string")
read_count = member(_Count | None, f"a whole number of at most {MOST_COUNT}")
read_list = member(list[msgspec.Raw] | None, "an array")
read_object = member(dict[str, msgspec.Raw] | None, "an object")
read_tags = member(dict[str, Any] | None, "an object")


def unescaped(text: bytes) -> bytes:
    """JSON in which plain ASCII stands as itself, to be searched and never to be decoded.

    ``"image_url"`` may be written with any of its letters escaped; few bodies have such escapes.
    """
    # One character is found many times faster than four, and most short texts escape nothing.
    if b"\\" not in text or b"\\u00" not in text:
        return text
    return _ESCAPED_ASCII.sub(lambda found: bytes((int(found[1], 16),)), text)


def may_have_parts(told: bytes) -> bool:
    """Whether a message of a chat may consist of parts, among them pictures and files.

    Parts stand in an array, as the messages themselves do, and no array can be written without its
    bracket: where there is only one, all messages are plain text.

    Args:
        told: a body, or its messages alone.
    """
    return told.find(b"[", told.find(b"[") + 1) >= 0


def shortened(text: str | None) -> str | None:
    """A text for attribution, as much of it as is kept."""
    return None if text is None else text[:LONGEST_NAME]


def count_marks(plain: bytes, marks: Iterable[bytes]) -> int:
    """How often any of these names occurs in unescaped JSON."""
    found = 0
    for mark in marks:
        found += plain.count(mark)
    return found


_read_bool = member(bool | None, "true or false")


def read_flag(members: dict[str, msgspec.Raw], name: str) -> bool:
    """A member that is true or false, or absent and then false."""
    off: bool = False
    return _read_bool(members, name, off)


def required_model(members: dict[str, msgspec.Raw], missing: str) -> str:
    """The model that a request names.

    Raises:
        InvalidRequest: none; ``missing`` says so in the wire's own manner.
    """
    model = read_text(members, "model", "")
    if not model:
        raise InvalidRequest(
            missing,
            code="missing_model",
            param="model",
            hint="Name a model; GET /v1/models lists those that your key may use.",
        )
    return model


def require_messages(members: dict[str, msgspec.Raw], missing: str) -> None:
    """Check that a request has at least one message.

    Raises:
        InvalidRequest: none; ``missing`` says so in the wire's own manner.
    """
    # What was read is valid JSON, so its first characters tell; a long one is not read again.
    raw = members.get("messages")
    if raw is not None and _FILLED_ARRAY.match(raw):
        return
    if not read_list(members, "messages", list[msgspec.Raw]()):
        raise InvalidRequest(
            missing,
            code="missing_messages",
            param="messages",
            hint="Send at least one message.",
        )
