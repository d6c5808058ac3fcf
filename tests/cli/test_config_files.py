"""``trunkline config validate``, ``schema`` and ``import-litellm``: files without a database."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trunkline.cli.config import app
from trunkline.configuration.json_schema import configuration_schema
from trunkline.configuration.loading import load_file
from trunkline.configuration.problems import ConfigurationRefused
from trunkline.errors import InvalidRequest

COMPANY = Path(__file__).parent.parent / "configuration" / "litellm" / "company.yaml"
LITELLM = """\
model_list:
- {model_name: fast, litellm_params: {model: openai/gpt-4o-mini, api_key: sk-written-down}}
router_settings: {num_retries: 2}
general_settings: {master_key: sk-1234}
"""


def test_a_good_file_is_valid_and_what_it_lacks_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("organisation: acme\nkeys: [{name: a, team: ops}]\n")
    done = CliRunner().invoke(app, ["validate", "-f", str(file)])
    assert (done.exit_code, done.stdout) == (0, f"{file} is valid.\n")
    assert done.stderr == f"Note: {file}:2:18: keys[0].team: the team 'ops' is not in this file\n"
    done = CliRunner().invoke(app, ["validate", "-f", str(file), "--json"])
    assert json.loads(done.stdout) == {
        "valid": True,
        "problems": [],
        "notes": [
            {"file": str(file), "path": "keys[0].team", "line": 2, "column": 18,
             "message": "the team 'ops' is not in this file"}
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("models: [{name: a, targets: [{connection: x, model: y, weight: 0}]}]",
         "models[0].targets[0].weight"),
        ("models: [{name: a, targets: [{connection: x, model: y, state: disabled}]}]",
         "models[0].targets"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_places(tmp_path: Path, text: str, path: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(text)
    done = CliRunner().invoke(app, ["validate", "-f", str(file), "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["valid"], [problem["path"] for problem in told["problems"]]) == (
        4, False, [path],
    )  # fmt: skip
    assert (told["problems"][0]["line"], told["problems"][0]["file"]) == (1, str(file))
    done = CliRunner().invoke(app, ["validate", "-f", str(file)])
    assert isinstance(done.exception, ConfigurationRefused)


def test_the_schema_is_printed() -> None:
    assert json.loads(CliRunner().invoke(app, ["schema"]).stdout) == configuration_schema()


def test_a_litellm_configuration_is_translated_with_a_report(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(LITELLM)
    done = CliRunner().invoke(app, ["import-litellm", str(file), "--org", "acme"])
    assert done.exit_code == 0
    assert done.stdout == (
        "version: 1\norganisation: acme\nconnections:\n"
        "  - {name: openai, provider: openai, secret: 'env:OPENAI_API_KEY'}\nmodels:\n"
        "  - name: fast\n    targets:\n      - {connection: openai, model: gpt-4o-mini}\n"
        "    route:\n      retry: {attempts: 3}\n"
    )
    assert done.stderr.splitlines() == [
        "Translated (1):",
        f"  {file}:2: model_list[0]: target openai/gpt-4o-mini of 'fast'",
        "Approximated (2):",
        (
            f"  {file}:2: model_list[0].litellm_params.api_key: a key in the file is not taken"
            " over: put it into the environment as OPENAI_API_KEY"
        ),
        (
            f"  {file}:3: router_settings.num_retries: tries at the same target; other targets and "
            "fallbacks come afterwards"
        ),
        "Left out (1):",
        (
            f"  {file}:4: general_settings.master_key: is not taken over: make keys with trunkline "
            "keys create"
        ),
    ]


def test_a_translation_goes_into_a_new_file(tmp_path: Path) -> None:
    output = tmp_path / "t.yaml"
    arguments = ["import-litellm", str(COMPANY), "-o", str(output)]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stdout) == (0, "")
    assert len(load_file(output).content.models) == 32
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, InvalidRequest)
    assert again.exception.message == f"The file {output} cannot be written: File exists."
    told = json.loads(CliRunner().invoke(app, ["import-litellm", str(COMPANY), "--json"]).stdout)
    assert len(told["document"]["models"]) == 32
    assert {finding["fate"] for finding in told["findings"]} == {
        "translated", "approximated", "left out",
    }  # fmt: skip
