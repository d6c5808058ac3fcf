"""What is exported can be applied again and changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.configuration.rich import RICH
from tests.configuration.world import applied, exported, planned, second_key

from trunkline.configuration.writing import yaml_of, yaml_of_all
from trunkline.storage.engine import Database


async def test_a_rich_configuration_comes_back_as_it_was_written(database: Database) -> None:
    await applied(database, RICH)
    shared, acme, globex = await exported(database)
    again = yaml_of_all([shared, acme, globex])
    assert (await applied(database, again)).changes == ()
    assert (await applied(database, again, prune=True)).changes == ()
    assert [*(await exported(database))] == [shared, acme, globex]
    assert globex == {
        "version": 1,
        "organisation": "globex",
        "name": "globex",
        "time_zone": "UTC",
        "tier": None,
    }
    # No secret, no default, no number where money is meant.
    assert yaml_of(shared) == SHARED
    assert acme["keys"] == [
        {"name": "ann", "user": "ann@acme.example", "expires": "2027-01-01T00:00:00Z"},
        {
            "name": "build",
            "team": "research",
            "scopes": ["inference"],
            "aliases": ["shared", "vendor/fast"],
            "tags": {"cost-centre": "42"},
            "tier": "house",
            "cache": False,
            "buffered": True,
            "expires": "2027-01-01T12:00:00.250Z",
        },
        {"name": "plain"},
    ]
    assert acme["connections"][1:] == [
        {"name": "bedrock", "provider": "bedrock", "region": "eu-central-1",
         "secret": "env:BEDROCK"},
        {"name": "odd", "provider": "azure", "base_url": "https://odd.example/openai/v1",
         "secret": "env:AZURE"},
        {"name": "vertex", "provider": "vertex", "region": "europe-west1", "project": "acme-llm",
         "secret": "file:/v.json"},
        # The worldwide address has a host of its own.
        {"name": "world", "provider": "vertex", "secret": "file:/v.json", "base_url":
         "https://aiplatform.googleapis.com/v1/projects/acme-llm/locations/global"
         "/publishers/google"},
    ]  # fmt: skip
    assert acme["budgets"][:3] == [
        {"amount": "0.000000001", "window": "total", "hard": False},
        {"amount": "1000.00", "name": "all"},
        {"scope": "alias", "scope_id": "shared", "amount": "1.00", "window": "day",
         "reserve": "expected", "overshoot": "0.10"},
    ]  # fmt: skip


SHARED = """\
version: 1
connections:
  - {name: gpu, provider: vllm, base_url: 'http://10.0.0.7:8000/v1'}
  - name: openai
    provider: openai
    secrets: ['env:OPENAI_A', 'env:OPENAI_B', 'file:/run/secrets/openai']
    headers: {openai-project: proj_1}
    cancels_on_close: false
guardrails:
  - name: hide
    kind: pii
    way: in
    action: redact
    pii:
      entities: [email, phone]
models:
  - name: embedder
    kind: embedding
    targets:
      - {connection: openai, model: text-embedding-3-small}
  - name: shared
    targets:
      - {connection: gpu, model: llama}
prices:
  - {connection: gpu, model: llama, input: '0.00', output: '0.00'}
  - {provider: openai, model: gpt-4o, since: '2026-12-01', input: '2.00', cache_read: '1.00',\
 output: '8.00',
    searches: '10.00', request: '0.0001'}
  - {provider: openai_compatible, free: true}
tiers:
  - {name: free, requests_per_day: 11, upgrade_hint: Ask.}
  - {name: trial, requests_per_day: 25, upgrade_hint: Buy more.}
