"""Several documents in one text, the short form, and where everything stands."""

import pytest

from trunkline.configuration.loading import made_up, parse
from trunkline.configuration.problems import ConfigurationRefused, Problem
from trunkline.configuration.schema import ConfigurationFile


def places(text: str) -> list[tuple[int | None, int | None, str]]:
    with pytest.raises(ConfigurationRefused) as caught:
        parse(text.encode(), "t.yaml")
    return [(problem.line, problem.column, problem.path) for problem in caught.value.problems]


def test_documents_are_one_configuration() -> None:
    several = """\
connections: [{name: a, provider: openai}]
organisations: [{slug: one}]
---
# an empty one
---
version: 1
organisation: two
name: Two
---
connections: [{name: b, provider: openai}]
organisations: [{slug: three, name: Three}]
"""
    one = """
connections: [{name: a, provider: openai}, {name: b, provider: openai}]
organisations: [{slug: one}, {slug: two, name: Two}, {slug: three, name: Three}]
"""
    loaded = parse(several.encode())
    assert loaded.content == parse(one.encode()).content
    assert loaded.shared


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("", True),
        ("version: 1", True),
        ("organisation: a", False),
        ("organisation: a\n---\norganisation: b", False),
        ("organisation: a\n---\nversion: 1", True),
    ],
)
def test_only_short_forms_say_nothing_of_what_is_shared(text: str, shared: bool) -> None:
    assert parse(text.encode()).shared is shared


def test_problems_are_told_as_each_document_is_written() -> None:
    text = """\
organisations:
- slug: one
  keys: [{name: a, colour: red}]
---
organisation: two
models:
- name: x
  targets:
  - connection: c
    model: m
    weight: 0
---
organisation: two
tags: 1
"""
    assert places(text) == [
        (3, 20, "organisations[0].keys[0].colour"),
        (11, 5, "models[0].targets[0].weight"),
        (14, 1, "tags"),
    ]


def test_an_organisation_has_one_document() -> None:
    assert places("organisation: a\n---\norganisation: a") == [(1, 1, "organisations")]


def test_a_slug_of_the_short_form_is_told_by_its_own_name() -> None:
    assert places("version: 1\norganisation: 7") == [(2, 1, "organisation")]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\n---\na: 2", (1, 1, "a")),
        ("version: 1\n---\nversion: 2", (3, 1, "version")),
        ("version: 2\n---\nversion: 1", (1, 1, "version")),
        ("organisation: a\n---\nmodels: 5\n---\nmodels: []", (3, 1, "models")),
        ("organisation: a\n---\norganisations: 5\n---\norganisation: b", (3, 1, "organisations")),
        ("organisation: a\norganisations: []", (2, 1, "organisations")),
    ],
)
def test_what_contradicts_itself_across_documents_is_refused(
    text: str, place: tuple[int, int, str]
) -> None:
    assert places(text) == [place]


def test_anchors_merge_as_yaml_says() -> None:
    text = """
organisation: acme
models:
- &base {name: a, targets: [{connection: openai, model: x}], route: {policy: price}}
- {<<: *base, name: b}
"""
    first, second = parse(text.encode()).content.organisations[0].models
    assert first.model_copy(update={"name": "b"}) == second
    assert places(text.replace("price", "cheap")) == [
        (4, 70, "models[0].route.policy"),
        (4, 70, "models[1].route.policy"),
    ]


@pytest.mark.parametrize("form", ["{<<: [%s]}", "[%s]"])
def test_anchors_that_multiply_without_end_are_refused(form: str) -> None:
    lines = ["a0: &a0 {k: v}"]
    for number in range(1, 12):
        again = ", ".join([f"*a{number - 1}"] * 9)
        lines.append(f"a{number}: &a{number} {form % again}")
    with pytest.raises(ConfigurationRefused, match="its anchors make more than 2000000 values"):
        parse("\n".join(lines).encode())


def test_what_stands_inside_of_itself_is_refused() -> None:
    assert places("models: &m\n- *m\n") == [(1, 9, "models[0]")]


def test_names_with_dots_and_missing_fields_lead_to_what_is_there() -> None:
    text = """\
organisation: acme
connections:
- name: a
  provider: openai
  headers:
    x.y: 5
    x: ok
"""
    loaded = parse(text.replace("5", "five").encode(), "t.yaml")
    located = loaded.places.located([
        Problem("organisations[0].connections[0].headers.x.y", "m"),
        Problem("organisations[0].connections[0].headers.z", "m"),
        Problem("organisations[0].connections[4].name", "m"),
        Problem("organisations[0].connections.name", "m"),
        Problem("organisations[0].name.what", "m"),
        Problem("", "m"),
        Problem("elsewhere", "m", line=9, column=9),
    ])  # fmt: skip
    assert [(problem.line, problem.column) for problem in located] == [
        (1, 1), (1, 1), (2, 1), (2, 1), (5, 3), (6, 5), (9, 9),
    ]  # fmt: skip


def test_what_has_no_text_has_no_places() -> None:
    loaded = made_up(ConfigurationFile(), "the demo")
    problem = Problem("models[0]", "is odd")
    assert loaded.places.located([problem]) == [problem]
    assert problem.told("the demo") == "models[0]: is odd"
    assert Problem("", "is odd", 3, 4).told("t.yaml") == "t.yaml:3:4: is odd"


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("limits: [{counts: tokens, amount: 1}, {counts: tokens, amount: 2}]",
         "names 'org tokens token_bucket 60' more than once"),
        ('budgets: [{amount: "1"}, {amount: "2"}]', "names 'org month' more than once"),
        ('prices: [{provider: groq, input: "1"}, {provider: groq, input: "2"}]',
         "names 'groq * 1970-01-01' more than once"),
        ("users: [{email: a@b.c}, {email: A@b.c}]", "names 'a@b.c' more than once"),
    ],
)  # fmt: skip
def test_two_rules_of_one_purpose_are_refused(section: str, said: str) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        parse(f"organisation: a\n{section}".encode())
    ((problem),) = caught.value.problems
    assert (problem.line, problem.message) == (2, said)
