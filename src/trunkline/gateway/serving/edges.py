"""How much of us one client may hold, and for how long."""

import msgspec


class Edges(msgspec.Struct, frozen=True):
    """The bounds of the server; times are seconds.

    Attributes:
        header_bytes: most bytes of a request's head, and of a chunked body's framing.
        header_timeout: for a head, from its first byte to its last.
        body_idle: between two reads of a request's body.
        write_stall: within which a client that is behind has to take about ``write_buffer`` bytes
            of its answer; one that does not is cut off.
        keep_alive: for which a connection may stay open without a request.
        linger: for which a client that still sends is read after its final answer, so that the
            answer is not lost to a TCP reset.
        write_buffer: bytes of an answer that wait for the client before the handler waits.
        pipeline: most requests that wait on one connection behind the one being answered.
        max_in_flight: requests handled at once; more get 503.
        max_body_memory_bytes: bytes of request bodies held at once; more get 503.
        max_body_bytes: most bytes of one request body.
    """

    header_bytes: int = 65_536
    header_timeout: float = 10.0
    body_idle: float = 30.0
    write_stall: float = 60.0
    keep_alive: float = 75.0
    linger: float = 2.0
    write_buffer: int = 65_536
    pipeline: int = 64
    max_in_flight: int = 2000
    max_body_memory_bytes: int = 536_870_912
    max_body_bytes: int = 33_554_432

    @property
    def tick(self) -> float:
        """Seconds between two checks of these times; a deadline is met at most this much late."""
        shortest = min(
            self.header_timeout, self.body_idle, self.write_stall, self.keep_alive, self.linger
        )
        return min(1.0, max(0.01, shortest / 4))
