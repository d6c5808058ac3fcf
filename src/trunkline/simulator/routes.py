"""Which wire answers which path: the routing of all fake providers as rows of a table."""

import re
from collections.abc import Callable, Iterable, Mapping
from re import Pattern
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from trunkline.simulator.asked import Asked
from trunkline.simulator.connection import Incoming
from trunkline.simulator.wire import ChatWire, CountingWire, Wire, WorkWire

_PARAM = re.compile(r"\{(\w+)\}")


class Generate(msgspec.Struct, frozen=True):
    """A model speaks; ``stream`` where the path already says that it does so in events."""

    wire: ChatWire
    stream: bool = False


class Count(msgspec.Struct, frozen=True):
    """Tokens are counted, for nothing."""

    wire: CountingWire


class Perform(msgspec.Struct, frozen=True):
    """Work that is no conversation: embeddings, rerank, images, sound."""

    wire: WorkWire


class LookUp(msgspec.Struct, frozen=True):
    """Something is listed, shown or deleted: it is free and no attempt of the ledger.

    Attributes:
        answer: gives the JSON document, or raises a refusal.
    """

    wire: Wire
    answer: Callable[[Asked], bytes]
    needs_key: bool = True


Operation = Generate | Count | Perform | LookUp


class Route(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        pattern: a path with ``{names}`` for parts of it, such as ``/v1beta/models/{model}:embed``.
        header: the route is only for requests that carry this header, by lower-case name.
        query: the route is only for requests with this parameter, such as ``alt=sse``.
        member: the route is only for requests whose JSON body has this member.
    """

    method: str
    pattern: str
    operation: Operation
    header: str = ""
    query: str = ""
    member: str = ""

    def takes(self, incoming: Incoming, query: Mapping[str, str]) -> bool:
        """Whether a request on the row's path is one for this row."""
        if self.header and self.header not in incoming.headers:
            return False
        name, _, value = self.query.partition("=")
        if name and query.get(name) != value:
            return False
        return not self.member or _has_member(incoming.body, self.member)


class Routes:
    """The rows as they are asked: the first one that fits a request answers it."""

    def __init__(self, rows: Iterable[Route]) -> None:
        self._rows = [(row, _compiled(row.pattern)) for row in rows]

    def find(self, incoming: Incoming) -> tuple[Operation, Asked] | None:
        """The operation that a request asks for, with the request as its wire sees it."""
        target = urlsplit(incoming.target)
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        for row, pattern in self._rows:
            found = pattern.fullmatch(target.path) if row.method == incoming.method else None
            if found and row.takes(incoming, query):
                asked = Asked(
                    body=incoming.body,
                    headers=incoming.headers,
                    query=query,
                    params={name: unquote(part) for name, part in found.groupdict().items()},
                    stream=isinstance(row.operation, Generate) and row.operation.stream,
                    method=incoming.method,
                    target=incoming.target,
                )
                return row.operation, asked
        return None


def _has_member(body: bytes, member: str) -> bool:
    try:
        return member in msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _compiled(pattern: str) -> Pattern[str]:
    """A regular expression for a pattern; a part never reaches beyond a slash."""
    literal = re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}")
    return re.compile(_PARAM.sub(r"(?P<\1>[^/]+)", literal))
