"""What of a configuration is shown to nobody: values of headers that are secret.

Plans and exports are printed, reviewed and kept in repositories, so they have ``kept:here`` in
place of such a value. Applying that keeps the value which the connection has.
"""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from trunkline.configuration.difference import Edit, FieldEdit
from trunkline.configuration.export import Document
from trunkline.connections.header_secrets import KEPT, shown_headers

NOTE = (
    f"# {KEPT} stands for the value of a header that only this installation has. Write env:NAME, "
    "file:/path\n# or the value itself to take the file elsewhere.\n"
)
_HEADERS = "headers"


def hidden(document: Document) -> Document:
    """An export as it may be shown."""
    if "connections" not in document:
        return document
    shown = [
        {**connection, _HEADERS: shown_headers(connection[_HEADERS])}
        if _HEADERS in connection else connection
        for connection in document["connections"]
    ]  # fmt: skip
    return {**document, "connections": shown}


def hidden_edits(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Edits as they may be shown; that a secret value changes can still be seen."""
    return tuple(
        replace(edit, fields=tuple(map(_hidden_field, edit.fields)))
        if edit.section == "connections" else edit
        for edit in edits
    )  # fmt: skip


def _hidden_field(field: FieldEdit) -> FieldEdit:
    section, _, name = field.path.partition(".")
    if section != _HEADERS:
        return field
    before, after = (_hidden_value(name, value) for value in (field.before, field.after))
    return FieldEdit(field.path, before, after)


def _hidden_value(name: str, value: Any) -> Any:
    if value is None:
        return None
    return shown_headers({name: value})[name] if name else shown_headers(value)
