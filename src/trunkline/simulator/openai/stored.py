"""The responses that OpenAI keeps between requests."""

from collections import OrderedDict
from typing import Any

import msgspec

from trunkline.simulator.openai.items import Item


class StoredResponse(msgspec.Struct, frozen=True):
    """One response that was asked for with ``store``.

    Attributes:
        document: the response as it was answered.
        input: all items that led to it, those of the responses before it included.
        output: the items of its answer.
    """

    document: dict[str, Any]
    input: tuple[Item, ...]
    output: tuple[Item, ...]


class StoredResponses:
    """Responses by their id, oldest first and bounded; the wire that built it owns it."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._kept: OrderedDict[str, StoredResponse] = OrderedDict()

    def keep(self, response: StoredResponse) -> None:
        """Remember a response, and forget the oldest where there are too many."""
        self._kept[response.document["id"]] = response
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def find(self, ident: str) -> StoredResponse | None:
        """The response of an id, or None."""
        return self._kept.get(ident)

    def forget(self, ident: str) -> None:
        """Forget a response, if there is one."""
        self._kept.pop(ident, None)

    def item(self, ident: str) -> Item | None:
        """The item of an id in any of the responses, or None."""
        for response in reversed(self._kept.values()):
            for item in (*response.output, *response.input):
                if item.id == ident:
                    return item
        return None
