"""Guards belong to the model that was named, whoever answers in its place."""

import pytest
from msgspec.structs import replace
from tests.gateway.guarding.asking import PRICE, ask, guard
from tests.gateway.rig import connection, running

from trunkline.errors import BudgetExhausted
from trunkline.gateway.guarding.guard import Action
from trunkline.gateway.metering.event import Guarded
from trunkline.gateway.policy import FallbackKind, Retry, Route
from trunkline.gateway.snapshot import Alias, Target
from trunkline.simulator.server import Simulator

EMAIL = "jo@example.com"


def aliases(simulator: Simulator, wire: str, action: Action, *, kind: FallbackKind) -> list[Alias]:
    """A guarded alias that fails, and one without guards that it falls back to."""
    down = Target(
        connection(simulator, "openai_chat", id="down"), "sim-fast+fault=status_500", PRICE
    )
    up = Target(connection(simulator, wire, id="up"), "sim-fast", PRICE)
    route = Route(retry=Retry(attempts=1), fallbacks={kind: ("spare",)})
    guards = (guard(action=action, way="out"),)
    return [
        Alias("m", (down,), route=route, guards=guards),
        Alias("spare", (up,), route=Route(retry=Retry(attempts=1))),
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", ["openai_chat", "anthropic_messages"])
async def test_the_answer_of_a_fallback_is_guarded(
    simulator: Simulator, wire: str, stream: bool
) -> None:
    extra = aliases(simulator, wire, "redact", kind="error")
    async with running(simulator, extra=extra) as rig:
        _, reading = await ask(rig, "openai_chat", f"say {EMAIL}", stream=stream)
        event = await rig.observed.wait_for(1)
    assert reading.text == "[EMAIL]"
    assert event.guarded == (Guarded("pii", "out", "redacted", (("email", 1),)),)
    assert [outcome.ending for _, outcome in event.attempts] == ["refused", "completed"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cheaper_fallback_is_guarded_as_well(simulator: Simulator, stream: bool) -> None:
    extra = aliases(simulator, "anthropic_messages", "refuse", kind="budget")
    async with running(simulator, extra=extra) as rig:
        rig.admitted.refused_aliases = {"m": BudgetExhausted("spent", code="budget_exhausted")}
        _, reading = await ask(rig, "openai_chat", f"say {EMAIL}", stream=stream)
        event = await rig.observed.wait_for(1)
    assert (reading.status, reading.error) == (400, "guardrail_refused")
    assert event.alias == "spare"
    assert event.guarded == (Guarded("pii", "out", "refused", (("email", 1),)),)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_fallback_was_given_before_is_not_given_unguarded(
    simulator: Simulator, stream: bool
) -> None:
    extra = aliases(simulator, "openai_chat", "redact", kind="budget")
    words = f"say {EMAIL}"
    async with running(simulator, extra=extra, cached=True) as rig:
        rig.admitted.refused_aliases = {"m": BudgetExhausted("spent", code="budget_exhausted")}
        _, own = await ask(rig, "openai_chat", words, stream=stream, model="spare")
        told = [await ask(rig, "openai_chat", words, stream=stream) for _ in range(2)]
        _, again = await ask(rig, "openai_chat", words, stream=stream, model="spare")
        # Nor what it was given for the model, before that had this guard.
        rig.routes.publish(replace(extra[0], guards=(guard(pii={"placeholder": "-"}, way="out"),)))
        told.append(await ask(rig, "openai_chat", words, stream=stream))
    assert [reading.text for _, reading in told] == ["[EMAIL]", "[EMAIL]", "-"]
    assert [answer.headers["x-trunkline-cache"] for answer, _ in told] == ["miss", "hit", "miss"]
    assert (own.text, again.text) == (EMAIL, EMAIL)
