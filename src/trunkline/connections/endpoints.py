"""The API that tells where requests go."""

import random
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from trunkline.errors import Forbidden
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import Routes
from trunkline.gateway.routing.described import (
    NEEDS,
    Described,
    explain_described,
    read_needs,
    read_tag,
)
from trunkline.gateway.routing.explanation import Explanation
from trunkline.gateway.routing.view import HealthView

SCOPE = "models:read"

Authenticate = Callable[[Request], Caller]


class ExplainParameters(BaseModel):
    """The query of ``GET /api/routes/explain``: what is known of the request."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=256, description="Public name of the model.")
    wire: str | None = Field(None, description="Format in which the request comes.")
    input_tokens: int = Field(0, ge=0, le=1_000_000_000)
    max_tokens: int | None = Field(None, ge=1, le=1_000_000_000)
    needs: str | None = Field(None, description=f"Separated by commas: {', '.join(NEEDS)}.")
    tag: list[str] = Field([], max_length=50, description="name=value, besides the key's own.")
    user: str | None = Field(None, max_length=256, description="The end user that it names.")
    conversation: str | None = Field(None, max_length=2048)
    goes_on: bool = Field(
        default=False, description="Whether the conversation has an answer already."
    )

    def described(self) -> Described:
        """The request that is asked about.

        Raises:
            InvalidRequest: a need or a tag is none.
        """
        return Described(
            model=self.model,
            wire=self.wire,
            input_tokens=self.input_tokens,
            max_tokens=self.max_tokens,
            needs=read_needs(self.needs),
            tags=tuple(map(read_tag, self.tag)),
            user=self.user,
            conversation=self.conversation,
            goes_on=self.goes_on,
        )


def router(
    routes: Routes, health: HealthView, authenticate: Authenticate, rng: random.Random
) -> APIRouter:
    """The routes under ``/api/routes``.

    Args:
        routes: the snapshots that requests are served from.
        health: how the targets fare in this process.
        authenticate: the caller of a request; raises what the caller shall see.
        rng: draws where chance has a part in the order.
    """
    api = APIRouter(prefix="/api/routes", tags=["routes"])

    def caller_of(request: Request) -> Caller:
        caller = authenticate(request)
        if SCOPE not in caller.scopes:
            raise Forbidden(
                "The key may not read models.",
                code="scope_missing",
                hint=f"Ask an administrator for a key with the scope {SCOPE}.",
            )
        return caller

    @api.get("/explain")
    async def explain(
        caller: Annotated[Caller, Depends(caller_of)],
        parameters: Annotated[ExplainParameters, Query()],
    ) -> Explanation:
        """Which target would serve such a request of the caller now, and why."""
        return explain_described(parameters.described(), caller, routes, health, rng)

    return api
