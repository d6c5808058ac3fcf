"""How a test reads a stream that does not end well."""

from collections.abc import AsyncIterable
from typing import Any, TypeVar

Failure = TypeVar("Failure", bound=Exception)


async def until_it_breaks(
    stream: AsyncIterable[Any], failure: type[Failure]
) -> tuple[list[Any], Failure]:
    """What came before the stream broke, and the exception that it broke with.

    Raises:
        AssertionError: it ended as if it were whole.
    """
    read: list[Any] = []
    try:
        async for item in stream:
            read.append(item)  # noqa: PERF401 - what came before the failure must be kept.
    except failure as raised:
        return read, raised
    raise AssertionError("a broken stream ended as if it were whole")
