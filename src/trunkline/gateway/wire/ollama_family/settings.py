"""What chat and generate have in common besides their prompts."""

from typing import Any, Final

from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import OutputFormat, Request
from trunkline.gateway.wire.documents import note_extras, take_count, take_flag, take_object
from trunkline.gateway.wire.ollama_family.context import window_for
from trunkline.gateway.wire.ollama_family.names import FAMILY, SHARED
from trunkline.gateway.wire.ollama_family.options import read_options, write_options
from trunkline.gateway.wire.ollama_family.thinking import read_think, write_think
from trunkline.gateway.wire.spelling import SpelledRequest
from trunkline.gateway.wire.unsupported import lose_members

_FREE_CHOICE: Final = "the provider cannot make a model call a tool"

# Members of a request for which Ollama's formats have no place.
_WITHOUT_PLACE: Final = (
    "logit_bias",
    "verbosity",
    "user",
    "metadata",
    "service_tier",
    "prompt_cache_key",
)


def read_settings(rest: Document) -> dict[str, Any]:
    """Take the common settings out of a request's members; the result is for ``SpelledRequest``.

    Raises:
        InvalidRequest: one of them is of another type.
    """
    plain: Document = {}
    stream = take_flag(rest, "stream")
    if stream is not None:
        plain["stream"] = stream
    read: dict[str, Any] = {"stream": stream is not False, "plain": plain}
    options = take_object(rest, "options")
    if options is not None:
        sampling, left = read_options(options)
        read.update(sampling)
        if left:
            rest["options"] = left
        elif not sampling:
            plain["options"] = {}
    read["logprobs"] = take_flag(rest, "logprobs")
    read["top_logprobs"] = take_count(rest, "top_logprobs")
    reasoning = read_think(rest.get("think"))
    if reasoning is not None:
        del rest["think"]
        read["reasoning"] = reasoning
    _read_format(rest, read)
    return read


def _read_format(rest: Document, read: dict[str, Any]) -> None:
    wanted = rest.get("format")
    if wanted == "json":
        read["output"] = OutputFormat("json")
    elif isinstance(wanted, dict):
        read["output"] = OutputFormat("json_schema", schema=wanted)
    elif wanted == "":
        # What older clients send for "any".
        read["plain"]["format"] = wanted
    else:
        return
    del rest["format"]


def write_settings(request: Request, destination: Destination, losses: Losses) -> Document:
    """The common settings of a document for Ollama, with what the caller's own format adds."""
    document: Document = {}
    options = write_options(request)
    own = request.wire in FAMILY
    if own:
        extra = request.extra
        options.update(extra.get("options") or {})
        document = {name: extra[name] for name in SHARED if name in extra and name != "options"}
    else:
        lose_unsupported(request, losses)
        window = window_for(request)
        if window is not None:
            options["num_ctx"] = window
    if options:
        document["options"] = options
    wanted = request.output
    if wanted is not None and wanted.kind != "text":
        document["format"] = "json" if wanted.schema is None else wanted.schema
    think = write_think(request, destination, losses)
    if think is not None:
        document["think"] = think
    if request.logprobs is not None and (own or request.logprobs):
        document["logprobs"] = request.logprobs
    if request.top_logprobs is not None:
        document["top_logprobs"] = request.top_logprobs
    return document


def spelled_out(request: Request, name: str, document: Document, losses: Losses) -> Document:
    """The document with what only the caller's own format has, or its loss noted.

    Where the caller's format is another one, whether to stream is always said, since Ollama does
    unless it is told otherwise.
    """
    if request.wire == name:
        plain = request.plain if isinstance(request, SpelledRequest) else {}
        rest = {key: value for key, value in request.extra.items() if key != "options"}
        return {**document, **plain, **rest}
    known = SHARED if request.wire in FAMILY else ()
    note_extras({key: value for key, value in request.extra.items() if key not in known}, losses)
    document["stream"] = request.stream
    return document


def lose_unsupported(request: Request, losses: Losses) -> None:
    """Note the members of a request for which Ollama's formats have no place."""
    lose_members(request, _WITHOUT_PLACE, losses)
    if request.parallel_tools is False:
        losses.lose("parallel_tool_calls", _FREE_CHOICE)
    choice = request.tool_choice
    if choice is not None and choice.mode == "required":
        losses.lose("tool_choice", _FREE_CHOICE)
