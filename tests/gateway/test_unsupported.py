"""What a target cannot do is left out and named, or refused, as the published model says."""

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from tests.gateway.http import CHAT, chat, post
from tests.gateway.rig import Rig, published, running

from trunkline.errors import BudgetExhausted
from trunkline.gateway.policy import Route
from trunkline.simulator.server import Simulator


@pytest_asyncio.fixture
async def rig() -> AsyncIterator[Rig]:
    """A data path with a model that may lose nothing besides those that may."""
    simulator = Simulator(seed=3)
    await simulator.start()
    lossy = published(simulator).aliases["gemini:sim-fast"]
    strict = msgspec.structs.replace(lossy, name="strict", on_unsupported="refuse")
    thrifty = msgspec.structs.replace(
        strict, name="thrifty", route=Route(fallbacks={"budget": (lossy.name,)})
    )
    async with running(simulator, extra=[strict, thrifty]) as rig:
        yield rig
    await simulator.stop()


async def test_what_is_left_out_is_named_in_a_header(rig: Rig) -> None:
    answer = await post(rig, CHAT, chat("gemini:sim-fast", logit_bias={"50256": -100}))
    assert (answer.status_code, answer.headers["x-trunkline-dropped"]) == (200, "logit_bias")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_name_that_no_header_can_hold_is_told_by_its_escapes(
    rig: Rig, stream: bool
) -> None:
    members = {"a\r\nset-cookie: b": 1, "größe\0": 2, "l" * 3_000: 3}
    answer = await post(rig, CHAT, chat("gemini:sim-fast", stream=stream, **members))
    told = answer.headers["x-trunkline-dropped"]
    assert (answer.status_code, len(told)) == (200, 2_003)
    assert told.startswith("a\\r\\nset-cookie: b, gr\\xf6\\xdfe\\x00, lll")
    assert "set-cookie" not in answer.headers


async def test_what_loses_nothing_has_no_such_header(rig: Rig) -> None:
    answer = await post(rig, CHAT, chat("strict"))
    assert (answer.status_code, answer.headers.get("x-trunkline-dropped")) == (200, None)


async def test_a_model_that_may_lose_nothing_refuses_before_anything_is_sent(rig: Rig) -> None:
    answer = await post(rig, CHAT, chat("strict", logit_bias={"50256": -100}))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400, "unsupported_parameter", "logit_bias",
    )  # fmt: skip
    assert error["message"].startswith("'strict' cannot be asked for 'logit_bias', since ")
    assert rig.recorded.attempts == {}


async def test_a_model_that_may_lose_nothing_loses_nothing_where_a_cheaper_one_serves(
    rig: Rig,
) -> None:
    rig.admitted.refused_aliases = {"thrifty": BudgetExhausted("spent", code="budget_exhausted")}
    served = await post(rig, CHAT, chat("thrifty"))
    refused = await post(rig, CHAT, chat("thrifty", logit_bias={"50256": -100}))
    assert [served.status_code, refused.status_code] == [200, 400]
    assert refused.json()["error"]["code"] == "unsupported_parameter"
    assert [attempt.alias for attempt, _ in rig.recorded.outcomes] == ["gemini:sim-fast"]
