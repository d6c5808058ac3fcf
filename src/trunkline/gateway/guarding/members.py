"""A request's members, one after another, as guards go through them.

Both are generators that yield nothing but turns, after every message: whoever runs them decides
whether the event loop gets one.
"""

from collections.abc import Callable, Generator
from typing import Any, Final

import msgspec

from trunkline.gateway.guarding.texts import STRUCTURE, Edit, TextWalk
from trunkline.gateway.wire.contract import Inbound
from trunkline.gateway.wire.forms import parts_of

Steps = Generator[None, None, None]
Count = Callable[[int], None]

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_TURNS: Final = frozenset({"messages", "contents", "input"})
_FORM_TEXTS: Final = frozenset({"prompt", "negative_prompt", "instructions"})
_OPENINGS: Final = frozenset({b'"', b"[", b"{"})


def each_text(request: Inbound, texts: list[str], count: Count | None = None) -> Steps:
    """Write all texts of a request into a list, in the order in which they are edited."""

    def take(text: str) -> str:
        texts.append(text)
        return text

    return edit_members(request, take, count)


def edit_members(request: Inbound, edit: Edit, count: Count | None = None) -> Steps:
    """Show each text of a request to a function and put back what it gives.

    Args:
        request: its members are changed in place.
        edit: sees each text.
        count: hears how many turns of a conversation there are.
    """
    if request.form is not None:
        _edit_form(request, request.form, edit)
        yield
        return
    fields = request.fields
    for name, raw in fields.items():
        if name in STRUCTURE or not _may_hold_text(raw):
            continue
        value = _decode(raw)
        if count is not None and name in _TURNS:
            count(len(value) if isinstance(value, list) else 1)
        walk = TextWalk(edit)
        if name in _TURNS and isinstance(value, list):
            for place, item in enumerate(value):
                value[place] = walk.structure(item)
                yield
        else:
            value = walk.request_member(name, value)
        if walk.changed:
            _put_back(request, name, value)
        yield


def _edit_form(request: Inbound, form: bytes, edit: Edit) -> None:
    """Of an upload only what is written beside the file is text."""
    pieces: list[bytes] = []
    begun = 0
    for part in parts_of(form, request.place.content_type):
        if part.name in _FORM_TEXTS:
            text = form[part.start : part.end].decode("utf-8", "replace")
            told = edit(text)
            if told is not text:
                pieces += [form[begun : part.start], told.encode()]
                begun = part.end
    if pieces:
        request.form = b"".join((*pieces, form[begun:]))
        request.size += len(request.form) - len(form)


def _put_back(request: Inbound, name: str, value: Any) -> None:
    changed = _encode(value)
    # The bounds of tokens and money are taken from the size of what is sent.
    request.size += len(changed) - len(request.fields[name])
    request.fields[name] = msgspec.Raw(changed)


def _may_hold_text(raw: msgspec.Raw) -> bool:
    """Whether it is no number and no word of JSON."""
    return bytes(raw).lstrip()[:1] in _OPENINGS
