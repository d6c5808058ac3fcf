"""Whether the answer of a request may be one that was given before.

What decides, the most particular first:

1. a request that says ``x-trunkline-cache: off`` gets an answer of its own;
2. an alias that is ``enabled: false`` is never answered from the cache;
3. what cannot be kept, see ``can_be_kept``;
4. a request that says ``on`` or ``refresh``;
5. the key, where it says something;
6. the alias, where it says something;
7. the installation's default, which is off.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.caller import Caller
from trunkline.gateway.snapshot import Alias
from trunkline.gateway.wire.contract import (
    CHAT,
    COMPLETION,
    EMBEDDING,
    MODERATION,
    RERANK,
    Inbound,
)

HEADER: Final = b"x-trunkline-cache"
LARGEST_REQUEST: Final = 1_048_576
"""Bytes; telling whether two larger requests are the same would hold up all others."""

# What is said again for the same words. Pictures and sound are asked for again to get other ones,
# uploads are no members that could be put in order, and a count of tokens costs nothing.
_OPERATIONS: Final = frozenset({CHAT, COMPLETION, EMBEDDING, RERANK, MODERATION})

# How wires name a picture or a file instead of carrying it: what is there may be another tomorrow.
_ELSEWHERE: Final = (
    b'"http', b'"gs:', b'"s3:', b'"file-', b"file_id", b"fileuri", b"file_uri", b"s3location",
)  # fmt: skip


# Members that keep something at the provider, or name what was kept there: a conversation, a
# container that tools have worked in, or a prompt that Google's cache holds. Source: the references
# of OpenAI, Anthropic and Google; Google's reads names in either spelling.
_KEPT_ELSEWHERE: Final = frozenset({
    "store", "conversation", "container", "cachedContent", "cached_content",
})  # fmt: skip
_NOTHING: Final = frozenset({b"null", b"false", b'""'})


class Terms(msgspec.Struct, frozen=True):
    """What one request wants of the cache, beside the policy of its alias.

    Attributes:
        looks: whether a stored answer will do; otherwise a new one is made and stored.
        max_age: seconds of the oldest stored answer that will do, or None for any.
    """

    looks: bool = True
    max_age: float | None = None


_USUAL: Final = Terms()


def terms_of(
    caller: Caller,
    alias: Alias,
    request: Inbound,
    headers: Mapping[bytes, bytes],
    operation: str,
    *,
    default: bool,
) -> Terms | None:
    """What the cache may do for a request; None when it has nothing to do with it.

    Raises:
        InvalidRequest: the request's own header says nothing that we know.
    """
    policy = alias.cache
    wanted = policy.enabled if caller.cache is None else caller.cache
    if wanted is None:
        wanted = default
    asked, looks, max_age = headers.get(HEADER), True, None
    if asked is not None:
        word, max_age = _read(asked)
        looks = word != "refresh"
        if word:
            wanted = word != "off"
    if not wanted or policy.enabled is False or not can_be_kept(request, operation):
        return None
    return _USUAL if asked is None else Terms(looks, max_age)


def can_be_kept(request: Inbound, operation: str) -> bool:
    """Whether an answer to this request is one to every other that reads the same.

    It is not where something is kept at the provider or by us, where the request goes on from what
    was kept, where tools run at the provider, and where it names what may change. Nor is it where
    the answer gets back what a guardrail took out: requests that read the same then differ in that.
    """
    if operation not in _OPERATIONS or request.size > LARGEST_REQUEST:
        return False
    if request.background or request.keeps or request.server_tools or request.searches:
        return False
    if request.form is not None or request.stand_ins is not None:
        return False
    if request.continues is not None or request.references:
        return False
    fields = request.fields
    if not _KEPT_ELSEWHERE.isdisjoint(fields) and _names_what_is_kept(fields):
        return False
    return not ((request.attachments or request.files) and _names_what_may_change(fields))


_WORDS: Final = frozenset({"", "on", "off", "refresh"})


def _read(asked: bytes) -> tuple[str, float | None]:
    """The word and the age of a header such as ``on, max-age=60``."""
    word, max_age = "", None
    for part in asked.decode("latin-1").lower().split(","):
        said = part.strip()
        name, _, seconds = said.partition("=")
        if name.strip() == "max-age" and seconds.strip().isdecimal():
            max_age = float(seconds)
        elif said in _WORDS:
            word = said
        else:
            raise InvalidRequest(
                f"The header x-trunkline-cache cannot say '{said[:80]}'.",
                code="invalid_cache_header",
                param="x-trunkline-cache",
                hint="Say on, off or refresh, and max-age=SECONDS if an old answer will not do.",
            )
    return word, max_age


def _names_what_is_kept(fields: Mapping[str, msgspec.Raw]) -> bool:
    for name in _KEPT_ELSEWHERE:
        said = fields.get(name)
        if said is not None and bytes(said) not in _NOTHING:
            return True
    return False


def _names_what_may_change(fields: Mapping[str, msgspec.Raw]) -> bool:
    return any(
        mark in lowered
        for lowered in (bytes(raw).lower() for raw in fields.values())
        for mark in _ELSEWHERE
    )
