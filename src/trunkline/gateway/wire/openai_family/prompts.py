"""A prompt to be continued, with or without a suffix: what completions have in common.

In the internal form it is one message of the user that no chat template may touch.
"""

from typing import Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Quirks
from trunkline.gateway.exchange.fit import MEMBERS, asked_members
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document, Text
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.exchange.thinking import is_off, says_something
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.openai_family.settings import write_settings

_NO_SETTING: Final = "the provider's API has no such setting"
_ONE_PROMPT: Final = "a completion has one prompt and no conversation"


def message_of(prompt: str) -> tuple[Message, ...]:
    """The one message that a prompt is."""
    return (Message("user", (Text(prompt),), bare=True),)


def prompt_of(request: Request) -> str:
    """The prompt of a request that came as one."""
    part = request.messages[0].parts[0]
    return part.text if isinstance(part, Text) else ""


def write_prompt(
    request: Request, known: frozenset[str], quirks: Quirks, losses: Losses
) -> Document:
    """The prompt, the suffix and the settings of another wire's request.

    Args:
        request: of another wire.
        known: the settings that the provider's format has, by the names that chats have for them.
        quirks: the provider's dialect.
        losses: takes what is left out.

    Raises:
        InvalidRequest: there is no prompt in it.
    """
    document: Document = {"prompt": _text_of(request, losses)}
    if request.suffix:
        document["suffix"] = request.suffix
    _lose_conversation(request, losses)
    asked = {"stop", "max_completion_tokens", *asked_members(request, MEMBERS)}
    for name, value in write_settings(request).items():
        if name in quirks.refuses or (name not in known and name not in quirks.takes):
            if name in asked:
                losses.lose(name, _NO_SETTING)
        else:
            document[name] = value
    if "max_completion_tokens" in document:
        document["max_tokens"] = document.pop("max_completion_tokens")
    for name, own in quirks.renamed:
        if name in document:
            document[own] = document.pop(name)
    note_extras(request.extra, losses)
    return document


def _text_of(request: Request, losses: Losses) -> str:
    texts: list[str] = []
    users = 0
    for message in request.messages:
        note_extras(message.extra, losses)
        if message.role != "user":
            losses.lose(message.role, _ONE_PROMPT)
            continue
        users += 1
        for part in message.parts:
            if isinstance(part, Text):
                texts.append(part.text)
            else:
                losses.lose(type(part).__name__.lower(), "the model completes text only")
    if not users:
        raise InvalidRequest(
            "There is no prompt to complete.",
            code="missing_prompt",
            param="prompt",
            hint="Send a prompt.",
        )
    if users > 1:
        losses.lose("messages", _ONE_PROMPT)
    return "\n".join(texts)


def _lose_conversation(request: Request, losses: Losses) -> None:
    if request.tools:
        losses.lose("tools", "a completion calls no tools")
    if request.output is not None and request.output.kind != "text":
        losses.lose("response_format", _NO_SETTING)
    ask = request.reasoning
    if ask is not None and says_something(ask) and not is_off(ask):
        losses.lose("reasoning", "a model that completes text does not think")
