"""``trunkline route explain``: from the database, and from a server that runs."""

import asyncio
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
import uvicorn
from fastapi import Request
from tests.connections.world import put
from tests.gateway.routing.examples import Seen, alias, targets
from typer.testing import CliRunner, Result

from trunkline.cli.exits import Exit
from trunkline.cli.route import app
from trunkline.connections.endpoints import router
from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec
from trunkline.control import build_control
from trunkline.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    TrunklineError,
    Unauthenticated,
    Unavailable,
)
from trunkline.gateway.bare import FixedRoutes
from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import Condition, Rule
from trunkline.gateway.snapshot import Snapshot
from trunkline.identity.service.organisations import create_organisation, create_team
from trunkline.kit.clock import SystemClock
from trunkline.storage.engine import Database

Run = Callable[..., Result]

CONNECTIONS = [
    {"name": "gpu", "provider": "vllm", "base_url": "http://10.0.0.7:8000/v1"},
    {"name": "odd", "provider": "openai_compatible", "base_url": "http://10.0.0.8/v1"},
]
MODELS = [
    {
        "name": "fast",
        "targets": [
            {"connection": "gpu", "model": "small"},
            {"connection": "gpu", "model": "large", "weight": 3},
            {"connection": "odd", "model": "old", "state": "disabled"},
        ],
        "route": {
            "rules": [
                {"when": {"team": "research", "tags": {"env": "prod"}}, "targets": ["gpu/large"]},
                {"when": {"needs": ["vision"]}, "targets": ["gpu"], "policy": "weighted"},
            ],
            "fallbacks": {"error": ["spare"]},
        },
    },
    {"name": "spare", "targets": [{"connection": "odd", "model": "last"}]},
]
PRICE = {"connection": "gpu", "model": "small", "input": "1.00", "output": "2.00"}


async def _furnish(data_dir: Path, connections: list[dict[str, Any]]) -> None:
    database = await Database.open(None, data_dir=data_dir)
    clock = SystemClock()
    try:
        async with database.write(None) as conn:
            org = await create_organisation(conn, name="Acme", slug="acme", clock=clock)
            await create_team(conn, org.id, name="Research", slug="research", clock=clock)
        specs = [ConnectionSpec.model_validate(one) for one in connections]
        models = [ModelSpec.model_validate(one) for one in MODELS]
        await put(database, org.id, *specs, *models, PriceSpec.model_validate(PRICE))
    finally:
        await database.close()


