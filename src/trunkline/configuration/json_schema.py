"""The JSON schema of a configuration, for editors: every field with what it means."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from trunkline.configuration.documents import ORGANISATION
from trunkline.configuration.schema import ConfigurationFile

ADDRESS = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTE = re.compile(r"^    ([a-z_, ]+): (.+(?:\n        .+)*)", re.MULTILINE)


def configuration_schema() -> dict[str, Any]:
    """The schema of one document: a whole file, or an organisation in its short form."""
    whole = ConfigurationFile.model_json_schema()
    definitions = whole.pop("$defs")
    for form in _forms(ConfigurationFile):
        if form.__name__ in definitions:
            _describe(definitions[form.__name__], form)
    _describe(whole, ConfigurationFile)
    short = _short_form(definitions["OrganisationSection"], whole)
    definitions |= {"ConfigurationFile": whole, "OrganisationDocument": short}
    return {
        "$schema": ADDRESS,
        "title": "Trunkline configuration",
        "anyOf": [
            {"$ref": "#/$defs/ConfigurationFile"},
            {"$ref": "#/$defs/OrganisationDocument"},
        ],
        "$defs": dict(sorted(definitions.items())),
    }


def _short_form(section: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """An organisation whose slug stands as ``organisation`` at the top of its document."""
    properties = dict(section["properties"])
    slug = {**properties.pop("slug"), "title": "Organisation", "description": "Its slug."}
    top = {"version": whole["properties"]["version"], ORGANISATION: slug}
    return {
        **section,
        "title": "OrganisationDocument",
        "properties": {**top, **properties},
        "required": [ORGANISATION],
    }


def _forms(form: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A form and all forms inside it."""
    seen: set[type[BaseModel]] = set()
    waiting = [form]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            yield current
            for field in current.model_fields.values():
                waiting += _named_in(field.annotation)


def _named_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [form for argument in get_args(annotation) for form in _named_in(argument)]


def _describe(schema: dict[str, Any], form: type[BaseModel]) -> None:
    """Move what the docstring says of each field to the field."""
    text = inspect.getdoc(form) or ""
    prose, _, attributes = text.partition("\nAttributes:\n")
    schema["description"] = _plain(prose)
    for name, meaning in _meanings(attributes).items():
        if name in schema["properties"]:
            schema["properties"][name]["description"] = meaning


def _meanings(attributes: str) -> Mapping[str, str]:
    found = {}
    for names, meaning in _ATTRIBUTE.findall(attributes):
        sentence = _plain(meaning)
        for name in names.split(","):
            found[name.strip()] = sentence[:1].upper() + sentence[1:]
    return found


def _plain(text: str) -> str:
    """On one line, and without the marks of docstrings."""
    return " ".join(text.replace("``", "").split())
