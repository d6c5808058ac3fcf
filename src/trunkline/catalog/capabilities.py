"""What genai-prices does not know of a model: how long its output is, and what it refuses.

``bundled/capabilities.json`` is kept by hand; each line carries its source and the month in which
it was read. The first line that matches wins.
"""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from trunkline.catalog.rows import Match
from trunkline.gateway.exchange.destination import Traits

CAPABILITIES = "capabilities.json"

# What stands before a model's own name: in the ids of Bedrock a region and the maker, in those of
# fine-tuned models a mark.
_BEFORE: Final = re.compile(
    r"^(?:[a-z]{2,6}(?:-[a-z]+)?\.)?(?:anthropic|amazon|meta|mistral|cohere|openai|qwen)\.|^ft:"
)


class Fact(msgspec.Struct, frozen=True):
    """One value for the models that match, and where it comes from."""

    match: Match
    value: float
    source: str
    date: str


class DatedNames(msgspec.Struct, frozen=True):
    """Names that a provider gives a model and that the catalogue knows as a pattern only."""

    provider: str
    model: str
    names: tuple[str, ...]


class TraitRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The traits of the models that match; ``providers`` narrows it to some, empty means any."""

    match: Match
    traits: Traits
    source: str
    date: str
    providers: frozenset[str] = frozenset()


class LateSystemRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models that take a system message after the first user message, at these providers' APIs."""

    match: Match
    providers: frozenset[str]
    source: str
    date: str


class CapabilityFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        default_max_output_tokens: for models without a line: more than most chat models can
            write, so that a hold based on it is rarely too small.
    """

    default_max_output_tokens: int
    default_bytes_per_token: float
    max_output_tokens: tuple[Fact, ...]
    bytes_per_token: tuple[Fact, ...]
    traits: tuple[TraitRow, ...]
    late_system: tuple[LateSystemRow, ...]
    dated_names: tuple[DatedNames, ...]


class Capabilities:
    """Answers by name; it has no state beyond the file, which it reads when it is built."""

    def __init__(self, folder: Traversable | None = None) -> None:
        folder = folder if folder is not None else files("trunkline.catalog") / "bundled"
        self._file = msgspec.json.decode((folder / CAPABILITIES).read_bytes(), type=CapabilityFile)
        self._dated = {(row.provider, row.model): row.names for row in self._file.dated_names}

    def max_output_tokens(self, name: str, context_window: int | None = None) -> int:
        """The most tokens that a model writes, and never more than its context holds."""
        most = int(_first(self._file.max_output_tokens, name, self._file.default_max_output_tokens))
        return most if context_window is None else min(most, context_window)

    def bytes_per_token(self, name: str) -> float:
        """UTF-8 bytes in a token, rather too few than too many, for estimates only."""
        return _first(self._file.bytes_per_token, name, self._file.default_bytes_per_token)

    def traits(self, provider: str, name: str) -> Traits:
        """What a model of one of our providers refuses, and how it is told to think.

        A model without a line refuses nothing that we know of, and cannot be told how much to
        think: a server that nobody has described may not know the member that would tell it.
        """
        bare = _bare(name)
        traits = next(
            (
                row.traits
                for row in self._file.traits
                if (not row.providers or provider in row.providers) and row.match.matches(bare)
            ),
            Traits(),
        )
        if any(
            provider in row.providers and row.match.matches(bare) for row in self._file.late_system
        ):
            return msgspec.structs.replace(traits, late_system=True)
        return traits

    def dated_names(self, provider: str, model_id: str) -> tuple[str, ...]:
        """Further upstream ids of a model of the catalogue."""
        return self._dated.get((provider, model_id), ())


def _first(facts: tuple[Fact, ...], name: str, default: float) -> float:
    bare = _bare(name)
    return next((fact.value for fact in facts if fact.match.matches(bare)), default)


def _bare(name: str) -> str:
    """The model's own name in lower case, without what resellers put before it."""
    return _BEFORE.sub("", name.lower().rpartition("/")[2])
