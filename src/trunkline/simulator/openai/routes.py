"""OpenAI's paths."""

from collections.abc import Iterator

from trunkline.simulator.openai.chat_wire import ChatCompletions
from trunkline.simulator.openai.completions_wire import Completions
from trunkline.simulator.openai.embeddings_wire import Embeddings
from trunkline.simulator.openai.images_wire import Images
from trunkline.simulator.openai.moderation_wire import Moderations
from trunkline.simulator.openai.responses_wire import Responses
from trunkline.simulator.openai.speech_wire import Speech
from trunkline.simulator.openai.transcription_wire import Transcriptions
from trunkline.simulator.routes import Count, Generate, LookUp, Perform, Route


def openai_routes() -> Iterator[Route]:
    """The rows, with wires that remember nothing yet."""
    chat, responses = ChatCompletions(), Responses()
    yield Route("POST", "/v1/chat/completions", Generate(chat))
    yield Route("POST", "/v1/responses", Generate(responses))
    yield Route("POST", "/v1/responses/input_tokens", Count(responses))
    one = "/v1/responses/{response}"
    yield Route("GET", one, LookUp(responses, responses.show))
    yield Route("DELETE", one, LookUp(responses, responses.delete))
    yield Route("POST", f"{one}/cancel", LookUp(responses, responses.cancel))
    yield Route("GET", f"{one}/input_items", LookUp(responses, responses.input_items))
    yield Route("POST", "/v1/completions", Generate(Completions()))
    yield Route("POST", "/v1/embeddings", Perform(Embeddings()))
    yield Route("POST", "/v1/images/generations", Perform(Images()))
    yield Route("POST", "/v1/audio/speech", Perform(Speech()))
    yield Route("POST", "/v1/audio/transcriptions", Perform(Transcriptions()))
    yield Route("POST", "/v1/moderations", Perform(Moderations()))
    yield Route("GET", "/v1/models", LookUp(chat, chat.models))
    yield Route("GET", "/v1/models/{model}", LookUp(chat, chat.model))
