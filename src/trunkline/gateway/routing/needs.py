"""What a request asks of a model beyond text, read from what the path knows of it anyway.

Members are looked for by the names that they have in any of the wires; none of these names means
something else in another one.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from trunkline.gateway.policy import Need
from trunkline.gateway.wire.contract import Inbound

# How sound is marked in the wires that count it among their attachments.
_SOUND: Final = re.compile(rb'"input_audio"|"audio/|"audio"')
_SPOKEN: Final = ("messages", "contents", "input")

_GOOGLE_JSON: Final = re.compile(rb'"application/json"|"response_?(json_?)?schema"', re.IGNORECASE)
# Members that ask for JSON, and what they contain where they do.
_JSON: Final[Mapping[str, re.Pattern[bytes]]] = MappingProxyType(
    {
        "response_format": re.compile(rb'"json'),
        "text": re.compile(rb'"json'),
        "output_config": re.compile(rb'"json'),
        "outputConfig": re.compile(rb'"json', re.IGNORECASE),
        "output_format": re.compile(rb'"json'),
        "format": re.compile(rb'^"json|^\{'),
        "generationConfig": _GOOGLE_JSON,
        "generation_config": _GOOGLE_JSON,
    }
)
# Members that ask for thought, and what they contain where they turn it off.
_THOUGHT: Final[Mapping[str, re.Pattern[bytes]]] = MappingProxyType(
    {
        "thinking": re.compile(rb'"disabled"'),
        "reasoning_effort": re.compile(rb'"none"'),
        "reasoning": re.compile(rb'"none"|"enabled"\s*:\s*false|^\{\s*\}'),
        "think": re.compile(rb"false"),
    }
)
_GOOGLE_THOUGHT: Final = re.compile(rb'"thinking_?config"', re.IGNORECASE)
_GOOGLE_NO_THOUGHT: Final = re.compile(rb'"thinking_?budget"\s*:\s*0\b', re.IGNORECASE)
_GOOGLE: Final = ("generationConfig", "generation_config")
# Most requests have none of these members, and then none is looked at.
_ASKING: Final = frozenset((*_JSON, *_THOUGHT, *_GOOGLE))
# What most requests need is not built anew for each.
_NOTHING: Final[frozenset[Need]] = frozenset()
_STREAM: Final[frozenset[Need]] = frozenset({"stream"})


def needs_of(request: Inbound) -> frozenset[Need]:
    """What the request asks for, by its members."""
    asking = not _ASKING.isdisjoint(request.fields)
    things = request.has_tools or request.server_tools or request.files or request.attachments
    if not (asking or things):
        return _STREAM if request.stream else _NOTHING
    needs: list[Need] = []
    if request.stream:
        needs.append("stream")
    if request.has_tools:
        needs.append("tools")
    if request.server_tools:
        needs.append("server_tools")
    if request.files:
        needs.append("files")
    if request.attachments:
        sounds = _sounds(request)
        if sounds:
            needs.append("audio")
        if request.attachments > sounds:
            needs.append("vision")
    if asking:
        if _wants_json(request.fields):
            needs.append("json")
        if _wants_thought(request.fields):
            needs.append("thinking")
    return frozenset(needs)


def _sounds(request: Inbound) -> int:
    found = 0
    for name in _SPOKEN:
        raw = request.fields.get(name)
        if raw is not None:
            found += sum(1 for _ in _SOUND.finditer(raw))
    return found


def _wants_json(fields: Mapping[str, msgspec.Raw]) -> bool:
    for name, raw in fields.items():
        pattern = _JSON.get(name)
        if pattern is not None and pattern.search(raw) is not None:
            return True
    return False


def _wants_thought(fields: Mapping[str, msgspec.Raw]) -> bool:
    for name, raw in fields.items():
        off = _THOUGHT.get(name)
        if off is not None and bytes(raw) != b"null" and off.search(raw) is None:
            return True
    for name in _GOOGLE:
        config = fields.get(name)
        if config is not None and _GOOGLE_THOUGHT.search(config):
            return _GOOGLE_NO_THOUGHT.search(config) is None
    return False
