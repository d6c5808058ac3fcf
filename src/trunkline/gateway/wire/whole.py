"""What the wires have in common whose answers are never streams, such as vectors and ranks."""

from typing_extensions import override

from trunkline.gateway.wire.contract import Inbound, Splitter, StreamReader, Wire
from trunkline.gateway.wire.members import encode_members


class WholeWire(Wire):
    """A wire that answers at once and generates nothing, so that there is no ceiling either."""

    keep_alive = b""
    stream_type = b"application/json"
    events = None

    @override
    def write_request(self, request: Inbound, model: str) -> bytes:
        return body_for(request, model)

    @override
    def limit_output(self, request: Inbound, ceiling: int, field: str) -> None:
        request.max_tokens = None

    @override
    def stream_reader(self, request: Inbound) -> StreamReader:
        raise AssertionError(f"{self.name} has no streams")

    @override
    def splitter(self, limit: int) -> Splitter:
        raise AssertionError(f"{self.name} has no streams")


def body_for(request: Inbound, model: str) -> bytes:
    """The members of a request as they came, under the provider's own name of the model."""
    fields = request.fields
    return encode_members(fields if model == request.model else {**fields, "model": model})
