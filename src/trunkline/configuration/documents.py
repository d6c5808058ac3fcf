"""The documents of a YAML text as one tree, which keeps where everything stood.

A text may hold several documents between lines of ``---``: the shared part, whole files, and
organisations in their short form, which begin with ``organisation: slug`` in place of a list.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import yaml

from trunkline.configuration.places import Places

ORGANISATION = "organisation"
_ORGANISATIONS = "organisations"
_SHAPE = "version"
_MERGE = "<<"

MOST_VALUES: Final = 2_000_000
"""Values of a text, each counted as often as anchors repeat it."""


class Tree(NamedTuple):
    """The documents of a text, put together.

    Attributes:
        raw: plain values.
        shared: whether any document can say something about what all organisations share.
    """

    raw: Any
    places: Places
    shared: bool


def read_documents(content: bytes, source: str) -> Tree:
    """Read a YAML text.

    Raises:
        yaml.YAMLError: it is none, has other than plain values, or a key of a mapping twice.
        ValueError: a value cannot be read, such as a day that no month has, or there are more
            than ``MOST_VALUES``.
        RecursionError: it is nested too deeply.
    """
    loader = yaml.SafeLoader(content)
    try:
        documents = [node for node in _nodes(loader) if not _is_empty(node)]
        for node in documents:
            _refuse_repeated_keys(node)
        if sum(map(_counter(), documents)) > MOST_VALUES:
            raise ValueError(f"its anchors make more than {MOST_VALUES} values of it")
        root, short = _merged(documents)
        raw = {} if root is None else loader.construct_document(root)
    finally:
        loader.dispose()
    return Tree(raw, Places(source, root, frozenset(short)), len(short) < max(len(documents), 1))


def _nodes(loader: yaml.SafeLoader) -> Iterator[yaml.Node]:
    while loader.check_node():
        node = loader.get_node()
        if node is not None:
            yield node


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _counter() -> Callable[[yaml.Node], int]:
    """Counts the values of a node; what is repeated is counted again without being looked at."""
    known: dict[int, int] = {}

    def count(node: yaml.Node) -> int:
        if id(node) not in known:
            # What stands inside of itself is refused later, by its form.
            known[id(node)] = 1
            if isinstance(node, yaml.SequenceNode):
                known[id(node)] += sum(map(count, node.value))
            elif isinstance(node, yaml.MappingNode):
                known[id(node)] += sum(count(value) for _, value in node.value)
        return known[id(node)]

    return count


def _refuse_repeated_keys(root: yaml.Node) -> None:
    """The second of two equal keys would silently win."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            _check_keys(node)
            waiting += [value for _, value in node.value]


def _check_keys(node: yaml.MappingNode) -> None:
    names: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in names and key.value != _MERGE:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value!r} is written twice", key.start_mark
                )
            names.add(key.value)


def _merged(documents: Sequence[yaml.Node]) -> tuple[yaml.Node | None, list[int]]:
    """One tree of all documents, and the numbers of the organisations in their short form."""
    mappings = [node for node in documents if isinstance(node, yaml.MappingNode)]
    if len(mappings) < len(documents) or not mappings:
        wrong = (node for node in documents if not isinstance(node, yaml.MappingNode))
        return next(wrong, None), []
    if len(mappings) == 1 and not _is_short(mappings[0]):
        return mappings[0], []
    sections: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    short = []
    for node in mappings:
        for key, value in _pairs(node):
            _add(sections, key, value)
        if _is_short(node):
            short.append(len(sections[_ORGANISATIONS][1].value) - 1)
    first = mappings[0]
    root = yaml.MappingNode(first.tag, list(sections.values()), first.start_mark, first.end_mark)
    return root, short


def _is_short(node: yaml.MappingNode) -> bool:
    return any(key.value == ORGANISATION for key, _ in node.value)


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The sections of a document; one in its short form has one organisation."""
    if not _is_short(node):
        yield from node.value
        return
    fields = []
    for key, value in node.value:
        if key.value == _SHAPE:
            yield key, value
        elif key.value == ORGANISATION:
            fields.append((_named("slug", key), value))
        else:
            fields.append((key, value))
    section = yaml.MappingNode(node.tag, fields, node.start_mark, node.end_mark)
    yield _named(_ORGANISATIONS, node), _list_of([section], node)


def _named(name: str, at: yaml.Node) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", name, at.start_mark, at.end_mark)


def _list_of(items: Iterable[yaml.Node], at: yaml.Node) -> yaml.SequenceNode:
    return yaml.SequenceNode("tag:yaml.org,2002:seq", list(items), at.start_mark, at.end_mark)


def _add(
    sections: dict[str, tuple[yaml.Node, yaml.Node]], key: yaml.Node, value: yaml.Node
) -> None:
    """Lists of the same section follow each other; what is wrong with a section is kept."""
    name = str(key.value)
    present = sections.get(name)
    if present is None:
        sections[name] = (key, value)
        return
    before = present[1]
    if isinstance(before, yaml.SequenceNode) and isinstance(value, yaml.SequenceNode):
        sections[name] = (present[0], _list_of([*before.value, *value.value], before))
    elif isinstance(before, yaml.SequenceNode) or (name, before.value) == (_SHAPE, "1"):
        sections[name] = (key, value)
