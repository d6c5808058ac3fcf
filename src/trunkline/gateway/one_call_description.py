"""What OpenAPI 3.1 says of the one-call API, which the data path serves without a framework."""

from collections.abc import Mapping
from typing import Any, Final

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _maybe(schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}], "description": description}


REQUEST: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 1, "description": "The text for the model."},
        "model": {
            "type": "string",
            "description": "A published name, or connection/model; TRUNKLINE_DEFAULT_MODEL where "
            "it is left out.",
        },
        "system": {"type": "string", "description": "Instructions that come before the prompt."},
        "maxTokens": {
            "type": "integer",
            "minimum": 1,
            "description": "Most output tokens; the model's own maximum where it is left out.",
        },
        "userId": {
            "type": "string",
            "description": "Your own id of the person behind the request, for reports. It grants "
            "nothing, and no provider hears of it.",
        },
    },
}

USAGE: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": [
        "inputTokens",
        "outputTokens",
        "totalTokens",
        "cachedInputTokens",
        "reasoningTokens",
    ],
    "properties": {
        "inputTokens": _COUNT,
        "outputTokens": _COUNT,
        "totalTokens": _COUNT,
        "cachedInputTokens": _COUNT | {"description": "Of the input, read from a prompt cache."},
        "reasoningTokens": _COUNT | {"description": "Of the output, thought."},
    },
}

ANSWER: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": [
        "content",
        "model",
        "provider",
        "cost",
        "costState",
        "cached",
        "usage",
        "requestId",
        "finishReason",
    ],
    "properties": {
        "content": {"type": "string", "description": "The model's text."},
        "model": {"type": "string", "description": "The provider's own name of the model."},
        "provider": _maybe(_TEXT, "Who answered."),
        "cost": _maybe(_TEXT, "Dollars as a decimal string; null where nobody knows the price."),
        "costState": {"enum": ["exact", "estimated", "unpriced"]},
        "cached": {
            "type": "boolean",
            "description": "Whether the answer was given before, so that no model was asked.",
        },
        "usage": _maybe(USAGE, "As the provider told it; null where it told none."),
        "requestId": {"type": "string", "description": "As in the header x-request-id."},
        "finishReason": _maybe(
            _TEXT, "stop, or length where the text was cut at the ceiling, and the like."
        ),
    },
}

ERROR: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint", "param", "request_id"],
            "properties": {
                "code": {"type": "string", "description": "A stable word to switch on."},
                "message": _TEXT,
                "hint": _maybe(_TEXT, "What to do next."),
                "param": _maybe(_TEXT, "The member of the request that it is about."),
                "request_id": _TEXT,
            },
        }
    },
}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


PATH_ITEM: Final[Mapping[str, Any]] = {
    "post": {
        "tags": ["inference"],
        "summary": "One prompt in, one text out",
        "description": "For programs that want no wire. It takes the same road as every chat: "
        "limits, budgets, failover, cache and guardrails hold. The headers are those of "
        "/v1/chat/completions, with Idempotency-Key and x-trunkline-cache among them. The key "
        "needs the scope inference.",
        "operationId": "llm_process",
        "requestBody": {"required": True, "content": _json(REQUEST)},
        "responses": {
            "200": {"description": "The model's answer.", "content": _json(ANSWER)},
            "default": {
                "description": "An error, ours or the provider's; retry-after and x-should-retry "
                "say whether and when to try again.",
                "content": _json(ERROR),
            },
        },
    }
}
