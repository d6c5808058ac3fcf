"""A request of this wire, read into the internal form and written back as it came.

How a request of another wire becomes one of this wire: ``foreign``.
"""

from typing import Any, Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import Document, Text
from trunkline.gateway.exchange.request import Message, Request, Role
from trunkline.gateway.wire.contract import Place
from trunkline.gateway.wire.documents import members_of, missing, take_list, wrong_type
from trunkline.gateway.wire.gemini.calls import Calls
from trunkline.gateway.wire.gemini.own import WIRE, OwnMessage, OwnRequest, overridden
from trunkline.gateway.wire.gemini.parts import PartReader, write_back
from trunkline.gateway.wire.gemini.settings import CONFIG, LEFT, read_settings, settings_back
from trunkline.gateway.wire.gemini.shapes import REQUEST, canonical, respelled
from trunkline.gateway.wire.gemini.tools import calling_config, read_choice, read_tools, tools_back
from trunkline.gateway.wire.gemini_family.models import full_name, no_model, short_name

_ROLES: Final[dict[str, Role]] = {"user": "user", "model": "assistant"}
_WORDS: Final = {"user": "user", "assistant": "model"}
# Google's tiers in OpenAI's words: what Google calls standard is the default there.
_TIERS: Final = {"standard": "default", "flex": "flex", "priority": "priority"}
TIERS_BACK: Final = {ours: googles for googles, ours in _TIERS.items()}


def read_request(document: Document, place: Place, *, stream: bool) -> OwnRequest:
    """A caller's request.

    Raises:
        InvalidRequest: it makes no sense as it is; ``param`` names the place.
    """
    document, renamed = canonical(document, REQUEST)
    rest = members_of(document)
    for name in rest:
        if name.startswith(LEFT):
            raise InvalidRequest(
                f"Unknown name '{name}'.",
                code="invalid_value",
                param=name,
                hint=f"Send it as a member of '{CONFIG}'.",
            )
    own: Document = {}
    model = _read_model(rest, place, own)
    reader = PartReader(Calls())
    messages = _read_system(rest, reader) + _read_contents(rest, reader)
    metadata = _read_labels(rest)
    return OwnRequest(
        wire=WIRE,
        model=model,
        messages=messages,
        stream=stream,
        tools=read_tools(rest, own),
        tool_choice=read_choice(rest),
        metadata=metadata,
        service_tier=_read_tier(rest),
        **read_settings(rest, own),
        extra=rest,
        own=own,
        renamed=renamed,
    )


def _read_model(rest: Document, place: Place, own: Document) -> str:
    named = rest.pop("model", None)
    if not isinstance(named, str | None):
        raise wrong_type("model", "a string")
    if named is not None:
        own["model"] = named
    model = short_name(place.item or named or "")
    if not model:
        raise no_model()
    return model


def _read_system(rest: Document, reader: PartReader) -> tuple[Message, ...]:
    content = rest.pop("systemInstruction", None)
    if content is None:
        return ()
    if isinstance(content, str):
        return (Message("system", (Text(content),), bare=True),)
    read = _read_content(content, "systemInstruction", reader, -1)
    word = content.get("role")
    own: Document = {**read.own, "role": word}
    return (OwnMessage("system", read.parts, extra=read.extra, own=own),)


def _read_contents(rest: Document, reader: PartReader) -> tuple[Message, ...]:
    contents = take_list(rest, "contents")
    if not contents:
        raise missing("contents", "contents is not specified.", "Send at least one content.")
    return tuple(
        _read_content(content, f"contents[{index}]", reader, index)
        for index, content in enumerate(contents)
    )


def _read_content(content: Any, where: str, reader: PartReader, turn: int) -> OwnMessage:
    if not isinstance(content, dict):
        raise wrong_type(where, "an object")
    rest = members_of(content)
    word = rest.pop("role", None)
    if not isinstance(word, str | None):
        raise wrong_type(f"{where}.role", "a string")
    values = take_list(rest, "parts", f"{where}.")
    role = _ROLES.get(word or "user", "user")
    own: Document = {} if word == _WORDS[role] else {"role": word}
    if not values:
        own["parts"] = values
    parts = reader.read(values or [], f"{where}.parts", turn)
    return OwnMessage(role, parts, extra=rest, own=own)


def _read_labels(rest: Document) -> dict[str, str] | None:
    labels = rest.get("labels")
    if not isinstance(labels, dict) or not labels:
        return None
    if not all(isinstance(value, str) for value in labels.values()):
        return None
    taken: dict[str, str] = rest.pop("labels")
    return taken


def _read_tier(rest: Document) -> str | None:
    tier = rest.get("serviceTier")
    if isinstance(tier, str) and tier in _TIERS:
        del rest["serviceTier"]
        return _TIERS[tier]
    return None


def request_back(request: Request, model: str) -> Document:
    """The document of a request that came by this wire."""
    document: Document = {}
    messages = request.messages
    first = messages[0] if messages else None
    if first is not None and first.role == "system":
        messages = messages[1:]
        document["systemInstruction"] = _system_back(first)
    document["contents"] = [_content_back(message) for message in messages]
    if request.tools:
        document["tools"] = tools_back(request.tools)
    extra = {name: one for name, one in request.extra.items() if not name.startswith(LEFT)}
    if request.tool_choice is not None:
        config: Document = {"functionCallingConfig": calling_config(request.tool_choice)}
        document["toolConfig"] = config | extra.pop("toolConfig", {})
    config = settings_back(request)
    if config:
        document[CONFIG] = config
    if request.metadata is not None:
        document["labels"] = request.metadata
    if request.service_tier is not None:
        document["serviceTier"] = TIERS_BACK.get(request.service_tier, request.service_tier)
    document.update(extra)
    if not isinstance(request, OwnRequest):
        return document
    document = overridden(document, request.own)
    if "model" in request.own and model != request.model:
        document["model"] = full_name(model)
    return respelled(document, request.renamed)


def _system_back(message: Message) -> Document | str:
    first = message.parts[0] if message.parts else None
    if message.bare and isinstance(first, Text):
        return first.text
    return _content_back(message)


def _content_back(message: Message) -> Document:
    document: Document = {
        "role": _WORDS.get(message.role, "user"),
        "parts": write_back(message.parts),
    }
    if isinstance(message, OwnMessage):
        document = overridden(document, message.own)
    document.update(message.extra)
    return document
