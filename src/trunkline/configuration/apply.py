"""Applies a configuration in one unit of work, or tells what that would change."""

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.collecting import Collector
from trunkline.configuration.loading import Loaded
from trunkline.configuration.plan import Plan
from trunkline.configuration.problems import ConfigurationRefused, Problem
from trunkline.configuration.run import IssuedText, Outcome, Parts, Run
from trunkline.configuration.secrets import Missing, read_key_texts
from trunkline.configuration.versions import add_version, newest_version
from trunkline.configuration.writing import yaml_of
from trunkline.errors import Conflict
from trunkline.kit.clock import Clock
from trunkline.storage.changes import Change, hold_changes

FOUND = "As it was found: changed by other means than a configuration."


class Applied(msgspec.Struct, frozen=True):
    """What became of a configuration.

    Attributes:
        plan: what changed, owner by owner.
        changes: every row that was made, altered or removed; none when all was as wanted.
        issued: the texts of keys that were made without a secret of their own.
    """

    plan: Plan
    changes: tuple[Change, ...]
    issued: tuple[IssuedText, ...]


class _Undone(Exception):
    """Carries a plan out of a unit of work that shall not be kept."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


async def plan_configuration(
    parts: Parts, loaded: Loaded, *, prune: bool = False, missing: Missing = "refused"
) -> Plan:
    """What applying a configuration would change, found out by doing it and taking it back.

    Raises:
        ConfigurationRefused: with all problems, those of missing secrets among them.
        Unavailable: the database does not answer.
    """
    texts = await _texts(parts, loaded, missing)
    try:
        async with parts.database.write(None) as conn:
            raise _Undone((await _run(conn, parts, loaded, texts, prune=prune)).plan)
    except _Undone as undone:
        return undone.plan


async def apply_configuration(
    parts: Parts,
    loaded: Loaded,
    *,
    prune: bool = False,
    missing: Missing = "refused",
    note: str | None = None,
    planned: Plan | None = None,
) -> Applied:
    """Make the installation be as the configuration says, and keep a version of what changed.

    Applying twice changes nothing the second time. What is in the database and not in the
    configuration is left alone, unless ``prune`` is set: then connections, guardrails, models,
    prices, limits and budgets of the owners that it speaks of are removed, and the keys of its
    organisations revoked.

    Args:
        parts: of the installation.
        loaded: the configuration.
        prune: whether what it does not name is removed.
        missing: which secrets may be missing.
        note: why, for the list of versions.
        planned: what somebody has agreed to; anything else is refused.

    Raises:
        ConfigurationRefused: with all problems; nothing was changed.
        Conflict: it would not change what was planned, for somebody else changed something.
        Unavailable: the database does not answer; nothing was changed.
    """
    texts = await _texts(parts, loaded, missing)
    async with parts.database.write(None) as conn:
        # Leaving the block with an error rolls everything back.
        outcome = await _run(conn, parts, loaded, texts, prune=prune)
        if planned is not None and outcome.plan != planned:
            raise Conflict(
                "The configuration of the installation has changed since this was planned.",
                code="plan_outdated",
                hint="Nothing was changed. Look at a new plan.",
            )
        await _keep_versions(conn, outcome, note, parts.clock)
    return Applied(outcome.plan, outcome.changes, outcome.issued)


async def _texts(parts: Parts, loaded: Loaded, missing: Missing) -> dict[str, str]:
    problems: list[Problem] = []
    texts = await read_key_texts(parts.secrets, loaded.content, missing, problems)
    _refuse(loaded, problems)
    return texts


async def _run(
    conn: AsyncConnection, parts: Parts, loaded: Loaded, texts: dict[str, str], *, prune: bool
) -> Outcome:
    await hold_changes(conn)
    collector = Collector()
    outcome = await Run(conn, parts, loaded, texts, collector, prune=prune).outcome()
    _refuse(loaded, collector.problems)
    return outcome


def _refuse(loaded: Loaded, problems: list[Problem]) -> None:
    if problems:
        raise ConfigurationRefused(loaded.places.source, loaded.places.located(problems))


async def _keep_versions(
    conn: AsyncConnection, outcome: Outcome, note: str | None, clock: Clock
) -> None:
    """A version of each owner that changed, and one of how it was if no version has that."""
    for owner in outcome.owners:
        if owner.before == owner.after:
            continue
        before, newest = yaml_of(owner.before), await newest_version(conn, owner.org_id)
        if len(owner.before) > 1 and (newest is None or newest.document != before):
            await add_version(conn, owner.org_id, before, FOUND, clock)
        await add_version(conn, owner.org_id, yaml_of(owner.after), note, clock)
