"""What a translation could not carry: told to the caller, or the reason to refuse."""

from typing_extensions import override

from trunkline.errors import InvalidRequest


class Losses:
    """Collects what a writer has to leave out. Its state is the list, which one request owns."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def lose(self, what: str, why: str) -> None:
        """Note that something is left out.

        Args:
            what: its name as the field knows it, such as ``top_k``, ``image`` or ``logprobs``.
            why: a clause that goes on "…, since": ``the provider's API has no such setting``.
        """
        self._found.setdefault(what, why)

    @property
    def names(self) -> tuple[str, ...]:
        """What was left out, in the order in which it was met."""
        return tuple(self._found)

    def __bool__(self) -> bool:
        """Whether anything was left out."""
        return bool(self._found)

    @override
    def __repr__(self) -> str:
        return f"Losses({self._found!r})"

    def refuse(self, name: str, hint: str) -> InvalidRequest:
        """The error for an alias that must not lose anything."""
        what, why = next(iter(self._found.items()))
        return InvalidRequest(
            f"'{name}' cannot be asked for '{what}', since {why}.",
            code="unsupported_parameter",
            param=what,
            hint=hint,
        )
