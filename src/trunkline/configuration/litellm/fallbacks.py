"""LiteLLM's fallbacks, of all kinds, for each published model."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from trunkline.configuration.litellm.fields import Fields
from trunkline.configuration.litellm.report import Report
from trunkline.connections.route_checks import path_between
from trunkline.gateway.policy import FallbackKind

_MOST = 10
_EVERYONE = "*"
_KINDS: Mapping[str, FallbackKind] = MappingProxyType({
    "fallbacks": "error",
    "context_window_fallbacks": "context_window",
    "content_policy_fallbacks": "content_filter",
})  # fmt: skip


class _Wish(NamedTuple):
    """Fallbacks as the file names them, and where it does."""

    path: str
    names: list[str]


class Fallbacks:
    """What the file names, and once it is settled, what each model falls back to.

    Args:
        sections: where fallbacks may stand; later ones win.
        report: gets what becomes of them.
    """

    def __init__(self, sections: Sequence[Fields], report: Report) -> None:
        self._report = report
        self._read: dict[FallbackKind, dict[str, _Wish]] = {}
        for name, kind in _KINDS.items():
            self._read[kind] = dict(
                pair for where in sections for pair in self._read_fallbacks(where, name)
            )
        for where in sections:
            self._read_default_fallbacks(where)
        self._settled: dict[FallbackKind, dict[str, list[str]]] = {}

    def of(self, name: str) -> dict[FallbackKind, list[str]]:
        """The fallbacks of a model, by kind."""
        return {kind: names[name] for kind, names in self._settled.items() if name in names}

    def settle(self, published: Sequence[str], groups: Mapping[str, str]) -> None:
        """Give every model its fallbacks: the default ones where it has none, none that circle.

        LiteLLM follows circles until it has made five fallbacks; here the edge that closes one is
        left out. Which one that is follows from the order of the file.

        Args:
            published: the names of all models.
            groups: the model of which a name is only another name.
        """
        edges: dict[str, list[str]] = {name: [] for name in published}
        for kind, wishes in self._read.items():
            chosen: dict[str, list[str]] = {}
            everyone = wishes.pop(_EVERYONE, None)
            for name in published:
                wish = wishes.get(name) or wishes.get(groups.get(name, "")) or everyone
                kept = [] if wish is None else self._kept(name, wish, edges, told=wish != everyone)
                if wish is not None and kept:
                    chosen[name] = kept
                    message = f"{name!r} falls back to {', '.join(kept)}"
                    self._report.translated(wish.path, message)
            for name in wishes.keys() - edges.keys():
                self._report.left_out(wishes[name].path, f"{name!r} is not published")
            self._settled[kind] = chosen

    def _kept(
        self, name: str, wish: _Wish, edges: dict[str, list[str]], *, told: bool
    ) -> list[str]:
        kept: list[str] = []
        for other in dict.fromkeys(wish.names):
            if other not in edges:
                self._report.left_out(wish.path, f"the fallback {other!r} is not published")
            elif path_between(edges, other, name) is not None:
                if told:
                    message = f"{name!r} does not fall back to {other!r}: that would be a circle"
                    self._report.left_out(wish.path, message)
            elif len(kept) < _MOST:
                edges[name].append(other)
                kept.append(other)
        return kept

    def _read_fallbacks(self, where: Fields, name: str) -> Iterator[tuple[str, _Wish]]:
        for place, entry in enumerate(where.items(name)):
            at = f"{where.at(name)}[{place}]"
            if not isinstance(entry, dict):
                self._report.left_out(at, "is no mapping of a name to names")
                continue
            for alias, names in entry.items():
                if found := [*self._names(names, at)]:
                    yield str(alias), _Wish(at, found)

    def _read_default_fallbacks(self, where: Fields) -> None:
        at = where.at("default_fallbacks")
        if found := [*self._names(where.items("default_fallbacks"), at)]:
            self._read["error"][_EVERYONE] = _Wish(at, found)

    def _names(self, names: object, at: str) -> Iterator[str]:
        for name in names if isinstance(names, list) else [names]:
            if isinstance(name, str):
                yield name
            elif isinstance(name, dict) and isinstance(name.get("model"), str):
                self._report.approximated(at, "only the name of a fallback is taken over")
                yield name["model"]
            else:
                self._report.left_out(at, "is no name of a model")
