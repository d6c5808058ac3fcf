"""What all of OpenAI's wires share: the key, the headers, the errors and the list of models."""

from collections.abc import Mapping
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.models import OPENAI_WIRES, SimModel, WireName, find_model, models_of
from trunkline.simulator.openai.samples import OPENAI_SAMPLES
from trunkline.simulator.reading import base_name
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.wire import Breakage, Headers, Wire

CREATED = 1_750_000_000
"""Unix seconds at which everything that the simulator knows was made."""

DONE = b"data: [DONE]\n\n"
"""What most of OpenAI's streams end with."""

_REQUEST_LIMIT = 10_000
_TOKEN_LIMIT = 2_000_000
_WRONG_KEY = "bad-key"


class OpenAiWire(Wire):
    """OpenAI's manners; each wire of its own adds a name and what it answers."""

    samples: Mapping[str, Sample] = OPENAI_SAMPLES
    chunked_bodies = False

    @override
    def credential(self, asked: Asked) -> str:
        scheme, _, key = asked.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Refusal(
                401,
                "invalid_request_error",
                "You didn't provide an API key. You need to provide your API key in an "
                "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            )
        if key == _WRONG_KEY:
            raise Refusal(
                401,
                "invalid_request_error",
                f"Incorrect API key provided: {key}.",
                code="invalid_api_key",
            )
        return key

    @override
    def headers(self, request_id: str, input_tokens: int) -> Headers:
        return (
            ("x-request-id", request_id),
            ("openai-organization", "org-simulator"),
            ("openai-processing-ms", str(20 + input_tokens % 100)),
            ("openai-version", "2020-10-01"),
            ("x-ratelimit-limit-requests", str(_REQUEST_LIMIT)),
            ("x-ratelimit-limit-tokens", str(_TOKEN_LIMIT)),
            ("x-ratelimit-remaining-requests", str(_REQUEST_LIMIT - 1)),
            ("x-ratelimit-remaining-tokens", str(max(0, _TOKEN_LIMIT - input_tokens))),
            ("x-ratelimit-reset-requests", "6ms"),
            ("x-ratelimit-reset-tokens", f"{input_tokens * 60_000 // _TOKEN_LIMIT}ms"),
        )

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return pretty({"error": error_of(refusal)})

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        error = msgspec.json.encode({"error": error_of(breakage.refusal)})
        return (b"data: " + error + b"\n\n",)

    def models(self, _: Asked) -> bytes:
        """The list of models as a JSON document."""
        return pretty({"object": "list", "data": [_model(one) for one in models_of(*OPENAI_WIRES)]})

    def model(self, asked: Asked) -> bytes:
        """One model as a JSON document.

        Raises:
            Refusal: there is no such model.
        """
        name = asked.params["model"]
        model = find_model(name, *OPENAI_WIRES)
        if model is None:
            raise model_not_found(name)
        return pretty(_model(model))


def required_model(name: str, wire: WireName) -> SimModel:
    """The model behind a name that may carry a fault.

    Raises:
        Refusal: the wire knows no such model.
    """
    model = find_model(base_name(name), wire)
    if model is None:
        raise model_not_found(name)
    return model


def model_not_found(name: str) -> Refusal:
    """OpenAI's answer to a model that it does not know."""
    return Refusal(
        404,
        "invalid_request_error",
        f"The model `{name}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """OpenAI's 400 with its sentence, field and code."""
    return Refusal(400, "invalid_request_error", message, code=code, param=param)


def error_of(refusal: Refusal) -> dict[str, Any]:
    """An error as OpenAI writes it."""
    return {
        "message": refusal.message,
        "type": refusal.kind,
        "param": refusal.param,
        "code": refusal.code,
    }


def created(digest: bytes) -> int:
    """A moment that belongs to the answer, so that the same answer has the same bytes."""
    return CREATED + int.from_bytes(digest[:3], "big")


def fingerprint(model: SimModel) -> str:
    """What tells one state of OpenAI's servers from another; here it belongs to the model."""
    return "fp_" + model.served_as.encode().hex()[-10:]


def pretty(document: dict[str, Any]) -> bytes:
    """A whole body as OpenAI writes it, with line breaks."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _model(model: SimModel) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": CREATED, "owned_by": "simulator"}
