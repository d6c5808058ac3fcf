"""The parts of a content, read and written back.

What has no place in the internal form stays among the part's ``extra``; an object there has what is
left of the part's own. A part of no kind that we know is kept whole.
"""

from typing import Any, Final

import msgspec

from trunkline.gateway.exchange.parts import (
    Audio,
    Document,
    File,
    Foreign,
    Image,
    Part,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from trunkline.gateway.wire.documents import members_of, wrong_type
from trunkline.gateway.wire.gemini.calls import CallIds
from trunkline.gateway.wire.gemini.media import read_file, read_inline, write_media
from trunkline.gateway.wire.gemini.own import (
    WIRE,
    Attached,
    OwnCall,
    OwnResult,
    Unsealed,
    json_text,
    overridden,
)
from trunkline.gateway.wire.gemini.seals import unseal

_DATA: Final = ("text", "inlineData", "fileData", "functionCall", "functionResponse")
# The names under which a function's answer commonly stands alone (Google's own SDK, and LiteLLM).
_ALONE: Final = frozenset({"result", "output", "error"})
_decode = msgspec.json.Decoder().decode


class PartReader:
    """Reads the parts of one conversation or answer. Its state is the calls seen so far."""

    __slots__ = ("_calls",)

    def __init__(self, calls: CallIds) -> None:
        self._calls = calls

    def read(self, values: list[Any], where: str, turn: int) -> tuple[Part, ...]:
        """The parts of the content of this number.

        Raises:
            InvalidRequest: one of them is no object, or its JSON cannot be written again.
        """
        parts: list[Part] = []
        for index, value in enumerate(values):
            if not isinstance(value, dict):
                raise wrong_type(f"{where}[{index}]", "an object")
            parts += self._read(value, f"{turn}_{index}")
        return tuple(parts)

    def _read(self, value: Document, place: str) -> list[Part]:
        rest = members_of(value)
        signature = rest.pop("thoughtSignature", None)
        kinds = [name for name in _DATA if name in rest]
        if len(kinds) != 1 or not isinstance(signature, str | None):
            return [Foreign(WIRE, value)]
        kind = kinds[0]
        data = rest.pop(kind)
        thoughts = unseal(signature) if signature is not None else None
        own = signature if thoughts is None else None
        part = self._part(kind, data, rest, own, place)
        if part is None:
            return [Foreign(WIRE, value)]
        read: list[Part] = [part]
        if own is not None and not isinstance(part, Reasoning | ToolCall):
            read.append(Attached(signature=own, family="google"))
        return read if thoughts is None else [*_unsealed(thoughts, signature or ""), *read]

    def _part(
        self, kind: str, data: Any, rest: Document, signature: str | None, place: str
    ) -> Part | None:
        match kind:
            case "text":
                return _read_text(data, rest, signature)
            case "inlineData":
                return read_inline(data, rest)
            case "fileData":
                return read_file(data, rest)
            case "functionCall":
                return self._read_call(data, rest, signature, place)
        return self._read_result(data, rest, place)

    def _read_call(
        self, data: Any, rest: Document, signature: str | None, place: str
    ) -> Part | None:
        if not isinstance(data, dict):
            return None
        left = members_of(data)
        given, name, args = left.pop("id", None), left.pop("name", None), left.pop("args", None)
        if not isinstance(name, str) or not isinstance(given, str | None):
            return None
        if not isinstance(args, dict | None):
            return None
        own: Document = {}
        if not given:
            own["id"] = given
        if args is None:
            own["args"] = None
        return OwnCall(
            self._calls.called(given, name, place),
            name,
            "{}" if args is None else json_text(args),
            signature=signature,
            family="google" if signature is not None else "",
            extra={**rest, "functionCall": left} if left else rest,
            own=own,
        )

    def _read_result(self, data: Any, rest: Document, place: str) -> Part | None:
        if not isinstance(data, dict):
            return None
        left = members_of(data)
        given, name = left.pop("id", None), left.pop("name", None)
        if not isinstance(name, str | None) or not isinstance(given, str | None):
            return None
        response, media = left.pop("response", None), left.pop("parts", None)
        if not isinstance(response, dict | None) or not isinstance(media, list | None):
            return None
        own: Document = {} if given else {"id": given}
        if media == []:
            own["parts"] = media
        parts = [] if response is None else [Text(_response_text(response)[0])]
        key, raw = _response_text(response)[1:] if response is not None else ("", False)
        return OwnResult(
            self._calls.answered(given, name, place),
            (*parts, *(_result_part(one) for one in media or ())),
            key == "error",
            name,
            bare=not media,
            extra={**rest, "functionResponse": left} if left else rest,
            own=own,
            told=response is not None,
            key=key,
            raw=raw,
        )


def _response_text(response: Document) -> tuple[str, str, bool]:
    """What a function answered as text, under which name it stood, and whether it is JSON."""
    if len(response) == 1:
        (key, value) = next(iter(response.items()))
        if key in _ALONE:
            return (value, key, False) if isinstance(value, str) else (json_text(value), key, True)
    return json_text(response), "", True


def _result_part(value: Any) -> Any:
    rest = members_of(value) if isinstance(value, dict) else {}
    part = None
    if len(rest.keys() & {"inlineData", "fileData"}) == 1:
        if "inlineData" in rest:
            part = read_inline(rest.pop("inlineData"), rest)
        else:
            part = read_file(rest.pop("fileData"), rest)
    return part or Foreign(WIRE, value)


def _read_text(data: Any, rest: Document, signature: str | None) -> Part | None:
    if not isinstance(data, str):
        return None
    thought = rest.get("thought") is True
    if signature is not None and (thought or not data):
        if data and thought:
            del rest["thought"]
        return Reasoning(data, signature, "google", extra=rest)
    if thought:
        del rest["thought"]
        return Reasoning(data, extra=rest)
    return Text(data, extra=rest)


def _unsealed(thoughts: list[Reasoning], sealed: str) -> list[Part]:
    fields = msgspec.structs.asdict
    first, *others = thoughts
    return [
        Unsealed(**fields(first), sealed=sealed),
        *(Unsealed(**fields(other)) for other in others),
    ]


def write_back(parts: tuple[Part, ...]) -> list[Document]:
    """The parts of a content that came by this wire."""
    documents: list[Document] = []
    sealed = ""
    for part in parts:
        if isinstance(part, Unsealed):
            sealed = sealed or part.sealed
        elif isinstance(part, Attached):
            if documents:
                documents[-1]["thoughtSignature"] = part.signature
        elif isinstance(part, Foreign):
            documents.append(dict(part.value))
        else:
            document = _with_extra(_written(part), getattr(part, "extra", {}))
            if sealed:
                document["thoughtSignature"] = sealed
                sealed = ""
            documents.append(document)
    return documents


def _with_extra(document: Document, extra: Document) -> Document:
    for name, value in extra.items():
        mine = document.get(name)
        if isinstance(mine, dict) and isinstance(value, dict):
            mine.update(value)
        else:
            document[name] = value
    return document


def _written(part: Part) -> Document:
    match part:
        case Text():
            return {"text": part.text}
        case Reasoning():
            return thought(part.text, part.signature)
        case ToolCall():
            call: Document = {"id": part.id, "name": part.name, "args": _decode(part.arguments)}
            if isinstance(part, OwnCall):
                call = overridden(call, part.own)
            document: Document = {"functionCall": call}
            if part.signature is not None:
                document["thoughtSignature"] = part.signature
            return document
        case ToolResult():
            return {"functionResponse": _result_back(part)}
        case Image() | Audio() | File():
            return write_media(part)
    raise AssertionError(f"this wire has no {type(part).__name__}")


def thought(text: str, signature: str | None) -> Document:
    """A thought; a signature without words stands beside an empty text."""
    document: Document = {"text": text}
    if text or signature is None:
        document["thought"] = True
    if signature is not None:
        document["thoughtSignature"] = signature
    return document


def _result_back(part: ToolResult) -> Document:
    document: Document = {"id": part.call_id}
    if part.name is not None:
        document["name"] = part.name
    parts: tuple[Any, ...] = part.parts
    if isinstance(part, OwnResult) and part.told and parts:
        document["response"] = _response_back(part, parts[0].text)
        parts = parts[1:]
    if parts:
        document["parts"] = [
            one.value if isinstance(one, Foreign) else _with_extra(_written(one), one.extra)
            for one in parts
        ]
    return overridden(document, part.own) if isinstance(part, OwnResult) else document


def _response_back(part: OwnResult, text: str) -> Document:
    value: Any = text
    if part.raw:
        try:
            value = _decode(text)
        except msgspec.DecodeError:
            # A guardrail wrote in it, so it is a text now.
            value = text
    if part.key:
        return {part.key: value}
    return value if isinstance(value, dict) else {"result": text}
