"""A request of another wire, written as a chat in the provider's dialect.

What the dialect has no member for is noted. ``Quirks.takes`` may hold

* ``top_k``, ``min_p``, ``repetition_penalty``, ``metadata`` and ``cache_control``;
* ``document_url`` and ``audio_url``: files and sound are told by address, which may be the bytes;
* ``prefix``: an answer that has begun is marked to be continued;
* ``stop``: more than four sequences.

``Quirks.refuses`` may hold any member of the wire, and ``name``.
"""

from typing import Final

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination, Quirks
from trunkline.gateway.exchange.fit import MEMBERS, asked_members
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request
from trunkline.gateway.exchange.thinking import settle_thinking
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.openai_chat.foreign_messages import write_messages
from trunkline.gateway.wire.openai_chat.foreign_tools import write_tools
from trunkline.gateway.wire.openai_chat.output import write_output
from trunkline.gateway.wire.openai_chat.thinking import write_thinking
from trunkline.gateway.wire.openai_family.settings import write_settings

_MOST_STOPS: Final = 4
_BEYOND: Final = ("top_k", "min_p", "repetition_penalty", "metadata")
_TIERS: Final = {
    "auto": "auto",
    "default": "default",
    "standard": "default",
    "standard_only": "default",
    "flex": "flex",
    "priority": "priority",
    "scale": "scale",
    "fast": "fast",
}
_NO_SETTING: Final = "the provider's API has no such setting"


def write_foreign(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for the provider.

    Raises:
        InvalidRequest: it fills a gap, or holds nothing that could be answered.
    """
    if request.suffix:
        raise InvalidRequest(
            "The model cannot fill the gap before 'suffix'.",
            code="unsupported_parameter",
            param="suffix",
            hint="Use a model that completes code, or ask for the text in words.",
        )
    quirks = destination.quirks
    document: Document = {
        "model": destination.model,
        "messages": write_messages(request, destination, losses),
    }
    settings = _settings(request, destination, losses)
    document |= settings
    document |= write_tools(request, quirks, losses)
    if request.output is not None and request.output.kind != "text":
        document["response_format"] = write_output(request.output)
    ask = settle_thinking(request, destination, losses)
    document |= write_thinking(ask, destination, losses)
    if request.stream:
        document["stream"] = True
        if quirks.stream_options:
            document["stream_options"] = {"include_usage": True}
    if request.raw_prompt:
        losses.lose("raw", "the model takes a prompt as a message only")
    note_extras(request.extra, losses)
    asked = {"stop", destination.output_limit_field, *asked_members(request, MEMBERS)}
    plain = {"parallel_tool_calls", *settings} - asked
    return _in_dialect(document, quirks, plain, losses)


def _settings(request: Request, destination: Destination, losses: Losses) -> Document:
    told = write_settings(request)
    takes = destination.quirks.takes
    for member in _BEYOND:
        if member in told and member not in takes:
            del told[member]
            if asked_members(request, frozenset({member})):
                losses.lose(member, _NO_SETTING)
    if "max_completion_tokens" in told:
        told[destination.output_limit_field] = told.pop("max_completion_tokens")
    if len(request.stop) > _MOST_STOPS and "stop" not in takes:
        told["stop"] = told["stop"][:_MOST_STOPS]
        losses.lose("stop", f"the provider takes {_MOST_STOPS} sequences at most")
    if request.service_tier is not None:
        tier = _TIERS.get(request.service_tier)
        if tier is None:
            del told["service_tier"]
            losses.lose("service_tier", "the provider has no such tier")
        else:
            told["service_tier"] = tier
    # Without tools the choice among them is refused.
    told.pop("parallel_tool_calls", None)
    return told


def _in_dialect(document: Document, quirks: Quirks, plain: set[str], losses: Losses) -> Document:
    """The document with the provider's own names, and without what it refuses.

    What is ``plain`` asks for nothing but what is usual, and then nothing is lost.
    """
    for name in sorted(document.keys() & quirks.refuses):
        del document[name]
        if name not in plain:
            losses.lose(name, _NO_SETTING)
    for name, own in quirks.renamed:
        if name in document:
            document[own] = document.pop(name)
    return document
