"""All wires by their names. A wire that is not listed here can be spoken by nobody."""

from types import MappingProxyType

from trunkline.gateway.wire.anthropic_messages.passing import AnthropicMessages
from trunkline.gateway.wire.bedrock_converse.passing import BedrockConverse
from trunkline.gateway.wire.cohere_chat.passing import CohereChat
from trunkline.gateway.wire.cohere_embed.passing import CohereEmbed
from trunkline.gateway.wire.cohere_rerank.passing import CohereRerank
from trunkline.gateway.wire.contract import Wire
from trunkline.gateway.wire.gemini.passing import Gemini
from trunkline.gateway.wire.gemini_embeddings.passing import GeminiEmbeddings
from trunkline.gateway.wire.jina_rerank.passing import JinaRerank
from trunkline.gateway.wire.mistral_fim.passing import MistralFim
from trunkline.gateway.wire.ollama_chat.passing import OllamaChat
from trunkline.gateway.wire.ollama_embed.passing import OllamaEmbed, OllamaEmbeddings
from trunkline.gateway.wire.ollama_generate.passing import OllamaGenerate
from trunkline.gateway.wire.openai_chat.passing import OpenAIChat
from trunkline.gateway.wire.openai_completions.passing import OpenAICompletions
from trunkline.gateway.wire.openai_embeddings.passing import OpenAIEmbeddings
from trunkline.gateway.wire.openai_media.passing import (
    OPENAI_IMAGES,
    OPENAI_MODERATION,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTION,
)
from trunkline.gateway.wire.openai_responses.passing import OpenAIResponses
from trunkline.gateway.wire.voyage_embeddings.passing import VoyageEmbeddings
from trunkline.gateway.wire.voyage_rerank.passing import VoyageRerank

_ALL: tuple[Wire, ...] = (
    OpenAIChat(),
    AnthropicMessages(),
    BedrockConverse(),
    Gemini(),
    GeminiEmbeddings(),
    OpenAIEmbeddings(),
    OpenAICompletions(),
    OpenAIResponses(),
    MistralFim(),
    OPENAI_IMAGES,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTION,
    OPENAI_MODERATION,
    OllamaChat(),
    OllamaGenerate(),
    OllamaEmbed(),
    OllamaEmbeddings(),
    CohereChat(),
    CohereEmbed(),
    CohereRerank(),
    JinaRerank(),
    VoyageRerank(),
    VoyageEmbeddings(),
)

WIRES = MappingProxyType({wire.name: wire for wire in _ALL})
