"""The providers' prompt caches: which part of a prompt was seen before."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from trunkline.kit.clock import Clock
from trunkline.simulator.question import Segment

LEAST_TOKENS = 1024
"""Shorter prompts are never cached, as both providers state."""

_OPENAI_STEP = 128
_OPENAI_SECONDS = 300.0
_LIFETIME = {"5m": 300.0, "1h": 3600.0}
_LOOK_BACK = 20
"""Anthropic looks for an entry at most this many blocks before a breakpoint."""


class CacheUse(msgspec.Struct, frozen=True):
    """Tokens of one prompt that were read from the cache or written to it."""

    read: int = 0
    write_5m: int = 0
    write_1h: int = 0


class PromptCache:
    """Prefixes of prompts and when they expire.

    Its state is one map from the digest of a prefix to the moment of expiry, oldest first and
    bounded; the simulator that built it owns it.
    """

    def __init__(self, clock: Clock, size: int = 50_000) -> None:
        self._clock = clock
        self._size = size
        self._expiry: OrderedDict[bytes, float] = OrderedDict()

    def automatic(self, scope: str, prompt: tuple[Segment, ...]) -> CacheUse:
        """OpenAI's rule: the longest known prefix of at least 1,024 tokens in steps of 128."""
        known = 0
        for tokens, digest in list(_step_prefixes(scope, prompt)):
            if self._alive(digest):
                known = tokens
            self._keep(digest, _OPENAI_SECONDS)
        return CacheUse(read=known)

    def explicit(self, scope: str, prompt: tuple[Segment, ...]) -> CacheUse:
        """Anthropic's rule: prefixes that end at a breakpoint, each with its lifetime."""
        ends = list(_segment_prefixes(scope, prompt))
        breakpoints = [
            position
            for position, segment in enumerate(prompt)
            if segment.cached_for is not None and ends[position][0] >= LEAST_TOKENS
        ]
        found = self._longest_known(ends, breakpoints)
        read = ends[found][0] if found is not None else 0
        written = {"5m": 0, "1h": 0}
        start = read
        for position in breakpoints:
            tokens, digest = ends[position]
            lifetime = prompt[position].cached_for or "5m"
            if tokens > start:
                written[lifetime] += tokens - start
                start = tokens
            self._keep(digest, _LIFETIME[lifetime])
        return CacheUse(read, written["5m"], written["1h"])

    def _longest_known(self, ends: list[tuple[int, bytes]], breakpoints: list[int]) -> int | None:
        for position in reversed(breakpoints):
            for candidate in range(position, max(-1, position - _LOOK_BACK), -1):
                if self._alive(ends[candidate][1]):
                    return candidate
        return None

    def _alive(self, digest: bytes) -> bool:
        expiry = self._expiry.get(digest)
        return expiry is not None and expiry > self._clock.monotonic()

    def _keep(self, digest: bytes, seconds: float) -> None:
        self._expiry[digest] = self._clock.monotonic() + seconds
        self._expiry.move_to_end(digest)
        while len(self._expiry) > self._size:
            self._expiry.popitem(last=False)


def _step_prefixes(scope: str, prompt: tuple[Segment, ...]) -> Iterator[tuple[int, bytes]]:
    pieces = [piece for segment in prompt for piece in segment.pieces]
    hashed = hashlib.blake2b(scope.encode(), digest_size=16)
    for end in range(_OPENAI_STEP, len(pieces) + 1, _OPENAI_STEP):
        hashed.update("\x00".join(pieces[end - _OPENAI_STEP : end]).encode("utf-8", "replace"))
        if end >= LEAST_TOKENS:
            yield end, hashed.digest()


def _segment_prefixes(scope: str, prompt: tuple[Segment, ...]) -> Iterator[tuple[int, bytes]]:
    hashed = hashlib.blake2b(scope.encode(), digest_size=16)
    tokens = 0
    for segment in prompt:
        hashed.update("\x00".join(segment.pieces).encode("utf-8", "replace") + b"\x01")
        tokens += len(segment.pieces)
        yield tokens, hashed.digest()
