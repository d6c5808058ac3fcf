from decimal import Decimal
from pathlib import Path

from trunkline.simulator import PRICES
from trunkline.simulator.fault_table import FAULTS
from trunkline.simulator.faults import _HARMS
from trunkline.simulator.models import MODELS
from trunkline.simulator.openai.samples import OPENAI_SAMPLES

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def dollars(nano: int) -> str:
    return f"{Decimal(nano).scaleb(-9).normalize():f}" if nano else "-"


def price_rows() -> list[str]:
    rows = [
        (
            "| model | first token | tokens/s | input | output | cache read "
            "| write 5 m | write 1 h | others |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for model in MODELS:
        price = PRICES[model.name]
        amounts = (
            price.input,
            price.output,
            price.cache_read,
            price.cache_write_5m,
            price.cache_write_1h,
        )
        others = {
            "sound": price.audio,
            "each search unit": price.search,
            "each second": price.second,
        }
        named = ", ".join(f"{name} {dollars(nano)}" for name, nano in others.items() if nano)
        speed = f"{model.rate:.0f}" if model.rate else "at once"
        cells = [f"`{model.name}`", f"{model.first_token * 1000:.0f} ms", speed]
        rows.append(f"| {' | '.join([*cells, *map(dollars, amounts), named or '-'])} |")
    return rows


def fault_rows() -> list[str]:
    rows = ["| fault | meaning | parameters |", "|---|---|---|"]
    for row in FAULTS:
        params = ", ".join(f"`{name}={value:g}`" for name, value in row.params.items())
        rows.append(f"| `{row.name}` | {row.meaning} | {params or '-'} |")
    return rows


def shown(mark: str) -> list[str]:
    lines = PAGE.read_text().partition(f"<!-- {mark} -->\n\n")[2].splitlines()
    return lines[: lines.index("")]


def test_the_page_shows_the_models_with_their_prices() -> None:
    assert shown("prices") == price_rows()


def test_the_page_shows_the_faults() -> None:
    assert shown("faults") == fault_rows()


def test_every_fault_of_the_table_does_something() -> None:
    # no_usage is heeded where the answer is written, the statuses where it is refused.
    assert {row.name for row in FAULTS} == {*_HARMS, *OPENAI_SAMPLES, "no_usage"}
