"""What all of Ollama's wires share: keys that nobody needs, errors, and the models there are."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.models import EMBEDDINGS, SimModel, find_model, models_of
from trunkline.simulator.ollama.request import unreadable
from trunkline.simulator.ollama.samples import OLLAMA_SAMPLES, invalid, not_found
from trunkline.simulator.ollama.shapes import ShowBody
from trunkline.simulator.reading import decode
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.wire import Breakage, Headers, Wire

VERSION = "0.12.6"

_WRONG_KEY = "bad-key"
_CREATED = 1_750_000_000


class OllamaWire(Wire):
    """Ollama's manners; a key is only looked at where one is sent."""

    samples: Mapping[str, Sample] = OLLAMA_SAMPLES
    chunked_bodies = False

    @override
    def credential(self, asked: Asked) -> str:
        _, _, key = asked.headers.get("authorization", "").partition(" ")
        if key.strip() == _WRONG_KEY:
            raise self.samples["status_401"].refusal(0)
        return key.strip() or "local"

    @override
    def headers(self, request_id: str, input_tokens: int) -> Headers:
        return ()

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return msgspec.json.encode({"error": refusal.message})

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        return (self.error_body(breakage.refusal, breakage.request_id) + b"\n",)

    @override
    def broken(self, event: bytes) -> bytes:
        line = event.rstrip()
        return line[: len(line) * 2 // 3] + b"\n"

    def tags(self, _: Asked) -> bytes:
        """The models that are there, as a JSON document."""
        shown = models_of("ollama_chat", "ollama_generate", "ollama_embed")
        return msgspec.json.encode({"models": [_tag(model) for model in shown]})

    def show(self, asked: Asked) -> bytes:
        """One model as a JSON document.

        Raises:
            Refusal: no model is named, or it is not there.
        """
        wanted = decode(asked.body, ShowBody, unreadable)
        name = wanted.model or wanted.name
        if not name:
            raise invalid("model is required")
        bare = name.removesuffix(":latest")
        model = find_model(bare, "ollama_chat", "ollama_generate") or find_model(
            bare, "ollama_embed"
        )
        if model is None:
            raise not_found(name)
        return msgspec.json.encode(_shown(model))

    def version(self, _: Asked) -> bytes:
        """Ollama's version, as a JSON document."""
        return msgspec.json.encode({"version": VERSION})


def moment(digest: bytes, seconds: float = 0.0) -> str:
    """A moment that belongs to an answer, so many seconds after its beginning."""
    begun = _CREATED + int.from_bytes(digest[:3], "big")
    return f"{datetime.fromtimestamp(begun + seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _details(model: SimModel) -> dict[str, Any]:
    family = model.name.partition(":")[0].partition("-")[0]
    return {
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": "8.0B",
        "quantization_level": "Q4_K_M",
    }


def _tag(model: SimModel) -> dict[str, Any]:
    return {
        "name": f"{model.name}:latest",
        "model": f"{model.name}:latest",
        "modified_at": moment(b""),
        "size": 4_920_753_328,
        "digest": model.name.encode().hex().ljust(64, "0")[:64],
        "details": _details(model),
    }


def _shown(model: SimModel) -> dict[str, Any]:
    details = _details(model)
    embeds = not set(EMBEDDINGS).isdisjoint(model.wires)
    speaking = ["completion", "tools", "insert", "vision"]
    thinking = ["thinking"] if model.reasons or model.name.startswith("sim-") else []
    return {
        "license": "",
        "modelfile": f"FROM {model.name}\n",
        "parameters": "",
        "template": "{{ .Prompt }}",
        "details": details,
        "model_info": {
            "general.architecture": details["family"],
            f"{details['family']}.context_length": model.context,
            f"{details['family']}.embedding_length": model.dimensions or 4096,
        },
        "capabilities": ["embedding"] if embeds else speaking + thinking,
        "modified_at": moment(b""),
    }
