"""Cache marks: read, written, and held to what Anthropic accepts."""

from typing import Final

from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import CacheMark, Document

# Source: Anthropic's documentation of prompt caching.
_MOST_MARKS: Final = 4
_HOUR: Final = "1h"


def take_mark(rest: Document) -> CacheMark | None:
    """The mark of a block; it stays among the unknown members where we would write it otherwise."""
    value = rest.get("cache_control")
    if not isinstance(value, dict) or value.get("type") != "ephemeral":
        return None
    match value.get("ttl"):
        case "5m":
            mark = CacheMark("5m")
        case "1h":
            mark = CacheMark("1h")
        case _:
            mark = CacheMark()
    if write_mark(mark) == value:
        del rest["cache_control"]
    return mark


def write_mark(mark: CacheMark) -> Document:
    """The member's value."""
    if mark.ttl is None:
        return {"type": "ephemeral"}
    return {"type": "ephemeral", "ttl": mark.ttl}


def limit_marks(blocks: list[Document], losses: Losses) -> None:
    """Take away what Anthropic would refuse: marks beyond four, and an hour after five minutes.

    Args:
        blocks: those that carry marks, in the order of the prompt: tools, system, messages.
        losses: is told of marks that are taken away. The last ones stay, since each stands for
            all of the prompt before it.
    """
    for block in blocks[:-_MOST_MARKS]:
        del block["cache_control"]
        losses.lose("cache_control", "the provider takes four marks at most")
    short = False
    for block in blocks[-_MOST_MARKS:]:
        hour = block["cache_control"].get("ttl") == _HOUR
        if hour and short:
            block["cache_control"] = {"type": "ephemeral"}
            losses.lose("cache_control.ttl", "an hour may not follow five minutes")
        short = short or not hour
