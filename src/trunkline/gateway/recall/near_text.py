"""What text stands for a request, where an answer to a near one may be given.

Two requests are compared by their last user text alone, and only where everything else is equal:
the model, the parameters, the system prompt, the tools and all earlier turns. An embedding of a
whole conversation says what it is about and not what was asked last, and two system prompts that
differ in one sentence are near to each other and ask for opposite things. So all of it goes into a
digest, the *frame*, and near ones are looked for inside one frame only.

A request has no such text, and is answered by exact match only, where

* its last message is not the user's, or holds anything but text: a picture, a file, the result of a
  tool are not in the text, so texts that are alike would say nothing about them;
* it is no conversation: what continues or fills a text depends on each of its letters, and what
  embeds or ranks is no answer to a question;
* the text is long: one changed sentence in many moves an embedding by less than any threshold.
"""

import hashlib
from typing import Any, Final

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.exchange.parts import Text
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.wire.contract import Inbound, Wire

LONGEST_TEXT: Final = 100
"""Characters of a user's last text beyond which only an exact match counts.

Among many words, one that turns the answer moves the embedding little: of the near answers to
longer texts that no mark was tuned on, most were wrong. docs/cache-semantic.md has the figures.
"""

_LARGEST_REQUEST: Final = 262_144
"""Bytes; a larger request is not read again for the sake of a near match."""

# Answers of this wire repeat the request's attribution.
_ECHOING: Final = frozenset({"openai_responses"})

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


class Question(msgspec.Struct, frozen=True):
    """A request as near matches see it.

    Attributes:
        frame: digest of everything but the text.
        text: the last words of the user.
    """

    frame: bytes
    text: str


def question_of(request: Inbound, wire: Wire) -> Question | None:
    """The text that stands for a request, or None where only an exact match will do."""
    if wire.codec is None or request.form is not None or request.size > _LARGEST_REQUEST:
        return None
    try:
        document = {name: _decode(raw) for name, raw in request.fields.items()}
        asked = wire.codec.read_request(document, request.place)
        return _question_in(asked)
    except (TrunklineError, msgspec.DecodeError, RecursionError):
        # Whoever serves the request says what is wrong with it.
        return None


def _question_in(asked: Any) -> Question | None:
    if not isinstance(asked, Request) or asked.raw_prompt or asked.suffix is not None:
        return None
    last = asked.messages[-1] if asked.messages else None
    if last is None or last.role != "user":
        return None
    texts = [part for part in last.parts if isinstance(part, Text)]
    text = "\n".join(part.text for part in texts)
    if len(texts) != len(last.parts) or not text.strip() or len(text) > LONGEST_TEXT:
        return None
    emptied = tuple(msgspec.structs.replace(part, text="") for part in texts)
    rest = msgspec.structs.replace(
        asked, messages=(*asked.messages[:-1], msgspec.structs.replace(last, parts=emptied))
    )
    if asked.wire not in _ECHOING:
        # Attribution changes no answer; the space already parts those who must not share.
        rest = msgspec.structs.replace(rest, user=None, metadata=None)
    framed = hashlib.blake2b(asked.wire.encode(), digest_size=16)
    framed.update(_encode(rest))
    return Question(framed.digest(), text)
