"""The byte pass of Cohere's formats whose answers are never streams."""

from typing_extensions import override

from trunkline.errors import TrunklineError
from trunkline.gateway.wire.cohere_family import errors as cohere_errors
from trunkline.gateway.wire.contract import ProviderFault
from trunkline.gateway.wire.whole import WholeWire


class CohereWholeWire(WholeWire):
    """A format with Cohere's errors."""

    versioned = True

    @override
    def read_fault(self, status: int, body: bytes) -> ProviderFault:
        return cohere_errors.read_fault(status, body)

    @override
    def error_body(self, error: TrunklineError, request_id: str) -> bytes:
        return cohere_errors.error_body(error, request_id)

    @override
    def error_frame(self, error: TrunklineError, request_id: str) -> bytes:
        return cohere_errors.error_body(error, request_id)
