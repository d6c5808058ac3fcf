"""What all of Google's wires share: the key, the headers, the errors and the list of models."""

from collections.abc import Mapping
from typing import Any

import msgspec
from typing_extensions import override

from trunkline.simulator.asked import Asked
from trunkline.simulator.gemini.request import the_model
from trunkline.simulator.gemini.samples import GEMINI_SAMPLES, QuotaRefusal
from trunkline.simulator.models import SimModel, find_model, models_of
from trunkline.simulator.refusals import Refusal, Sample
from trunkline.simulator.wire import Breakage, Headers, Wire

_WRONG_KEY = "bad-key"
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_TYPE = "type.googleapis.com/google.rpc."


class GoogleWire(Wire):
    """Google's manners; Vertex AI has another idea of keys than the developer API."""

    samples: Mapping[str, Sample] = GEMINI_SAMPLES
    chunked_bodies = True

    def __init__(self, *, vertex: bool = False) -> None:
        self._vertex = vertex

    @override
    def credential(self, asked: Asked) -> str:
        scheme, _, bearer = asked.headers.get("authorization", "").partition(" ")
        key = asked.headers.get("x-goog-api-key", "") or asked.query.get("key", "")
        if not key and scheme.lower() == "bearer":
            key = bearer.strip()
        if key and key != _WRONG_KEY:
            return key
        if self._vertex:
            raise self.samples["status_401"].refusal(0)
        if key:
            # Google calls a wrong key an invalid argument.
            raise Refusal(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                code="API_KEY_INVALID",
            )
        raise Refusal(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
        )

    @override
    def headers(self, request_id: str, input_tokens: int) -> Headers:
        return (
            ("vary", "Origin"),
            ("server-timing", f"gfet4t7; dur={200 + input_tokens % 100}"),
            ("x-content-type-options", "nosniff"),
        )

    @override
    def error_body(self, refusal: Refusal, request_id: str) -> bytes:
        return pretty({"error": error_of(refusal)})

    @override
    def error_events(self, breakage: Breakage) -> tuple[bytes, ...]:
        return (event({"error": error_of(breakage.refusal)}),)

    @override
    def broken(self, event: bytes) -> bytes:
        line = event.rstrip()
        return line[: len(line) * 2 // 3] + b"\r\n\r\n"

    def models(self, _: Asked) -> bytes:
        """The list of models as a JSON document."""
        return pretty({"models": [_model(one) for one in models_of("gemini", "gemini_embeddings")]})

    def model(self, asked: Asked) -> bytes:
        """One model as a JSON document.

        Raises:
            Refusal: there is no such model.
        """
        name = asked.params["model"]
        return pretty(_model(find_model(name, "gemini_embeddings") or the_model(name)))


def pretty(document: dict[str, Any]) -> bytes:
    """A JSON document as Google spaces it."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def event(document: dict[str, Any]) -> bytes:
    """A JSON document as an event of a stream: data alone, and Windows' line ends."""
    return b"data: " + msgspec.json.encode(document) + b"\r\n\r\n"


def error_of(refusal: Refusal) -> dict[str, Any]:
    """The error object, with the details that Google adds to some."""
    known = _STATUSES.get(refusal.status, "UNKNOWN")
    error: dict[str, Any] = {
        "code": refusal.status,
        "message": refusal.message,
        "status": refusal.kind if refusal.kind.isupper() else known,
    }
    details = _details(refusal)
    return {**error, "details": details} if details else error


def _details(refusal: Refusal) -> list[dict[str, Any]]:
    if isinstance(refusal, QuotaRefusal):
        violation = {"quotaMetric": "generativelanguage.googleapis.com/generate_requests"}
        violations = [{**violation, "quotaId": refusal.quota}]
        details: list[dict[str, Any]] = [
            {"@type": f"{_TYPE}QuotaFailure", "violations": violations}
        ]
        if refusal.retry_delay is not None:
            delay = f"{refusal.retry_delay:g}s"
            details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": delay})
        return details
    if refusal.code is not None and refusal.code.isupper():
        domain = "googleapis.com"
        return [{"@type": f"{_TYPE}ErrorInfo", "reason": refusal.code, "domain": domain}]
    if refusal.param is not None:
        violation = {"field": refusal.param, "description": refusal.message}
        return [{"@type": f"{_TYPE}BadRequest", "fieldViolations": [violation]}]
    return []


def _model(model: SimModel) -> dict[str, Any]:
    speaks = "gemini" in model.wires
    speaking = ["generateContent", "countTokens"]
    return {
        "name": f"models/{model.name}",
        "version": "001",
        "displayName": model.name.replace("-", " ").title(),
        "description": "A model of the simulator.",
        "inputTokenLimit": model.context,
        "outputTokenLimit": model.max_output,
        "supportedGenerationMethods": speaking if speaks else ["embedContent"],
    }
