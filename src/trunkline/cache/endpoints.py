"""The cache API: what is kept for an organisation, and forgetting it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from trunkline.cache import service
from trunkline.cache.schemas import CacheReport, Forgotten
from trunkline.errors import Forbidden
from trunkline.gateway.caller import Caller
from trunkline.gateway.recall.recall import Recall
from trunkline.kit.money import format_usd
from trunkline.storage.engine import Database

READ = "usage:read"
WRITE = "cache:write"

Authenticate = Callable[[Request], Caller]


def router(recall: Recall, database: Database, authenticate: Authenticate) -> APIRouter:
    """The routes under ``/api/cache``, each for the caller's own organisation.

    Args:
        recall: the cache of this process.
        database: tells the others.
        authenticate: the caller of a request; raises what the caller shall see.
    """
    routes = APIRouter(prefix="/api/cache", tags=["cache"])

    def reader(request: Request) -> Caller:
        return _allowed(authenticate(request), READ)

    def writer(request: Request) -> Caller:
        return _allowed(authenticate(request), WRITE)

    @routes.get("")
    async def report(caller: Annotated[Caller, Depends(reader)]) -> CacheReport:
        """What is kept, and how often it was of use."""
        held, counts = await recall.holding(caller.org_id), recall.counts(caller.org_id)
        return CacheReport(
            entries=held.entries,
            bytes=held.bytes,
            hits=counts.hit,
            near=counts.near,
            followed=counts.follow,
            misses=counts.miss,
            hit_rate=counts.hit_rate,
            saved=format_usd(counts.saved_nano),
        )

    @routes.delete("")
    async def forget(
        caller: Annotated[Caller, Depends(writer)],
        model: Annotated[str | None, Query(description="Public name of a model.")] = None,
        prefix: Annotated[str | None, Query(description="Beginning of models' names.")] = None,
        everything: Annotated[bool, Query(alias="all", description="All answers.")] = False,  # noqa: FBT002 - FastAPI reads it by its name.
    ) -> Forgotten:
        """Forget answers; those of one model, of models whose names begin alike, or all."""
        begun = service.beginning(caller.org_id, model=model, prefix=prefix, everything=everything)
        async with database.write(caller.org_id) as conn:
            await service.tell(conn, caller.org_id, begun)
        return Forgotten(forgotten=await recall.forget_below(begun))

    return routes


def _allowed(caller: Caller, scope: str) -> Caller:
    if scope not in caller.scopes:
        raise Forbidden(
            "The key may not do this with kept answers.",
            code="scope_missing",
            hint=f"Ask an administrator for a key with the scope {scope}.",
        )
    return caller
