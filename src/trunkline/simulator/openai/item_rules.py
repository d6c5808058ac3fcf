"""What OpenAI demands of the items of a conversation as a whole."""

import re
from collections.abc import Iterable

from trunkline.simulator.openai.items import HOSTED_CALLS, Item
from trunkline.simulator.openai.stored import StoredResponses
from trunkline.simulator.openai.wire import invalid
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.seals import is_sealed, seal

_SEALER = "openai"
_ENCRYPTED_PREFIX = "gAAAAA"
_CALLS = {
    "function_call": ("function_call_output", "function call"),
    "custom_tool_call": ("custom_tool_call_output", "custom tool call"),
}
_FOLLOWS_REASONING = {"reasoning", "function_call", "custom_tool_call", *HOSTED_CALLS}
_AFTER_REASONING = re.compile(r"(?:msg|fc|ctc)_(?P<answer>\w+)r\d{3}")


def item_id(prefix: str, answer: str, number: int, *, reasoned: bool) -> str:
    """The id of an item; it tells whether reasoning went before it in the same answer."""
    return f"{prefix}_{answer}{'r' if reasoned else '0'}{number:03d}"


def encrypted(nonce: bytes) -> str:
    """The encrypted content of a reasoning item; there is none inside, but we know it again."""
    return _ENCRYPTED_PREFIX + seal(_SEALER, nonce, "").replace("+", "-").replace("/", "_")


def resolved(items: Iterable[Item], stored: StoredResponses) -> tuple[Item, ...]:
    """The items with those that are only referred to put in their place.

    Raises:
        Refusal: an item that is referred to, or reasoning without its content, is not kept.
    """
    found = []
    for item in items:
        if item.type == "item_reference" or (item.type == "reasoning" and not item.encrypted):
            kept = stored.item(item.id)
            if kept is None:
                raise _not_kept(item.id)
            found.append(kept)
            continue
        if item.type == "reasoning" and not _is_ours(item.encrypted):
            raise invalid(
                f"The encrypted content {item.encrypted[:4]}...{item.encrypted[-4:]} could not be "
                "verified. Reason: Encrypted content could not be decrypted or parsed.",
                None,
                "invalid_encrypted_content",
            )
        found.append(item)
    return tuple(found)


def check_items(items: tuple[Item, ...]) -> None:
    """Refuse a conversation that breaks one of the rules.

    Raises:
        Refusal: items come twice, calls and outputs do not belong together, or reasoning and
            what followed it were torn apart.
    """
    _check_duplicates(items)
    for call_type in _CALLS:
        _check_calls(items, call_type)
    _check_reasoning(items)


def _check_duplicates(items: tuple[Item, ...]) -> None:
    seen: set[str] = set()
    for item in items:
        # A call and its output share the id that joins them, so the type belongs to it.
        for name in filter(None, (item.id, item.call_id and f"{item.type} {item.call_id}")):
            if name in seen:
                raise invalid(
                    f"Duplicate item found with id {name.rpartition(' ')[2]}. Remove duplicate "
                    "items from your input and try again.",
                    "input",
                )
            seen.add(name)


def _check_calls(items: tuple[Item, ...], call_type: str) -> None:
    output_type, words = _CALLS[call_type]
    called: set[str] = set()
    answered: set[str] = set()
    for item in items:
        if item.type == call_type:
            called.add(item.call_id)
        elif item.type == output_type:
            if item.call_id not in called:
                raise invalid(
                    f"No tool call found for {words} output with call_id {item.call_id}.", "input"
                )
            answered.add(item.call_id)
    for item in items:
        if item.type == call_type and item.call_id not in answered:
            raise invalid(f"No tool output found for {words} {item.call_id}.", "input")


def _check_reasoning(items: tuple[Item, ...]) -> None:
    thoughts = {item.id for item in items if item.type == "reasoning"}
    for item, follower in zip(items, (*items[1:], None), strict=True):
        if item.type == "reasoning" and not _may_follow(follower):
            raise invalid(
                f"Item '{item.id}' of type 'reasoning' was provided without its required "
                "following item.",
                "input",
            )
        found = _AFTER_REASONING.fullmatch(item.id)
        needed = item_id("rs", found["answer"], 0, reasoned=True) if found else ""
        if needed and needed not in thoughts:
            raise invalid(
                f"Item '{item.id}' of type '{item.type}' was provided without its required "
                f"'reasoning' item: '{needed}'.",
                "input",
            )


def _may_follow(item: Item | None) -> bool:
    if item is None:
        return False
    return item.type in _FOLLOWS_REASONING or item.role == "assistant"


def _is_ours(content: str) -> bool:
    return content.startswith(_ENCRYPTED_PREFIX) and is_sealed(
        _SEALER, content.removeprefix(_ENCRYPTED_PREFIX), ""
    )


def _not_kept(ident: str) -> Refusal:
    return Refusal(
        404,
        "invalid_request_error",
        f"Item with id '{ident}' not found. Items are not persisted when `store` is set to false. "
        "Try again with `store` set to true, or remove this item from your input.",
        param="input",
    )
