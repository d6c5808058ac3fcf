"""Writes the table of docs/providers.md from the provider registry."""

from pathlib import Path

from trunkline.gateway.providers.registry import PROVIDERS, Provider
from trunkline.settings import Settings, environment_names

PAGE = Path(__file__).parent.parent / "docs" / "providers.md"
BEGIN, END = "<!-- providers: begin -->", "<!-- providers: end -->"
HEADINGS = (
    "id", "provider", "wire", "address", "set by", "prices", "when the caller leaves", "checked",
)  # fmt: skip


def table() -> str:
    """One line for each row of the registry, in its order."""
    lines = [HEADINGS, tuple("---" for _ in HEADINGS), *(_cells(row) for row in PROVIDERS)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(row: Provider) -> tuple[str, ...]:
    return (
        f"`{row.id}`",
        row.title,
        f"`{row.wire}`",
        f"`{row.base_url}`" if row.base_url else "each connection names it",
        _setting(row),
        _prices(row),
        "closed" if row.cancels_on_close else "read to the end",
        "recorded transcripts" if row.fixtures else "*unverified*",
    )


def _setting(row: Provider) -> str:
    if row.setting is None:
        return "a connection"
    ours, *others = environment_names(Settings.model_fields[row.setting])
    return f"`{others[0] if others else ours}`"


def _prices(row: Provider) -> str:
    if row.self_hosted:
        return "free"
    return f"`{row.price_provider}`" if row.price_provider else "set by hand"


def page(text: str) -> str:
    """The page with its table replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
