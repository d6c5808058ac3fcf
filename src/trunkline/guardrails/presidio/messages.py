"""What the front and the analysing process say to each other: one line of JSON each.

The process answers every order by its number. Its first line has the number 0: it can begin.
"""

import msgspec

from trunkline.gateway.guarding.analysis import Spot, Task


class Order(msgspec.Struct, frozen=True):
    """Texts to be looked at. Without texts the process only gets ready for the task."""

    number: int
    task: Task
    texts: list[str]


class Told(msgspec.Struct, frozen=True):
    """The answer to an order.

    Attributes:
        number: of the order.
        found: what stands in each text.
        failure: why there is no answer, without any text of the order.
    """

    number: int
    found: list[list[Spot]] = []
    failure: str | None = None


_encode = msgspec.json.Encoder().encode

read_told = msgspec.json.Decoder(Told).decode
"""Raises ``msgspec.MsgspecError`` for what is none."""


def write_order(order: Order) -> bytes:
    """The line of an order. Half of a character is written as another one of the same length."""
    try:
        return _encode(order) + b"\n"
    except UnicodeEncodeError:
        whole = [text.encode("utf-8", "replace").decode() for text in order.texts]
        return _encode(Order(order.number, order.task, whole)) + b"\n"
