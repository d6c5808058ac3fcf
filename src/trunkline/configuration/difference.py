"""What two exports of one owner differ in, item by item and field by field."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

import msgspec
from pydantic import BaseModel

from trunkline.configuration.export import Document
from trunkline.configuration.schema import ConfigurationFile, OrganisationSection
from trunkline.connections.schemas import CacheSpec, RouteSpec

Action = Literal["add", "change", "remove"]

# Fields by which an item of a section is known; those that an item does not have say nothing.
_KNOWN_BY = MappingProxyType({
    "teams": ("slug",),
    "users": ("email",),
    "connections": ("name",),
    "guardrails": ("name",),
    "models": ("name",),
    "prices": ("provider", "connection", "model", "since"),
    "keys": ("name",),
    "tiers": ("name",),
    "limits": ("scope", "scope_id", "counts", "algorithm", "per_seconds"),
    "budgets": ("name", "scope", "scope_id", "window", "rolling_seconds"),
})  # fmt: skip

_RULES: Mapping[str, Document] = MappingProxyType({
    "limits": {"scope": "org"},
    "budgets": {"scope": "org", "window": "month"},
})  # fmt: skip
# Leaving one of these out means all of its defaults, and not that there is none.
_POLICIES = (RouteSpec, CacheSpec)


class FieldEdit(msgspec.Struct, frozen=True):
    """One field; a value that is not there is None.

    Attributes:
        path: inside the item, such as ``route.policy`` or ``targets[0].weight``.
    """

    path: str
    before: Any
    after: Any


class Edit(msgspec.Struct, frozen=True):
    """What becomes of one item of a section, or of the organisation itself.

    Attributes:
        section: such as ``models``; ``organisation`` for the organisation's own fields.
        name: what the item is known by, readable.
        fields: what it has, what changes, or what it had.
    """

    action: Action
    section: str
    name: str
    fields: tuple[FieldEdit, ...]


def edits_between(before: Document, after: Document) -> tuple[Edit, ...]:
    """What leads from one export to the other, in the order of a file. No export is ``{}``."""
    edits = [*_organisation(before, after)]
    for section in _KNOWN_BY:
        edits += _section(section, before.get(section, ()), after.get(section, ()))
    return tuple(edits)


def _organisation(before: Document, after: Document) -> Iterator[Edit]:
    slug = after.get("organisation", before.get("organisation"))
    if slug is None:
        return
    defaults = {"name": slug, "time_zone": "UTC", "tier": None}
    own = [{name: side.get(name, defaults[name]) for name in defaults} for side in (before, after)]
    fields = tuple(_fields(own[0], own[1], OrganisationSection))
    if not before or fields:
        yield Edit("change" if before else "add", "organisation", slug, fields)


def _section(section: str, before: Iterable[Document], after: Iterable[Document]) -> Iterator[Edit]:
    form = _form_of(section)
    old = {_name(section, item): item for item in before}
    new = {_name(section, item): item for item in after}
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Edit("add", section, name, _listed(section, new[name], added=True))
        elif name not in new:
            yield Edit("remove", section, name, _listed(section, old[name], added=False))
        elif fields := tuple(_fields(old[name], new[name], form)):
            yield Edit("change", section, name, fields)


def _name(section: str, item: Document) -> str:
    """What an item is known by; rules tell their scope and their window also by default."""
    whole = _RULES.get(section, {}) | item
    return " ".join(str(whole[field]) for field in _KNOWN_BY[section] if field in whole)


def _listed(section: str, item: Document, *, added: bool) -> tuple[FieldEdit, ...]:
    """All fields of an item beside those in its name."""
    return tuple(
        FieldEdit(path, None if added else value, value if added else None)
        for path, value in item.items()
        if path not in _KNOWN_BY[section]
    )


def _fields(
    before: Document, after: Document, form: type[BaseModel] | None, path: str = ""
) -> Iterator[FieldEdit]:
    """What differs below a path; a value that is left out is its default."""
    for name in dict.fromkeys((*before, *after)):
        field, default = _field(form, name)
        old, new = before.get(name, default), after.get(name, default)
        yield from _values(old, new, field, f"{path}.{name}" if path else name)


def _values(old: Any, new: Any, form: type[BaseModel] | None, path: str) -> Iterator[FieldEdit]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        inner = [*_fields(old, new, form, path)]
        # What is written differently and means the same is still another configuration.
        yield from inner or [FieldEdit(path, old, new)]
    elif _are_items(old) and _are_items(new):
        yield from _items(old, new, form, path)
    else:
        yield FieldEdit(path, old, new)


def _items(
    old: list[Any], new: list[Any], form: type[BaseModel] | None, path: str
) -> Iterator[FieldEdit]:
    """Items that are known by their place, such as targets and rules."""
    for place in range(max(len(old), len(new))):
        at = f"{path}[{place}]"
        if place >= len(old):
            yield FieldEdit(at, None, new[place])
        elif place >= len(new):
            yield FieldEdit(at, old[place], None)
        elif _target(old[place]) == _target(new[place]):
            yield from _values(old[place], new[place], form, at)
        else:
            yield FieldEdit(at, old[place], new[place])


def _are_items(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _target(item: Mapping[str, Any]) -> tuple[Any, Any]:
    return item.get("connection"), item.get("model")


def _form_of(section: str) -> type[BaseModel] | None:
    fields = OrganisationSection.model_fields | ConfigurationFile.model_fields
    return _form_in(fields[section].annotation)


def _field(form: type[BaseModel] | None, name: str) -> tuple[type[BaseModel] | None, Any]:
    """The form of a field's own fields, and what a file means that leaves the field out."""
    if form is None or name not in form.model_fields:
        return None, None
    field = form.model_fields[name]
    inner = _form_in(field.annotation)
    if field.is_required():
        return inner, None
    default = field.get_default(call_default_factory=True)
    if inner in _POLICIES or default == {} or isinstance(default, BaseModel):
        return inner, {}
    if isinstance(default, tuple):
        return inner, list(default)
    return inner, default


def _form_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_form_in(argument) for argument in get_args(annotation))
    return next((form for form in found if form is not None), None)
