"""Tools of ``/api/chat``, written: functions, in the shape of chat completions."""

from typing import Final

from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import Request, Tool
from trunkline.gateway.wire.documents import note_extras
from trunkline.gateway.wire.functions import function_of, tool_back
from trunkline.gateway.wire.ollama_family.names import CHAT_NAME

_ONLY_FUNCTIONS: Final = "the provider's API has only functions"
_NO_STRICTNESS: Final = "the provider's API has no strict tools"
_NO_MARKS: Final = "the provider's API has no cache marks"
_WITHOUT_ARGUMENTS: Final[Document] = {"type": "object", "properties": {}}


def write_tools(request: Request, losses: Losses) -> list[Document]:
    """The functions, unless none may be called: then a model that sees none calls none."""
    if request.wire == CHAT_NAME:
        return [tool_back(tool) for tool in request.tools]
    if request.tool_choice is not None and request.tool_choice.mode == "none":
        return []
    written = []
    for tool in request.tools:
        if tool.kind == "function":
            written.append(_write(tool, losses))
        else:
            losses.lose(tool.name or "tools", _ONLY_FUNCTIONS)
    return written


def _write(tool: Tool, losses: Losses) -> Document:
    if tool.strict:
        losses.lose("strict", _NO_STRICTNESS)
    if tool.cache is not None:
        losses.lose("cache_control", _NO_MARKS)
    note_extras(tool.extra, losses)
    return {"type": "function", "function": {"parameters": _WITHOUT_ARGUMENTS, **function_of(tool)}}
