"""The table of results in docs/clients.md, which the drill writes between two marks."""

from collections.abc import Sequence
from pathlib import Path

from tests.drills.clients.turn import Turn

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
_BEGIN, _END = "<!-- results -->\n", "<!-- end of results -->"
_WIRES = {
    "anthropic_messages": "Anthropic Messages",
    "openai_chat": "Chat Completions",
    "openai_responses": "Responses",
    "gemini": "Gemini",
}


def write_results(turns: Sequence[Turn], page: Path = PAGE) -> None:
    """Put the table of these turns in the place of the last one."""
    before, begin, rest = page.read_text().partition(_BEGIN)
    _, end, behind = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page.name} has lost the marks around its results")
    page.write_text(f"{before}{_BEGIN}\n{results_table(turns)}\n{_END}{behind}")


def results_table(turns: Sequence[Turn]) -> str:
    """One row for each client, one column for each kind of provider, as Markdown."""
    providers = list(dict.fromkeys(turn.model.provider for turn in turns))
    lines = [
        f"| client | version | its wire | {' | '.join(providers)} |",
        f"|---|---|---|{'---|' * len(providers)}",
    ]
    for title in dict.fromkeys(turn.client.title for turn in turns):
        of_client = {turn.model.provider: turn for turn in turns if turn.client.title == title}
        client = next(iter(of_client.values())).client
        cells = (_cell(of_client[provider]) for provider in providers)
        lines.append(
            f"| {title} | {client.package.version} | {_WIRES[client.speaks]} "
            f"| {' | '.join(cells)} |"
        )
    return "\n".join(lines) + "\n"


def _cell(turn: Turn) -> str:
    if turn.problems:
        return "fails"
    return f"{turn.calls} calls, {turn.seconds:.1f} s"
