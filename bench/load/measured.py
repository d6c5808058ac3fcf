"""What a load generator saw."""

import msgspec


class Call(msgspec.Struct, frozen=True):
    """How a candidate is called for one case."""

    host: str
    port: int
    path: str
    headers: dict[str, str]
    tls: bool = False

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}{self.path}"


class Measured(msgspec.Struct, frozen=True):
    """One measurement from the client's side.

    Attributes:
        requests: that ended well.
        seconds: from the first to the last.
        p50_ms: half of the requests took at most so long.
        p99_ms: 99 of 100 took at most so long.
        errors: requests that did not end well.
        ttft_p50_ms: median time to the first content of streams.
        chunks: pieces of content received in streams.
    """

    requests: int
    seconds: float
    p50_ms: float | None
    p99_ms: float | None
    errors: int
    ttft_p50_ms: float | None = None
    chunks: int = 0
