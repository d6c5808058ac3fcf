"""Looks up what an organisation may refer to."""

from sqlalchemy.ext.asyncio import AsyncConnection

from trunkline.configuration.known import Known
from trunkline.configuration.rules import tier_names
from trunkline.connections.service import ConnectionService


async def known_to(conn: AsyncConnection, connections: ConnectionService, org_id: str) -> Known:
    """What an organisation may refer to as things stand in this unit of work."""
    return Known(
        models=await connections.model_names(conn, org_id),
        connections=await connections.connection_names(conn, org_id),
        tiers=await tier_names(conn, org_id),
    )
