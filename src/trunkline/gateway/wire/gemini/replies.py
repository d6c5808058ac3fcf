"""Whole answers of this wire, read into the internal form and written from it."""

from base64 import urlsafe_b64encode
from typing import Any, Final

import msgspec

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import Document, Part, Text, ToolCall
from trunkline.gateway.exchange.reply import Choice, Reply, Stop
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, Malformed
from trunkline.gateway.wire.documents import members_of
from trunkline.gateway.wire.gemini.caller_parts import PartTeller
from trunkline.gateway.wire.gemini.calls import AnsweredCalls
from trunkline.gateway.wire.gemini.citations import Found, read_citations, write_grounding
from trunkline.gateway.wire.gemini.logprobs import read_logprobs, write_logprobs
from trunkline.gateway.wire.gemini.own import WIRE, Attached, Unsealed, overridden
from trunkline.gateway.wire.gemini.parts import PartReader, write_back
from trunkline.gateway.wire.gemini.stops import finish_word, read_stop, require_readable
from trunkline.gateway.wire.gemini.usage import COUNTED, write_usage

_USAGE: Final = "usageMetadata"
_MODEL_ROLE: Final = "model"


class Blocked(Choice, frozen=True):
    """Stands for the candidates that a blocked prompt does not have."""


def read_reply(document: Document, seed: str) -> Reply:
    """A provider's whole answer.

    Raises:
        Malformed: the document is not what the wire promises.
    """
    rest = members_of(document)
    candidates = rest.pop("candidates", None)
    if not isinstance(candidates, list | None):
        raise Malformed("the answer's candidates are no array")
    reader = PartReader(AnsweredCalls(seed))
    try:
        choices = tuple(_read_candidate(one, reader) for one in candidates or ())
    except InvalidRequest as error:
        raise Malformed(error.message) from None
    for choice in choices:
        require_readable(choice.stop.native, said=any(one.parts for one in choices))
    if not choices:
        if candidates == []:
            rest["candidates"] = candidates
        choices = (Blocked((), _blocked(rest.get("promptFeedback"))),)
    report = rest.pop(_USAGE, None)
    tier = None
    if isinstance(report, dict):
        tier = report.get("serviceTier")
        rest[_USAGE] = {name: one for name, one in report.items() if name not in COUNTED}
    model, given = rest.pop("modelVersion", None), rest.pop("responseId", None)
    return Reply(
        wire=WIRE,
        choices=choices,
        id=given if isinstance(given, str) else None,
        model=model if isinstance(model, str) else None,
        service_tier=tier if isinstance(tier, str) else None,
        extra=rest,
    )


def _blocked(feedback: Any) -> Stop:
    """Why there are no candidates: the prompt was blocked, or nothing was said."""
    reason = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return Stop("filtered", reason) if isinstance(reason, str) else Stop("end")


def _read_candidate(candidate: Any, reader: PartReader) -> Choice:
    if not isinstance(candidate, dict):
        raise Malformed("a candidate of the answer is no object")
    rest = members_of(candidate)
    word, logprobs = rest.pop("finishReason", None), read_logprobs(rest.get("logprobsResult"))
    if not isinstance(word, str | None):
        raise Malformed("a candidate's finishReason is no text")
    if word is None:
        rest["finishReason"] = None
    parts = _read_content(rest, reader)
    cited = _cited(parts, rest)
    called = any(isinstance(part, ToolCall) for part in parts)
    return Choice(cited, read_stop(word, called=called), logprobs, rest)


def _read_content(rest: Document, reader: PartReader) -> tuple[Part, ...]:
    """The parts; how the content differs from the usual stays among the extensions."""
    content = rest.pop("content", None)
    if not isinstance(content, dict | None):
        raise Malformed("a candidate's content is no object")
    if content is None:
        rest["content"] = None
        return ()
    left = members_of(content)
    values, role = left.pop("parts", None), left.pop("role", None)
    if not isinstance(values, list | None):
        raise Malformed("a candidate's parts are no array")
    if not values:
        left["parts"] = values
    if role != _MODEL_ROLE:
        left["role"] = role
    if left:
        rest["content"] = left
    return reader.read(values or [], "parts", 0)


