"""What can be said of a file without a database."""

from textwrap import dedent

import pytest
from tests.configuration.rich import RICH

from trunkline.configuration.checking import check_file, notes_on
from trunkline.configuration.loading import Loaded, parse
from trunkline.configuration.problems import ConfigurationRefused


def load(text: str) -> Loaded:
    return parse(dedent(text).encode(), "t.yaml")


def test_a_whole_configuration_has_neither_problems_nor_notes() -> None:
    loaded = load(RICH)
    check_file(loaded)
    assert notes_on(loaded) == ()


def test_policies_that_cannot_be_meant_are_refused_with_their_lines() -> None:
    loaded = load(
        """\
        models:
        - {name: a, targets: [{connection: openai, model: x}], route: {fallbacks: {error: [b]}}}
        - {name: b, targets: [{connection: openai, model: x}], route: {fallbacks: {error: [a]}}}
        - {name: s, targets: [{connection: openai, model: x}], route: {fallbacks: {error: [s]}}}
        ---
        organisation: acme
        models:
        - {name: b, targets: [{connection: openai, model: x, state: disabled}]}
        - name: c
          targets: [{connection: openai, model: x}, {connection: openai, model: x}]
          route:
            rules:
            - {targets: [openai/y]}
            - {targets: [openai]}
        """
    )
    with pytest.raises(ConfigurationRefused) as caught:
        check_file(loaded)
    assert [(p.line, p.path, p.message) for p in caught.value.problems] == [
        (2, "models[0].route.fallbacks.error[0]", "Fallbacks go in a circle: a, b, a"),
        (3, "models[1].route.fallbacks.error[0]", "Fallbacks go in a circle: b, a, b"),
        (4, "models[2].route.fallbacks.error[0]", "The model 's' falls back to itself"),
        (8, "models[0].targets",
         "All targets of the model 'b' are disabled, so nothing could serve it"),
        (10, "models[1].targets[1]", "The target 'openai/x' is written twice"),
        (13, "models[1].route.rules[0].when",
         "A rule without a condition is the last one: those behind it never hold"),
        (13, "models[1].route.rules[0].targets[0]",
         "The model 'c' has no target 'openai/y'. It has openai/x, openai/x"),
    ]  # fmt: skip


def test_own_models_break_a_circle_of_shared_ones() -> None:
    shared = (
        "{name: a, targets: [{connection: openai, model: x}], route: {fallbacks: {error: [b]}}}"
    )
    own = "{name: b, targets: [{connection: openai, model: x}]}"
    check_file(load(f"models: [{shared}]\n---\norganisation: acme\nmodels: [{own}]"))


def test_what_a_file_names_and_does_not_have_is_noted() -> None:
    loaded = load(
        """\
        prices: [{connection: lost, free: true}]
        ---
        organisation: acme
        tier: gold
        models:
        - name: a
          targets: [{connection: lost, model: x}, {connection: openai, model: x}]
          guardrails: [g]
          cache: {mode: semantic, embedding: e}
          route: {fallbacks: {error: [f]}, rules: [{when: {team: t}, targets: [lost]}]}
        keys:
        - {name: k, team: t, user: Who@b.example, tier: silver}
        limits:
        - {scope: key, scope_id: k, counts: tokens, amount: 1}
        - {scope: user, scope_id: who@b.example, counts: tokens, amount: 1}
        - {scope: alias, scope_id: any, counts: tokens, amount: 1}
        budgets: [{scope: team, scope_id: t, amount: "1"}]
        """
    )
    check_file(loaded)
    assert [note.told("t.yaml") for note in notes_on(loaded)] == [
        f"t.yaml:{place} is not in this file"
        for place in (
            "1:11: prices[0].connection: the connection 'lost'",
            "4:1: tier: the tier 'gold'",
            "7:14: models[0].targets[0].connection: the connection 'lost'",
            "8:16: models[0].guardrails[0]: the guardrail 'g'",
            "9:27: models[0].cache.embedding: the model 'e'",
            "10:31: models[0].route.fallbacks.error[0]: the model 'f'",
            "10:52: models[0].route.rules[0].when.team: the team 't'",
            "12:13: keys[0].team: the team 't'",
            "12:22: keys[0].user: the user 'Who@b.example'",
            "12:43: keys[0].tier: the tier 'silver'",
            "15:17: limits[1].scope_id: the user 'who@b.example'",
            "17:25: budgets[0].scope_id: the team 't'",
        )
    ]