@pytest.fixture
def explain(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command on a database with two models."""
    asyncio.run(_furnish(data_dir, CONNECTIONS))
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(data_dir))
    return lambda *arguments: CliRunner().invoke(app, ["explain", *arguments])


def printed(result: Result) -> Any:
    assert (result.exit_code, result.stderr) == (Exit.OK, "")
    return msgspec.json.decode(result.stdout)


def refusal(result: Result) -> TrunklineError:
    assert isinstance(result.exception, TrunklineError)
    return result.exception


def test_people_read_a_table_with_the_reasons(explain: Run) -> None:
    shown = explain("fast", "--input-tokens", "1000", "--max-tokens", "500")
    assert (shown.exit_code, shown.stderr) == (Exit.OK, "")
    lines = shown.stdout.splitlines()
    assert lines[0] == "fast: ordered"
    assert lines[1:3] == [
        "Rule 1 does not hold: the caller's team is not one of the rule's",
        "Rule 2 does not hold: the request does not ask for vision",
    ]
    assert [" ".join(line.split()) for line in lines[3:]] == [
        "# Target Circuit First content s Likely $ Why",
        "1 gpu/small not known here - 0.002112 in the order in which it is written",
        "2 gpu/large not known here - 0.00 in the order in which it is written",
        "- odd/old not known here - - it is disabled",
        "After error: spare (odd/last)",
        (
            "Facts: no team; no tags; no user; no conversation; 1000 input tokens; "
            "500 output tokens expected; needs nothing but text"
        ),
    ]


def test_rules_hold_for_a_team_and_its_tags(explain: Run) -> None:
    asked = ("fast", "--org", "acme", "--team", "research", "--tag", "env=prod", "--json")
    told = printed(explain(*asked))
    assert [rule["held"] for rule in told["rules"]] == [True, False]
    assert [(one["target"], one["place"], one["why"]) for one in told["targets"]] == [
        ("gpu/large", 1, "in the order in which it is written"),
        ("gpu/small", None, "rule 1 leaves it out"),
        ("odd/old", None, "rule 1 leaves it out"),
    ]
    assert told["facts"]["tags"] == [["env", "prod"]]


def test_where_chance_has_a_part_that_is_told(explain: Run) -> None:
    shown = explain(
        "fast",
        *("--needs", "vision,tools", "--user", "ann", "--conversation", "c-1", "--goes-on"),
        *("--wire", "anthropic_messages", "--tag", "env=test"),
    )
    lines = shown.stdout.splitlines()
    assert lines[0] == ("fast: weighted, drawn by chance: another request may find another order")
    assert lines[2] == "Rule 2 holds: all of its condition fits"
    assert lines[-1] == (
        "Facts: no team; tags env=test; user ann; conversation c-1; 0 input tokens; "
        "500 output tokens expected; needs tools, vision"
    )


def test_a_model_that_is_not_there_is_told_with_near_names(explain: Run) -> None:
    error = refusal(explain("fats"))
    assert isinstance(error, NotFound)
    assert "'fast'" in str(error.hint)


def test_unknown_teams_needs_tags_and_wires_are_refused(explain: Run) -> None:
    assert isinstance(refusal(explain("fast", "--team", "none")), NotFound)
    for wrong in (("--needs", "taste"), ("--tag", "x"), ("--wire", "telex")):
        assert isinstance(refusal(explain("fast", *wrong)), InvalidRequest)


def test_what_is_wrong_with_the_configuration_is_noted(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {**CONNECTIONS[1], "secret": "env:NONE"}
    asyncio.run(_furnish(data_dir, [CONNECTIONS[0], broken]))
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(data_dir))
    noted = CliRunner().invoke(app, ["explain", "fast"])
    assert noted.exit_code == Exit.OK
    assert "'odd' has no secret: the environment has no NONE" in noted.stderr


CALLER = Caller("org", "key-1", team_id="t", scopes=frozenset({"models:read"}))
RULE = Rule(Condition(teams=frozenset({"t"}), tags=(("env", "prod"),)), (1,))
PUBLISHED = {
    "fast": alias(targets("a", "b"), rules=(RULE,)),
    "empty": alias(targets("off", state="disabled")),
}
HEALTH = Seen(states={"b": "open"}, averages={"b": 0.5})


def authenticate(request: Request) -> Caller:
    if request.headers.get("authorization") != "Bearer tl_right":
        raise Unauthenticated("This key is not known.", hint="Check it.")
    return CALLER


@pytest.fixture(scope="module")
def front() -> Iterator[str]:
    """The address of a server with this API, on its own thread."""
    routes = FixedRoutes(Snapshot("org", 1, PUBLISHED, {}))
    api = build_control([router(routes, HEALTH, authenticate, random.Random(1))], [])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(api, log_config=None))
        # The listener is open, so a call waits until the server takes it.
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def ask(front: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Ask that server; the right key is in a file and in a variable."""
    (tmp_path / "key").write_text("tl_right\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MY_KEY", "tl_right")
    monkeypatch.setenv("WRONG_KEY", "tl_wrong")
    return lambda *arguments: CliRunner().invoke(app, ["explain", "--url", front, *arguments])


@pytest.mark.parametrize("key", [("--key-file", "key"), ("--key-env", "MY_KEY")])
def test_a_server_tells_how_targets_fare(ask: Run, key: tuple[str, str]) -> None:
    told = printed(ask("fast", "--tag", "env=prod", "--json", *key))
    assert [(one["target"], one["circuit"], one["first_content"]) for one in told["targets"]] == [
        ("acme/b", "open", 0.5),
        ("acme/a", "closed", None),
    ]


def test_everything_that_was_said_reaches_the_server(ask: Run) -> None:
    told = printed(
        ask(
            "fast",
            *("--tag", "env=prod", "--tag", "q=a&b", "--input-tokens", "10", "--max-tokens", "5"),
            *("--needs", "tools,json", "--user", "añn", "--conversation", "c 1", "--goes-on"),
            *("--wire", "openai_chat", "--key-env", "MY_KEY", "--json"),
        )
    )
    assert told["facts"] == {
        "team_id": "t",
        "tags": [["env", "prod"], ["q", "a&b"]],
        "user": "añn",
        "conversation": "c 1",
        "goes_on": True,
        "input_tokens": 10,
        "output_tokens": 5,
        "needs": ["json", "tools"],
    }


def test_a_table_from_a_server_shows_circuits_and_times(ask: Run) -> None:
    lines = ask("fast", "--tag", "env=prod", "--key-env", "MY_KEY").stdout.splitlines()
    assert " ".join(lines[3].split()) == (
        "1 acme/b open 0.500 - in the order in which it is written; "
        "its circuit is open, so it comes last and waits for a probe"
    )
    assert lines[-1].startswith("Facts: team t; tags env=prod; user key-1;")


def test_errors_of_the_server_are_the_commands(ask: Run) -> None:
    unknown = refusal(ask("fast", "--key-env", "WRONG_KEY"))
    assert isinstance(unknown, Unauthenticated)
    assert (unknown.message, unknown.hint) == ("This key is not known.", "Check it.")
    missing = refusal(ask("none", "--key-env", "MY_KEY"))
    assert isinstance(missing, NotFound)
    assert missing.code == "model_not_found"
    wrong = refusal(ask("fast", "--wire", "telex", "--key-env", "MY_KEY"))
    assert (wrong.status, wrong.param) == (400, "wire")


def test_a_server_answers_for_its_callers_only(ask: Run) -> None:
    for option in ("--org", "--team"):
        error = refusal(ask("fast", option, "x", "--key-env", "MY_KEY"))
        assert error.param == option.removeprefix("--")


@pytest.mark.parametrize("key", [(), ("--key-env", "NO_SUCH"), ("--key-file", "none")])
def test_without_a_key_no_server_is_asked(ask: Run, key: tuple[str, ...]) -> None:
    assert isinstance(refusal(ask("fast", *key)), InvalidRequest)


@pytest.mark.parametrize("url", ["localhost:3000", "ftp://x.example", "http://"])
def test_what_is_no_address_is_refused(ask: Run, url: str) -> None:
    error = refusal(ask("fast", "--key-env", "MY_KEY", "--url", url))
    assert (type(error), error.param) == (InvalidRequest, "url")


def test_a_server_that_is_not_there_is_unavailable(ask: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}", "http://127.0.0.1:99999"):
        error = refusal(ask("fast", "--key-env", "MY_KEY", "--url", url))
        assert (type(error), error.code) == (Unavailable, "server_unreachable")


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that gives one answer and asks for nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            thread.join(10)


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", Unavailable, "No server of ours"),
        (b"SSH-2.0-server\r\n", Unavailable, "No server of ours"),
        (b"HTTP/1.1 502 Bad\r\ncontent-length: 2\r\n\r\n{}", TrunklineError, "with status 502"),
        (b"HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\n[]", Forbidden, "with status 403"),
    ],
)
def test_servers_that_are_not_ours_are_told_from_ours(
    ask: Run, answer: bytes, kind: type[TrunklineError], message: str
) -> None:
    with answering(answer) as url:
        error = refusal(ask("fast", "--key-env", "MY_KEY", "--url", url))
    assert type(error) is kind
    assert message in error.message
