"""One organisation of the file, with its teams, people, keys and what it may call."""

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.collecting import Collector
from trunkline.configuration.known import Known
from trunkline.configuration.owned import Owned
from trunkline.configuration.references import known_to
from trunkline.configuration.rules import Kept, Referable, apply_rules, apply_tiers, prune_rules
from trunkline.configuration.schema import KeySection, OrganisationSection
from trunkline.connections.service import ConnectionService
from trunkline.identity.pepper import Pepper
from trunkline.identity.records import ORGANISATION_FIELDS, KeyTerms, Organisation
from trunkline.identity.service import keys, organisations, users
from trunkline.kit.clock import Clock


class OrganisationApplier:
    """Applies one section. Its state is what it made; it lives as long as the unit of work.

    Attributes:
        issued: (name, text) of the keys that were made just now without a secret of their own.
    """

    def __init__(
        self,
        conn: AsyncConnection,
        section: OrganisationSection,
        path: str,
        connections: ConnectionService,
        collector: Collector,
        *,
        pepper: Pepper,
        clock: Clock,
        whole: bool,
    ) -> None:
        self._conn = conn
        self._section = section
        self._path = path
        self._connections = connections
        self._collector = collector
        self._pepper = pepper
        self._clock = clock
        self._whole = whole
        self._kept = Kept(frozenset(), frozenset())
        self._key_ids: dict[str, str] = {}
        self.issued: list[tuple[str, str]] = []

    async def apply(self, texts: dict[str, str]) -> str | None:
        """Apply everything; the organisation's id, or None where it was refused itself.

        ``texts`` has the texts of the keys that name a secret, by path.
        """
        section, path = self._section, self._path
        org_id: str | None = None
        with self._collector.at(path):
            org_id = (await self._ensured()).id
        if org_id is not None:
            await self._apply_people(org_id)
            await self._owned_by(org_id).apply()
            await apply_tiers(self._conn, org_id, section.tiers, self._clock)
            known = await known_to(self._conn, self._connections, org_id)
            with self._collector.at(f"{path}tier"):
                known.check_tier(section.tier)
            await self._apply_keys(org_id, texts, known)
            self._kept = await apply_rules(
                self._conn,
                org_id,
                section,
                path,
                Referable(known, self._key_ids),
                self._collector,
                self._clock,
            )
        return org_id

    async def prune(self, org_id: str) -> None:
        """Remove what the section does not name, and revoke such keys.

        Teams and people stay: the ledger speaks of them. So do all keys where the section has no
        list of them, which need not be an order: nobody brings a revoked key back.
        """
        await self._owned_by(org_id).prune()
        await prune_rules(self._conn, org_id, self._kept)
        if not self._whole and "keys" not in self._section.model_fields_set:
            return
        named = {key.name for key in self._section.keys}
        for key in await keys.list_keys(self._conn, org_id):
            if key.name not in named and key.revoked_ms is None:
                await keys.revoke_key(self._conn, org_id, key.id, clock=self._clock)

    async def check_routes(self, org_id: str) -> None:
        """Note what its models name and is not there, once everything is as it shall be."""
        await self._owned_by(org_id).check_routes()

    async def check_pruned(self, org_id: str) -> None:
        """Note the models that its keys and rules name and that were removed."""
        known = await known_to(self._conn, self._connections, org_id)
        for number, key in enumerate(self._section.keys):
            for position, name in enumerate(key.aliases):
                with self._collector.at(f"{self._path}keys[{number}].aliases[{position}]"):
                    known.check_model(name)
        for kind, rules in (("limits", self._section.limits), ("budgets", self._section.budgets)):
            for number, rule in enumerate(rules):
                if rule.scope == "alias" and rule.scope_id is not None:
                    with self._collector.at(f"{self._path}{kind}[{number}].scope_id"):
                        known.check_model(rule.scope_id)

    async def _ensured(self) -> Organisation:
        """The organisation itself; what a file leaves out about it stays as it is."""
        section = self._section
        left_out = frozenset(ORGANISATION_FIELDS) - section.model_fields_set
        return await organisations.ensure_organisation(
            self._conn,
            name=section.name or section.slug,
            slug=section.slug,
            time_zone="UTC" if section.time_zone is None else section.time_zone,
            tier=section.tier,
            keep=frozenset() if self._whole else left_out,
            clock=self._clock,
            at=self._path,
        )

    def _owned_by(self, org_id: str) -> Owned:
        return Owned(
            self._conn, self._connections, self._clock, org_id, self._section, self._path,
            self._collector,
        )  # fmt: skip

    async def _apply_people(self, org_id: str) -> None:
        for number, team in enumerate(self._section.teams):
            at = f"{self._path}teams[{number}]."
            with self._collector.at(at):
                await organisations.ensure_team(
                    self._conn,
                    org_id,
                    name=team.name or team.slug,
                    slug=team.slug,
                    clock=self._clock,
                    at=at,
                )
        for number, user in enumerate(self._section.users):
            at = f"{self._path}users[{number}]."
            with self._collector.at(at):
                await users.ensure_user(
                    self._conn,
                    org_id,
                    email=user.email,
                    name=user.name,
                    role=user.role,
                    clock=self._clock,
                    at=at,
                )

    async def _apply_keys(self, org_id: str, texts: dict[str, str], known: Known) -> None:
        for number, key in enumerate(self._section.keys):
            at = f"{self._path}keys[{number}]."
            for position, name in enumerate(key.aliases):
                with self._collector.at(f"{at}aliases[{position}]"):
                    known.check_model(name)
            with self._collector.at(f"{at}tier"):
                known.check_tier(key.tier)
            with self._collector.at(at):
                issued = await keys.ensure_key(
                    self._conn,
                    org_id,
                    await self._terms(org_id, key, at),
                    text=texts.get(at),
                    pepper=self._pepper,
                    clock=self._clock,
                    at=at,
                )
                self._key_ids[key.name] = issued.key.id
                if issued.text is not None and at not in texts:
                    self.issued.append((key.name, issued.text))

    async def _terms(self, org_id: str, key: KeySection, at: str) -> KeyTerms:
        team_id = user_id = None
        if key.team is not None:
            with self._collector.at(f"{at}team"):
                team_id = (await organisations.find_team(self._conn, org_id, key.team)).id
        if key.user is not None:
            with self._collector.at(f"{at}user"):
                user_id = (await users.find_user(self._conn, org_id, key.user)).id
        return KeyTerms(
            name=key.name,
            team_id=team_id,
            user_id=user_id,
            scopes=key.scopes,
            aliases=key.aliases,
            tags=key.tags,
            tier=key.tier,
            cache=key.cache,
            buffered=key.buffered,
            expires_ms=None if key.expires is None else int(key.expires.timestamp() * 1000),
        )
