"""How a document says something in another way than we would: kept, so that it can be said again.

A reader understands more spellings than a writer uses. What a written document would say otherwise
than the one that was read is kept beside what was understood of it; it says nothing more, so no
other wire loses it.
"""

from typing import Final

import msgspec

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request

_NOTHING: Final = object()


class SpelledRequest(Request, frozen=True, kw_only=True):
    """A request; ``spelled`` holds the members that we would write otherwise."""

    spelled: Document = msgspec.field(default_factory=dict)


def spelling(told: Document, written: Document) -> Document:
    """The members of ``told`` that ``written`` says otherwise; None where it says too much."""
    other = {
        name: value
        for name, value in told.items()
        if value is not None and written.get(name, _NOTHING) != value
    }
    for name in written:
        if told.get(name) is None:
            other[name] = None
    return other


def respelled(written: Document, spelled: Document) -> Document:
    """A document as it was told."""
    if not spelled:
        return written
    return {name: value for name, value in {**written, **spelled}.items() if value is not None}
