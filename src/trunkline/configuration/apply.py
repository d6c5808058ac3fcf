"""Applies a configuration file: all of it in one unit of work, or nothing."""

from typing import NamedTuple

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.collecting import Collector
from trunkline.configuration.organisation import OrganisationApplier
from trunkline.configuration.owned import apply_owned, prune_owned
from trunkline.configuration.problems import ConfigurationRefused, Problem
from trunkline.configuration.rules import apply_tiers
from trunkline.configuration.schema import ConfigurationFile
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.identity.pepper import Pepper
from trunkline.kit.clock import Clock
from trunkline.storage.changes import POLL_LIMIT, Change, changes_after, newest_change
from trunkline.storage.engine import Database


class IssuedText(NamedTuple):
    """The text of a key that was made just now. It cannot be had again."""

    organisation: str
    key: str
    text: str


class Applied(msgspec.Struct, frozen=True):
    """What became of a file.

    Attributes:
        changes: every row that was made, altered or removed; none when all was as wanted.
        issued: the texts of keys that were made without a secret of their own.
    """

    changes: tuple[Change, ...]
    issued: tuple[IssuedText, ...]


class Parts(NamedTuple):
    """What applying needs of the installation."""

    database: Database
    connections: ConnectionService
    pepper: Pepper
    secrets: Secrets
    clock: Clock


async def apply_configuration(
    parts: Parts,
    file: ConfigurationFile,
    *,
    source: str = "the configuration",
    prune: bool = False,
) -> Applied:
    """Make the installation be as the file says.

    Applying twice changes nothing the second time. What is in the database and not in the file is
    left alone, unless ``prune`` is set: then connections, models, prices, limits and budgets of
    the owners that the file names are removed, and the keys of its organisations revoked.

    Raises:
        ConfigurationRefused: with all problems; nothing was changed.
        Unavailable: the database does not answer; nothing was changed.
    """
    problems: list[Problem] = []
    texts = await _key_texts(parts.secrets, file, problems)
    if problems:
        raise ConfigurationRefused(source, problems)
    collector = Collector()
    async with parts.database.write(None) as conn:
        before = await newest_change(conn)
        issued = await _apply(conn, parts, file, texts, collector, prune=prune)
        if collector.problems:
            # Leaving the block with an error rolls everything back.
            raise ConfigurationRefused(source, collector.problems)
        changes = await _changes(conn, before)
    return Applied(changes, issued)


async def _apply(
    conn: AsyncConnection,
    parts: Parts,
    file: ConfigurationFile,
    texts: dict[str, str],
    collector: Collector,
    *,
    prune: bool,
) -> tuple[IssuedText, ...]:
    issued: list[IssuedText] = []
    await apply_owned(conn, parts.connections, None, file, "", collector)
    await apply_tiers(conn, None, file.tiers, parts.clock)
    applied: list[tuple[OrganisationApplier, str]] = []
    for number, section in enumerate(file.organisations):
        applier = OrganisationApplier(
            conn, section, f"organisations[{number}].", parts.connections, collector,
            pepper=parts.pepper, clock=parts.clock,
        )  # fmt: skip
        org_id = await applier.apply(texts)
        issued += [IssuedText(section.slug, name, text) for name, text in applier.issued]
        if org_id is not None:
            applied.append((applier, org_id))
    if prune and not collector.problems:
        for applier, org_id in applied:
            await applier.prune(org_id)
        await prune_owned(conn, parts.connections, None, file, "", collector)
    return tuple(issued)


async def _key_texts(
    secrets: Secrets, file: ConfigurationFile, problems: list[Problem]
) -> dict[str, str]:
    """The texts of all keys that name a secret, by path, before the unit of work begins."""
    texts: dict[str, str] = {}
    for number, organisation in enumerate(file.organisations):
        for position, key in enumerate(organisation.keys):
            path = f"organisations[{number}].keys[{position}]."
            if key.secret is not None:
                try:
                    texts[path] = await secrets.resolve(key.secret)
                except ValueError as error:
                    problems.append(Problem(f"{path}secret", str(error)))
    return texts


async def _changes(conn: AsyncConnection, before: int) -> tuple[Change, ...]:
    found: list[Change] = []
    while True:
        page = await changes_after(conn, found[-1].seq if found else before)
        found += page
        if len(page) < POLL_LIMIT:
            return tuple(found)
