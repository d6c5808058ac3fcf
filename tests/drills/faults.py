"""The fault table: each fault of the simulator, on both wires, streamed and not."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from tests.drills.verdict import Surroundings, Verdict
from tests.product.answers import Reading, read_answer
from tests.product.books import disagreements, spent, uncounted
from tests.product.running import CHAT, MESSAGES, Product, running_product
from tests.simulator.raw import asked, exchange, request

from trunkline.kit.money import format_usd
from trunkline.ledger.rows import Row
from trunkline.simulator.fault_table import FAULTS
from trunkline.simulator.ledger import SeenAttempt
from trunkline.simulator.server import Simulator

SETTINGS: dict[str, Any] = {"first_byte_timeout": 0.8, "idle_timeout": 0.8, "connect_timeout": 2.0}
# A fault's parameters where the defaults would only make the table slow.
QUICKER = {
    "latency": "latency;seconds=0.1",
    "slow_first_token": "slow_first_token;seconds=0.1",
}
MODELS = {CHAT: "steady", MESSAGES: "claude-steady"}
# A circuit would leave the target alone after so many faults.
STEADY = {"circuit": {"enabled": False}}
WIRES = {CHAT: "chat", MESSAGES: "messages"}


class FaultRow(msgspec.Struct, frozen=True):
    """What one fault did to one call.

    Attributes:
        reading: what the client saw.
        seen: attempts that the simulator saw for this call.
        rows: of the ledger.
        before: nano-dollars that the budget had spent before the call.
        after: and after it.
        problems: where a promise was broken; none when all is well.
    """

    fault: str
    path: str
    stream: bool
    reading: Reading
    seen: tuple[SeenAttempt, ...]
    rows: tuple[Row, ...]
    before: int
    after: int
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """Fault, wire and kind of answer."""
        return f"{self.fault} {WIRES[self.path]} {'stream' if self.stream else 'body'}"


class FaultTable:
    """Makes the calls of the table against a running product.

    Its state is how much of the books it has read, so that each call is told from the others.
    """

    def __init__(self, product: Product) -> None:
        self._product = product
        self._seen = 0
        self._held = 0
        self._known: set[str] = set()
        self._whole: dict[tuple[str, bool], str] = {}

    async def run(self) -> list[FaultRow]:
        """All faults on both wires, streamed and not."""
        table = []
        for path in (CHAT, MESSAGES):
            for stream in (False, True):
                faultless = await self._call(path, None, stream=stream)
                self._whole[path, stream] = faultless.reading.text
                table.append(faultless)
                for fault in FAULTS:
                    row = await self._call(path, fault.name, stream=stream)
                    table.append(row)
        return table

    async def _call(self, path: str, fault: str | None, *, stream: bool) -> FaultRow:
        product = self._product
        before = await product.standing()
        answer = await _send(product, path, fault, stream=stream)
        if fault == "stale_keep_alive":
            # Only the next call on the same connection meets it.
            answer = await _send(product, path, None, stream=stream)
        await product.idle()
        after = await product.standing()
        seen = product.simulator.ledger[self._seen :]
        self._seen += len(seen)
        rows = [row for row in await product.rows() if row["id"] not in self._known]
        self._known |= {row["id"] for row in rows}
        reading = read_answer(path, answer, stream=stream)
        problems = disagreements(rows, seen)
        problems += self._broken_promises(path, reading, seen, stream=stream)
        moved = after.spent_nano - before.spent_nano
        waiting = uncounted(rows)
        self._held += sum(row["hold_nano"] for row in waiting)
        booked = spent(rows) - spent(waiting)
        if moved != booked:
            problems.append(f"the budget moved by {moved} and the rows cost {booked}")
        if after.held_nano != self._held:
            problems.append(f"{after.held_nano} are held instead of {self._held}")
        return FaultRow(
            fault=fault or "none",
            path=path,
            stream=stream,
            reading=reading,
            seen=tuple(seen),
            rows=tuple(rows),
            before=before.spent_nano,
            after=after.spent_nano,
            problems=tuple(problems),
        )

    def _broken_promises(
        self, path: str, reading: Reading, seen: list[SeenAttempt], *, stream: bool
    ) -> list[str]:
        """A clean end is one that was, and everything else says what is wrong."""
        whole = self._whole.get((path, stream))
        problems = []
        if reading.clean:
            # With a wrong length the stream's own end came whole; only HTTP's is missing after it.
            if not (seen[-1].complete or seen[-1].fault == "wrong_length"):
                problems.append("the client saw a clean end that was not")
            if whole is not None and reading.text != whole:
                problems.append("the client saw a clean end of another text")
        elif reading.error is None:
            problems.append("the client saw neither a clean end nor an error")
        elif reading.status == 200 and not (whole or "").startswith(reading.text):
            problems.append("the client saw text that was not sent")
        if reading.error == "internal_error":
            problems.append("the client met a defect of ours")
        return problems


async def _send(product: Product, path: str, fault: str | None, *, stream: bool) -> Any:
    headers = {"authorization": f"Bearer {product.key}"}
    if fault is not None:
        headers["x-simulator-fault"] = QUICKER.get(fault, fault)
    fields: dict[str, Any] = {"model": MODELS[path], "max_tokens": 300}
    body = asked(path, stream=stream, **fields)
    return await exchange(product.base_url, request(path, body, headers))


async def fault_table(product: Product) -> list[FaultRow]:
    """The table, after which nothing may be left over; see ``FaultRow.problems``."""
    return await FaultTable(product).run()


def leftovers(product: Product) -> list[str]:
    """Connections and leases that outlived their request; nothing when all is well."""
    found = []
    stats = product.front.upstream.stats()
    if stats.busy or stats.waiting:
        found.append(f"{stats.busy} busy and {stats.waiting} waiting connections")
    leases = product.front.known.admission.stats().leases
    if leases:
        found.append(f"{leases} leases")
    journal = product.front.kept.journal.stats()
    if journal.live or journal.pending:
        found.append(f"{journal.live} live attempts and {journal.pending} unwritten closes")
    return found


def print_table(rows: list[FaultRow], console: Console) -> None:
    """The table for people."""
    table = Table(title="What each fault does", show_lines=False)
    for column in ("fault", "wire", "stream", "the client saw", "error code"):
        table.add_column(column)
    for column in ("sent", "rows", "bill $", "cost $", "budget before $", "after $"):
        table.add_column(column, justify="right")
    table.add_column("verdict")
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)


def _cells(row: FaultRow) -> list[str]:
    states = ", ".join(f"{r['cost_state']} ({r['ending']})" for r in row.rows) or "none"
    return [
        row.fault,
        WIRES[row.path],
        "yes" if row.stream else "no",
        row.reading.summary,
        row.reading.error or "",
        str(len(row.seen)),
        states,
        format_usd(sum(attempt.bill_nano for attempt in row.seen)),
        format_usd(spent(row.rows)),
        format_usd(row.before),
        format_usd(row.after),
        "; ".join(row.problems) or "[green]as promised[/green]",
    ]


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """Print the table; its problems are the verdict's."""
    async with product_for_faults(surroundings.directory, surroundings.seed) as product:
        table = await fault_table(product)
        left = leftovers(product)
    print_table(table, surroundings.console)
    problems = [f"{row.name}: {problem}" for row in table for problem in row.problems] + left
    clean = sum(row.reading.clean for row in table)
    figures = f"{len(table)} calls, {clean} clean ends, {len(table) - clean} honest errors"
    return [Verdict("faults", figures, tuple(problems))]


@asynccontextmanager
async def product_for_faults(
    directory: Path, seed: int, models: Iterable[Mapping[str, Any]] = ()
) -> AsyncIterator[Product]:
    """A product with short patience, in this directory, with further published models."""
    simulator = Simulator(seed=seed, speed=1e6)
    await simulator.start()
    try:
        async with running_product(
            directory / "data", simulator, models=[*_steady(), *models], **SETTINGS
        ) as product:
            yield product
    finally:
        await simulator.stop()


def _steady() -> Iterable[Mapping[str, Any]]:
    for path, name in MODELS.items():
        wire = "sim-openai" if path == CHAT else "sim-anthropic"
        target = {"connection": wire, "model": "sim-fast"}
        yield {"name": name, "targets": [target], "route": STEADY}
