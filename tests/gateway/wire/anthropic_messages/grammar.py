"""What the events of a stream of this wire must be, read apart from the product."""

import json
from copy import deepcopy
from typing import Any

Told = list[dict[str, Any]]


def events_of(stream: bytes) -> Told:
    """The events of a stream, each of which must name itself twice."""
    events = []
    for frame in stream.split(b"\n\n"):
        if frame:
            name, data = frame.split(b"\n")
            event = json.loads(data.removeprefix(b"data: "))
            assert name == f"event: {event['type']}".encode()
            events.append(event)
    return events


def message_of(events: Told) -> dict[str, Any]:
    """The message that a client gathers; fails where the order is not that of the wire."""
    events = [event for event in events if event["type"] != "ping"]
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    assert events[0]["type"] == "message_start"
    message: dict[str, Any] = deepcopy(events[0]["message"])
    open_at: int | None = None
    pieces: list[str] = []
    for event in events[1:-2]:
        kind, index = event["type"], event["index"]
        if kind == "content_block_start":
            assert open_at is None
            assert index == len(message["content"])
            open_at, pieces = index, []
            message["content"].append(dict(event["content_block"]))
        elif kind == "content_block_delta":
            assert index == open_at
            _add(message["content"][index], event["delta"], pieces)
        else:
            assert (kind, index) == ("content_block_stop", open_at)
            if message["content"][index]["type"] in {"tool_use", "server_tool_use"}:
                message["content"][index]["input"] = json.loads("".join(pieces))
            open_at = None
    assert open_at is None
    message |= events[-2]["delta"]
    message["usage"] = {**message["usage"], **events[-2]["usage"]}
    return message


def _add(block: dict[str, Any], delta: dict[str, Any], pieces: list[str]) -> None:
    match delta.get("type"):
        case "text_delta":
            assert block["type"] == "text"
            block["text"] += delta["text"]
        case "thinking_delta":
            assert block["type"] == "thinking"
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            assert (block["type"], block["signature"]) == ("thinking", "")
            block["signature"] = delta["signature"]
        case "input_json_delta":
            assert delta["partial_json"]
            pieces.append(delta["partial_json"])
        case "citations_delta":
            block.setdefault("citations", []).append(delta["citation"])
