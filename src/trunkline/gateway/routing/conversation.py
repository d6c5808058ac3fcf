"""Which conversation a request belongs to, and who holds it.

Conversations that stay at one target find the provider's prompt cache warm. Clients that know
theirs say so in a header or a member; for the others it is known by how it begins, which is the
same in all its requests.
"""

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final

import msgspec

from trunkline.gateway.wire.contract import Inbound

# Ours first. Then those of clients: Claude Code, Codex (its thread before its session, which may
# have several), OpenCode and others.
_HEADERS: Final = (
    b"x-trunkline-conversation",
    b"x-claude-code-session-id",
    b"thread-id",
    b"session-id",
    b"session_id",
    b"x-session-id",
)
# Of OpenAI's formats and Mistral's. An id of an earlier response is no such sign: each request has
# another one, and what it stands for has been put before the input when targets are chosen.
_MEMBER: Final = "prompt_cache_key"
_NO_KEY: Final = (b"null", b'""')
# Anthropic's user_id of Claude Code, of earlier versions and, as JSON, of later ones.
_SESSION: Final = re.compile(r'_session_([0-9a-fA-F-]{8,})$|"session_id"\s*:\s*"([^"]{8,})"')

_INSTRUCTIONS: Final = ("system", "instructions", "systemInstruction", "system_instruction")
_TURNS: Final = ("messages", "contents", "input", "prompt")
# As much of the beginning as is looked at, in bytes, and as much as counts of each text.
_BEGINNING: Final = 65_536
_ENOUGH: Final = 2_048

_ANSWERED: Final = re.compile(rb'"role"\s*:\s*"(?:assistant|model|chatbot)"', re.IGNORECASE)

_decode = msgspec.json.Decoder().decode
_scan = JSONDecoder().raw_decode


def conversation_of(request: Inbound, headers: Mapping[bytes, bytes]) -> bytes | None:
    """What all requests of the conversation have in common and no other has."""
    for name in _HEADERS:
        given = headers.get(name)
        if given:
            return given[:_ENOUGH]
    raw = request.fields.get(_MEMBER)
    if raw is not None and bytes(raw) not in _NO_KEY:
        return bytes(raw).strip(b'"')[:_ENOUGH]
    found = _SESSION.search(_named_user(request) or "")
    if found is not None:
        return (found[1] or found[2]).encode()
    return _beginning(request)


def user_of(request: Inbound) -> str | None:
    """The end user that the request names, without the session that some clients put there."""
    named = _named_user(request)
    return None if named is None else _SESSION.sub("", named)


def goes_on(request: Inbound) -> bool:
    """Whether there is an answer among the turns."""
    if request.continues is not None:
        return True
    turns = (request.fields.get(name) for name in _TURNS)
    return any(raw is not None and _ANSWERED.search(raw) is not None for raw in turns)


def _named_user(request: Inbound) -> str | None:
    """The user as the request names it, whole also where attribution keeps only a part."""
    raw = request.fields.get("metadata")
    if raw is None or b'"user_id"' not in bytes(raw):
        return request.end_user
    metadata = _decode(raw)
    named = metadata.get("user_id") if isinstance(metadata, dict) else None
    return named if isinstance(named, str) else request.end_user


def _beginning(request: Inbound) -> bytes | None:
    """A digest of the instructions and of what the user says first."""
    digest = blake2b(digest_size=16)
    said = False
    for name in _INSTRUCTIONS:
        raw = request.fields.get(name)
        if raw is not None:
            digest.update(memoryview(raw)[:_ENOUGH])
    for name in _TURNS:
        raw = request.fields.get(name)
        if raw is not None:
            said = True
            digest.update(_first_turns(bytes(memoryview(raw)[:_BEGINNING])))
    return digest.digest() if said else None


def _first_turns(raw: bytes) -> bytes:
    """The texts up to the first turn of the user, or the bytes where they cannot be told apart."""
    raw = raw.lstrip()
    if raw.startswith(b"["):
        texts: list[str] = []
        for turn in _turns(raw[1:].decode("utf-8", "ignore")):
            texts += (text[:_ENOUGH] for text in _texts(turn))
            if not isinstance(turn, dict) or turn.get("role", "user") == "user":
                break
        if texts:
            return "\n".join(texts).encode("utf-8", "surrogatepass")
    return raw[:_ENOUGH]


def _turns(text: str) -> Iterator[Any]:
    """The elements of an array one by one, as far as they are whole; none is read in advance."""
    place = 0
    while True:
        while place < len(text) and text[place] in " \t\r\n,":
            place += 1
        try:
            turn, place = _scan(text, place)
        except (JSONDecodeError, RecursionError):
            return
        yield turn


def _texts(turn: Any) -> Iterator[str]:
    """The texts of a turn in any of the wires; what marks a cache or an id does not count."""
    if isinstance(turn, str):
        yield turn
    elif isinstance(turn, list):
        for part in turn:
            yield from _texts(part)
    elif isinstance(turn, dict):
        for name in ("content", "parts", "text"):
            yield from _texts(turn.get(name))
