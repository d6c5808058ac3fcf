"""Errors in Bedrock's shape, ours and the provider's.

Bedrock says the kind of an error in the header ``x-amzn-ErrorType`` and only a sentence in the
body, so the kind is told from the status. Source: the service description in botocore.
"""

from typing import Final

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import ProviderFault

_TYPES: Final = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}

# What stands for the kinds of exceptions inside a stream, which are written in small letters first.
_STATUS_OF_TYPE: Final = {
    "validationexception": 400,
    "unrecognizedclientexception": 401,
    "accessdeniedexception": 403,
    "resourcenotfoundexception": 404,
    "modeltimeoutexception": 408,
    "modelstreamerrorexception": 502,
    "modelerrorexception": 502,
    "throttlingexception": 429,
    "modelnotreadyexception": 429,
    "internalserverexception": 500,
    "serviceunavailableexception": 503,
}
# AWS begins so when it speaks of an access key with status 400 or 403. Elsewhere in a sentence the
# words may be the caller's own, repeated.
_ABOUT_US: Final = (
    "The security token included in the request",
    "The request signature we calculated does not match",
    "Signature expired",
    "Signature not yet current",
)

_encode = msgspec.json.Encoder().encode


class _Body(msgspec.Struct):
    message: str | None = None
    Message: str | None = None
    type: str | None = msgspec.field(default=None, name="__type")


_decode = msgspec.json.Decoder(_Body).decode


def read_fault(status: int, body: bytes, kind: str | None = None) -> ProviderFault:
    """Understand an error answer, or an exception inside a stream (status 0, with its kind)."""
    try:
        told = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        told = _Body()
    message = told.message or told.Message
    kind = kind or (told.type or "").rpartition("#")[2] or _TYPES.get(status)
    if not status:
        status = _STATUS_OF_TYPE.get((kind or "").lower(), 502)
    # The model behind Bedrock failed, which is no fault of the request.
    status = 502 if status == 424 else status
    ours = status in {401, 402, 403} or (message or "").startswith(_ABOUT_US)
    return ProviderFault(status, kind, message, ours)


def error_body(error: TrunklineError, request_id: str) -> bytes:
    """What botocore turns into its own exception classes."""
    message = f"{error.message} {error.hint}" if error.hint else error.message
    return _encode({"message": message, "code": error.code, "requestId": request_id})


def error_type(error: TrunklineError) -> str:
    """The kind of exception that a stream reports."""
    kind = _TYPES.get(error.status, "InternalServerException")
    return kind[0].lower() + kind[1:]
