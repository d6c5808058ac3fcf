"""Every example of docs/configuration.md is a whole file that can be applied."""

import re
from pathlib import Path

import pytest
from tests.configuration.world import applied

from trunkline.configuration.schema import (
    ConfigurationFile,
    KeySection,
    OrganisationSection,
    TeamSection,
    UserSection,
)
from trunkline.connections.schemas import (
    ConnectionSpec,
    ModelSpec,
    PriceSpec,
    TargetSpec,
)
from trunkline.limits.schemas import BudgetSpec, LimitSpec, TierSpec
from trunkline.storage.engine import Database

PAGE = Path(__file__).parent.parent.parent / "docs" / "configuration.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
SECTIONS = (
    ConfigurationFile, OrganisationSection, TeamSection, UserSection, KeySection, ConnectionSpec,
    ModelSpec, TargetSpec, PriceSpec, TierSpec, LimitSpec, BudgetSpec,
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
async def test_each_example_is_applied_and_is_idempotent(
    sqlite_database: Database, number: int
) -> None:
    first = await applied(sqlite_database, EXAMPLES[number], openai_api_key="k")
    assert first.changes != ()
    again = await applied(sqlite_database, EXAMPLES[number], openai_api_key="k", prune=True)
    assert again.changes == ()


def test_the_page_speaks_of_every_field() -> None:
    page = PAGE.read_text(encoding="utf-8")
    fields = {name for section in SECTIONS for name in section.model_fields}
    assert sorted(name for name in fields if not re.search(rf"\b{name}\b", page)) == []
