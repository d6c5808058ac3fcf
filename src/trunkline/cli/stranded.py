"""Which models nobody serves once circuits are held open by hand."""

from trunkline.circuits.feed import CircuitFeed
from trunkline.circuits.records import HeldState
from trunkline.cli.session import Session
from trunkline.connections.adapter import SnapshotRoutes
from trunkline.connections.environment import environment_accounts
from trunkline.connections.secrets import Secrets
from trunkline.settings import read_variable

# No organisation has this id, so what it may call is what all share.
_NOBODY = ""


async def stranded_models(
    session: Session, org_id: str | None, connection: str, model: str
) -> list[str]:
    """The published models with this target of which every target in use is held open.

    Args:
        session: of the command.
        org_id: whose models; None for those that all organisations share.
        connection: its name.
        model: the upstream id.
    """
    routes = SnapshotRoutes(
        session.database, session.settings, Secrets(read_variable), clock=session.clock
    )
    await routes.load()
    held: dict[str, HeldState] = {}
    environment = {row.name: row.id for row, _ in environment_accounts(session.settings)}
    await CircuitFeed(session.database, held.update, environment).load()
    here = (connection, model)
    stranded = []
    for alias in routes.snapshot(_NOBODY if org_id is None else org_id).aliases.values():
        used = [target for target in alias.targets if target.state != "disabled"]
        concerned = any((target.connection.name, target.model) == here for target in used)
        if concerned and all(held.get(target.place) == "open" for target in used):
            stranded.append(alias.name)
    return stranded
