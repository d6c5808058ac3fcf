"""Requests of other wires, written as Converse takes them."""

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.destination import Destination
from trunkline.gateway.exchange.fit import in_words, with_order
from trunkline.gateway.exchange.losses import Losses
from trunkline.gateway.exchange.parts import Document, Text
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.wire.bedrock_converse.conversation import ConversationWriter
from trunkline.gateway.wire.bedrock_converse.settings import write_settings, write_tools
from trunkline.gateway.wire.bedrock_converse.turns import limit_marks


def write_foreign(request: Request, destination: Destination, losses: Losses) -> Document:
    """The document for Bedrock; the model stands in the path.

    Raises:
        InvalidRequest: a gap is to be filled, or the user says nothing first.
    """
    if request.suffix is not None:
        raise InvalidRequest(
            "The provider cannot fill a gap between two texts.",
            code="unsupported_parameter",
            param="suffix",
            hint="Use a model whose provider fills in the middle.",
        )
    messages = request.messages
    output = request.output
    if output is not None and output.kind == "json":
        losses.lose("response_format", "the model is only told in words which form is wanted")
        messages = with_order(messages, Message("system", (Text(in_words(output)),)))
    writer = ConversationWriter(destination, losses)
    turns = writer.write(messages)
    document: Document = {"messages": turns}
    if writer.system:
        document["system"] = writer.system
    document |= write_settings(request, destination, losses)
    tools = write_tools(request, turns, destination, losses)
    if tools is not None:
        document["toolConfig"] = tools
    listed = [] if tools is None else [tools["tools"]]
    limit_marks([*listed, writer.system, *(turn["content"] for turn in turns)], losses)
    return document
