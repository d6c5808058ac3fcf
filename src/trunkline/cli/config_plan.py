"""Shows a plan as people review it: what is added, changed and removed, owner by owner."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.text import Text

from trunkline.configuration.difference import Action, Edit, FieldEdit
from trunkline.configuration.plan import Plan

SIGNS: Mapping[Action, str] = MappingProxyType({"add": "+", "change": "~", "remove": "-"})
COLOURS = MappingProxyType({"+": "green", "~": "yellow", "-": "red"})
WIDEST = 400  # Characters of a value; what is longer is shown in part.
FITTING = 90  # Characters of something new that is told on one line.

Line = tuple[int, str, str]
"""Indent in steps, sign or nothing, and text."""


def show_plan(plan: Plan, *, done: bool = False) -> None:
    """Print a plan; colours only on a terminal. ``done`` tells of it as of the past."""
    console = Console(highlight=False)
    for indent, sign, text in plan_lines(plan):
        shown = Text("  " * indent)
        shown.append(f"{sign} " if sign else "", style=COLOURS.get(sign, ""))
        shown.append(text, style="" if indent else "bold")
        console.print(shown, soft_wrap=True)
    console.print(Text(summary(plan, done=done), style="bold"), soft_wrap=True)


def summary(plan: Plan, *, done: bool) -> str:
    """The last line of a plan."""
    if plan.is_empty:
        return "Everything is as the configuration says; nothing changes."
    counts = [plan.count(action) for action in ("add", "change", "remove")]
    if not any(counts):
        return "Some rows are written anew; nothing that can be seen changes."
    if done:
        return "Applied: {} added, {} changed, {} removed.".format(*counts)
    return "Plan: {} to add, {} to change, {} to remove.".format(*counts)


def plan_lines(plan: Plan) -> Iterator[Line]:
    """The lines of a plan."""
    for owner in plan.owners:
        whose = "Shared with all organisations"
        yield 0, "", whose if owner.organisation is None else f"Organisation {owner.organisation}"
        for edit in owner.edits:
            yield from _edit_lines(edit)


def _edit_lines(edit: Edit) -> Iterator[Line]:
    sign = SIGNS[edit.action]
    name = f'{edit.section} "{edit.name}"'
    if edit.action == "change" and len(edit.fields) == 1:
        field = edit.fields[0]
        yield 1, sign, f"{name}.{field.path}: {_change(field)}"
        return
    if edit.action == "change":
        yield 1, sign, name
        for field in edit.fields:
            yield 3, _sign(field), f"{field.path}: {_change(field)}"
    elif edit.action == "add":
        yield from _added(name, edit.fields)
    else:
        yield 1, sign, name


def _added(name: str, fields: Sequence[FieldEdit]) -> Iterator[Line]:
    """Something new: on one line where it fits, else with a line for each field."""
    told = [shown(field.after) for field in fields]
    line = "; ".join(f"{field.path} {text}" for field, text in zip(fields, told, strict=True))
    if len(name) + len(line) <= FITTING:
        yield 1, "+", f"{name}: {line}" if line else name
        return
    yield 1, "+", name
    for field, text in zip(fields, told, strict=True):
        yield 3, "", f"{field.path}: {text}"


def _sign(field: FieldEdit) -> str:
    if field.before is None:
        return SIGNS["add"]
    return SIGNS["remove"] if field.after is None else SIGNS["change"]


def _change(field: FieldEdit) -> str:
    if field.before is None:
        return shown(field.after)
    if field.after is None:
        return f"no longer {shown(field.before)}"
    return f"{shown(field.before)} -> {shown(field.after)}"


def shown(value: Any) -> str:
    """A value on one line, such as ``openai/gpt-4o (weight 3), gpu/llama``."""
    text = _shown(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return _shown_mapping(value)
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    return "none" if value is None else str(value)


def _shown_mapping(value: dict[str, Any]) -> str:
    """A target by its name, with what is special about it; all else as names and values."""
    rest = dict(value)
    head = ""
    if "connection" in value and "model" in value:
        head = f"{rest.pop('connection')}/{rest.pop('model')}"
    parts = [_part(name, item) for name, item in rest.items()]
    told = ("; " if any(", " in part for part in parts) else ", ").join(parts)
    return f"{head} ({told})" if head and told else head or told or "defaults"


def _part(name: str, item: Any) -> str:
    return f"{name} ({_shown(item)})" if isinstance(item, dict) else f"{name} {_shown(item)}"
