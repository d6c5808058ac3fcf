"""Keys are changed from the command line, and known by their names."""

import pytest
from tests.cli.conftest import Command

from trunkline.cli.exits import Exit


@pytest.fixture
def key(command: Command) -> str:
    """What the list shows of a key of the organisation Acme that is named ``ci``."""
    assert command("organisations", "create", "Acme").code == Exit.OK
    options = ("--tag", "stage=dev", "--tag", "app=shop", "--alias", "gpt-5", "--tier", "pro")
    shown: str = command("keys", "create", "--name", "ci", *options, "--json").told["key"]
    return shown


def test_a_key_is_changed_and_the_rest_of_it_stays(command: Command, key: str) -> None:
    (before,) = command("keys", "list", "--json").told
    changed = command(
        *("keys", "update", "ci", "--name", "build", "--scope", "inference", "--no-cache"),
        *("--tag", "stage=prod", "--tag", "app=", "--buffered", "--expires", "30d", "--json"),
    ).told
    assert changed["expires"] > changed["created"]
    assert changed == before | {
        "name": "build",
        "scopes": ["inference"],
        "tags": {"stage": "prod"},
        "cache": False,
        "buffered": True,
        "expires": changed["expires"],
    }
    said = command(
        *("keys", "update", key, "--alias", "gpt-5-mini", "--alias", "gpt-5", "--tier", "free"),
        *("--cache-of-model", "--no-buffered", "--expires", "never"),
    )
    assert (said.code, said.stdout) == (Exit.OK, f"Key {key} (build) is changed.\n")
    assert command("keys", "list", "--json").told == [
        changed
        | {
            "aliases": ["gpt-5", "gpt-5-mini"],
            "tier": "free",
            "cache": None,
            "buffered": False,
            "expires": None,
        }
    ]
    bare = command("keys", "update", before["id"], "--all-models", "--no-tier", "--cache", "--json")
    assert (bare.told["aliases"], bare.told["tier"], bare.told["cache"]) == ([], None, True)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), Exit.REFUSED, "Nothing is to be changed."),
        (("--alias", "gtp-5"), Exit.REFUSED, "There is no model 'gtp-5'."),
        (("--tier", "gold"), Exit.REFUSED, "There is no tier 'gold'."),
        (("--scope", "fly"), Exit.REFUSED, "'fly' is not a scope"),
        (("--name", " "), Exit.REFUSED, "name: is empty."),
        (("--expires", "soon"), Exit.REFUSED, "'soon' is not a life"),
        (("--tag", "x"), Exit.REFUSED, "'x' is not NAME=VALUE"),
        (("--alias", "gpt-5", "--all-models"), Exit.REFUSED, "Say alias in one way only."),
        (("--tier", "pro", "--no-tier"), Exit.REFUSED, "Say tier in one way only."),
        (("--cache", "--cache-of-model"), Exit.REFUSED, "Say cache in one way only."),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(
    command: Command, key: str, options: tuple[str, ...], code: Exit, said: str
) -> None:
    before = command("keys", "list", "--json").told
    refused = command("keys", "update", key, *options)
    assert (refused.code, refused.stdout, said in refused.stderr) == (code, "", True)
    assert command("keys", "list", "--json").told == before


def test_a_name_means_one_key_of_an_organisation(command: Command, key: str) -> None:
    taken = command("keys", "create", "--name", "ci")
    assert (taken.code, taken.stdout, taken.stderr) == (
        Exit.REFUSED,
        "",
        (
            "Error: There is a key 'ci' already.\n  Choose another name, or free this one: "
            f"trunkline keys revoke {key}, or keys update --name.\n"
        ),
    )
    other = command("keys", "create", "--name", "other", "--json").told["key"]
    assert command("keys", "update", "other", "--name", "ci").code == Exit.REFUSED
    assert command("keys", "update", "other", "--name", "other", "--buffered").code == Exit.OK
    assert command("keys", "revoke", "ci").stdout == f"Key {key} (ci) is revoked.\n"
    assert command("keys", "update", "other", "--name", "ci").code == Exit.OK
    gone = command("keys", "update", key, "--name", "back")
    assert (gone.code, f"The key {key} is revoked." in gone.stderr) == (Exit.REFUSED, True)
    assert command("keys", "revoke", "ci").stdout == f"Key {other} (ci) is revoked.\n"
    assert command("keys", "revoke", "ci").code == Exit.NOT_FOUND


def test_keys_of_other_organisations_are_not_there(command: Command, key: str) -> None:
    assert command("organisations", "create", "Other").code == Exit.OK
    for handle in (key, "ci"):
        for verb in (("update", handle, "--buffered"), ("revoke", handle)):
            missed = command("keys", *verb, "--org", "other")
            assert (missed.code, "There is no key" in missed.stderr) == (Exit.NOT_FOUND, True)
    assert command("keys", "create", "--org", "other", "--name", "ci").code == Exit.OK
    assert command("keys", "update", "ci", "--org", "acme", "--buffered").code == Exit.OK
    (theirs,) = command("keys", "list", "--org", "other", "--json").told
    assert theirs["buffered"] is False
