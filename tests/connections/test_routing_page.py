"""Every example of docs/routing.md is a whole file that can be applied, and that serves."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from tests.configuration.world import applied, org_id_of
from tests.connections.world import routes

from trunkline.configuration.schema import ConfigurationFile
from trunkline.connections.route_schemas import (
    CacheSpec,
    CircuitSpec,
    HedgeSpec,
    RetrySpec,
    RouteSpec,
    RuleSpec,
    TimeoutsSpec,
    WhenSpec,
)
from trunkline.connections.schemas import TargetSpec
from trunkline.gateway.policy import FallbackKind, Need, Strategy, TargetState
from trunkline.storage.engine import Database

PAGE = Path(__file__).parent.parent.parent / "docs" / "routing.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
SCHEMAS = (
    RouteSpec, RuleSpec, WhenSpec, RetrySpec, CircuitSpec, TimeoutsSpec, HedgeSpec, CacheSpec,
    TargetSpec,
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
async def test_each_example_is_applied_and_everything_in_it_is_served(
    sqlite_database: Database, number: int
) -> None:
    text = EXAMPLES[number]
    secrets = dict.fromkeys(re.findall(r"env:(\w+)", text), "k")
    first = await applied(sqlite_database, text, variables=secrets)
    assert first.changes != ()
    again = await applied(sqlite_database, text, variables=secrets, prune=True)
    assert again.changes == ()
    built = routes(sqlite_database, variables=secrets)
    await built.load()
    assert built.problems == ()
    file = ConfigurationFile.model_validate(yaml.safe_load(text))
    for name in (model.name for model in file.models):
        assert name in built.snapshot("any").aliases
    for organisation in file.organisations:
        snapshot = built.snapshot(await org_id_of(sqlite_database, organisation.slug))
        assert {model.name for model in organisation.models} <= snapshot.aliases.keys()


def test_the_page_speaks_of_every_field_and_of_every_word() -> None:
    fields = {name for schema in SCHEMAS for name in schema.model_fields}
    words = {
        word for kind in (FallbackKind, Need, Strategy, TargetState) for word in get_args(kind)
    }
    missing = [name for name in fields | words if not re.search(rf"\b{name}\b", TEXT)]
    assert sorted(missing) == []