"""


async def test_of_keys_with_one_name_the_oldest_is_exported(database: Database) -> None:
    await applied(database, "organisation: acme\nkeys: [{name: a, tags: {n: '1'}}]")
    await second_key(database, "acme", "a")
    _, acme = await exported(database)
    assert acme["keys"] == [{"name": "a", "tags": {"n": "1"}}]
    assert (await planned(database, yaml_of(acme), prune=True)).is_empty


def _by(*fields: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda item: tuple(item[field] for field in fields)


SEVERAL = st.integers(1, 3)
NAMES = st.sampled_from(["alpha", "beta/one", "gamma-2"])
MODELS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"name": NAMES, "targets": st.lists(
        st.fixed_dictionaries(
            {"connection": st.just("gpu"), "model": st.sampled_from(["a", "b", "c"])},
            optional={"weight": SEVERAL, "state": st.sampled_from(["active", "draining"])},
        ),
        min_size=1, max_size=3, unique_by=_by("model"),
    )},
    optional={
        "max_tokens": st.integers(1, 9999),
        "route": st.fixed_dictionaries({}, optional={
            "policy": st.sampled_from(["ordered", "latency", "price", "weighted"]),
            "buffered": st.booleans(),
            "retry": st.fixed_dictionaries({}, optional={"attempts": SEVERAL, "cap": SEVERAL}),
            "hedge": st.none() | st.just({}),
        }),
        "cache": st.fixed_dictionaries({}, optional={
            "enabled": st.none() | st.booleans(), "ttl": st.floats(1, 9e4),
        }),
    },
)  # fmt: skip
AMOUNTS = st.integers(1, 10**15).map(lambda nano: f"{nano // 10**9}.{nano % 10**9:09d}")
ORGANISATIONS = st.fixed_dictionaries(
    {"organisation": st.just("acme")},
    optional={
        "name": st.text("ab c", min_size=1).filter(str.strip).map(str.strip),
        "connections": st.just([
            {"name": "gpu", "provider": "vllm", "base_url": "http://10.0.0.7"}
        ]),
        "models": st.lists(MODELS, max_size=3, unique_by=_by("name")),
        "prices": st.lists(st.fixed_dictionaries({
            "provider": st.sampled_from(["openai", "groq"]), "input": AMOUNTS, "output": AMOUNTS,
            "since": st.dates().filter(lambda day: day.year > 1970).map(str),
        }), max_size=2, unique_by=_by("provider", "since")),
        "limits": st.lists(st.fixed_dictionaries({
            "counts": st.sampled_from(["requests", "tokens"]), "amount": st.integers(1, 10**12),
            "per_seconds": st.integers(1, 3600),
        }), max_size=2, unique_by=_by("counts", "per_seconds")),
        "budgets": st.lists(st.fixed_dictionaries({
            "name": st.sampled_from(["a", "b"]), "amount": AMOUNTS,
            "window": st.sampled_from(["day", "total"]), "hard": st.booleans(),
        }), max_size=2, unique_by=_by("name", "window")),
        "keys": st.lists(st.fixed_dictionaries(
            {"name": st.sampled_from(["a", "b"])},
            optional={"cache": st.none() | st.booleans(), "buffered": st.booleans()},
        ), max_size=2, unique_by=_by("name")),
    },
)  # fmt: skip


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=ORGANISATIONS, second=ORGANISATIONS)
async def test_a_plan_after_apply_and_one_of_an_export_are_empty(
    sqlite_database: Database, first: dict[str, Any], second: dict[str, Any]
) -> None:
    shared = "connections: [{name: gpu, provider: vllm, base_url: 'http://10.0.0.8'}]\n---\n"
    for document in (first, second):
        text = shared + yaml_of(document)
        await applied(sqlite_database, text, prune=True)
        assert (await planned(sqlite_database, text, prune=True)).is_empty
        export = yaml_of_all(await exported(sqlite_database))
        assert (await planned(sqlite_database, export, prune=True)).is_empty


@pytest.mark.parametrize(
    "document",
    [{"organisation": "acme", "name": "acme", "time_zone": "UTC", "tier": None}, {"version": 1}],
)
async def test_an_owner_without_anything_is_exported(
    sqlite_database: Database, document: dict[str, Any]
) -> None:
    await applied(sqlite_database, "organisation: acme")
    assert {"version": 1} | document in await exported(sqlite_database)
