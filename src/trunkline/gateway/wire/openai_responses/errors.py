"""Failures inside a stream: the provider's as it tells them, and ours.

Source: the types of OpenAI's own SDK, which raises on an event ``error`` with a member ``error``;
its documentation has the members of that object in the event itself, and both are sent.
"""

from typing import Any, Final

import msgspec

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.contract import ProviderFault
from trunkline.gateway.wire.openai_family import errors as family

# Our errors do not know how many events went before them. Sequence numbers only grow, and these
# are the last ones that fit into every client's integers.
_LAST: Final = (1 << 31) - 1

# Codes of a failed response that speak of the request. Source: ResponseError of OpenAI's SDK.
_OF_THE_REQUEST: Final = ("invalid_", "image_", "unsupported_", "empty_image", "failed_to_download")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


_ABSENT: Final = msgspec.Raw()
_NOTHING: Final = frozenset({b"", b"null"})


class _Failed(msgspec.Struct):
    error: msgspec.Raw = _ABSENT


class _Event(msgspec.Struct):
    error: msgspec.Raw = _ABSENT
    response: _Failed | None = None


_decode_event = msgspec.json.Decoder(_Event).decode


def read_stream_fault(data: bytes) -> ProviderFault:
    """What an event ``error`` or ``response.failed`` tells."""
    try:
        event = _decode_event(data)
    except (msgspec.DecodeError, RecursionError):
        return family.read_fault(0, data)
    told = bytes(event.error)
    if told in _NOTHING and event.response is not None:
        told = bytes(event.response.error)
    return fault_of(data if told in _NOTHING else told)


def fault_of(error: bytes) -> ProviderFault:
    """What the object of an error tells, outside of an answer with a status of its own."""
    fault = family.read_fault(0, b'{"error":' + error + b"}")
    if fault.status == 502 and fault.type is not None and fault.type.startswith(_OF_THE_REQUEST):
        return msgspec.structs.replace(fault, status=400)
    return fault


def error_frames(error: TrunklineError, request_id: str) -> bytes:
    """An error of ours in a stream that has begun: ``error``, then the response that failed."""
    told = family.error_object(error, request_id)
    first: dict[str, Any] = {
        "type": "error",
        "sequence_number": _LAST - 1,
        "code": told["code"],
        "message": told["message"],
        "param": error.param,
        "error": told,
    }
    failed = {
        "type": "response.failed",
        "sequence_number": _LAST,
        "response": {
            "id": f"resp_{request_id}",
            "object": "response",
            "created_at": 0,
            "status": "failed",
            "error": {"code": told["code"], "message": told["message"]},
            "incomplete_details": None,
            "output": [],
            "usage": None,
        },
    }
    return b"event: error\ndata: %b\n\n" % _encode(
        first
    ) + b"event: response.failed\ndata: %b\n\n" % _encode(failed)
