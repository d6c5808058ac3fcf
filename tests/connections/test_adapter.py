"""The snapshots that the data path reads: environment, shared rows, and each organisation's own."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.connections.world import (
    NOON,
    local,
    make_org,
    model,
    price,
    put,
    routes,
    settings,
    until,
)
from typing_extensions import override

from trunkline.connections.environment import environment_names
from trunkline.connections.schemas import ConnectionSpec
from trunkline.connections.service import ConnectionService
from trunkline.errors import Unavailable
from trunkline.gateway.metering.price import FREE, Rates
from trunkline.gateway.providers import makers
from trunkline.gateway.providers.servers import OLLAMA
from trunkline.gateway.snapshot import Connection, Credential, Origin, Target
from trunkline.kit.clock import FakeClock
from trunkline.storage.changes import Change, ChangePoller, changes_after
from trunkline.storage.engine import Database

OPENAI = frozenset({"openai"})


def _rate(target: Target | None) -> int | None:
    assert target is not None
    return target.price.rates.input if target.price else None


async def _changes(database: Database, after: int = 0) -> list[Change]:
    async with database.read(None) as conn:
        return await changes_after(conn, after)


async def test_before_the_first_load_there_is_no_snapshot(sqlite_database: Database) -> None:
    with pytest.raises(Unavailable, match="not known yet"):
        routes(sqlite_database).snapshot("anyone")


async def test_a_key_in_the_environment_publishes_the_models_of_its_provider(
    sqlite_database: Database,
) -> None:
    built = routes(sqlite_database, openai_api_key="sk-1", anthropic_api_key=" ak-1 ")
    await built.load()
    snapshot = built.snapshot("any")
    assert list(snapshot.connections) == ["openai", "anthropic"]
    assert snapshot.connections["openai"] == Connection(
        id="environment/openai",
        name="openai",
        provider="openai",
        wires=dict.fromkeys(makers.OPENAI.wires, "/v1"),
        origin=Origin("https", "api.openai.com", 443),
        headers=(),
        credentials=(Credential("1", ((b"authorization", b"Bearer sk-1"),)),),
        cancels_on_close=True,
        private=True,
        output_limit_field="max_completion_tokens",
        quirks=makers.OPENAI.quirks,
    )
    anthropic = snapshot.connections["anthropic"]
    assert anthropic.headers == ((b"anthropic-version", b"2023-06-01"),)
    assert anthropic.credentials[0].headers == ((b"x-api-key", b"ak-1"),)
    assert anthropic.wires == {"anthropic_messages": ""}
    names = {"gpt-4o", "gpt-4o-2024-08-06", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"}
    assert names <= snapshot.aliases.keys()
    (target,) = snapshot.aliases["gpt-4o-mini"].targets
    assert (target.model, target.max_output_tokens, target.context_window) == (
        "gpt-4o-mini", 16_384, 128_000,
    )  # fmt: skip
    assert target.price is not None
    assert target.price.rates == Rates(
        input=150_000_000, cache_read=75_000_000, cache_write=150_000_000,
        cache_write_5m=150_000_000, cache_write_1h=150_000_000, audio_input=150_000_000,
        output=600_000_000, reasoning=600_000_000, audio_output=600_000_000,
        searches=10_000_000_000_000,
    )  # fmt: skip
    assert target.price.ref == "genai-prices-0.2.3/openai/gpt-4o-mini@2026-10-12"


async def test_chat_models_stand_before_all_others(sqlite_database: Database) -> None:
    built = routes(sqlite_database, openai_api_key="sk-1", gemini_api_key="g")
    await built.load()
    kinds = [alias.kind for alias in built.snapshot("any").aliases.values()]
    assert kinds == sorted(kinds, key=lambda kind: kind != "chat")
    assert {"chat", "embedding", "image"} <= set(kinds)


async def test_no_name_is_published_that_is_only_a_pattern(sqlite_database: Database) -> None:
    built = routes(sqlite_database, openai_api_key="k", gemini_api_key="g", mistral_api_key="m")
    await built.load()
    names = built.snapshot("any").aliases
    assert [name for name in names if name.endswith("-") or ":" in name] == []
    assert [name for name in names if name.startswith("claude")] == []


async def test_the_first_provider_keeps_a_name_and_the_next_one_is_prefixed(
    sqlite_database: Database,
) -> None:
    built = routes(sqlite_database, openai_api_key="k", together_api_key="t")
    await built.load()
    aliases = built.snapshot("any").aliases
    own = [name for name in aliases if name.startswith("together/openai/")]
    assert own == []
    assert aliases["openai/gpt-oss-120b"].targets[0].connection.name == "together"


async def test_a_cloud_publishes_nothing_and_prices_what_it_is_asked_for(
    sqlite_database: Database,
) -> None:
    built = routes(
        sqlite_database,
        openai_api_key="k",
        azure_openai_api_key="a",
        azure_openai_endpoint="https://a.openai.azure.com",
        bedrock_region="eu-central-1",
        bedrock_api_key="b",
    )
    await built.load()
    snapshot = built.snapshot("any")
    clouds = {"azure", "bedrock"}
    assert clouds < snapshot.connections.keys()
    published = {t.connection.name for a in snapshot.aliases.values() for t in a.targets}
    assert published == {"openai"}
    # Azure's own list does not have this model, and OpenAI's does.
    azure, openai = (built.target_for(snapshot, f"{name}/gpt-4o") for name in ("azure", "openai"))
    assert _rate(azure) == _rate(openai) is not None
    claude = built.target_for(snapshot, "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    assert claude is not None
    assert (claude.family, claude.max_output_tokens, _rate(claude)) == (
        "anthropic", 64_000, 3_300_000_000,
    )  # fmt: skip


async def test_organisations_without_rows_share_every_object(sqlite_database: Database) -> None:
    built = routes(sqlite_database, openai_api_key="sk-1")
    await built.load()
    one, two = built.snapshot("one"), built.snapshot("two")
    assert (one.org_id, two.org_id) == ("one", "two")
    assert one.aliases is two.aliases
    assert one is built.snapshot("one")


async def test_ollama_needs_no_key_and_its_models_cost_exactly_nothing(
    sqlite_database: Database,
) -> None:
    built = routes(sqlite_database, ollama_host="127.0.0.1:7777")
    await built.load()
    snapshot = built.snapshot("any")
    connection = snapshot.connections["ollama"]
    assert (str(connection.origin), connection.headers) == ("http://127.0.0.1:7777", ())
    assert connection.wires == {
        wire: "/v1" if wire.startswith("openai") else "" for wire in OLLAMA.wires
    }
    target = built.target_for(snapshot, "ollama/llama3:70b")
    assert target is not None
    assert (target.model, target.price and target.price.rates) == ("llama3:70b", FREE)


async def test_any_model_of_a_connection_passes_by_its_name(sqlite_database: Database) -> None:
    built = routes(sqlite_database, openai_api_key="k", together_api_key="t")
    await built.load()
    snapshot = built.snapshot("any")
    known = built.target_for(snapshot, "openai/gpt-4o-2024-05-13")
    assert _rate(known) == 5_000_000_000
    assert built.target_for(snapshot, "openai/gpt-4o-2024-05-13") is known
    assert _rate(built.target_for(snapshot, "openai/brand-new")) is None
    slashed = built.target_for(snapshot, "together/org/model")
    assert slashed is not None
    assert slashed.model == "org/model"
    for name in ("gpt-4o", "openai/", "openai", "/gpt-4o", "nobody/gpt-4o", "openai/a\nb", ""):
        assert built.target_for(snapshot, name) is None, name
    assert built.target_for(snapshot, "openai/" + "x" * 500) is None


async def test_names_without_end_do_not_fill_the_memory(sqlite_database: Database) -> None:
    built = routes(sqlite_database, ollama_host="127.0.0.1")
    await built.load()
    snapshot = built.snapshot("any")
    for number in range(5_000):
        built.target_for(snapshot, f"ollama/x{number}")
    assert len(built._passed) <= 4_096


async def test_rows_of_an_organisation_stand_before_what_is_shared(database: Database) -> None:
    org, other = await make_org(database, "acme"), await make_org(database, "beta")
    await put(database, None, local("gpu"), model("fast", "gpu/shared"), model("kept", "gpu/kept"))
    await put(
        database,
        org,
        model(
            "fast",
            "gpu/own",
            "openai/gpt-4o",
            max_tokens=7,
            hold_headers=1.5,
            on_unsupported="refuse",
        ),
        model("gpt-4o", "gpu/instead"),
        environment=OPENAI,
    )
    built = routes(database, openai_api_key="k", hold_headers=9.0)
    await built.load()
    mine, theirs = built.snapshot(org).aliases, built.snapshot(other).aliases
    assert [t.model for t in mine["fast"].targets] == ["own", "gpt-4o"]
    assert (mine["fast"].max_tokens, mine["fast"].hold_headers) == (7, 1.5)
    assert (mine["fast"].created, mine["fast"].kind) == (int(NOON), "chat")
    assert [model.on_unsupported for model in (mine["fast"], mine["gpt-4o"], theirs["fast"])] == [
        "refuse", "drop", "drop",
    ]  # fmt: skip
    assert mine["gpt-4o"].targets[0].model == "instead"
    assert theirs["gpt-4o"].targets[0].model == "gpt-4o"
    assert theirs["fast"].hold_headers == 9.0
    assert mine["kept"] is theirs["kept"]
    assert mine["gpt-4o-mini"] is theirs["gpt-4o-mini"]


async def test_an_organisations_own_account_serves_it_the_shared_models(
    sqlite_database: Database,
) -> None:
    org = await make_org(sqlite_database, "acme")
    spec = ConnectionSpec(name="openai", provider="openai", secret="env:ACME")
    await put(sqlite_database, org, spec)
    built = routes(sqlite_database, openai_api_key="shared", variables={"ACME": "own"})
    await built.load()
    (target,) = built.snapshot(org).aliases["gpt-4o"].targets
    assert target.connection.credentials[0].headers == ((b"authorization", b"Bearer own"),)
    assert target.connection is built.snapshot(org).connections["openai"]
    (shared,) = built.snapshot("other").aliases["gpt-4o"].targets
    assert shared.connection.credentials[0].headers == ((b"authorization", b"Bearer shared"),)


async def test_a_connection_of_the_same_name_to_another_provider_takes_no_shared_models(
    sqlite_database: Database,
) -> None:
    org = await make_org(sqlite_database, "acme")
    await put(sqlite_database, org, local("openai"))
    built = routes(sqlite_database, openai_api_key="shared")
    await built.load()
    assert built.snapshot(org).connections["openai"].provider == "vllm"
    (target,) = built.snapshot(org).aliases["gpt-4o"].targets
    assert target.connection.provider == "openai"


async def test_the_most_specific_price_of_the_nearest_owner_wins(
    sqlite_database: Database,
) -> None:
    org = await make_org(sqlite_database, "acme")
    await put(
        sqlite_database,
        None,
        price(provider="openai", input="2"),
        price(provider="openai", model="gpt-4o", input="3", request="1"),
        price(provider="vllm", model="paid", input="8"),
        local("gpu"),
    )
    own = (
        price(connection="openai", model="*", input="4"),
        price(connection="openai", model="o3", input="5"),
    )
    await put(sqlite_database, org, *own, environment=OPENAI)
    built = routes(sqlite_database, openai_api_key="k")
    await built.load()
    usd = 1_000_000_000

    def rates(org_id: str, *names: str) -> list[int | None]:
        snapshot = built.snapshot(org_id)
        return [_rate(built.target_for(snapshot, name)) for name in names]

    names = ("openai/gpt-4o", "openai/o3", "openai/new", "gpu/paid", "gpu/unpaid")
    assert rates("other", *names) == [3 * usd, 2 * usd, 2 * usd, 8 * usd, 0]
    assert rates(org, *names) == [4 * usd, 5 * usd, 4 * usd, 8 * usd, 0]
    (published,) = built.snapshot(org).aliases["o3"].targets
    assert _rate(published) == 5 * usd
    shared = built.target_for(built.snapshot("other"), "openai/gpt-4o")
    assert shared is not None
    assert shared.price is not None
    assert shared.price.fixed == usd
    assert shared.price.ref.startswith("override/")


async def test_a_dated_price_is_taken_into_use_when_its_time_comes(
    sqlite_database: Database,
) -> None:
    clock = FakeClock(NOON)
    now = price(provider="openai", input="1")
    soon = price(provider="openai", input="2", since="2026-11-22")
    await put(sqlite_database, None, now, soon)
    built = routes(sqlite_database, clock=clock, openai_api_key="k")
    await built.load()
    before = built.snapshot("any")
    clock.advance(12 * 3600 - 1)
    await built.refresh()
    assert built.snapshot("any") is before
    clock.advance(1)
    await built.refresh()
    (target,) = built.snapshot("any").aliases["gpt-4o"].targets
    assert _rate(target) == 2_000_000_000


async def test_the_off_peak_hours_of_a_provider_come_and_go(sqlite_database: Database) -> None:
    clock = FakeClock(NOON)
    org = await make_org(sqlite_database, "acme")
    deep = ConnectionSpec(name="deep", provider="deepseek", secret="env:K")
    await put(sqlite_database, org, deep, model("chat", "deep/deepseek-chat"))
    built = routes(sqlite_database, clock=clock, variables={"K": "k"})
    await built.load()
    rates = []
    for _ in range(4):
        (target,) = built.snapshot(org).aliases["chat"].targets
        rates.append(_rate(target))
        clock.advance(5 * 3600)
        await built.refresh()
    # 12:00 and 17:00, 22:00 and 03:00 UTC; the dear hours are 00:30 to 16:30.
    assert rates == [270_000_000, 135_000_000, 135_000_000, 270_000_000]


async def test_a_running_process_follows_prices_by_itself(sqlite_database: Database) -> None:
    clock = FakeClock(NOON)
    soon = price(provider="openai", input="2", since="2026-11-22")
    await put(sqlite_database, None, soon)
    built = routes(sqlite_database, clock=clock, openai_api_key="k")
    clock.advance(12 * 3600 - 0.05)
    await built.start()
    before = built.snapshot("any")
    clock.advance(1)
    await until(lambda: built.snapshot("any") is not before)
    (target,) = built.snapshot("any").aliases["gpt-4o"].targets
    assert _rate(target) == 2_000_000_000
    await built.stop()
    await built.stop()


async def test_only_the_touched_organisation_is_built_again(database: Database) -> None:
    acme, beta = await make_org(database, "acme"), await make_org(database, "beta")
    for org in (acme, beta):
        await put(database, org, local("gpu"), model("fast", "gpu/one"))
    built = routes(database, openai_api_key="k")
    await built.load()
    before = {org: built.snapshot(org) for org in (acme, beta, "plain")}
    seen = before[acme].version
    await put(database, acme, model("fast", "gpu/two"))
    changes = await _changes(database, seen)
    await built.apply(changes)
    after = built.snapshot(acme)
    assert after.aliases["fast"].targets[0].model == "two"
    assert after.version == changes[-1].seq > seen
    assert built.snapshot(beta) is before[beta]
    assert built.snapshot("plain") is before["plain"]
    assert after.aliases["gpt-4o"] is before[acme].aliases["gpt-4o"]


async def test_a_shared_change_reaches_every_organisation(database: Database) -> None:
    org = await make_org(database, "acme")
    await put(database, org, local("own"))
    built = routes(database)
    await built.load()
    seen = built.snapshot(org).version
    await put(database, None, local("gpu"), model("fast", "gpu/x"))
    await built.apply(await _changes(database, seen))
    assert "fast" in built.snapshot(org).aliases
    assert "fast" in built.snapshot("plain").aliases
    assert list(built.snapshot(org).connections) == ["gpu", "own"]


async def test_an_organisation_whose_last_row_is_gone_has_the_shared_part_again(
    database: Database,
) -> None:
    org = await make_org(database, "acme")
    await put(database, org, local("own"))
    built = routes(database, openai_api_key="k")
    await built.load()
    seen = built.snapshot(org).version
    async with database.write(org) as conn:
        await ConnectionService().delete_connection(conn, org, "own")
    await built.apply(await _changes(database, seen))
    assert list(built.snapshot(org).connections) == ["openai"]
    assert built.snapshot(org).aliases is built.snapshot("plain").aliases
    assert built.snapshot(org).version > seen


async def test_changes_of_other_features_build_nothing(sqlite_database: Database) -> None:
    built = routes(sqlite_database, openai_api_key="k")
    await built.load()
    before = built.snapshot("any")
    await built.apply([Change(9, "any", "api_key", "x"), Change(10, None, "organisation", "y")])
    assert built.snapshot("any") is before


async def test_a_change_before_the_first_load_loads(sqlite_database: Database) -> None:
    built = routes(sqlite_database, openai_api_key="k")
    await built.apply([Change(1, "any", "alias", "x")])
    assert "gpt-4o" in built.snapshot("any").aliases


async def test_the_poller_brings_a_change_of_another_process(sqlite_database: Database) -> None:
    org = await make_org(sqlite_database, "acme")
    built = routes(sqlite_database)
    poller = ChangePoller(sqlite_database, interval=0.01, on_changes=built.apply)
    await poller.start()
    await built.start()
    await put(sqlite_database, org, local("gpu"), model("fast", "gpu/x"))
    await until(lambda: "fast" in built.snapshot(org).aliases)
    await built.stop()
    await poller.stop()


class FailingDatabase(Database):
    """A real database that can be told to stop answering."""

    away = False

    @override
    def read(self, org_id: str | None) -> AbstractAsyncContextManager[AsyncConnection]:
        if self.away:
            raise Unavailable("The database does not answer.")
        return super().read(org_id)


async def test_while_the_database_is_away_the_last_snapshots_stay_in_use(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock(NOON)
    await put(sqlite_database, None, price(provider="openai", input="2", since="2026-11-22"))
    database = FailingDatabase(sqlite_database._backend)
    built = routes(database, clock=clock, openai_api_key="k")
    clock.advance(12 * 3600 - 0.05)
    await built.start()
    before = built.snapshot("any")
    database.away = True
    clock.advance(1)
    await until(lambda: "not in use yet" in caplog.text)
    with pytest.raises(Unavailable):
        await built.apply([Change(1, None, "alias", "x")])
    assert built.snapshot("any") is before
    database.away = False
    await until(lambda: built.snapshot("any") is not before)
    await built.stop()


async def test_what_cannot_be_used_is_told_once_and_the_rest_works(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    org = await make_org(sqlite_database, "acme")
    await put(
        sqlite_database,
        org,
        ConnectionSpec(name="locked", provider="openai", secret="env:MISSING"),
        model("half", "gone/x", "locked/y"),
        model("none", "gone/x"),
        environment=frozenset({"gone"}),
    )
    built = routes(sqlite_database)
    with caplog.at_level(logging.WARNING):
        await built.load()
        await built.load()
    assert built.problems == (
        "the connection 'locked' has no secret: the environment has no MISSING",
        "the model 'half' wants the unknown connection 'gone'",
        "the model 'none' wants the unknown connection 'gone'",
        "the model 'none' has no target that can be reached",
    )
    assert len(caplog.records) == len(set(built.problems))
    snapshot = built.snapshot(org)
    assert list(snapshot.aliases) == ["half"]
    assert snapshot.connections["locked"].headers == ()


async def test_a_row_of_a_provider_that_is_no_more_is_left_out(sqlite_database: Database) -> None:
    old = ConnectionSpec.model_construct(
        name="old", provider="gone", base_url=None, secret=None, headers={}, cancels_on_close=None
    )
    await put(sqlite_database, None, old)
    built = routes(sqlite_database)
    await built.load()
    assert built.snapshot("any").connections == {}
    assert built.problems == ("the connection 'old' is left out: there is no provider 'gone'",)


async def test_secrets_from_files_headers_and_flags_reach_the_connection(
    sqlite_database: Database, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from-file\n")
    spec = ConnectionSpec(
        name="main",
        provider="anthropic_compatible",
        base_url="https://llm.example:8443/anthropic/v1/",
        secret=f"file:{tmp_path}/secret",
        headers={"X-Team": "a"},
        cancels_on_close=True,
    )
    async with sqlite_database.write(None) as conn:
        await ConnectionService().ensure_connection(conn, None, spec, private=True)
    built = routes(sqlite_database)
    await built.load()
    connection = built.snapshot("any").connections["main"]
    assert connection == Connection(
        id=connection.id,
        name="main",
        provider="anthropic_compatible",
        wires={"anthropic_messages": "/anthropic"},
        origin=Origin("https", "llm.example", 8443),
        headers=((b"x-team", b"a"), (b"anthropic-version", b"2023-06-01")),
        credentials=(Credential("1", ((b"x-api-key", b"from-file"),)),),
        cancels_on_close=True,
        private=True,
    )
    assert "from-file" not in repr(connection)


class SteppingClock(FakeClock):
    """A clock on which each look at steady time costs a millisecond."""

    @override
    def monotonic(self) -> float:
        self.advance(0.001)
        return super().monotonic()


async def test_the_event_loop_gets_a_turn_while_a_large_catalogue_is_built(
    sqlite_database: Database,
) -> None:
    built = routes(sqlite_database, clock=SteppingClock(NOON), openai_api_key="k")
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await built.load()
    counting.cancel()
    assert turns > len(built.snapshot("any").aliases)


def test_the_names_of_the_environments_connections_are_known_without_a_database() -> None:
    chosen = settings(openai_api_key="k", ollama_host="h")
    assert environment_names(chosen) == {"openai", "ollama"}
