"""The manners of Voyage and Jina, whose errors are a sentence called ``detail``."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.models import SimModel, WireName, find_model
from trunkline.simulator.reading import base_name, decode
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.wire import Breakage, Headers, Wire

_NO_KIND = ""
_WRONG_KEY = "bad-key"

DETAIL_SAMPLES: Mapping[str, Sample] = {
    "status_400": Sample(400, _NO_KIND, "The request is not valid."),
    "status_401": Sample(401, _NO_KIND, "Provided API key is invalid."),
    "status_402": Sample(402, _NO_KIND, "Insufficient account balance, please recharge."),
    "status_403": Sample(403, _NO_KIND, "Your key may not use this model."),
    "status_404": Sample(404, _NO_KIND, "Not Found"),
    "status_429": Sample(429, _NO_KIND, "Rate limit exceeded.", retry_after=True),
    "status_500": Sample(500, _NO_KIND, "Internal Server Error"),
    "status_503": Sample(503, _NO_KIND, "Service Unavailable", retry_after=True),
    "status_529": Sample(529, _NO_KIND, "Overloaded", retry_after=True),
    "insufficient_quota": Sample(
        429,
        _NO_KIND,
        "You have not yet added your payment method in the billing page and will have reduced rate "
        "limits.",
    ),
    "overloaded": Sample(503, _NO_KIND, "The server is overloaded.", retry_after=True),
}

Body = TypeVar("Body")


class DetailWire(Wire):
    """Keys by bearer, and errors with a detail."""

    samples: Mapping[str, Sample] = DETAIL_SAMPLES

    @override
    def credential(self, asked: Asked) -> str:
        scheme, _, key = asked.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key or key == _WRONG_KEY:
            raise self.samples["status_401"].refusal(0)
        return key

    @override
    def headers(self, request_id: str, input_tokens: int) -> Headers:
        return (("x-request-id", request_id),)

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return msgspec.json.encode({"detail": refusal.message})

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        """There are no streams on these wires, and so no events."""
        return ()


def read_body(body: bytes, shape: type[Body]) -> Body:
    """A JSON body as a structure.

    Raises:
        Refusal: 400 with what is wrong with it.
    """
    return decode(body, shape, _unreadable)


def the_model(name: str, wire: WireName) -> SimModel:
    """The model of this name.

    Raises:
        Refusal: the provider does not have it.
    """
    model = find_model(base_name(name), wire)
    if model is None:
        raise invalid(f"Model {base_name(name)} is not supported.")
    return model


def invalid(message: str) -> Refusal:
    """The 400 of these providers."""
    return Refusal(400, _NO_KIND, message)


def _unreadable(message: str, param: str | None, code: str | None) -> Refusal:
    if code == "unknown_parameter":
        return invalid(f"Argument '{param}' is not supported by our API")
    return invalid(f"Argument '{param}': {message}" if param else message)
