"""Writes the tables of docs/conformance.md from the conformance matrix; ``--check`` only compares.

The matrix is the one that tests/conformance/matrix is parametrised over, so that a cell of the page
is a test and the other way round.
"""

import sys
from pathlib import Path

from tests.conformance.matrix.client import KINDS, MEANINGS, Client, Kind
from tests.conformance.matrix.table import CLIENTS

PAGE = Path(__file__).parent.parent / "docs" / "conformance.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"


class Notes:
    """Numbers the reasons, each once, in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, reason: str) -> str:
        """The mark of a reason."""
        return f"[{self._numbers.setdefault(reason, len(self._numbers) + 1)}]"

    def lines(self) -> list[str]:
        """All reasons in the order of their numbers."""
        return [
            f"- [{number}] {reason[0].upper()}{reason[1:]}."
            for reason, number in self._numbers.items()
        ]


def tables() -> str:
    """A section for each kind of client."""
    return "\n\n".join(_section(kind) for kind in KINDS if _clients_of(kind))


def _clients_of(kind: Kind) -> list[Client]:
    return [client for client in CLIENTS if client.kind is kind]


def _section(kind: Kind) -> str:
    notes = Notes()
    rows = [
        ("client", *(f"`{wire}`" for wire in kind.providers)),
        ("---", *("---" for _ in kind.providers)),
        *(_row(client, notes) for client in _clients_of(kind)),
    ]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    meanings = "\n".join(f"- **{deed}**: {MEANINGS[deed]};" for deed in kind.deeds)
    parts = [f"## {kind.title}", meanings[:-1] + ".", table, "\n".join(notes.lines())]
    return "\n\n".join(part for part in parts if part)


def _row(client: Client, notes: Notes) -> tuple[str, ...]:
    return (client.name, *(_cell(client, wire, notes) for wire in client.kind.providers))


def _cell(client: Client, wire: str, notes: Notes) -> str:
    """What is proven: ``all``, or ``all but`` a few, or the few that are."""
    if wire not in client.providers:
        return "-"
    missing = {
        deed: reason
        for deed in client.kind.deeds
        if (reason := client.why_not(wire, deed)) is not None
    }
    if not missing:
        return "all"
    told = ", ".join(f"{deed} {notes.number(reason)}" for deed, reason in missing.items())
    return f"all but {told}"


def page(text: str) -> str:
    """The page with its tables replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def main() -> int:
    """Write the page, or with ``--check`` say whether it is current."""
    present = PAGE.read_text(encoding="utf-8")
    wanted = page(present)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
    elif present != wanted:
        print("docs/conformance.md is not current; run: python -m scripts.build_conformance_docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
