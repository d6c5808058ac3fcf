"""The schema for editors describes what the program accepts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trunkline.configuration.json_schema import configuration_schema
from trunkline.configuration.schema import ConfigurationFile, OrganisationSection
from trunkline.connections.schemas import ModelSpec, RouteSpec

FILE = Path(__file__).parent.parent.parent / "docs" / "configuration.schema.json"


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def test_the_committed_schema_is_current_and_leads_nowhere_else() -> None:
    schema = json.loads(FILE.read_text(encoding="utf-8"))
    assert schema == configuration_schema()
    known = {f"#/$defs/{name}" for name in schema["$defs"]}
    assert set(_references(schema)) <= known


def test_every_form_refuses_unknown_fields_and_explains_itself() -> None:
    forms = configuration_schema()["$defs"]
    assert [name for name, form in forms.items() if form.get("additionalProperties")] == []
    assert [name for name, form in forms.items() if not form["description"]] == []
    for form in (ConfigurationFile, OrganisationSection, ModelSpec, RouteSpec):
        assert [*forms[form.__name__]["properties"]] == [*form.model_fields]
    short = forms["OrganisationDocument"]
    assert (short["required"], [*short["properties"]][:3]) == (
        ["organisation"], ["version", "organisation", "name"],
    )  # fmt: skip
    assert "slug" not in short["properties"]


def test_fields_say_what_their_docstrings_say_and_amounts_are_texts() -> None:
    forms = configuration_schema()["$defs"]
    assert forms["KeySection"]["properties"]["team"]["description"] == "Slug of the owning team."
    places = forms["ConnectionSpec"]["properties"]
    assert places["region"]["description"] == places["project"]["description"]
    assert places["region"]["description"].startswith("Places of the provider's own address")
    assert forms["BudgetSpec"]["properties"]["amount"]["anyOf"] == [
        {"type": "string"}, {"type": "integer"},
    ]  # fmt: skip
    weight = forms["TargetSpec"]["properties"]["weight"]
    assert (weight["minimum"], weight["maximum"]) == (1, 1000)
