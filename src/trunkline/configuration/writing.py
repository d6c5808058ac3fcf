"""Writes configurations as YAML that people can read and review."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from typing_extensions import override

WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Writes everything out, also what is there twice, and indents lists below their names."""

    @override
    def ignore_aliases(self, data: Any) -> bool:
        return True

    @override
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


def yaml_of(document: Mapping[str, Any]) -> str:
    """One document; the innermost lists and mappings stand on one line where they fit."""
    text: str = yaml.dump(
        dict(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=WIDTH,
    )
    return text


def yaml_of_all(documents: Iterable[Mapping[str, Any]]) -> str:
    """Several documents, with lines of ``---`` between them."""
    return "---\n".join(map(yaml_of, documents))
