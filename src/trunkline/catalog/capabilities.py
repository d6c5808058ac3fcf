"""What genai-prices does not know of a model: its longest output, and how dense its tokens are.

``bundled/capabilities.json`` is kept by hand; each line carries its source and the month in which
it was read. The first line that matches wins.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from trunkline.catalog.rows import Match

CAPABILITIES = "capabilities.json"


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

    def dated_names(self, provider: str, model_id: str) -> tuple[str, ...]:
        """Further upstream ids of a model of the catalogue."""
        return self._dated.get((provider, model_id), ())


def _first(facts: tuple[Fact, ...], name: str, default: float) -> float:
    """The value for a name; a vendor before a slash, as in ``openai/gpt-4o``, is left away."""
    bare = name.lower().rpartition("/")[2]
    return next((fact.value for fact in facts if fact.match.matches(bare)), default)
