"""Whole answers of Converse, read and written."""

from types import MappingProxyType
from typing import Any, Final

from trunkline.gateway.exchange.parts import Document, Part, Reasoning, Refusal, Text, ToolCall
from trunkline.gateway.exchange.reply import Choice, Reason, Reply, Stop
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.bedrock_converse.blocks import WIRE, read_blocks, wrapped, write_blocks
from trunkline.gateway.wire.bedrock_converse.usage import write_usage
from trunkline.gateway.wire.contract import Malformed
from trunkline.gateway.wire.documents import arguments_object, members_of

# A call or an answer that the model got wrong has no better word: its content tells what it is.
_REASONS: Final[MappingProxyType[str, Reason]] = MappingProxyType(
    {
        "end_turn": "end",
        "tool_use": "tools",
        "max_tokens": "length",
        "stop_sequence": "stop_sequence",
        "model_context_window_exceeded": "length",
        "guardrail_intervened": "filtered",
        "content_filtered": "filtered",
    }
)
_WORDS: Final[MappingProxyType[Reason, str]] = MappingProxyType(
    {
        "end": "end_turn",
        "tools": "tool_use",
        "length": "max_tokens",
        "stop_sequence": "stop_sequence",
        "filtered": "content_filtered",
        "refusal": "content_filtered",
        "paused": "end_turn",
    }
)


def read_reply(document: Document) -> Reply:
    """An answer.

    Raises:
        Malformed: it has no message.
    """
    rest = members_of(document)
    output = rest.pop("output", None)
    message = output.get("message") if isinstance(output, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(content, list):
        raise Malformed("the answer has no message with content")
    parts = read_blocks(content)
    called = any(isinstance(part, ToolCall) for part in parts)
    fields = rest.get("additionalModelResponseFields")
    stop = read_stop(rest.pop("stopReason", None), fields, called=called)
    rest.pop("usage", None)
    tier = rest.get("serviceTier")
    named = tier.get("type") if isinstance(tier, dict) else None
    other = {name: value for name, value in message.items() if name not in {"role", "content"}}
    return Reply(
        wire=WIRE,
        choices=(Choice(parts, stop, extra=other),),
        service_tier=named if isinstance(named, str) else None,
        extra=rest,
    )


def read_stop(word: Any, fields: Any, *, called: bool) -> Stop:
    """Why the model stopped; the sequence is told only where the request asked for the field."""
    native = word if isinstance(word, str) else None
    reason = _REASONS.get(native or "", "end")
    if reason in {"end", "tools"}:
        reason = "tools" if called else "end"
    sequence = fields.get("stop_sequence") if isinstance(fields, dict) else None
    return Stop(reason, native, sequence if isinstance(sequence, str) else None)


def stop_word(stop: Stop) -> str:
    """The word for a caller of this wire: Bedrock's own where the provider said one."""
    native = stop.native
    known = native is not None and (native in _REASONS or native.startswith("malformed_"))
    return native if native is not None and known else _WORDS[stop.reason]


def write_reply(reply: Reply, usage: Usage | None) -> Document:
    """The answer for a caller of this wire, of the first alternative."""
    choice = reply.choices[0] if reply.choices else Choice(())
    own = reply.wire == WIRE
    blocks = write_blocks(choice.parts) if own else _foreign_blocks(choice.parts)
    more = choice.extra if own else {}
    document: Document = {
        "output": {"message": {"role": "assistant", "content": blocks, **more}},
        "stopReason": stop_word(choice.stop),
    }
    if usage is not None:
        document["usage"] = write_usage(usage)
    return document | reply.extra if own else document


def _foreign_blocks(parts: tuple[Part, ...]) -> list[Document]:
    blocks: list[Document] = []
    for part in parts:
        if isinstance(part, (Text, Refusal)):
            blocks.append({"text": part.text})
        elif isinstance(part, ToolCall):
            used = {"toolUseId": part.id, "name": part.name}
            blocks.append({"toolUse": {**used, "input": arguments_object(part.arguments)}})
        elif isinstance(part, Reasoning):
            blocks.append(_thought(part))
    return blocks


def _thought(part: Reasoning) -> Document:
    """Another maker's signature means nothing to Bedrock's models, so it is left out."""
    signature = part.signature if part.family == "anthropic" else None
    if part.redacted and signature is not None:
        return {"reasoningContent": {"redactedContent": wrapped(signature)}}
    said = {"text": part.text} if signature is None else {"text": part.text, "signature": signature}
    return {"reasoningContent": {"reasoningText": said}}
