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
    assert parse(text.encode()) == ConfigurationFile()


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
      - {name: slow, targets: [{connection: x, model: y, weight: 3}]}
    """
    assert [(p.path, p.message) for p in _problems(text)] == [
        ("prices[0].input", "an amount of money is not negative"),
        (
            "organisations[0].keys[0].secret",
            "a secret is written as env:NAME or file:/absolute/path, never as the secret itself",
        ),
        ("organisations[0].keys[1].expires", "'someday' is no day such as 2030-01-01 and no time"),
        ("organisations[1].slug", "Field required"),
        (
            "organisations[1].models[0].targets",
            "Tuple should have at least 1 item after validation, not 0",
        ),
        ("organisations[1].models[1].targets[0].weight", "there is no such field"),
        ("colour", "there is no such field"),
    ]


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("a: [", "line 1, column 5", "but found '<stream end>'"),
        ("version: 1\nversion: 1", "line 2, column 1", "'version' is written twice"),
        ("organisations:\n- {slug: a, slug: b}", "line 2, column 13", "'slug' is written twice"),
        ("!!python/object/apply:os.system [ls]", "line 1, column 1", "could not determine"),
        ("- a", "the file", "valid dictionary"),
        ("version: 2", "version", "Input should be 1"),
        ("organisations:\n- {slug: a}\n- {slug: a}", "the file", "names 'a' more than once"),
        ("connections: [{name: a, provider: openai}, {name: a, provider: openai}]", "the file",
         "connections names 'a' more than once"),
        ("a: \x00", "the file", "unacceptable character"),
        ("[" * 5000, "the file", "nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused_with_its_place(
    text: str, path: str, said: str
) -> None:
    (problem,) = _problems(text)
    assert problem.path == path
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
    assert problem.path == "organisations[0]"
    assert f"{section} names" in problem.message


def test_the_refusal_lists_every_problem_and_says_that_nothing_changed() -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        parse(b"a: 1\nb: 2", "trunkline.yaml")
    assert caught.value.message == (
        "trunkline.yaml was not applied:\na: there is no such field\nb: there is no such field"
    )
    assert (caught.value.param, caught.value.code) == ("a", "configuration_refused")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("Nothing was changed.")


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
    (organisation,) = parse(text.encode()).organisations
    moments = [key.expires and key.expires.timestamp() for key in organisation.keys]
    assert moments == [1798761600.0, 1798804800.0, 1798797600.0, None]


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "trunkline.yaml"
    path.write_text("organisations: [{slug: acme}]")
    assert load_file(path).organisations[0].slug == "acme"


def test_a_file_that_is_missing_or_endless_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read: No such file"):
        load_file(tmp_path / "none.yaml")
    endless = tmp_path / "endless.yaml"
    endless.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigurationRefused, match="longer than"):
        load_file(endless)
