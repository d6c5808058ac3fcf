"""Organisations and keys from the command line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from trunkline import __version__
from trunkline.cli.exits import Exit, exit_for
from trunkline.cli.main import main
from trunkline.errors import (
    Conflict,
    InternalError,
    InvalidRequest,
    LimitExceeded,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from trunkline.identity.secret import parse_key


class Result(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def trunkline(
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command on a migrated and empty database, as the installed program does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("TRUNKLINE_DATA_DIR", str(data_dir))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["trunkline", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Result(int(ended.value.code or 0), said.out, said.err)

    return run


def printed(result: Result) -> Any:
    assert (result.returncode, result.stderr) == (Exit.OK, "")
    return msgspec.json.decode(result.stdout)


def test_a_key_is_made_listed_and_revoked(trunkline: Run) -> None:
    org = printed(trunkline("organisations", "create", "Acme", "--tier", "pro", "--json"))
    assert (org["slug"], org["tier"], org["time_zone"]) == ("acme", "pro", "UTC")
    team = printed(trunkline("organisations", "create-team", "Web", "--json"))
    user = printed(trunkline("organisations", "create-user", "ann@example.com", "--json"))
    made = printed(
        trunkline(
            *("keys", "create", "--org", "acme", "--name", "backend", "--team", "web"),
            *("--user", "ann@example.com", "--scope", "inference", "--alias", "gpt-5"),
            *("--tag", "stage=prod", "--tag", "app=a=b", "--expires", "30d", "--tier", "free"),
            *("--no-cache", "--buffered", "--json"),
        )
    )
    text = made.pop("api_key")
    assert made["key"] == f"tl_{parse_key(text).public_id}"
    assert made | {"id": "", "key": "", "created": "", "expires": ""} == {
        "id": "",
        "org_id": org["id"],
        "team_id": team["id"],
        "user_id": user["id"],
        "key": "",
        "name": "backend",
        "scopes": ["inference"],
        "aliases": ["gpt-5"],
        "tags": {"app": "a=b", "stage": "prod"},
        "tier": "free",
        "cache": False,
        "buffered": True,
        "created": "",
        "expires": "",
        "revoked": None,
    }
    assert printed(trunkline("keys", "list", "--json")) == [made]
    table = trunkline("keys", "list").stdout
    assert made["key"] in table
    assert text not in table
    revoked = trunkline("keys", "revoke", made["key"])
    assert (revoked.returncode, revoked.stdout) == (
        Exit.OK,
        f"Key {made['key']} (backend) is revoked.\n",
    )
    again = printed(trunkline("keys", "revoke", made["id"], "--json"))
    assert again["revoked"] is not None


def test_the_text_of_a_key_alone_goes_to_standard_output(trunkline: Run) -> None:
    assert trunkline("organisations", "create", "Acme").returncode == Exit.OK
    result = trunkline("keys", "create", "--name", "k")
    assert parse_key(result.stdout.strip()).full == result.stdout.strip()
    assert result.stderr == "Keep it now: it is not stored and cannot be shown again.\n"
    (plain,) = printed(trunkline("keys", "list", "--json"))
    assert (plain["cache"], plain["buffered"]) == (None, False)
    assert plain["scopes"] == ["inference", "models:read", "usage:read"]
    generated = trunkline("keys", "generate").stdout.strip()
    assert parse_key(generated).full == generated


def test_organisations_teams_and_members_are_listed(trunkline: Run) -> None:
    assert "There is no organisation yet." in trunkline("organisations", "list").stdout
    made = trunkline("organisations", "create", "Acme GmbH")
    assert made.stdout.startswith("Organisation acme-gmbh made: ")
    assert trunkline("organisations", "create-team", "Web").stdout.startswith("Team web made: ")
    user = trunkline("organisations", "create-user", "ann@example.com", "--role", "owner")
    assert user.stdout.startswith("User ann@example.com made: ")
    assert [row["slug"] for row in printed(trunkline("organisations", "list", "--json"))] == [
        "acme-gmbh"
    ]
    assert [row["slug"] for row in printed(trunkline("organisations", "teams", "--json"))] == [
        "web"
    ]
    (member,) = printed(trunkline("organisations", "members", "--json"))
    assert (member["email"], member["role"]) == ("ann@example.com", "owner")


def test_what_went_wrong_is_said_and_coded(trunkline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    none = trunkline("keys", "list", "--json")
    assert none.returncode == Exit.REFUSED
    assert msgspec.json.decode(none.stderr)["error"]["code"] == "organisation_missing"
    for name in ("Acme", "Other"):
        assert trunkline("organisations", "create", name).returncode == Exit.OK
    several = trunkline("keys", "list")
    assert several.returncode == Exit.REFUSED
    assert "--org: acme, other" in several.stderr
    unknown = trunkline("keys", "list", "--org", "nobody")
    assert unknown.returncode == Exit.NOT_FOUND
    assert unknown.stderr.startswith("Error: There is no organisation 'nobody'.")
    for wrong in (("--tag", "a"), ("--expires", "soon"), ("--scope", "admin")):
        refused = trunkline("keys", "create", "--org", "acme", "--name", "k", *wrong, "--json")
        assert refused.returncode == Exit.REFUSED
        param = msgspec.json.decode(refused.stderr)["error"]["param"]
        assert param.startswith(wrong[0].removeprefix("--"))
    assert trunkline("keys", "create").returncode == Exit.USAGE
    assert trunkline("organisatins").returncode == Exit.USAGE
    monkeypatch.setenv("TRUNKLINE_DATABASE_URL", "postgresql://u@127.0.0.1:1/d")
    away = trunkline("keys", "list")
    assert away.returncode == Exit.UNAVAILABLE
    assert "The database does not answer." in away.stderr


def test_the_version_is_told_without_loading_the_product(trunkline: Run) -> None:
    assert trunkline("--version").stdout == f"trunkline {__version__}\n"
    imported = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "trunkline.cli.main", "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    loaded = {line.rpartition("|")[2].strip() for line in imported.splitlines()}
    assert loaded.isdisjoint({"sqlalchemy", "pydantic_settings", "fastapi", "rich", "alembic"})
    assert "keys" in trunkline("--help").stdout


def test_every_error_has_its_exit_code() -> None:
    codes = {
        type(error).__name__: exit_for(error)
        for error in (
            InvalidRequest("x"),
            Conflict("x"),
            NotFound("x"),
            Unauthenticated("x"),
            LimitExceeded("x"),
            Unavailable("x"),
            InternalError("x"),
        )
    }
    assert codes == {
        "InvalidRequest": Exit.REFUSED,
        "Conflict": Exit.REFUSED,
        "NotFound": Exit.NOT_FOUND,
        "Unauthenticated": Exit.FORBIDDEN,
        "LimitExceeded": Exit.UNAVAILABLE,
        "Unavailable": Exit.UNAVAILABLE,
        "InternalError": Exit.FAILED,
    }


@pytest.mark.parametrize(
    ("owner", "refusal"),
    [
        (
            ("--team", "nope"),
            "There is no team 'nope'.\n  trunkline organisations teams shows them.",
        ),
        (
            ("--user", "a@b.c"),
            "There is no member 'a@b.c'.\n  trunkline organisations members shows them.",
        ),
    ],
    ids=["team", "user"],
)
def test_an_owner_that_is_not_there_is_refused_with_where_to_look(
    trunkline: Run, owner: tuple[str, str], refusal: str
) -> None:
    trunkline("organisations", "create", "Acme")
    assert trunkline("keys", "create", "--name", "x", *owner) == (
        Exit.NOT_FOUND,
        "",
        f"Error: {refusal}\n",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("organisations", "create", "Other", "--tier", "gold"), "There is no tier 'gold'."),
        (("keys", "create", "--name", "a", "--tier", "gold"), "There is no tier 'gold'."),
        (("keys", "create", "--name", "a", "--alias", "nope"), "There is no model 'nope'."),
    ],
)
def test_a_slip_of_the_pen_makes_no_key_that_counts_nothing(
    trunkline: Run, arguments: tuple[str, ...], said: str
) -> None:
    assert trunkline("organisations", "create", "Acme").returncode == Exit.OK
    refused = trunkline(*arguments)
    assert (refused.returncode, said in refused.stderr) == (Exit.REFUSED, True)
    assert msgspec.json.decode(trunkline("keys", "list", "--json").stdout) == []
    assert trunkline("keys", "create", "--name", "a", "--tier", "pro").returncode == Exit.OK
