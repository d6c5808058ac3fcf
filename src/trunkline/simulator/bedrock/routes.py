"""The paths of Bedrock's runtime."""

from collections.abc import Iterator

from trunkline.simulator.bedrock.wire import ConverseWire
from trunkline.simulator.routes import Generate, Route


def bedrock_routes() -> Iterator[Route]:
    """All rows of Bedrock."""
    converse = ConverseWire()
    yield Route("POST", "/model/{model}/converse", Generate(converse))
    yield Route("POST", "/model/{model}/converse-stream", Generate(converse, stream=True))