def _cited(parts: tuple[Part, ...], rest: Document) -> tuple[Part, ...]:
    """The parts with the sources that the candidate names."""
    grounding, recited = rest.get("groundingMetadata"), rest.get("citationMetadata")
    if grounding is None and recited is None:
        return parts
    found = read_citations(grounding, recited, texts_of(parts))
    place = -1
    cited: list[Part] = []
    for part in parts:
        place += not isinstance(part, Attached | Unsealed)
        if isinstance(part, Text) and place in found:
            part = msgspec.structs.replace(part, citations=tuple(found[place]))  # noqa: PLW2901 - the part with its sources
        cited.append(part)
    return tuple(cited)


def texts_of(parts: tuple[Part, ...]) -> dict[int, str]:
    """The texts by their places among the parts, signatures not counted."""
    shown = [part for part in parts if not isinstance(part, Attached | Unsealed)]
    return {place: part.text for place, part in enumerate(shown) if isinstance(part, Text)}


def write_reply(reply: Reply, usage: Usage | None, answering: Answering) -> Document:
    """The whole answer for the caller."""
    document: Document = {}
    # An answer without any choice is told like one that was cut before its first word.
    if not (reply.choices and isinstance(reply.choices[0], Blocked)):
        own = reply.wire == WIRE
        document["candidates"] = [
            _candidate_back(one) if own else _candidate(index, one)
            for index, one in enumerate(reply.choices)
        ]
    if usage is not None:
        document[_USAGE] = write_usage(usage)
    document["modelVersion"] = reply.model or answering.model
    if reply.wire != WIRE:
        document["responseId"] = response_id(answering.id)
        return document
    document["responseId"] = reply.id or response_id(answering.id)
    extra = dict(reply.extra)
    details = extra.pop(_USAGE, {})
    if usage is not None:
        document[_USAGE] |= details
    return overridden(document, extra)


def _candidate_back(choice: Choice) -> Document:
    extra = dict(choice.extra)
    content: Document = {"parts": write_back(choice.parts), "role": _MODEL_ROLE}
    document: Document = {"content": content, "finishReason": finish_word(choice.stop)}
    if choice.stop.native is not None:
        document["finishReason"] = choice.stop.native
    if "content" in extra:
        differing = extra.pop("content")
        if differing is None:
            del document["content"]
        else:
            overridden(content, differing)
    return overridden(document, extra)


def _candidate(index: int, choice: Choice) -> Document:
    """A candidate made of an answer of another wire."""
    teller = PartTeller()
    parts: list[Document] = []
    texts: dict[int, str] = {}
    cited: Found = {}
    for part in choice.parts:
        told = teller.tell(part)
        if told is None:
            continue
        if isinstance(part, Text):
            texts[len(parts)] = part.text
            if part.citations:
                cited[len(parts)] = list(part.citations)
        parts.append(told)
    if teller.waits or not parts:
        parts.append(teller.last())
    document = finished({"parts": parts, "role": _MODEL_ROLE}, choice.stop, index)
    listed = write_logprobs(choice.logprobs)
    if listed is not None:
        document["logprobsResult"] = listed
    grounding = write_grounding(texts, cited) if cited else None
    if grounding is not None:
        document["groundingMetadata"] = grounding
    return document


def finished(content: Document, stop: Stop, index: int) -> Document:
    """A candidate that is complete."""
    document: Document = {"content": content, "finishReason": finish_word(stop)}
    if stop.reason in {"filtered", "refusal", "paused"} and stop.native:
        document["finishMessage"] = stop.native
    document["index"] = index
    return document


def response_id(request_id: str) -> str:
    """An id in Google's style, made of our own."""
    try:
        raw = bytes.fromhex(request_id)
    except ValueError:
        return request_id
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
