"""A response as events, in the order and with the fields in which OpenAI sends them."""

from collections.abc import Iterator
from typing import Any

import msgspec

from trunkline.simulator.openai.responses_document import (
    Output,
    finished,
    outputs,
    response_status,
    running,
    text_part,
    wanted_of,
)
from trunkline.simulator.pace import beats
from trunkline.simulator.script import Step, StepKind
from trunkline.simulator.wire import Telling

_EVEN_LENGTH = 16
_PADDING = "obfuscationobfuscation"


def event_bytes(event: dict[str, Any]) -> bytes:
    """One event of the stream; its name is its type."""
    name: str = event["type"]
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


class ResponseStream:
    """Writes one answer as events; counts them, and the items it has opened."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._obfuscated = wanted_of(telling).obfuscated
        self._sequence = 0
        self._index = -1

    def steps(self) -> Iterator[Step]:
        """All events without timing."""
        for state in ("response.created", "response.in_progress"):
            yield self._step(state, "start", response=running(self._telling))
        for output in outputs(self._telling):
            self._index += 1
            yield from self._item(output)
        yield Step(
            self._event(
                f"response.{response_status(self._telling)}", response=finished(self._telling)
            ),
            kind="end",
            reports_usage=self._telling.with_usage,
        )

    def _item(self, output: Output) -> Iterator[Step]:
        match output.type:
            case "reasoning":
                yield from self._reasoning(output)
            case "message":
                yield from self._message(output)
            case _:
                yield from self._call(output)
        yield self._step(
            "response.output_item.done",
            "silent",
            output_index=self._index,
            item=output.document,
        )

    def _added(self, output: Output, kind: StepKind, **empty: Any) -> Step:
        return self._step(
            "response.output_item.added",
            kind,
            output_index=self._index,
            item={**output.document, **empty},
        )

    def _reasoning(self, output: Output) -> Iterator[Step]:
        yield self._added(output, "start", summary=[])
        yield from beats(output.hidden)
        if not output.pieces:
            return
        place = {**self._place(output), "summary_index": 0}
        part = {"type": "summary_text", "text": ""}
        text = "".join(output.pieces)
        yield self._step("response.reasoning_summary_part.added", "start", **place, part=part)
        for piece in output.pieces:
            yield self._delta("response.reasoning_summary_text.delta", piece, place, tokens=0)
        yield self._step("response.reasoning_summary_text.done", "silent", **place, text=text)
        part = {**part, "text": text}
        yield self._step("response.reasoning_summary_part.done", "silent", **place, part=part)

    def _message(self, output: Output) -> Iterator[Step]:
        yield self._added(output, "start", status="in_progress", content=[])
        place = {**self._place(output), "content_index": 0}
        text = "".join(output.pieces)
        yield self._step("response.content_part.added", "start", **place, part=text_part(""))
        for piece in output.pieces:
            yield self._delta("response.output_text.delta", piece, {**place, "logprobs": []})
        yield self._step("response.output_text.done", "silent", **place, logprobs=[], text=text)
        yield self._step("response.content_part.done", "silent", **place, part=text_part(text))

    def _call(self, output: Output) -> Iterator[Step]:
        custom = output.type == "custom_tool_call"
        field = "input" if custom else "arguments"
        name = f"response.{'custom_tool_call_input' if custom else 'function_call_arguments'}"
        added = self._added(output, "content", status="in_progress", **{field: ""})
        head = output.call.head_tokens if output.call else 0
        yield msgspec.structs.replace(added, tokens=head)
        place = self._place(output)
        for piece in output.pieces:
            yield self._delta(f"{name}.delta", piece, place)
        yield self._step(f"{name}.done", "silent", **place, **{field: "".join(output.pieces)})

    def _place(self, output: Output) -> dict[str, Any]:
        return {"item_id": output.document["id"], "output_index": self._index}

    def _delta(self, name: str, piece: str, place: dict[str, Any], *, tokens: int = 1) -> Step:
        """One token; OpenAI fills short ones up, so that their length tells nothing."""
        padding: dict[str, str] = {}
        if self._obfuscated:
            length = _EVEN_LENGTH - len(piece) % _EVEN_LENGTH
            padding["obfuscation"] = _PADDING[:length]
        event = self._event(name, **place, delta=piece, **padding)
        return Step(event, tokens, kind="content")

    def _step(self, name: str, kind: StepKind, **fields: Any) -> Step:
        return Step(self._event(name, **fields), kind=kind)

    def _event(self, name: str, **fields: Any) -> bytes:
        event = {"type": name, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return event_bytes(event)
