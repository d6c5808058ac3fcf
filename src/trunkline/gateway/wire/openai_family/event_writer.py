"""Events as the chunks of a streamed chat.

The stop waits for the usage, which every provider tells last, so that there is one of each.
"""

from typing import Any, Final

import msgspec
from typing_extensions import override

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.reply import (
    Event,
    PartEnded,
    Started,
    Stopped,
    TextDelta,
)
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.contract import Answering, EventWriter
from trunkline.gateway.wire.openai_family.choice_writer import ChoiceWriter
from trunkline.gateway.wire.openai_family.custom import custom_names
from trunkline.gateway.wire.openai_family.stops import native_word, write_stop
from trunkline.gateway.wire.openai_family.usage import write_usage

_encode = msgspec.json.Encoder().encode
_END: Final = b"data: [DONE]\n\n"
_NO_LOGPROBS: Final = b',"logprobs":null,"finish_reason":null}]'


class ChatEventWriter(EventWriter):
    """Writes ``chat.completion.chunk`` frames up to ``[DONE]``.

    Its state is what has been told of each choice.

    Args:
        answering: the request that is answered.
        prefix: what the id of an answer begins with in the caller's wire.
        wants_usage: whether a chunk of its own shall tell the usage.
        usage_at_stop: whether the last choice's stop tells it instead (Mistral).
        legacy: whether the caller knows ``function_call`` alone.
    """

    __slots__ = (
        "_answering",
        "_choices",
        "_custom",
        "_head",
        "_legacy",
        "_prefix",
        "_tail",
        "_usage_at_stop",
        "_wants_usage",
    )

    def __init__(
        self,
        answering: Answering,
        *,
        prefix: str = "",
        wants_usage: bool = False,
        usage_at_stop: bool = False,
        legacy: bool = False,
    ) -> None:
        self._answering = answering
        self._prefix = prefix
        self._wants_usage = wants_usage
        self._usage_at_stop = usage_at_stop
        self._legacy = legacy
        self._custom = custom_names(answering)
        self._head = b""
        self._tail = (b',"usage":null' if wants_usage else b"") + b"}\n\n"
        self._choices: dict[int, ChoiceWriter] = {}

    @override
    def write(self, events: list[Event]) -> bytes:
        frames: list[bytes] = []
        for event in events:
            if isinstance(event, TextDelta):
                choice = self._choice(event.choice, frames)
                choice.length += len(event.text)
                said = b'{"content":' + _encode(event.text) + b"}"
                frames.append(self._chunk(event.choice, said, event.logprobs))
            elif isinstance(event, Started):
                self._start(event)
                self._choice(0, frames)
            elif isinstance(event, Stopped):
                self._choice(event.choice, frames).stop = event.stop
            elif not isinstance(event, PartEnded) or event.choice in self._choices:
                delta = self._choice(event.choice, frames).delta_of(event)
                if delta:
                    frames.append(self._chunk(event.choice, _encode(delta)))
        return frames[0] if len(frames) == 1 else b"".join(frames)

    @override
    def close(self, usage: Usage | None) -> bytes:
        frames: list[bytes] = []
        self._choice(0, frames)
        last = max(self._choices)
        for index in sorted(self._choices):
            at_stop = usage if self._usage_at_stop and index == last else None
            frames.append(self._stop(index, self._choices[index], at_stop))
        if usage is not None and self._wants_usage and not self._usage_at_stop:
            frames.append(self._head + b'],"usage":' + _encode(write_usage(usage)) + b"}\n\n")
        frames.append(_END)
        return b"".join(frames)

    def _start(self, event: Started) -> None:
        answering = self._answering
        head = {
            "id": self._prefix + answering.id,
            "object": "chat.completion.chunk",
            "created": event.created or answering.created,
            "model": event.model or answering.model,
        }
        self._head = b"data: " + _encode(head)[:-1] + b',"choices":['

    def _choice(self, index: int, frames: list[bytes]) -> "ChoiceWriter":
        """A choice, whose first chunk tells the role."""
        choice = self._choices.get(index)
        if choice is None:
            if not self._head:
                self._start(Started())
            choice = self._choices[index] = ChoiceWriter(self._custom, legacy=self._legacy)
            frames.append(self._chunk(index, b'{"role":"assistant","content":""}'))
        return choice

    def _chunk(self, index: int, delta: bytes, logprobs: Any = None) -> bytes:
        if logprobs is None:
            end = _NO_LOGPROBS
        else:
            end = b',"logprobs":' + _encode(logprobs) + b',"finish_reason":null}]'
        return self._head + b'{"index":%d,"delta":' % index + delta + end + self._tail

    def _stop(self, index: int, choice: "ChoiceWriter", usage: Usage | None) -> bytes:
        told: Document = {
            "index": index,
            "delta": {},
            "logprobs": None,
            "finish_reason": write_stop(
                choice.stop, called=choice.called, refused=choice.refused, legacy=self._legacy
            ),
        }
        native = native_word(choice.stop)
        if native is not None:
            told["native_finish_reason"] = native
        tail = self._tail
        if usage is not None:
            tail = b',"usage":' + _encode(write_usage(usage)) + b"}\n\n"
        return self._head + _encode(told) + b"]" + tail
