"""What rules and strategies may know of a request.

What takes a look into the content of a live request is read from it one by one, each when it is
first asked for, because few aliases ask for any and none for all.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Final, Protocol

import msgspec

from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import Need
from trunkline.gateway.routing.conversation import conversation_of, goes_on, user_of
from trunkline.gateway.routing.length import input_tokens_of, output_tokens_of
from trunkline.gateway.routing.needs import needs_of
from trunkline.gateway.wire.contract import Inbound, Wire

TYPICAL_OUTPUT_TOKENS: Final = 500
"""The length of an answer to which the request sets no bound: a few paragraphs."""


class Facts(Protocol):
    """One request, as far as choosing a target goes."""

    @property
    def team_id(self) -> str | None:
        """The caller's team."""
        ...

    @property
    def tags(self) -> tuple[tuple[str, str], ...]:
        """Of the key and of the request, as (name, value) pairs."""
        ...

    @property
    def user(self) -> str:
        """Who asks: the end user that the request names, else the key's user, else the key."""
        ...

    @property
    def conversation(self) -> bytes | None:
        """What is the same for all requests of a conversation; None where it cannot be told."""
        ...

    @property
    def goes_on(self) -> bool:
        """Whether the conversation has an answer already."""
        ...

    @property
    def input_tokens(self) -> int:
        """The likely number, by the typical bytes per token."""
        ...

    @property
    def output_tokens(self) -> int:
        """What is asked for at most, or the typical length of an answer."""
        ...

    @property
    def needs(self) -> frozenset[Need]:
        """What is asked of a model beyond text."""
        ...

    @property
    def service_tier(self) -> str | None:
        """The provider's service tier that the request names."""
        ...


class StatedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a request that is only described; the attributes are those of ``Facts``."""

    team_id: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    user: str = ""
    conversation: bytes | None = None
    goes_on: bool = False
    input_tokens: int = 0
    output_tokens: int = TYPICAL_OUTPUT_TOKENS
    needs: frozenset[Need] = frozenset()
    service_tier: str | None = None


class RequestFacts(msgspec.Struct, eq=False, dict=True):
    """The facts of a live request. Its state is what has been asked for so far.

    The properties are those of ``Facts``. What is only handed on is a plain attribute, because
    reading a property costs a call.
    """

    team_id: str | None
    tags: tuple[tuple[str, str], ...]
    service_tier: str | None
    _caller: Caller
    _request: Inbound
    _headers: Mapping[bytes, bytes]
    _operation: str
    _input_tokens: int | None = None
    _needs: frozenset[Need] | None = None

    @cached_property
    def user(self) -> str:
        """Who asks."""
        named = user_of(self._request)
        return named or self._caller.user_id or self._caller.key_id

    @cached_property
    def conversation(self) -> bytes | None:
        """What its conversation is known by."""
        return conversation_of(self._request, self._headers)

    @cached_property
    def goes_on(self) -> bool:
        """Whether it has an answer already."""
        return goes_on(self._request)

    # Rules ask for these two most often, and a cached property takes a lock.
    @property
    def input_tokens(self) -> int:
        """The likely number, counted once."""
        tokens = self._input_tokens
        if tokens is None:
            tokens = self._input_tokens = input_tokens_of(self._request)
        return tokens

    @property
    def output_tokens(self) -> int:
        """What is asked for at most, or the typical length."""
        return output_tokens_of(self._request, self._operation, TYPICAL_OUTPUT_TOKENS)

    @property
    def needs(self) -> frozenset[Need]:
        """What it asks for beyond text, looked for once."""
        needs = self._needs
        if needs is None:
            needs = self._needs = needs_of(self._request)
        return needs


def facts_of(
    caller: Caller,
    request: Inbound,
    headers: Mapping[bytes, bytes],
    wire: Wire,  # noqa: ARG001 - wires whose members mean something else would be told apart by it.
    operation: str,
) -> Facts:
    """The facts of this request; its content is not looked at before it is asked for."""
    tags = caller.tags + request.tags
    return RequestFacts(
        caller.team_id, tags, request.service_tier, caller, request, headers, operation
    )
