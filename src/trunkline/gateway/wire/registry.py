"""All wires by their names. A wire that is not listed here can be spoken by nobody."""

from types import MappingProxyType

from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.contract import Wire
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat

_ALL: tuple[Wire, ...] = (
    OpenAIChat(),
    AnthropicMessages(),
)

WIRES = MappingProxyType({wire.name: wire for wire in _ALL})
