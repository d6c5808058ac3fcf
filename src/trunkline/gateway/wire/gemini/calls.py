"""The ids of function calls, which this wire leaves to the caller, and the results of each call."""

from typing import Final, Protocol

from typing_extensions import override

# As much of an attempt's seed as keeps an id within the 40 letters that OpenAI takes.
_SEED_LETTERS: Final = 24


class CallIds(Protocol):
    """Gives each call its id, and each result that of its call."""

    def called(self, given: str | None, name: str, place: str) -> str:
        """The id of a call of this function at this place, which may have none of its own."""
        ...

    def answered(self, given: str | None, name: str | None, place: str) -> str:
        """The id of the call that a result answers."""
        ...


class Calls(CallIds):
    """The calls of one conversation, in the order in which it is read.

    Its state is the ids that are taken and the calls that wait for their results. Ids that we make
    say only where the call stands; they are too short to be taken for a provider's.
    """

    __slots__ = ("_answering", "_taken", "_waiting")

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._waiting: list[tuple[str, str]] = []
        self._answering = False

    @override
    def called(self, given: str | None, name: str, place: str) -> str:
        if self._answering:
            self._waiting = []
            self._answering = False
        call_id = given or f"c{place}"
        while not given and call_id in self._taken:
            call_id += "x"
        self._taken.add(call_id)
        self._waiting.append((call_id, name))
        return call_id

    @override
    def answered(self, given: str | None, name: str | None, place: str) -> str:
        # By its id, else by its name and the order of the calls.
        self._answering = True
        for index, (call_id, called) in enumerate(self._waiting):
            if call_id == given if given else called == name:
                del self._waiting[index]
                return call_id
        return given or f"r{place}"


class AnsweredCalls(CallIds):
    """The calls of one answer, with ids made of the attempt's seed. Its state is their number."""

    __slots__ = ("_count", "_seed")

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    @override
    def called(self, given: str | None, name: str, place: str) -> str:
        number = self._count
        self._count += 1
        return given or made_id(self._seed, number)

    @override
    def answered(self, given: str | None, name: str | None, place: str) -> str:
        # No answer should have a result.
        return given or f"r{place}"


def made_id(seed: str, number: int) -> str:
    """An id for the call of this number in the answer of this seed."""
    return f"call_{seed[-_SEED_LETTERS:]}_{number}"
