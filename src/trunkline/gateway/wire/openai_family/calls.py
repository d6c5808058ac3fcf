"""Tool calls and their ids.

Source: the types of OpenAI's own SDK; ``extra_content`` is how Google's compatible endpoint tells
the signature of a call and takes it back.
"""

import base64
import hashlib
import re
from typing import Any, Final

from trunkline.gateway.exchange.parts import Document, ToolCall
from trunkline.gateway.wire.documents import arguments_text
from trunkline.gateway.wire.openai_family.sources import take_mark, write_mark

# As many letters as OpenAI takes in the id of a call.
_LONGEST_ID: Final = 40
_DIGEST_LETTERS: Final = 16
_SHORT: Final = re.compile(r"[a-zA-Z0-9]{9}\Z").match


def made_id(seed: str, choice: int, number: int) -> str:
    """An id for a provider's call that has none."""
    return f"call_{seed[-24:]}_{choice}_{number}"


def read_call(item: Any) -> tuple[ToolCall, Any] | None:
    """A call and its arguments as they were told, or None where it names no tool.

    The call's arguments are what was told where it is a string, and otherwise JSON.
    """
    if not isinstance(item, dict):
        return None
    rest = {name: value for name, value in item.items() if value is not None}
    told_id, kind = rest.pop("id", ""), rest.pop("type", "function")
    inner = rest.pop("custom" if kind == "custom" else "function", None)
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        return None
    left = dict(inner)
    name, arguments = left.pop("name"), left.pop("input" if kind == "custom" else "arguments", None)
    if left:
        rest["function"] = left
    signature = _take_signature(rest)
    mark = take_mark(rest)
    call = ToolCall(
        id=told_id if isinstance(told_id, str) else str(told_id),
        name=name,
        arguments=arguments if isinstance(arguments, str) else arguments_text(arguments),
        kind="custom" if kind == "custom" else "function",
        signature=signature,
        family="google" if signature is not None else "",
        cache=mark,
        extra=rest,
    )
    return call, arguments


def write_call(call: ToolCall, call_id: str, *, signed: bool = True) -> Document:
    """A call under this id, with its signature where it shall be told."""
    extra = dict(call.extra)
    left: Document = extra.pop("function", {})
    if call.kind == "custom":
        inner: Document = {"name": call.name, "input": call.arguments, **left}
        document: Document = {"id": call_id, "type": "custom", "custom": inner, **extra}
    else:
        inner = {"name": call.name, "arguments": call.arguments, **left}
        document = {"id": call_id, "type": "function", "function": inner, **extra}
    if signed and call.signature is not None and call.family == "google":
        document["extra_content"] = signature_content(call.signature)
    if call.cache is not None:
        document["cache_control"] = write_mark(call.cache)
    return document


def signature_content(signature: str) -> Document:
    """The member ``extra_content`` of a call that has this signature."""
    return {"google": {"thought_signature": signature}}


def signature_of(content: Any) -> str | None:
    """The signature in a call's ``extra_content``."""
    google = content.get("google") if isinstance(content, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) and signature else None


def _take_signature(rest: Document) -> str | None:
    signature = signature_of(rest.get("extra_content"))
    if signature is not None and rest["extra_content"] == signature_content(signature):
        del rest["extra_content"]
    return signature


def short_id(call_id: str) -> str:
    """An id of nine letters and digits, the same for the same id and another for another one."""
    if _SHORT(call_id):
        return call_id
    return _digest(call_id)[:9]


def bounded_id(call_id: str) -> str:
    """An id that is not longer than OpenAI takes, likewise."""
    if len(call_id) <= _LONGEST_ID:
        return call_id
    kept = call_id[: _LONGEST_ID - _DIGEST_LETTERS - 1]
    return f"{kept}_{_digest(call_id)[:_DIGEST_LETTERS]}"


def _digest(text: str) -> str:
    """Letters and digits; base 32 loses nothing of what nine of them can tell apart."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(digest).decode().rstrip("=")
