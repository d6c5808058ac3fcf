"""Looking up what the Responses API keeps."""

from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from trunkline.errors import InvalidRequest, NotFound
from trunkline.gateway.lookup import Question

_MOST_LISTED: Final = 100
_LISTED: Final = 20
_TRUE: Final = frozenset({"true", "1"})


async def show_response(question: Question) -> object:
    """A response that was kept.

    Raises:
        NotFound: there is none of this id.
        InvalidRequest: its events are asked for, which are not kept.
    """
    query = _query(question)
    if query.get("stream") in _TRUE or "starting_after" in query:
        raise InvalidRequest(
            "The events of a response are not kept, only the response itself.",
            code="unsupported_parameter",
            param="stream",
            hint="Leave 'stream' and 'starting_after' out, and ask again until the status says "
            "that the response is over.",
        )
    response = await question.ports.responses.get(question.caller, question.item or "")
    return msgspec.Raw(response)


async def delete_response(question: Question) -> object:
    """Forget a response.

    Raises:
        NotFound: there is none of this id.
    """
    known = question.item or ""
    await question.ports.responses.delete(question.caller, known)
    return {"id": known, "object": "response", "deleted": True}


async def cancel_response(question: Question) -> object:
    """End a response that runs in the background.

    Raises:
        NotFound: there is none of this id.
        InvalidRequest: it does not run in the background.
    """
    response = await question.ports.responses.cancel(question.caller, question.item or "")
    return msgspec.Raw(response)


async def list_input_items(question: Question) -> object:
    """The items that led to a response, a page at a time, newest first unless asked otherwise.

    Raises:
        NotFound: there is no such response, or no such item to begin after.
        InvalidRequest: the page makes no sense.
    """
    query = _query(question)
    limit = _limit(query.get("limit"))
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise _wrong("order", "'asc' or 'desc'")
    listed = await question.ports.responses.input_items(question.caller, question.item or "")
    items = [_shown(raw, number) for number, raw in enumerate(listed)]
    if order == "desc":
        items.reverse()
    after = query.get("after")
    if after is not None:
        items = _following(items, after)
    page = items[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(page) < len(items),
    }


def _query(question: Question) -> dict[str, str]:
    pairs = parse_qs(question.query.decode("latin-1"), keep_blank_values=True)
    return {name: values[-1] for name, values in pairs.items()}


def _limit(given: str | None) -> int:
    if given is None:
        return _LISTED
    if not given.isascii() or not given.isdecimal() or not 1 <= int(given) <= _MOST_LISTED:
        raise _wrong("limit", f"a whole number from 1 to {_MOST_LISTED}")
    return int(given)


def _following(items: list[dict[str, Any]], after: str) -> list[dict[str, Any]]:
    for place, item in enumerate(items):
        if item["id"] == after:
            return items[place + 1 :]
    raise NotFound(
        f"Item with id '{after[:100]}' not found.",
        code="item_not_found",
        param="after",
        hint="Take 'last_id' of the page before.",
    )


def _wrong(param: str, meaning: str) -> InvalidRequest:
    return InvalidRequest(
        f"'{param}' must be {meaning}.",
        code="invalid_value",
        param=param,
        hint=f"Send {meaning} in '{param}'.",
    )


def _shown(raw: msgspec.Raw, number: int) -> dict[str, Any]:
    """An item with the id and the type that those get which came without."""
    item: dict[str, Any] = msgspec.json.decode(raw)
    kind = item.get("type") or "message"
    shown = {"id": f"{_PREFIXES.get(kind, 'item')}_{number:06d}", "type": kind}
    shown |= {name: value for name, value in item.items() if value is not None}
    content = shown.get("content")
    if kind == "message":
        shown.setdefault("status", "completed")
        if isinstance(content, str):
            said = "output_text" if shown.get("role") == "assistant" else "input_text"
            shown["content"] = [{"type": said, "text": content}]
    return shown


_PREFIXES: Final = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
}
