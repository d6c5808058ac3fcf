"""What all of Cohere's wires share: the key, the headers, the errors and how a body is read."""

from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.cohere.samples import (
    COHERE_SAMPLES,
    invalid,
    model_not_found,
    unknown_field,
)
from trunkline.simulator.models import SimModel, WireName, find_model
from trunkline.simulator.reading import base_name, decode
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.wire import Breakage, Headers, Wire

_WRONG_KEY = "bad-key"

Body = TypeVar("Body")


class CohereWire(Wire):
    """Cohere's manners."""

    samples: Mapping[str, Sample] = COHERE_SAMPLES
    chunked_bodies = False

    @override
    def credential(self, asked: Asked) -> str:
        scheme, _, key = asked.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise Refusal(401, "", "no api key supplied")
        if key == _WRONG_KEY:
            raise self.samples["status_401"].refusal(0)
        return key

    @override
    def headers(self, request_id: str, input_tokens: int) -> Headers:
        return (
            ("x-debug-trace-id", request_id),
            ("x-envoy-upstream-service-time", str(40 + input_tokens % 100)),
        )

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return msgspec.json.encode({"id": request_id, "message": refusal.message})

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        """No recording shows one: the error as it would be a body is the only data of an event."""
        return (b"data: " + self.error_body(breakage.refusal, breakage.request_id) + b"\n\n",)


def read_body(body: bytes, shape: type[Body]) -> Body:
    """A JSON body as a structure.

    Raises:
        Refusal: 400, or 422 for a field that Cohere does not know.
    """
    return decode(body, shape, _unreadable)


def the_model(name: str, wire: WireName) -> SimModel:
    """The model of this name.

    Raises:
        Refusal: Cohere does not have it.
    """
    model = find_model(base_name(name), wire)
    if model is None:
        raise model_not_found(base_name(name))
    return model


def answer_id(digest: bytes) -> str:
    """The identifier of an answer, which stays the same for the same request and seed."""
    return str(UUID(bytes=digest, version=4))


def _unreadable(message: str, param: str | None, code: str | None) -> Refusal:
    if code == "unknown_parameter":
        return unknown_field(param or "")
    if code == "missing_required_parameter":
        return invalid(f"{param} must be provided")
    return invalid(message)
