"""What an answer says, whichever wire says it: put together so that two answers can be compared."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from trunkline.gateway.exchange.parts import (
    Citation,
    Foreign,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.exchange.reply import (
    CitationSeen,
    Event,
    ForeignEvent,
    ReasoningDelta,
    RefusalDelta,
    Reply,
    SignatureDelta,
    Started,
    Stop,
    Stopped,
    TextDelta,
    ToolDelta,
    ToolStarted,
)
from trunkline.gateway.wire.anthropic_messages import seals as messages_seals
from trunkline.gateway.wire.gemini import seals as gemini_seals

Essence = dict[str, Any]
"""What the first choice says, by kind, and how many choices there are; empty kinds are left out."""


def essence_of(reply: Reply) -> Essence:
    """What a whole answer says."""
    first = reply.choices[0] if reply.choices else None
    found = _parts(first.parts if first else ())
    if first is not None:
        found |= _stop(first.stop)
        found["logprobs"] = first.logprobs is not None
    found["choices"] = len(reply.choices)
    found["model"] = reply.model
    return _told(found)


def _parts(parts: Sequence[Part]) -> Essence:
    texts = [part for part in parts if isinstance(part, Text)]
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    return {
        "text": "".join(part.text for part in texts),
        "citations": _citations(each for part in texts for each in part.citations),
        "thought": "".join(part.text for part in thoughts),
        "signatures": _signatures(
            [*(part.signature for part in thoughts), *(call.signature for call in calls)]
        ),
        "calls": [(call.name, _value(call.arguments)) for call in calls],
        "call ids": [call.id for call in calls],
        "refusal": "".join(part.text for part in parts if isinstance(part, Refusal)),
        "foreign": sum(isinstance(part, Foreign) for part in parts),
    }


def essence_of_events(events: Iterable[Event]) -> Essence:
    """What a stream says."""
    heard = list(events)
    started = [event for event in heard if isinstance(event, Started)]
    spoken = [event for event in heard if not isinstance(event, Started)]
    first = [event for event in spoken if not event.choice]
    found = {**_words(first), **_calls(first)}
    [stopped] = [event for event in first if isinstance(event, Stopped)]
    found |= _stop(stopped.stop)
    found["choices"] = len({event.choice for event in spoken})
    found["model"] = started[0].model if started else None
    return _told(found)


def _words(events: Sequence[Event]) -> Essence:
    texts = [event for event in events if isinstance(event, TextDelta)]
    cited = [event.citation for event in events if isinstance(event, CitationSeen)]
    return {
        "text": "".join(event.text for event in texts),
        "logprobs": any(event.logprobs is not None for event in texts),
        "citations": _citations(cited),
        "thought": "".join(event.text for event in events if isinstance(event, ReasoningDelta)),
        "refusal": "".join(event.text for event in events if isinstance(event, RefusalDelta)),
        "signatures": _signatures(
            [event.signature for event in events if isinstance(event, SignatureDelta | ToolStarted)]
        ),
        "foreign": sum(isinstance(event, ForeignEvent) for event in events),
    }


def _calls(events: Sequence[Event]) -> Essence:
    begun = [event for event in events if isinstance(event, ToolStarted)]
    assert [event.index for event in begun] == list(range(len(begun)))
    arguments = [""] * len(begun)
    for event in events:
        if isinstance(event, ToolDelta):
            arguments[event.index] += event.arguments
    values = [_value(text or "{}") for text in arguments]
    return {
        "calls": [(event.name, value) for event, value in zip(begun, values, strict=True)],
        "call ids": [event.id for event in begun],
    }


def _stop(stop: Stop) -> Essence:
    return {"stop": stop.reason, "stop sequence": stop.sequence}


def _signatures(signatures: Iterable[str | None]) -> list[str]:
    """What makers want back, also where it travels inside another maker's signature."""
    found: list[str | None] = []
    for signature in signatures:
        opened = messages_seals.unseal(signature or "")
        held = gemini_seals.unseal(signature or "")
        if opened is not None:
            found.append(opened.signature)
        elif held is not None:
            found += [thought.signature for thought in held]
        else:
            found.append(signature)
    return sorted(signature for signature in found if signature)


def _citations(citations: Iterable[Citation]) -> list[str | None]:
    return [each.url or each.title or each.cited for each in citations]


def _value(arguments: str) -> Any:
    """Arguments as the value that they stand for."""
    return json.loads(arguments)


def _told(found: Essence) -> Essence:
    return {name: value for name, value in found.items() if value}
