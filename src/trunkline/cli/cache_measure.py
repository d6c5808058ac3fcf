"""``trunkline cache measure``: how often near matches would be right, and how often wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from trunkline.cache.near_measure import THRESHOLDS, KindRow, Report, Row, report_on
from trunkline.cache.near_pairs import read_pairs, shipped_pairs
from trunkline.cli.front import post, read_key
from trunkline.cli.output import AsJson, print_json, show
from trunkline.errors import InvalidRequest, Unavailable
from trunkline.gateway.recall.near_index import Vector, vector_of

_AT_ONCE: Final = 64
_THRESHOLDS: Final = {
    "threshold": "Threshold",
    "hits": "Hits",
    "missed": "Missed",
    "false_hits": "False hits",
    "rate": "False-hit rate",
    "hits_unmarked": "Unchecked hits",
    "false_hits_unmarked": "Unchecked false hits",
    "rate_unmarked": "Unchecked rate",
}
_KINDS: Final = {
    "kind": "Kind of pair",
    "verdict": "Is",
    "pairs": "Pairs",
    "given_unmarked": "Unchecked",
    "given": "Given",
}


class _Item(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Usage(msgspec.Struct):
    total_tokens: int = 0


class _Reply(msgspec.Struct):
    data: list[_Item]
    model: str = ""
    usage: _Usage | None = None


def measure(
    alias: Annotated[str, typer.Option(help="Public name of the embedding model.")],
    url: Annotated[str, typer.Option(help="The server that runs.")] = "http://localhost:3000",
    key_file: Annotated[
        Path | None, typer.Option(help="File with the key for that server.")
    ] = None,
    key_env: Annotated[
        str | None, typer.Option(help="Variable with the key for that server.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="JSON lines of a, b, same, kind; ours without it.")
    ] = None,
    threshold: Annotated[
        list[float] | None,
        typer.Option(help="Repeatable: a cosine; 0.80 to 0.99 without it.", min=0.0, max=1.0),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the false-hit rate of semantic caching with an embedding model.

    Embeds pairs of questions through the server, which bills them to the key, and compares them as
    the answer cache does. Recommends the lowest threshold at which, as at all higher ones, fewer
    than 1 % of the answers from the cache would be wrong.
    """
    given = shipped_pairs() if pairs is None else read_pairs(_lines(pairs), pairs.name)
    texts = list(dict.fromkeys(text for pair in given for text in (pair.a, pair.b)))
    vectors, tokens = _embedded(url, read_key(key_env, key_file), alias, texts)
    report = report_on(given, vectors, threshold or THRESHOLDS, tokens)
    if as_json:
        print_json(report)
    else:
        _print(alias, report)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{file} cannot be read: {error}.", param="pairs") from None


def _embedded(
    url: str, key: str, alias: str, texts: Sequence[str]
) -> tuple[dict[str, Vector], int]:
    """The vector of each text, and how many tokens they took.

    Raises:
        Unavailable: what came back are no vectors of one model.
        TrunklineError: as the server says.
    """
    vectors: dict[str, Vector] = {}
    tokens = 0
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        document = post(url, "/v1/embeddings", {"model": alias, "input": some}, key)
        reply = _read(document, len(some))
        tokens += reply.usage.total_tokens if reply.usage else 0
        for text, item in zip(some, reply.data, strict=True):
            vector = vector_of(reply.model, item.embedding)
            if vector is None:
                raise _no_vectors("a vector has no direction")
            vectors[text] = vector
    if len({(vector.model, len(vector.numbers)) for vector in vectors.values()}) > 1:
        raise _no_vectors("they are of several models")
    return vectors, tokens


def _read(document: Any, count: int) -> _Reply:
    try:
        reply = msgspec.convert(document, _Reply)
    except msgspec.ValidationError as error:
        raise _no_vectors(str(error)) from None
    reply.data.sort(key=lambda item: item.index)
    if len(reply.data) != count:
        raise _no_vectors(f"{count} texts gave {len(reply.data)} vectors")
    return reply


def _no_vectors(reason: str) -> Unavailable:
    return Unavailable(
        f"The answer cannot be measured: {reason}.",
        code="no_vectors",
        hint="Name an alias of one embedding model.",
    )


def _print(alias: str, report: Report) -> None:
    typer.echo(
        f"{report.pairs} pairs, {report.same} of them the same question, embedded by {alias} "
        f"({report.tokens} tokens).\n"
    )
    show([_threshold_row(row) for row in report.thresholds], _THRESHOLDS, as_json=False)
    typer.echo(f"\nWhat the cache would give at {report.at:.2f}:\n")
    show([_kind_row(kind) for kind in report.kinds], _KINDS, as_json=False)
    typer.echo("")
    for wrong in report.wrong:
        typer.echo(f"Wrong at {wrong.similarity:.4f}: {wrong.a!r} and {wrong.b!r}")
    if report.recommended is None:
        typer.echo(
            f"No threshold keeps wrong answers under {report.tolerated:.0%}: keep to exact matches."
        )
        return
    typer.echo(f"Recommended threshold for this model and these pairs: {report.recommended:.2f}")
    typer.echo(
        f"So few pairs leave it possible (95 % confidence) that up to {_percent(report.at_most)} "
        "of near answers are wrong."
    )


def _threshold_row(row: Row) -> dict[str, Any]:
    marked, unmarked = row.marked, row.unmarked
    return {
        "threshold": f"{row.threshold:.2f}",
        "hits": marked.hits,
        "missed": row.missed,
        "false_hits": marked.false_hits,
        "rate": _percent(marked.false_hit_rate),
        "hits_unmarked": unmarked.hits,
        "false_hits_unmarked": unmarked.false_hits,
        "rate_unmarked": _percent(unmarked.false_hit_rate),
    }


def _kind_row(kind: KindRow) -> dict[str, Any]:
    return msgspec.structs.asdict(kind) | {"verdict": "same" if kind.same else "other"}


def _percent(rate: float | None) -> str | None:
    return None if rate is None else f"{rate:.1%}"
