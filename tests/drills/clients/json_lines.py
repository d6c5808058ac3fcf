"""Events that a client prints one to a line, among whatever else it prints."""

import json
from typing import Any


def read_lines(output: str) -> list[dict[str, Any]]:
    """The JSON objects with a ``type``; other lines are notes for people."""
    events = []
    for line in output.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("type"), str):
            events.append(event)
    return events
