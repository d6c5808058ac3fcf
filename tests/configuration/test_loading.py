"""Reading a configuration file: syntax, unknown fields, and paths."""

from pathlib import Path

import pytest

from trunkline.configuration.loading import MAX_BYTES, load_file, parse
from trunkline.configuration.problems import ConfigurationRefused, Problem
from trunkline.configuration.schema import ConfigurationFile
from trunkline.errors import InvalidRequest


def _problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationRefused) as caught:
        parse(text.encode())
    return caught.value.problems


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "version: 1"])
def test_an_empty_file_configures_nothing(text: str) -> None:
    assert parse(text.encode()).content == ConfigurationFile()


def test_all_problems_are_told_at_once_with_the_paths_of_their_fields() -> None:
    text = """
    colour: red
    prices:
    - {provider: openai, input: "-1"}
    organisations:
    - slug: acme
      keys:
      - {name: a, secret: sk-abc}
      - {name: b, expires: someday}
    - name: no slug
      models:
      - {name: fast, targets: []}
      - {name: slow, targets: [{connection: x, model: y, height: 3}]}
    """
    assert [(p.line, p.column, p.path, p.message) for p in _problems(text)] == [
        (2, 5, "colour", "there is no such field"),
        (4, 26, "prices[0].input", "an amount of money is not negative"),
        (
            8,
            19,
            "organisations[0].keys[0].secret",
            "a secret is written as env:NAME or file:/absolute/path, never as the secret itself",
        ),
        (
            9,
            19,
            "organisations[0].keys[1].expires",
            "'someday' is no day such as 2030-01-01 and no time",
        ),
        (10, 7, "organisations[1].slug", "this field must be there"),
        (
            12,
            22,
            "organisations[1].models[0].targets",
            "this must not be empty",
        ),
        (
            13,
            58,
            "organisations[1].models[1].targets[0].height",
            "there is no such field; did you mean 'weight'?",
        ),
    ]


@pytest.mark.parametrize(
    ("text", "place", "path", "said"),
    [
        ("a: [", (1, 5), "", "but found '<stream end>'"),
        ("version: 1\nversion: 1", (2, 1), "", "'version' is written twice"),
        ("organisations:\n- {slug: a, slug: b}", (2, 13), "", "'slug' is written twice"),
        ("!!python/object/apply:os.system [ls]", (1, 1), "", "could not determine"),
        ("- a", (1, 1), "", "fields with values"),
        ("version: 2", (1, 1), "version", "this must be 1"),
        ("organisations:\n- {slug: a}\n- {slug: a}", (1, 1), "organisations",
         "names 'a' more than once"),
        ("connections: [{name: a, provider: openai}, {name: a, provider: openai}]", (1, 1),
         "connections", "names 'a' more than once"),
        ("{[a]: b}", (1, 2), "", "unhashable key"),
        ("version: 1\n---\n- a", (3, 1), "", "fields with values"),
        ("a: \x00", (None, None), "", "unacceptable character"),
        ("a: 2030-02-30", (None, None), "", "day is out of range"),
        ("[" * 5000, (None, None), "", "nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused_with_its_place(
    text: str, place: tuple[int | None, int | None], path: str, said: str
) -> None:
    (problem,) = _problems(text)
    assert ((problem.line, problem.column), problem.path) == (place, path)
    assert said in problem.message


@pytest.mark.parametrize("section", ["teams", "users", "connections", "models", "keys"])
def test_an_organisation_names_each_thing_once(section: str) -> None:
    item = {
        "teams": "{slug: a}",
        "users": "{email: a@b.c}",
        "connections": "{name: a, provider: openai}",
        "models": "{name: a, targets: [{connection: x, model: y}]}",
        "keys": "{name: a}",
    }[section]
    (problem,) = _problems(f"organisations: [{{slug: o, {section}: [{item}, {item}]}}]")
    assert problem.path == f"organisations[0].{section}"
    assert problem.message.startswith("names '")


def test_the_refusal_lists_every_problem_and_says_that_nothing_changed() -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        parse(b"a: 1\nb: 2", "trunkline.yaml")
    assert caught.value.message == (
        "trunkline.yaml is refused:\n"
        "trunkline.yaml:1:1: a: there is no such field\n"
        "trunkline.yaml:2:1: b: there is no such field"
    )
    assert (caught.value.param, caught.value.code) == ("a", "configuration_refused")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("Nothing was changed.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("conections: []", "there is no such field; did you mean 'connections'?"),
        (
            "models: [{name: a, targets: [{connection: x, model: y}], route: {polizy: price}}]",
            "there is no such field; did you mean 'policy'?",
        ),
        ("connections:\n- name: a\n   provider: b", "mapping values are not allowed here"),
        (
            "models:\n- name: a\n  route:\n    policy: price\n     buffered: true",
            "mapping values are not allowed here",
        ),
        (
            "models:\n- name: a\n   \n  route:\n     policy: price\n    buffered: true",
            "this line is indented otherwise than those that it stands with",
        ),
        ("models:\n\t- name: a", "a tab stands here; YAML is indented with blanks"),
    ],
)
def test_common_slips_are_told_with_what_was_meant(text: str, said: str) -> None:
    assert [problem.message for problem in _problems(text)] == [said]


def test_times_without_a_zone_are_utc_and_days_begin_at_midnight() -> None:
    text = """
    organisations:
    - slug: acme
      keys:
      - {name: a, expires: 2027-01-01}
      - {name: b, expires: 2027-01-01 12:00:00}
      - {name: c, expires: "2027-01-01T12:00:00+02:00"}
      - {name: d}
    """
    (organisation,) = parse(text.encode()).content.organisations
    moments = [key.expires and key.expires.timestamp() for key in organisation.keys]
    assert moments == [1798761600.0, 1798804800.0, 1798797600.0, None]


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "trunkline.yaml"
    path.write_text("organisations: [{slug: acme}]")
    assert load_file(path).content.organisations[0].slug == "acme"


def test_a_file_that_is_missing_or_endless_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read: No such file"):
        load_file(tmp_path / "none.yaml")
    endless = tmp_path / "endless.yaml"
    endless.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigurationRefused, match="longer than"):
        load_file(endless)
