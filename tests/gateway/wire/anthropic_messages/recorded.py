"""Recorded answers of Anthropic and the requests that they answer; none where they are absent."""

import json
from typing import Any

from tests.gateway.wire.recordings import FIXTURES


def requests() -> list[tuple[str, dict[str, Any]]]:
    """The recorded requests by the names of their files."""
    found = []
    for file in sorted((FIXTURES / "anthropic").glob("*.meta.json")):
        asked = (json.loads(file.read_text())["request"] or {}).get("body")
        if asked and asked.get("messages"):
            found.append((file.name, asked))
    return found


def replies() -> list[tuple[str, dict[str, Any]]]:
    """The recorded whole answers."""
    found = []
    for file in sorted((FIXTURES / "anthropic").glob("*.json")):
        document = json.loads(file.read_text())
        if not file.name.endswith(".meta.json") and document.get("type") == "message":
            found.append((file.name, document))
    return found


def streams() -> list[tuple[str, bytes]]:
    """The recorded streams."""
    files = sorted((FIXTURES / "anthropic").glob("*.sse"))
    return [(file.name, file.read_bytes()) for file in files]


def pair(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Input and output of another gateway's converter."""
    folder = FIXTURES / "translation-pairs"
    asked = json.loads((folder / f"{name}.input.json").read_text())
    told = json.loads((folder / f"{name}.output.json").read_text())
    return asked, told
