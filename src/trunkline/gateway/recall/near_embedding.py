"""Vectors of texts, made by the embedding alias of a policy like any caller's request.

The caller of the request that is answered is the caller of the embedding, too: its limits hold, its
budgets pay, and the ledger shows the attempt under the embedding alias. A key with a list of
aliases must have this one on it.

An embedding that fails, is refused or does not come in time is no vector, and never an error. One
that comes late is kept for the next who asks. An alias that fails several times in a row is left
alone for a while, so that a dead one does not hold up every request for as long as it may.
"""

import asyncio
import hashlib
from collections import OrderedDict
from typing import Final

import msgspec
import structlog

from trunkline.errors import TrunklineError
from trunkline.gateway.caller import Caller
from trunkline.gateway.inward_call import InwardAnswer, InwardCalls
from trunkline.gateway.recall.near_index import Vector, vector_of
from trunkline.gateway.wire.contract import EMBEDDING
from trunkline.gateway.wire.registry import WIRES
from trunkline.kit.clock import Clock

WITHIN: Final = 2.0
"""Seconds that a request waits for the embedding of its text."""

REST: Final = 30.0
"""Seconds for which an alias that keeps failing is not asked."""

_FAILURES: Final = 3
_MOST_KEPT: Final = 256
_MOST_UNDER_WAY: Final = 64
# About this caller and not about the alias: it may not use it, or has used up what it may.
_REFUSALS: Final = frozenset({402, 403, 429})
_WIRE: Final = WIRES["openai_embeddings"]
_log = structlog.stdlib.get_logger("trunkline.gateway")

_Key = tuple[str, str, bytes]
_Alias = tuple[str, str]


class _Item(msgspec.Struct):
    embedding: list[float]


class _Reply(msgspec.Struct):
    data: list[_Item]
    model: str = ""


_decode = msgspec.json.Decoder(_Reply).decode
_encode = msgspec.json.Encoder().encode


class _Flight:
    """An embedding under way. Its state is whether somebody has waited too long for it."""

    __slots__ = ("late", "task")

    def __init__(self, task: "asyncio.Task[Vector | None]") -> None:
        self.task = task
        self.late = False


class Embedder:
    """Makes vectors. Owned by the composition root, which closes it before the pipeline.

    Its state is the vectors of recent texts, the embeddings under way, and which aliases failed how
    often and rest until when.
    """

    def __init__(self, calls: InwardCalls, clock: Clock, *, within: float = WITHIN) -> None:
        self._calls = calls
        self._clock = clock
        self._within = within
        self._kept: OrderedDict[_Key, Vector] = OrderedDict()
        self._flights: dict[_Key, _Flight] = {}
        self._failures: dict[_Alias, int] = {}
        self._rests: dict[_Alias, float] = {}

    async def vector(self, caller: Caller, alias: str, text: str) -> Vector | None:
        """The embedding of a text, or None where there is none in time."""
        if not caller.may_use(alias):
            return None
        key = (caller.org_id, alias, _digest(text))
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        flight = self._flights.get(key) or self._depart(caller, key, text)
        if flight is None:
            return None
        done, _ = await asyncio.wait({flight.task}, timeout=self._within)
        if done:
            return None if flight.task.cancelled() else flight.task.result()
        if not flight.late:
            flight.late = True
            self._failed(key[:2], "late")
        return None

    async def close(self) -> None:
        """End what is under way."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _depart(self, caller: Caller, key: _Key, text: str) -> _Flight | None:
        rests = self._rests.get(key[:2], 0.0) > self._clock.monotonic()
        if rests or len(self._flights) >= _MOST_UNDER_WAY:
            return None
        flight = _Flight(asyncio.create_task(self._embed(caller, key, text)))
        self._flights[key] = flight
        return flight

    async def _embed(self, caller: Caller, key: _Key, text: str) -> Vector | None:
        body = _encode({"model": key[1], "input": text})
        try:
            answer = await self._calls.call(caller, _WIRE, EMBEDDING, "/v1/embeddings", body)
            vector = _vector_in(answer)
        except TrunklineError:
            return None
        finally:
            flight = self._flights.pop(key)
        if vector is None:
            if answer.status not in _REFUSALS:
                self._failed(key[:2], answer.status)
            return None
        if not flight.late:
            self._failures.pop(key[:2], None)
        self._kept[key] = vector
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return vector

    def _failed(self, alias: _Alias, how: int | str) -> None:
        failures = self._failures.get(alias, 0) + 1
        self._failures[alias] = failures
        if failures >= _FAILURES:
            self._rests[alias] = self._clock.monotonic() + REST
            self._failures[alias] = 0
            _log.warning(
                "embeddings for near matches keep failing",
                org=alias[0],
                alias=alias[1],
                last=how,
                rests=REST,
            )


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _vector_in(answer: InwardAnswer) -> Vector | None:
    if answer.status != 200:
        return None
    try:
        reply = _decode(answer.body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return vector_of(reply.model, reply.data[0].embedding) if reply.data else None
