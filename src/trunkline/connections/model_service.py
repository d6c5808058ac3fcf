"""Makes, alters and removes published models, and looks whether what they name is there."""

from collections.abc import Collection, Mapping

import msgspec
from msgspec.structs import replace
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.connections import repository
from trunkline.connections.published import model_row, models_naming, problems_of_models
from trunkline.connections.route_checks import RouteProblem, RoutesRefused, model_problems
from trunkline.connections.route_schemas import positions
from trunkline.connections.rows import AliasRow, ConnectionRow, PriceOverride
from trunkline.connections.schemas import ModelSpec
from trunkline.errors import Conflict, InvalidRequest, NotFound
from trunkline.gateway.policy import TargetState
from trunkline.kit.clock import Clock, SystemClock
from trunkline.kit.ids import new_id
from trunkline.storage.changes import append_change
from trunkline.storage.tables.connections import alias


class ModelService:
    """What ``ConnectionService`` does with published models. Has no state of its own.

    ``environment`` has the names of the connections that the environment makes, which targets may
    use, and ``published`` what the models that it publishes are for, by name.
    """

    def __init__(
        self,
        *,
        environment: frozenset[str] = frozenset(),
        published: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._environment = environment
        self._published = dict(published or {})
        self._clock = clock or SystemClock()

    async def models(self, conn: AsyncConnection, org_id: str | None) -> list[AliasRow]:
        """Published models by name; those of the environment are not in the database."""
        return [row async for row in repository.aliases(conn, (org_id,))]

    async def model(self, conn: AsyncConnection, org_id: str | None, name: str) -> AliasRow:
        """A published model of this owner.

        Raises:
            NotFound: there is none of this name.
        """
        present = await self._model(conn, org_id, name)
        if present is None:
            hint = "trunkline models shows those that there are."
            if org_id is not None and await self._model(conn, None, name):
                hint = "There is one that all organisations share: --shared means that."
            elif name in self._published:
                hint = "A provider's key in the environment publishes it, and it goes with the key."
            raise NotFound(f"There is no model {name!r}.", code="model_not_found", hint=hint)
        return present

    async def names_behind(self, conn: AsyncConnection, org_id: str | None) -> frozenset[str]:
        """The names that this owner has without any model of its own."""
        shared = await self.models(conn, None) if org_id is not None else []
        return frozenset(self._published) | {row.name for row in shared}

    async def model_names(self, conn: AsyncConnection, org_id: str) -> frozenset[str]:
        """Every public name that an organisation may use, those of the environment included."""
        rows = repository.aliases(conn, (org_id, None))
        return frozenset(self._published) | {row.name async for row in rows}

    async def connection_names(self, conn: AsyncConnection, org_id: str | None) -> frozenset[str]:
        """Every connection that this owner may use, those of the environment included."""
        rows = repository.connections(conn, (org_id, None))
        return self._environment | {row.name async for row in rows}

    async def ensure_model(
        self, conn: AsyncConnection, org_id: str | None, wanted: ModelSpec, *, at: str = ""
    ) -> bool:
        """Publish a model as wanted; true when something changed.

        ``at`` precedes the paths of fields in errors, such as ``models[3].``.

        What it says about other models is not looked at: they may come later in the same unit of
        work. Call ``check_routes`` at its end.

        Raises:
            InvalidRequest: a target names a connection that this owner does not have, or the
                policies contradict the targets; ``param`` is the path of the field.
        """
        if problems := list(model_problems(wanted)):
            raise RoutesRefused(problems, {wanted.name: at})
        fields = {
            f"{at}targets[{place}].connection": target.connection
            for place, target in enumerate(wanted.targets)
        }
        await self._check_connections(conn, org_id, fields)
        present = await self._model(conn, org_id, wanted.name)
        row = model_row(
            wanted,
            org_id,
            present.id if present else new_id(),
            present.created_ms if present else self._now_ms(),
        )
        return await self._put_model(conn, row, present)

    async def check_routes(
        self, conn: AsyncConnection, org_id: str | None, *, at: Mapping[str, str] | None = None
    ) -> None:
        """Look whether all that the models of this owner name is there, and no fallback circles.

        ``at`` has what precedes the fields of each model in errors, by its name.

        Raises:
            RoutesRefused: with every problem; ``param`` is the path of the first one's field.
        """
        if problems := await self.route_problems(conn, org_id):
            raise RoutesRefused(problems, at or {})

    async def route_problems(self, conn: AsyncConnection, org_id: str | None) -> list[RouteProblem]:
        """What ``check_routes`` refuses."""
        return await problems_of_models(conn, org_id, self._published)

    async def set_target_state(
        self,
        conn: AsyncConnection,
        org_id: str | None,
        *,
        model: str,
        target: str,
        state: TargetState,
    ) -> bool:
        """Let a target of a published model take requests or not; true when something changed.

        ``target`` is written as in a rule: ``connection/model``, or the name of a connection for
        all targets at it. The state lasts until the model is written again: a file that is applied
        has the last word.

        Raises:
            NotFound: there is no such model of this owner, or it has no such target.
            Conflict: no target would be left that takes requests.
        """
        present = await self.model(conn, org_id, model)
        chosen = positions(target, [(row.connection, row.model) for row in present.targets])
        if not chosen:
            raise NotFound(
                f"The model {model!r} has no target {target!r}.",
                code="target_not_found",
                hint=f"It has {', '.join(row.name for row in present.targets)}.",
            )
        targets = tuple(
            row._replace(state=state) if place in chosen else row
            for place, row in enumerate(present.targets)
        )
        if all(row.state == "disabled" for row in targets):
            raise Conflict(
                f"Nothing would be left that serves the model {model!r}.",
                code="targets_disabled",
                hint="Give it another target first, or remove the model.",
            )
        return await self._put_model(conn, replace(present, targets=targets), present)

    async def delete_model(self, conn: AsyncConnection, org_id: str | None, name: str) -> None:
        """Withdraw a published model.

        Raises:
            NotFound: there is none of this name.
            Conflict: another model of the same owner falls back to it or embeds with it.
        """
        await self.delete_models(conn, org_id, (name,))

    async def delete_models(
        self, conn: AsyncConnection, org_id: str | None, names: Collection[str]
    ) -> None:
        """Withdraw published models together, which may name each other.

        Raises:
            NotFound: there is none of one of these names.
            Conflict: a model that stays falls back to one of them or embeds with it.
        """
        going = [await self.model(conn, org_id, name) for name in names]
        gone = set(names) - await self.names_behind(conn, org_id)
        if users := await models_naming(conn, org_id, gone):
            raise Conflict(
                f"{', '.join(users)} would miss {', '.join(map(repr, sorted(gone)))}.",
                code="model_in_use",
                hint="Change what these models fall back to or embed with first.",
            )
        for row in going:
            await repository.put_targets(conn, org_id, row.id, ())
            await self._remove(conn, alias, "alias", row)

    async def _model(self, conn: AsyncConnection, org_id: str | None, name: str) -> AliasRow | None:
        found = [row async for row in repository.aliases(conn, (org_id,), name=name)]
        return found[0] if found else None

    async def _check_connections(
        self, conn: AsyncConnection, org_id: str | None, fields: Mapping[str, str]
    ) -> None:
        """Refuse the first of these fields that names none, and tell of the others as well."""
        known = await self.connection_names(conn, org_id)
        unknown = {field: name for field, name in fields.items() if name not in known}
        if unknown:
            raise InvalidRequest(
                f"There is no connection {', '.join(map(repr, sorted(set(unknown.values()))))}.",
                code="unknown_connection",
                hint=f"There are {', '.join(sorted(known)) or 'none yet'}.",
                param=next(iter(unknown)),
            )

    async def _put_model(
        self, conn: AsyncConnection, row: AliasRow, present: AliasRow | None
    ) -> bool:
        if row == present:
            return False
        values = msgspec.structs.asdict(row)
        targets = values.pop("targets")
        await repository.put(conn, alias, values, new=present is None)
        await repository.put_targets(conn, row.org_id, row.id, targets)
        await append_change(conn, row.org_id, "alias", row.id)
        return True

    async def _remove(
        self,
        conn: AsyncConnection,
        table: Table,
        kind: str,
        row: ConnectionRow | AliasRow | PriceOverride,
    ) -> None:
        await repository.remove(conn, table, row.id)
        await append_change(conn, row.org_id, kind, row.id)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)
