"""Makes the calls of the matrix, and puts together what was seen of each."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec
from tests.drills.faults import leftovers
from tests.drills.matrix.judging import Texts, problems_of
from tests.drills.matrix.kinds import STALE, harms
from tests.drills.matrix.offer import PATHS, Cell, cells, name_of_second
from tests.product.answers import Reading, read_answer
from tests.product.books import disagreements, spent, uncounted
from tests.product.running import Product
from tests.simulator.raw import asked, exchange, request

from trunkline.ledger.rows import Row
from trunkline.simulator.ledger import SeenAttempt

PATIENCE = 30.0
AT_ONCE = 6
"""Quick calls at a time, so that none is slow only because others run."""


class Outcome(msgspec.Struct, frozen=True):
    """What one call came to.

    Attributes:
        rows: of the ledger, in the order of the attempts.
        seen: what the simulator saw of them.
        problems: where a promise was broken; none when all is well.
    """

    cell: Cell
    reading: Reading
    rows: tuple[Row, ...]
    seen: tuple[SeenAttempt, ...]
    problems: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """The whole matrix; ``problems`` are those of the books as a whole."""

    outcomes: list[Outcome]
    problems: list[str]


async def run_matrix(product: Product) -> Report:
    """All calls; those that wait run together, the others a few at a time."""
    before, tasks = await product.standing(), len(asyncio.all_tasks())
    texts = await _texts(product)
    every = list(cells())
    readings = await _read_all(product, every)
    await product.idle()
    rows, seen = await product.rows(), product.simulator.ledger
    outcomes = list(_outcomes(every, readings, rows, seen, texts))
    problems = disagreements(rows, seen) + leftovers(product)
    after = await product.standing()
    moved = after.spent_nano - before.spent_nano
    waiting = uncounted(rows)
    booked = spent(rows) - spent(waiting)
    if moved != booked:
        problems.append(f"the budget moved by {moved} and the rows cost {booked}")
    held = sum(row["hold_nano"] for row in waiting)
    if after.held_nano != held:
        problems.append(f"{after.held_nano} are held instead of {held}")
    if len(asyncio.all_tasks()) > tasks:
        problems.append(f"{len(asyncio.all_tasks()) - tasks} tasks are left")
    return Report(outcomes, problems)


async def _texts(product: Product) -> Texts:
    first, second = {}, {}
    for path in PATHS:
        plain = Cell(harms()[0], "alone", path, stream=False)
        first[path] = (await _call(product, path, plain.model, stream=False)).text
        for translated in (False, True):
            model = name_of_second(path, translated=translated)
            second[path, translated] = (await _call(product, path, model, stream=False)).text
    return Texts(first, second)


async def _read_all(product: Product, every: Sequence[Cell]) -> dict[str, Reading]:
    """What the client saw of each cell, by its model."""
    few = asyncio.Semaphore(AT_ONCE)

    async def read(cell: Cell) -> tuple[str, Reading]:
        if _waits(cell):
            return cell.model, await _ask(product, cell)
        async with few:
            return cell.model, await _ask(product, cell)

    readings = dict(await asyncio.gather(*(read(cell) for cell in every if not _lurks(cell))))
    for cell in filter(_lurks, every):
        readings[cell.model] = await _meet_stale(product, cell)
    return readings


def _waits(cell: Cell) -> bool:
    kind = cell.harm.kind(stream=cell.stream)
    return kind.slow or kind.ending == "timed_out"


def _lurks(cell: Cell) -> bool:
    return cell.harm == STALE


async def _meet_stale(product: Product, cell: Cell) -> Reading:
    """The fault hurts whoever comes next on the connection, which nobody else may be."""
    await product.idle()
    await _ask(product, cell, "planted")
    await product.idle()
    plain = Cell(harms()[0], cell.mode, cell.path, stream=cell.stream)
    return await _call(product, cell.path, plain.model, cell.model, stream=cell.stream)


async def _ask(product: Product, cell: Cell, label: str | None = None) -> Reading:
    return await _call(product, cell.path, cell.model, label or cell.model, stream=cell.stream)


async def _call(
    product: Product, path: str, model: str, label: str = "other", *, stream: bool
) -> Reading:
    headers = {"authorization": f"Bearer {product.key}", "x-request-id": label.replace("/", ".")}
    body = asked(path, stream=stream, model=model, max_tokens=300)
    answer = await exchange(product.base_url, request(path, body, headers), patience=PATIENCE)
    return read_answer(path, answer, stream=stream)


def _outcomes(
    every: Sequence[Cell],
    readings: dict[str, Reading],
    rows: Sequence[Row],
    seen: Sequence[SeenAttempt],
    texts: Texts,
) -> Iterator[Outcome]:
    by_label: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row["client_request_id"]].append(row)
    by_attempt = {attempt.reference: attempt for attempt in seen}
    for cell in every:
        label = cell.model.replace("/", ".")
        mine = sorted(by_label[label], key=lambda row: int(row["number"]))
        met = tuple(by_attempt[row["id"]] for row in mine if row["id"] in by_attempt)
        reading = readings[cell.model]
        problems = tuple(problems_of(cell, reading, mine, texts))
        yield Outcome(cell, reading, tuple(mine), met, problems)
