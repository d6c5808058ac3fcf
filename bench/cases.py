"""What is asked of every candidate: operations, streamed or not, at a concurrency."""

from typing import Final, Literal

import msgspec

Wire = Literal["chat", "messages"]
Spoken = Literal["chat", "messages", "gemini"]
"""What a provider speaks: the caller's wire, or one that it is translated to."""
Feature = Literal["everything", "routed", "looked_up", "cached", "hedged", "buffered", "guarded"]
"""What the model of a call has that a plain one has not, see ``candidates/featured.py``."""

PATHS: Final[dict[Wire, str]] = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}


class Operation(msgspec.Struct, frozen=True):
    """A kind of call.

    Attributes:
        name: what tables and results call it.
        wire: the caller's.
        tls: whether the provider is reached by TLS; the candidate itself is not.
        large: whether the request body has 200 KB instead of 0.6 KB.
        talk: whether it is a conversation of 40 messages with calls of tools, not one question.
        spoken: the provider's wire, where it is another than the caller's.
        feature: what its model has.
        fresh: whether each request asks what was never asked before.
        filtered: whether the provider says that its filter ended each answer, so that none is kept;
            answers to calls that are not streamed only.
    """

    name: str
    wire: Wire
    tls: bool = False
    large: bool = False
    talk: bool = False
    spoken: Spoken | None = None
    feature: Feature | None = None
    fresh: bool = False
    filtered: bool = False

    @property
    def provider_place(self) -> str:
        """What all paths begin with on which the provider answers such calls."""
        return "/filtered" if self.filtered else ""

    @property
    def provider_wire(self) -> Spoken:
        """What the provider speaks."""
        return self.spoken or self.wire


class Case(msgspec.Struct, frozen=True):
    """One operation at one concurrency."""

    operation: Operation
    stream: bool
    concurrency: int

    @property
    def model(self) -> str:
        """The model name that gateways route by; the upstream model has the same name."""
        operation = self.operation
        parts = ["bench", operation.wire]
        if operation.spoken is not None:
            parts += ["to", operation.spoken]
        if operation.feature is not None:
            parts.append(operation.feature)
        if self.stream:
            parts.append("stream")
        if operation.tls:
            parts.append("tls")
        return "-".join(parts)

    @property
    def provider_path(self) -> str:
        """Where the provider is asked; Google's wire names the model and the stream there."""
        wire = self.operation.provider_wire
        if wire != "gemini":
            return self.operation.provider_place + PATHS[wire]
        action = "streamGenerateContent?alt=sse" if self.stream else "generateContent"
        return f"/v1beta/models/{self.model}:{action}"

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


class Comparison(msgspec.Struct, frozen=True):
    """A call with something added, and the same call without it, whose bytes only pass.

    Attributes:
        at_most: as many times the CPU of the one that only passes may be spent; None where nothing
            is demanded.
        then: whether that is the CPU that it took at an earlier commit, where one is measured.
    """

    passed: Case
    added: Case
    at_most: float | None = None
    then: bool = False


_PAIRS: Final[tuple[tuple[Operation, Spoken], ...]] = (
    (CHAT, "messages"),
    (MESSAGES, "chat"),
    (CHAT, "gemini"),
)


def _compare(
    kind: str, at_most: float | None, *, stream: bool = False, concurrency: int = 32
) -> tuple[Comparison, ...]:
    """All pairs of wires for one kind of call; ``kind`` follows the caller's wire in its name."""
    made = []
    for plain, spoken in _PAIRS:
        long = bool(kind)
        passed = Operation(plain.name + kind, plain.wire, large=long, talk=long)
        translated = msgspec.structs.replace(
            passed, name=f"{passed.name}_to_{spoken}", spoken=spoken
        )
        cases = [Case(operation, stream, concurrency) for operation in (passed, translated)]
        made.append(Comparison(cases[0], cases[1], at_most))
    return tuple(made)


TRANSLATED: Final = (
    *_compare("", 3, stream=True, concurrency=100),
    *_compare("_talk_200kb", 2),
    *_compare("", None),
)

LOOKED_UP: Final = Operation(
    "chat_looked_up", "chat", feature="looked_up", fresh=True, filtered=True
)
EVERYTHING_NEW: Final = Operation("chat_everything_new", "chat", feature="everything", fresh=True)
CACHED_HIT: Final = Operation("chat_cached_hit", "chat", feature="cached")
HEDGED: Final = Operation("chat_hedged", "chat", feature="hedged")
BUFFERED: Final = Operation("chat_buffered", "chat", feature="buffered")
GUARDED: Final = Operation("chat_guarded", "chat", feature="guarded")
_MOST_FOR_POLICIES: Final = 1.1
_MOST_FOR_A_HIT: Final = 0.6
_FEATURED: Final[tuple[tuple[Operation, float | None], ...]] = (
    (Operation("chat_routed", "chat", feature="routed"), _MOST_FOR_POLICIES),
    (LOOKED_UP, _MOST_FOR_POLICIES),
    (EVERYTHING_NEW, None),
    (CACHED_HIT, _MOST_FOR_A_HIT),
    (Operation("chat_everything_hit", "chat", feature="everything"), _MOST_FOR_A_HIT),
    (HEDGED, None),
    (GUARDED, None),
    (BUFFERED, None),
)
FEATURED: Final = tuple(
    Comparison(
        Case(CHAT, stream, concurrency),
        Case(operation, stream, concurrency),
        at_most,
        then=at_most == _MOST_FOR_POLICIES,
    )
    for stream, concurrency in ((False, 32), (True, 100))
    for operation, at_most in _FEATURED
    # Only streams are held, and they end well.
    if operation is not (LOOKED_UP if stream else BUFFERED)
)


def _cases_of(comparisons: tuple[Comparison, ...]) -> tuple[Case, ...]:
    """Each once, and what is compared beside one another in time."""
    return tuple(dict.fromkeys(case for pair in comparisons for case in (pair.passed, pair.added)))


TRANSLATION_CASES: Final = _cases_of(TRANSLATED)
FEATURED_CASES: Final = _cases_of(FEATURED)
ALL_CASES: Final = tuple(dict.fromkeys((*FULL_CASES, *TRANSLATION_CASES, *FEATURED_CASES)))


def provider_paths(*, stream: bool) -> dict[str, Operation]:
    """All paths on which the provider is asked, and one of the operations that ask there."""
    return {case.provider_path: case.operation for case in ALL_CASES if case.stream is stream}


def choose(operation: str | None, concurrency: int | None, *, quick: bool) -> list[Case]:
    """The cases of a run, narrowed to one operation and one concurrency where they are given."""
    narrowed = operation is not None or concurrency is not None
    if operation is not None:
        cases = ALL_CASES
    else:
        cases = QUICK_CASES if quick and not narrowed else FULL_CASES
    return [
        case
        for case in cases
        if operation in {None, case.operation.name} and concurrency in {None, case.concurrency}
    ]
