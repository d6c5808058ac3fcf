"""The message of an answer: its members and the parts that stand in them."""

import msgspec

from trunkline.gateway.exchange.parts import (
    Audio,
    Document,
    Foreign,
    Image,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from trunkline.gateway.wire.contract import Answering, Malformed
from trunkline.gateway.wire.documents import arguments_text
from trunkline.gateway.wire.openai_family.calls import made_id, read_call, write_call
from trunkline.gateway.wire.openai_family.citations import read_annotation, write_annotations
from trunkline.gateway.wire.openai_family.content_reader import read_content, read_item
from trunkline.gateway.wire.openai_family.content_writer import write_item
from trunkline.gateway.wire.openai_family.reasoning import joined, take_reasoning, write_details
from trunkline.gateway.wire.openai_family.sources import WIRE


def read_answer(rest: Document, seed: str, at: int) -> tuple[Part, ...]:
    """Take the parts out of an assistant's message, in the order in which they were made.

    Raises:
        Malformed: a tool call is not what it must be.
    """
    if rest.get("role") == "assistant":
        del rest["role"]
    parts: list[Part] = list(take_reasoning(rest))
    content = rest.get("content")
    if isinstance(content, str | list):
        del rest["content"]
        parts += [part for part in read_content(content) if part != Text("")]
    _take_annotations(rest, parts)
    refusal = rest.get("refusal")
    if isinstance(refusal, str):
        del rest["refusal"]
        if refusal:
            parts.append(Refusal(refusal))
    images = rest.get("images")
    if isinstance(images, list):
        # OpenRouter gives the pictures that a model made beside the content.
        del rest["images"]
        parts += [read_item(image) for image in images]
    if "audio" in rest:
        parts.append(Foreign(WIRE, {"audio": rest.pop("audio")}))
    return _with_calls(rest, parts, seed, at)


def _take_annotations(rest: Document, parts: list[Part]) -> None:
    annotations = rest.get("annotations")
    if not isinstance(annotations, list):
        return
    place = next((i for i, part in enumerate(parts) if isinstance(part, Text)), None)
    if annotations and place is None:
        return
    del rest["annotations"]
    if place is not None and annotations:
        citations = tuple(read_annotation(item) for item in annotations)
        parts[place] = msgspec.structs.replace(parts[place], citations=citations)


def _with_calls(rest: Document, parts: list[Part], seed: str, at: int) -> tuple[Part, ...]:
    calls = rest.pop("tool_calls", None) or []
    if not isinstance(calls, list):
        raise Malformed("the answer's tool calls are not a list")
    legacy = rest.pop("function_call", None)
    if isinstance(legacy, dict):
        calls = [*calls, {"type": "function", "function": legacy}]
    for number, item in enumerate(calls):
        found = read_call(item)
        if found is None:
            raise Malformed("a tool call of the answer names no tool")
        call, told = found
        # Some servers count the calls of a whole answer; the place says as much.
        call.extra.pop("index", None)
        parts.append(
            msgspec.structs.replace(
                call,
                id=call.id or made_id(seed, at, number),
                arguments=arguments_text(told) if call.kind == "function" else call.arguments,
            )
        )
    return _with_seals(parts)


def _with_seals(parts: list[Part]) -> tuple[Part, ...]:
    """Calls with the signatures that OpenRouter gives in the list of thought, under their ids."""
    seals = {
        part.id: part
        for part in parts
        if isinstance(part, Reasoning) and part.family == "google" and part.id and not part.text
    }
    if not seals:
        return tuple(parts)
    sealed: list[Part] = []
    found: set[str] = set()
    for part in parts:
        seal = seals.get(part.id) if isinstance(part, ToolCall) else None
        if isinstance(part, ToolCall) and seal is not None and part.signature is None:
            found.add(part.id)
            sealed.append(msgspec.structs.replace(part, signature=seal.signature, family="google"))
        else:
            sealed.append(part)
    return tuple(
        part
        for part in sealed
        if not (isinstance(part, Reasoning) and part.id in found and part is seals.get(part.id))
    )


def write_answer(parts: tuple[Part, ...], answering: Answering, *, legacy: bool) -> Document:
    """An assistant's message of these parts.

    ``legacy`` tells the first call as ``function_call``, for callers who know nothing else.
    """
    texts = [part for part in parts if isinstance(part, Text)]
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    refusal = "".join([part.text for part in parts if isinstance(part, Refusal)]) or None
    # Without text there is null beside calls and refusals; programs read any other answer's text.
    empty = None if calls or refusal is not None else ""
    message: Document = {
        "role": "assistant",
        "content": "".join([text.text for text in texts]) or empty,
        "refusal": refusal,
    }
    annotations = _annotations(texts)
    if annotations:
        message["annotations"] = annotations
    if thoughts:
        message["reasoning_content"] = joined(thoughts)
        if any(part.signature is not None for part in thoughts):
            message["reasoning_details"] = write_details(thoughts)
    if calls and legacy:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [write_call(call, call.id) for call in calls]
    _write_media(parts, message, answering)
    return message


def _annotations(texts: list[Text]) -> list[Document]:
    annotations: list[Document] = []
    offset = 0
    for text in texts:
        if text.citations:
            annotations += write_annotations(text.citations, offset, len(text.text))
        offset += len(text.text)
    return annotations


def _write_media(parts: tuple[Part, ...], message: Document, answering: Answering) -> None:
    images: list[Document] = []
    for part in parts:
        if isinstance(part, Image):
            image = write_item(part)
            if image is not None:
                images.append({**image, "index": len(images)})
        elif isinstance(part, Audio):
            message["audio"] = {
                "id": f"audio_{answering.id}",
                "data": getattr(part.source, "data", ""),
                "expires_at": answering.created,
                "transcript": "",
            }
        elif isinstance(part, Foreign) and part.wire == WIRE and isinstance(part.value, dict):
            # What these answers have beside their text, such as the sound of it.
            message |= {name: part.value[name] for name in ("audio",) if name in part.value}
    if images:
        message["images"] = images
