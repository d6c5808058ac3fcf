"""Providers that are cut off, fail most of their calls or say nothing: what clients see of it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tests.drills.circuit_watch import CircuitWatch, watched_circuit
from tests.drills.load import Call
from tests.drills.outside import Outside, outside_simulator
from tests.drills.steady import SteadyLoad, Timed, failures, quantile, reasons, steady_load, told
from tests.drills.verdict import Surroundings, Verdict
from tests.product.books import disagreements
from tests.product.offer import ACME, configuration
from tests.product.process import Installation, installation
from tests.product.running import CHAT

from trunkline.configuration.schema import ConfigurationFile
from trunkline.connections.schemas import ModelSpec
from trunkline.demo.configuration import LLAMA
from trunkline.ledger.rows import Row
from trunkline.simulator.server import Simulator

MOST_ERRORS = 0.005
"""Share of the clients that may see an error while one of two targets fails."""

FAILING, WELL = "sim-failing", "sim-well"
# The order of the rules is that of the draws: each takes its share of what is left, in all 80 %.
EARLY_FAULTS = (("status_500", 0.4), ("reset", 0.4), ("error_first", 0.444444))
SLACK = 0.15
"""Seconds for the parts of a drill that share the machine with each other."""

Part = Callable[[Path, int], Coroutine[Any, Any, Verdict]]


async def drill(surroundings: Surroundings) -> list[Verdict]:
    """The issue's three kinds of bad providers, with the numbers that routes have by default."""
    verdicts = []
    parts: dict[str, Part] = {
        "cut": partial(cut_off, before=5.0, down=10.0),
        "ordered": partial(failing, policy="ordered", seconds=30.0),
        "weighted": partial(failing, policy="weighted", seconds=30.0),
        "without": partial(failing, policy="ordered", seconds=30.0, circuit=False),
        "silent": partial(silent, first_token=1.0, seconds=20.0),
    }
    for name, part in parts.items():
        directory = surroundings.directory / name
        directory.mkdir()
        verdict = await part(directory, surroundings.seed)
        surroundings.console.print(f"{verdict.name}: {verdict.figures}")
        verdicts.append(verdict)
    return verdicts


async def cut_off(
    directory: Path,
    seed: int,
    *,
    before: float,
    down: float,
    circuit: Mapping[str, Any] | None = None,
    rate: float = 20.0,
) -> Verdict:
    """The first provider of the demo's default alias goes away under load, and comes back.

    Args:
        directory: of the installation.
        seed: of the simulators.
        before: seconds of load while all is well.
        down: seconds for which nobody listens at the provider's address.
        circuit: terms of the alias, where they are not the default ones.
        rate: requests a second.
    """
    others, together = Simulator(seed=seed), Simulator(seed=seed)
    await others.start()
    await together.start()
    back = Simulator(seed=seed, port=int(together.base_url.rpartition(":")[2]))
    try:
        async with installation(directory) as made:
            await made.apply(_with_together(made, others, together, circuit or {}))
            await made.start()
            async with (
                watched_circuit(made, "together", LLAMA) as watch,
                steady_load(made.base_url, made.key, _of_default_alias, rate) as load,
            ):
                await asyncio.sleep(before)
                cut_at = load.now
                await together.stop()
                await asyncio.sleep(down)
                await back.start()
                opened_at = await watch.until("open", 60)
                closed_at = await watch.until("closed", 120)
                await asyncio.sleep(2.0)
            metrics = await made.metrics()
            await made.stop()
            rows = await made.rows()
    finally:
        for simulator in (others, together, back):
            await simulator.stop()
    cut = [one for one in load.timed if _was_under_way(one, cut_at)]
    problems = disagreements(rows, [*others.ledger, *together.ledger, *back.ledger])
    problems += _saw_errors([one for one in load.timed if one not in cut], 0.0)
    problems += _one_probe(back, metrics)
    figures = (
        f"{told([one for one in load.timed if one not in cut])}; {len(cut)} plain streams that had "
        f"begun at the cut, {_broken(cut)} of them ended with an error event; "
        f"{reasons(rows)}; cut at {cut_at:.1f} s, circuit {watch.told(load.began_at)}, "
        f"{closed_at - opened_at:.1f} s open"
    )
    return Verdict("together cut off", figures, tuple(problems))


def _with_together(
    made: Installation, others: Simulator, together: Simulator, circuit: Mapping[str, Any]
) -> ConfigurationFile:
    """The demo's configuration with an address of its own for ``together``."""
    content = configuration(others.base_url, made.chain, [ACME])
    connections = tuple(
        one.model_copy(update={"base_url": f"{together.base_url}/v1"})
        if one.name == "together"
        else one
        for one in content.connections
    )
    models = tuple(_routed(one, {"circuit": circuit}) for one in content.models)
    return content.model_copy(update={"connections": connections, "models": models})


def _routed(model: ModelSpec, route: Mapping[str, Any]) -> ModelSpec:
    if model.name != LLAMA:
        return model
    written = model.model_dump(exclude_unset=True)
    written["route"] = {**written.get("route", {}), **route}
    return ModelSpec.model_validate(written)


def _of_default_alias(number: int) -> Call:
    """Bodies, streams, and streams that are held until they are whole."""
    if number % 3 == 2:
        return Call(CHAT, LLAMA, max_tokens=30, headers={"x-trunkline-buffered": "true"})
    return Call(CHAT, LLAMA, stream=number % 3 == 1, max_tokens=30)


def _was_under_way(one: Timed, moment: float) -> bool:
    """Whether a client may have read the beginning of an answer that nobody can finish."""
    plain = one.call.stream and not one.call.headers
    return plain and one.due < moment < one.due + one.seconds


