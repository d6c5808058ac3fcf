"""The form of the answer: ``response_format``."""

from typing import Any, Final

from trunkline.gateway.exchange.parts import Document
from trunkline.gateway.exchange.request import OutputFormat
from trunkline.gateway.wire.documents import members_of

# OpenAI demands a name.
_NAME: Final = "answer"


def take_output(rest: Document) -> OutputFormat | None:
    """Take the form out of a request; one that we do not know stays there."""
    told = rest.get("response_format")
    if not isinstance(told, dict):
        return None
    output = _read(told)
    if output is not None:
        del rest["response_format"]
    return output


def _read(told: Document) -> OutputFormat | None:
    kind, left = told.get("type"), members_of(told)
    left.pop("type", None)
    if kind == "text":
        return OutputFormat("text", extra=left)
    if kind == "json_object":
        # Together and Fireworks take the schema beside the type.
        schema = left.get("schema")
        if isinstance(schema, dict):
            del left["schema"]
            return OutputFormat("json_schema", schema=schema, extra=left)
        return OutputFormat("json", extra=left)
    inner = left.pop("json_schema", None)
    if kind != "json_schema" or not isinstance(inner, dict):
        return None
    return _read_schema(members_of(inner), left)


def _read_schema(inner: Document, left: Document) -> OutputFormat:
    name = _taken(inner, "name", str)
    schema = _taken(inner, "schema", dict)
    strict = _taken(inner, "strict", bool)
    description = _taken(inner, "description", str)
    if inner:
        left["json_schema"] = inner
    return OutputFormat("json_schema", name, schema, strict, description, left)


def _taken(members: Document, name: str, kind: type[Any]) -> Any:
    return members.pop(name) if isinstance(members.get(name), kind) else None


def write_output(output: OutputFormat) -> Document:
    """The form in this wire."""
    extra = dict(output.extra)
    left: Document = extra.pop("json_schema", {})
    if output.kind == "text":
        return {"type": "text", **extra}
    if output.kind == "json":
        return {"type": "json_object", **extra}
    inner: Document = {"name": output.name or _NAME}
    for name in ("description", "schema", "strict"):
        value = getattr(output, name)
        if value is not None:
            inner[name] = value
    return {"type": "json_schema", "json_schema": {**inner, **left}, **extra}
