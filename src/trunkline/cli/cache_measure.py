"""``trunkline cache measure``: how often near matches would be right, and how often wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from trunkline.cache.near_measure import THRESHOLDS, Report, report_on
from trunkline.cache.near_pairs import HELD_OUT, SHIPPED, PairSet, read_pairs, set_of_ours
from trunkline.cli.cache_measured import tell
from trunkline.cli.front import post, read_key
from trunkline.cli.output import AsJson, print_json
from trunkline.errors import InvalidRequest, Unavailable
from trunkline.gateway.recall.near_index import Vector, vector_of

_AT_ONCE: Final = 64


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
        str | None,
        typer.Option(
            help="shipped, held-out, or a file: JSON lines of a, b, same, kind; both of ours "
            "without it."
        ),
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
    than 1 % of the answers from the cache would be wrong. The marks that keep near answers back
    were tuned on the shipped pairs and not on the held-out ones: no threshold follows from the
    former.
    """
    sets = _sets(pairs)
    key = read_key(key_env, key_file)
    reports = [_measured(given, url, key, alias, threshold or THRESHOLDS) for given in sets]
    if as_json:
        print_json(reports)
    else:
        tell(alias, reports)


def _sets(named: str | None) -> list[PairSet]:
    if named is None:
        return [set_of_ours(HELD_OUT), set_of_ours(SHIPPED)]
    if named in {HELD_OUT, SHIPPED}:
        return [set_of_ours(named)]
    file = Path(named)
    return [PairSet(file.name, read_pairs(_lines(file), file.name))]


def _measured(
    given: PairSet, url: str, key: str, alias: str, thresholds: Sequence[float]
) -> Report:
    texts = list(dict.fromkeys(text for pair in given.pairs for text in (pair.a, pair.b)))
    vectors, tokens = _embedded(url, key, alias, texts)
    return report_on(given, vectors, thresholds, tokens)


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