def _broken(timed: list[Timed]) -> int:
    return sum(failures(timed).values())


def _one_probe(back: Simulator, metrics: Mapping[str, float]) -> list[str]:
    """The first call that comes after the cut is over before any other begins."""
    probe, *later = sorted(back.ledger, key=lambda seen: seen.started)
    early = sum(seen.started < (probe.ended or probe.started) for seen in later)
    problems = [f"{early} calls came beside the probe"] if early else []
    moved = metrics["trunkline_circuit_transitions_total"]
    if moved != 2:
        problems.append(f"circuits moved {moved:g} times instead of opening and closing once")
    return problems


def _saw_errors(timed: list[Timed], most: float) -> list[str]:
    bad = failures(timed)
    if sum(bad.values()) <= most * len(timed):
        return []
    return [f"clients saw {dict(bad)} in {len(timed)} requests"]


async def failing(
    directory: Path,
    seed: int,
    *,
    policy: str,
    seconds: float,
    circuit: bool = True,
    rate: float = 100.0,
) -> Verdict:
    """One of two targets fails four of five calls before their content."""
    route = {"policy": policy, "circuit": {"enabled": circuit}}
    async with (
        outside_simulator(directory, seed) as outside,
        installation(directory) as made,
    ):
        await made.apply(_with_two(made, outside, route))
        await made.start()
        for fault, share in EARLY_FAULTS:
            await outside.set_fault(fault, model=FAILING, share=share)
        async with (
            watched_circuit(made, "sim-openai", FAILING) as watch,
            steady_load(made.base_url, made.key, _of_two, rate) as load,
        ):
            await asyncio.sleep(seconds)
        asked = (await made.metrics())["trunkline_repeats_total"]
        await made.stop()
        rows, seen = await made.rows(), await outside.seen()
    problems = disagreements(rows, seen) + _saw_errors(load.timed, MOST_ERRORS)
    figures = (
        f"{told(load.timed)}; {len(rows)} attempts: {reasons(rows)}; {_at_failing(rows)}; "
        f"{asked:g} repeats were to be made; circuit {watch.told(load.began_at) or 'never opened'}"
    )
    without = "" if circuit else ", without a circuit"
    return Verdict(f"80 % failures, {policy}{without}", figures, tuple(problems))


def _at_failing(rows: list[Row]) -> str:
    there = [row for row in rows if row["model"] == FAILING]
    failed = sum(row["ending"] != "completed" for row in there)
    return f"{failed} of {len(there)} attempts at the failing target failed"


def _with_two(made: Installation, outside: Outside, route: Mapping[str, Any]) -> ConfigurationFile:
    """A model ``halved`` with a target that is about to fail and one that is well."""
    names = (FAILING, WELL)
    targets = [{"connection": "sim-openai", "model": name} for name in names]
    model = {"name": "halved", "targets": targets, "route": dict(route)}
    content = configuration(outside.base_url, made.chain, [ACME], [model])
    (known,) = [
        price
        for price in content.prices
        if (price.connection, price.model) == ("sim-openai", "sim-fast")
    ]
    prices = tuple(known.model_copy(update={"model": name}) for name in names)
    return content.model_copy(update={"prices": (*content.prices, *prices)})


def _of_two(number: int) -> Call:
    return Call(CHAT, "halved", stream=number % 2 == 1, max_tokens=30)


async def silent(
    directory: Path,
    seed: int,
    *,
    first_token: float,
    seconds: float,
    rate: float = 20.0,
    slack: float = SLACK,
) -> Verdict:
    """The first target takes requests and never answers.

    It was well for a quarter of the time, and such calls count for it until the circuit opens.
    """
    route = {"timeouts": {"first_token": first_token}}
    async with (
        outside_simulator(directory, seed) as outside,
        installation(directory) as made,
    ):
        await made.apply(_with_two(made, outside, route))
        await made.start()
        async with steady_load(made.base_url, made.key, _of_two, rate) as quiet:
            await asyncio.sleep(seconds / 4)
        await outside.set_fault("silence", model=FAILING)
        async with (
            watched_circuit(made, "sim-openai", FAILING) as watch,
            steady_load(made.base_url, made.key, _of_two, rate) as load,
        ):
            await asyncio.sleep(seconds)
            await watch.until("open", 60)
            await asyncio.sleep(1.0)
        await made.stop()
        rows, seen = await made.rows(), await outside.seen()
    problems = disagreements(rows, seen) + _saw_errors(load.timed, 0.0)
    alone = quantile(quiet.timed, 0.99)
    before, after = _parted(load, watch)
    problems += _too_slow("before", before, first_token + alone + slack)
    problems += _too_slow("after", after, alone + slack)
    figures = (
        f"first_token {first_token:g} s, p99 of one attempt {alone * 1000:.0f} ms; until the "
        f"circuit opened {told(before)}; after it {told(after)}; {reasons(rows)}; "
        f"circuit {watch.told(load.began_at)}"
    )
    return Verdict("silent target", figures, tuple(problems))


def _parted(load: SteadyLoad, watch: CircuitWatch) -> tuple[list[Timed], list[Timed]]:
    """What was due before the circuit was open, and after it."""
    opened = next((at for at, state in watch.changes if state == "open"), None)
    edge = float("inf") if opened is None else opened - load.began_at
    before = [one for one in load.timed if one.due <= edge]
    return before, [one for one in load.timed if one.due > edge]


def _too_slow(when: str, timed: list[Timed], most: float) -> list[str]:
    if not timed:
        return [f"there was no request {when} the circuit opened"]
    p99 = quantile(timed, 0.99)
    if p99 <= most:
        return []
    return [f"p99 {when} the circuit opened is {p99:.2f} s, more than {most:.2f}"]
