"""How a plan reads."""

from typing import Any

import pytest

from trunkline.cli.config_plan import WIDEST, plan_lines, shown, summary
from trunkline.configuration.difference import Edit, FieldEdit
from trunkline.configuration.plan import OwnerPlan, Plan


def test_each_kind_of_edit_reads_as_it_should() -> None:
    rule = {"when": {"needs": ["tools", "vision"]}, "targets": ["gpu"]}
    plan = Plan(
        (
            OwnerPlan(
                None, (Edit("remove", "prices", "openai *", (FieldEdit("input", "1", None),)),)
            ),
            OwnerPlan(
                "acme",
                (
                    Edit("add", "organisation", "acme", ()),
                    Edit("add", "keys", "a", (FieldEdit("buffered", None, True),)),
                    Edit(
                        "add",
                        "models",
                        "m",
                        (
                            FieldEdit("targets", None, [{"connection": "gpu", "model": "x" * 40}]),
                            FieldEdit("route", None, {"rules": [rule], "hedge": {}}),
                        ),
                    ),
                    Edit("change", "models", "n", (FieldEdit("max_tokens", None, 5),)),
                    Edit(
                        "change",
                        "models",
                        "o",
                        (
                            FieldEdit("hold_headers", 5.0, 7.5),
                            FieldEdit("max_tokens", 9, None),
                            FieldEdit("guardrails", None, ["a", "b"]),
                        ),
                    ),
                ),
            ),
        ),
        rows=9,
    )
    lines = ["  " * indent + (f"{sign} " if sign else "") + text
             for indent, sign, text in plan_lines(plan)]  # fmt: skip
    assert lines == [
        "Shared with all organisations",
        '  - prices "openai *"',
        "Organisation acme",
        '  + organisation "acme"',
        '  + keys "a": buffered true',
        '  + models "m"',
        f"      targets: gpu/{'x' * 40}",
        "      route: rules when (needs tools, vision); targets gpu; hedge (defaults)",
        '  ~ models "n".max_tokens: 5',
        '  ~ models "o"',
        "      ~ hold_headers: 5 -> 7.5",
        "      - max_tokens: no longer 9",
        "      + guardrails: a, b",
    ]
    assert summary(plan, done=False) == "Plan: 3 to add, 2 to change, 1 to remove."
    assert summary(plan, done=True) == "Applied: 3 added, 2 changed, 1 removed."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        ([], "none"),
        ({}, "defaults"),
        (False, "false"),
        (1.0, "1"),
        ({"connection": "a", "model": "b/c", "weight": 2, "state": "draining"},
         "a/b/c (weight 2, state draining)"),
        ("y" * (WIDEST + 1), "y" * (WIDEST - 1) + "…"),
    ],
)  # fmt: skip
def test_values_read_on_one_line(value: Any, text: str) -> None:
    assert shown(value) == text


def test_rows_without_an_edit_are_told_of() -> None:
    assert summary(Plan((), 0), done=True).startswith("Everything is as the configuration says")
    assert summary(Plan((), 2), done=False).startswith("Some rows are written anew")
