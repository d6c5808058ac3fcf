"""Limits and budgets tell whom they are for by the names that people know."""

import pytest
from tests.cli.conftest import Command

from trunkline.cli.exits import Exit


@pytest.fixture
def ids(command: Command) -> dict[str, str]:
    """Identifiers of a team, a member and a key of the organisation Acme, by their names."""
    assert command("organisations", "create", "Acme").code == Exit.OK
    made = {
        "web": command("organisations", "create-team", "Web", "--json"),
        "ann@example.com": command("organisations", "create-user", "ann@example.com", "--json"),
        "ci": command("keys", "create", "--name", "ci", "--json"),
    }
    return {name: done.told["id"] for name, done in made.items()}


def set_for_each_scope(command: Command, *rule: str) -> None:
    scopes = (("team", "web"), ("user", "ann@example.com"), ("key", "ci"), ("alias", "gpt-5"))
    for scope, name in scopes:
        assert command(*rule, "--scope", scope, "--for", name).code == Exit.OK
    assert command(*rule, "--scope", "team").code == Exit.OK
    assert command(*rule).code == Exit.OK


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("limits", ("--counts", "requests", "--amount", "5")),
        ("budgets", ("--amount", "5.00")),
    ],
)
def test_rules_show_names_to_people_and_identifiers_to_programs(
    command: Command, ids: dict[str, str], rule: str, options: tuple[str, ...]
) -> None:
    set_for_each_scope(command, rule, "set", *options)
    told = command(rule, "list", "--json").told
    assert [(row["scope"], row["scope_id"], row["scope_name"]) for row in told] == [
        ("team", ids["web"], "web"),
        ("user", ids["ann@example.com"], "ann@example.com"),
        ("key", ids["ci"], "ci"),
        ("alias", "gpt-5", "gpt-5"),
        ("team", None, None),
        ("org", None, None),
    ]
    table = command(rule, "list").stdout
    assert not any(identifier in table for identifier in ids.values())
    shown = [line.split() for line in table.splitlines()[1:]]
    place = shown[0].index("web")
    assert [line[place] for line in shown] == ["web", "ann@example.com", "ci", "gpt-5", "each", "-"]

    assert command("keys", "revoke", "ci").code == Exit.OK
    assert "ci (revoked)" in command(rule, "list").stdout


def test_a_rule_for_a_key_that_is_not_there_is_refused(command: Command) -> None:
    assert command("organisations", "create", "Acme").code == Exit.OK
    rule = ("limits", "set", "--counts", "requests", "--amount", "5", "--scope", "key")
    refused = command(*rule, "--for", "lost")
    assert refused.code == Exit.REFUSED
    assert "the organisation has no key 'lost'" in refused.stderr
