"""The usage API."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from trunkline.errors import Forbidden, InvalidRequest
from trunkline.gateway.caller import Caller
from trunkline.kit.clock import Clock
from trunkline.ledger.reports import UsageQuery, report_json
from trunkline.ledger.schemas import Usage, UsageParameters
from trunkline.ledger.service import Ledger

SCOPE = "usage:read"

Authenticate = Callable[[Request], Caller]
LimitsLeft = Callable[[Caller], Sequence[Mapping[str, Any]]]


def router(
    service: Ledger,
    authenticate: Authenticate,
    clock: Clock,
    limits_left: LimitsLeft | None = None,
) -> APIRouter:
    """The routes under ``/api/me``.

    Args:
        service: the ledger.
        authenticate: the caller of a request; raises what the caller shall see.
        clock: for periods that end now.
        limits_left: how the caller's budgets and limits stand, where this process knows.
    """
    routes = APIRouter(prefix="/api/me", tags=["usage"])

    def caller_of(request: Request) -> Caller:
        caller = authenticate(request)
        if SCOPE not in caller.scopes:
            raise Forbidden(
                "The key may not read usage.",
                hint=f"Ask an administrator for a key with the scope {SCOPE}.",
            )
        return caller

    @routes.get("/usage", response_model=Usage)
    async def usage(
        caller: Annotated[Caller, Depends(caller_of)],
        parameters: Annotated[UsageParameters, Query()],
    ) -> dict[str, Any]:
        """What the caller's key, user, team or organisation used and spent in a period."""
        since_ms, until_ms = parameters.bounds_ms(clock.now())
        query = UsageQuery(
            since_ms, until_ms, parameters.by, parameters.scope, _own(caller, parameters.scope)
        )
        left = None if limits_left is None else list(limits_left(caller))
        report = report_json(await service.usage(caller.org_id, query))
        return {"scope": parameters.scope, "limits": left, **report}

    return routes


def _own(caller: Caller, scope: str) -> str:
    """The caller's own instance of a scope."""
    own = {"key": caller.key_id, "user": caller.user_id, "team": caller.team_id, "org": ""}[scope]
    if own is None:
        raise InvalidRequest(
            f"The key belongs to no {scope}.", param="scope", hint="Ask for the scope key or org."
        )
    return own
