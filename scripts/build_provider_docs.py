"""Writes the table of docs/providers.md from the provider registry; ``--check`` only compares."""

import sys
from pathlib import Path

from trunkline.gateway.providers.provider import Provider
from trunkline.gateway.providers.registry import PROVIDERS
from trunkline.settings import Settings, environment_names

PAGE = Path(__file__).parent.parent / "docs" / "providers.md"
BEGIN, END = "<!-- providers: begin -->", "<!-- providers: end -->"
HEADINGS = (
    "id", "provider", "wires", "address", "set by", "prices", "when the caller leaves", "checked",
)  # fmt: skip


def table() -> str:
    """One line for each row of the registry, in its order."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(_cells(row) for row in PROVIDERS)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(row: Provider) -> tuple[str, ...]:
    return (
        f"`{row.id}`",
        row.title,
        ", ".join(f"`{wire}`" for wire in row.wires),
        f"`{row.base_url}`" if row.base_url else "each connection names it",
        _settings(row),
        _prices(row),
        "closed" if row.cancels_on_close else "read to the end",
        "recorded transcripts" if row.fixtures else "*unverified*",
    )


def _settings(row: Provider) -> str:
    if not row.settings:
        return "a connection"
    names = [environment_names(Settings.model_fields[name]) for name in row.settings]
    return ", ".join(f"`{others[0] if others else ours}`" for ours, *others in names)


def _prices(row: Provider) -> str:
    if row.self_hosted:
        return "free"
    return f"`{row.price_provider}`" if row.price_provider else "set by hand"


def page(text: str) -> str:
    """The page with its table replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    """Write the page, or with ``--check`` say whether it is current."""
    present = PAGE.read_text(encoding="utf-8")
    wanted = page(present)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(wanted, encoding="utf-8")
    elif present != wanted:
        print("docs/providers.md is not current; run: python -m scripts.build_provider_docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
