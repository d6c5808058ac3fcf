"""What is asked of every candidate: operations, streamed or not, at a concurrency."""

from typing import Final, Literal

import msgspec

Wire = Literal["chat", "messages"]

PATHS: Final[dict[Wire, str]] = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}


class Operation(msgspec.Struct, frozen=True):
    """A kind of call.

    Attributes:
        name: what tables and results call it.
        tls: whether the provider is reached by TLS; the candidate itself is not.
        large: whether the request body has 200 KB instead of 0.6 KB.
    """

    name: str
    wire: Wire
    tls: bool = False
    large: bool = False


class Case(msgspec.Struct, frozen=True):
    """One operation at one concurrency."""

    operation: Operation
    stream: bool
    concurrency: int

    @property
    def model(self) -> str:
        """The model name that gateways route by; the upstream model has the same name."""
        parts = ("bench", self.operation.wire, *(("stream",) if self.stream else ()))
        return "-".join((*parts, *(("tls",) if self.operation.tls else ())))

    @property
    def title(self) -> str:
        """What the table groups by."""
        return f"{self.operation.name}, {'streamed' if self.stream else 'not streamed'}"


class Effort(msgspec.Struct, frozen=True):
    """How long and how often is measured.

    Attributes:
        rounds: how often each candidate has its turn in each case.
        call_seconds: length of a measurement that is not streamed; wrk knows whole seconds only.
        stream_seconds: for so long new streams begin; those that run are then waited for.
    """

    rounds: int = 5
    call_seconds: int = 2
    stream_seconds: float = 3.5


CHAT: Final = Operation("chat", "chat")
MESSAGES: Final = Operation("messages", "messages")
CHAT_LARGE: Final = Operation("chat_200kb", "chat", large=True)
CHAT_TLS: Final = Operation("chat_tls", "chat", tls=True)

FULL_CASES: Final = (
    *(
        Case(operation, stream=False, concurrency=c)
        for operation in (CHAT, MESSAGES)
        for c in (1, 32, 256)
    ),
    Case(CHAT_LARGE, stream=False, concurrency=32),
    Case(CHAT_TLS, stream=False, concurrency=32),
    *(
        Case(operation, stream=True, concurrency=c)
        for operation in (CHAT, MESSAGES)
        for c in (100, 400)
    ),
    Case(CHAT_TLS, stream=True, concurrency=100),
)
QUICK_CASES: Final = (
    Case(CHAT, stream=False, concurrency=32),
    Case(CHAT, stream=True, concurrency=100),
)
QUICK_EFFORT: Final = Effort(stream_seconds=2.0)


def choose(operation: str | None, concurrency: int | None, *, quick: bool) -> list[Case]:
    """The cases of a run, narrowed to one operation and one concurrency where they are given."""
    cases = QUICK_CASES if quick and operation is None and concurrency is None else FULL_CASES
    return [
        case
        for case in cases
        if operation in {None, case.operation.name} and concurrency in {None, case.concurrency}
    ]
