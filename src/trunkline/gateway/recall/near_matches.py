"""Near matches for policies of mode ``semantic``, in the memory of one process.

Only what this process answered itself is near to anything here: other processes share the stored
answers, where the store is shared, and not the vectors.
"""

import hashlib

import msgspec
from typing_extensions import override

from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import CachePolicy
from trunkline.gateway.recall.near_embedding import Embedder
from trunkline.gateway.recall.near_index import NearIndex, Vector
from trunkline.gateway.recall.near_marks import Marks, marks_of
from trunkline.gateway.recall.near_text import Question, question_of
from trunkline.gateway.recall.nearness import Near, Nearness
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.wire.contract import Inbound, Wire


class _Asked(msgspec.Struct, frozen=True):
    """A question, ready to be looked for or entered."""

    place: bytes
    vector: Vector
    marks: Marks


class NearMatches(Nearness):
    """Finds near questions: same frame, same marks, and a cosine from the threshold on.

    It has no state of its own. The embedding's own request never comes back here for an embedding:
    it is no conversation, so there is no text that stands for it.
    """

    def __init__(self, index: NearIndex, embedder: Embedder) -> None:
        self._index = index
        self._embedder = embedder

    @override
    async def find(
        self,
        caller: Caller,
        alias: Alias,
        policy: CachePolicy,
        space: str,
        request: Inbound,
        wire: Wire,
    ) -> Near | None:
        asked = await self._asked(caller, alias, policy, space, request, wire)
        if asked is None:
            return None
        return self._index.nearest(asked.place, asked.vector, asked.marks, policy.threshold)

    @override
    async def add(
        self,
        caller: Caller,
        alias: Alias,
        policy: CachePolicy,
        space: str,
        request: Inbound,
        wire: Wire,
        key: str,
    ) -> None:
        asked = await self._asked(caller, alias, policy, space, request, wire)
        if asked is not None:
            self._index.add(asked.place, key, asked.vector, asked.marks, policy.ttl)

    @override
    def forget(self, key: str) -> None:
        self._index.remove(key)

    async def _asked(
        self,
        caller: Caller,
        alias: Alias,
        policy: CachePolicy,
        space: str,
        request: Inbound,
        wire: Wire,
    ) -> _Asked | None:
        if policy.mode != "semantic" or policy.embedding is None:
            return None
        question = question_of(request, wire)
        if question is None:
            return None
        vector = await self._embedder.vector(caller, policy.embedding, question.text)
        if vector is None:
            return None
        place = _place(alias, policy, space, question, vector)
        return _Asked(place, vector, marks_of(question.text))


def _place(
    alias: Alias, policy: CachePolicy, space: str, question: Question, vector: Vector
) -> bytes:
    """Where near questions are looked for: what all of them have in common."""
    common = (space, alias.name, policy.embedding, vector.model, len(vector.numbers))
    digest = hashlib.blake2b(repr(common).encode("utf-8", "surrogatepass"), digest_size=16)
    digest.update(question.frame)
    return digest.digest()
