import json
from typing import Any

import httpx2
import msgspec
import pytest
from tests.gateway.http import CHAT, HELLO, MESSAGES, chat, messages, post
from tests.gateway.rig import KEY, connection, price_of, running

from trunkline.errors import BudgetExhausted, LimitExceeded, Unavailable
from trunkline.gateway.metering.event import Outcome
from trunkline.gateway.snapshot import Alias, Origin, Target
from trunkline.gateway.transport import Timeouts
from trunkline.simulator.prices import PRICES
from trunkline.simulator.server import Simulator

ROUTES = [(CHAT, chat), (MESSAGES, messages)]
BOTH = pytest.mark.parametrize(("path", "document"), ROUTES, ids=["chat", "messages"])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def target(simulator: Simulator, model: str, **changes: Any) -> Target:
    return Target(
        connection(simulator, "openai_chat", **changes), model, price_of(model, PRICES["sim-fast"])
    )


@BOTH
@STREAMED
async def test_the_record_of_a_call_equals_the_simulators_bill(
    simulator: Simulator, path: str, document: Any, stream: bool
) -> None:
    async with running(simulator) as rig:
        answer = await post(rig, path, document(stream=stream))
        event = await rig.observed.wait_for(1)
    assert answer.status_code == 200
    [seen] = simulator.ledger
    [(attempt, outcome)] = rig.recorded.outcomes
    assert seen.complete
    assert seen.reference == attempt.id
    assert (outcome.ending, outcome.cost_state) == ("completed", "exact")
    assert outcome.cost_nano == seen.bill_nano > 0
    assert outcome.usage.input_total == seen.input_tokens
    assert outcome.usage.output_total == seen.output_tokens
    assert attempt.hold_nano is not None
    assert attempt.hold_nano >= outcome.cost_nano
    assert rig.admitted.covered == {attempt.id: attempt.hold_nano}
    assert rig.admitted.settled == {attempt.id: outcome}
    assert rig.admitted.released == 1
    assert rig.observed.running == 0
    assert (event.status, event.stream, event.attempts) == (200, stream, ((attempt, outcome),))
    assert answer.headers["x-trunkline-attempts"] == "1"
    assert answer.headers["x-trunkline-generation-id"] == attempt.request_id


async def test_a_whole_answer_passes_byte_for_byte(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        answer = await post(rig, CHAT, chat())
        direct = await post_direct(simulator, chat())
    ours, theirs = answer.json(), json.loads(direct)
    assert {**ours, "id": "", "created": 0} == {**theirs, "id": "", "created": 0}
    assert answer.headers["x-trunkline-model"] == "simulator/sim-fast"
    assert float(answer.headers["x-trunkline-overhead-ms"]) >= 0
    assert answer.headers["x-trunkline-cost"] == "0.000" + str(rig_cost(rig.recorded.outcomes))


def rig_cost(outcomes: list[tuple[Any, Outcome]]) -> str:
    cost = outcomes[0][1].cost_nano
    assert cost is not None
    return f"{cost:09d}"[3:].rstrip("0")


async def post_direct(simulator: Simulator, document: Any) -> bytes:
    import httpx2  # noqa: PLC0415 - only this comparison goes around the gateway

    async with httpx2.AsyncClient(base_url=simulator.base_url) as client:
        headers = {"authorization": "Bearer sim-key"}
        return (await client.post(CHAT, json=document, headers=headers)).content


async def test_the_usage_frame_that_only_we_asked_for_is_taken_out_again(
    simulator: Simulator,
) -> None:
    async with running(simulator) as rig:
        without = (await post(rig, CHAT, chat(stream=True))).text
        asked = chat(stream=True, stream_options={"include_usage": True})
        with_usage = (await post(rig, CHAT, asked)).text
    assert '"prompt_tokens"' not in without
    assert '"prompt_tokens"' in with_usage
    assert without.endswith("data: [DONE]\n\n")
    assert len(with_usage.split("\n\n")) == len(without.split("\n\n")) + 1
    assert all(outcome.cost_state == "exact" for _, outcome in rig.recorded.outcomes)


@pytest.mark.parametrize(
    ("path", "raw", "status", "code"),
    [
        (CHAT, b"{", 400, "invalid_json"),
        (CHAT, b'{"model":"sim-fast","messages":[]}', 400, "missing_messages"),
        (CHAT, json.dumps(chat("nope")).encode(), 404, "model_not_found"),
        (
            CHAT,
            json.dumps(chat("openai_embeddings:sim-embed")).encode(),
            400,
            "unsupported_operation",
        ),
        (MESSAGES, b'{"model":"claude:sim-fast","messages":[1]}', 400, "missing_max_tokens"),
        ("/v1/embedding", b"{}", 404, "unknown_endpoint"),
        ("/v1/models", b"{}", 405, "method_not_allowed"),
    ],
)
async def test_bad_requests_are_answered_in_the_callers_wire_and_cost_nothing(
    simulator: Simulator, path: str, raw: bytes, status: int, code: str
) -> None:
    async with running(simulator) as rig:
        answer = await post(rig, path, raw, x_request_id="mine-1")
        event = await rig.observed.wait_for(1)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["hint"]
    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["x-should-retry"] == "false"
    assert ("type" in answer.json()) == (path == MESSAGES)
    assert (event.status, event.error_code, event.client_request_id) == (status, code, "mine-1")
    assert simulator.ledger == []
    assert rig.recorded.outcomes == []


async def test_near_names_are_listed_only_as_far_as_the_key_may_use_them(
    simulator: Simulator,
) -> None:
    async with running(simulator, aliases=frozenset({"sim-chat"})) as rig:
        unknown = (await post(rig, CHAT, chat("sim-chatt"))).json()["error"]
        forbidden = await post(rig, CHAT, chat("sim-fast"))
        listed = await get(rig, "/v1/models")
    assert "'sim-chat'" in unknown["hint"]
    assert "sim-fast" not in unknown["hint"]
    assert (forbidden.status_code, forbidden.json()["error"]["code"]) == (403, "model_not_allowed")
    assert [model["id"] for model in listed.json()["data"]] == ["sim-chat"]


async def get(rig: Any, path: str, **headers: str) -> Any:
    import httpx2  # noqa: PLC0415 - as above

    sent = {"x-api-key": KEY} | {name.replace("_", "-"): v for name, v in headers.items()}
    async with httpx2.AsyncClient(base_url=rig.base_url) as client:
        return await client.get(path, headers=sent)


@BOTH
async def test_who_has_no_key_is_refused_and_never_told_to_retry(
    simulator: Simulator, path: str, document: Any
) -> None:
    async with running(simulator) as rig:
        missing = await post(rig, path, document(), authorization="")
        wrong = await post(rig, path, document(), authorization="Bearer other")
        wide = await post(rig, path, document(), authorization="", x_api_key=KEY)
    for answer, code in ((missing, "missing_api_key"), (wrong, "invalid_api_key")):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == code
        assert answer.headers["x-should-retry"] == "false"
    assert wide.status_code == 200


async def test_a_key_without_the_scope_may_not_call_models(simulator: Simulator) -> None:
    async with running(simulator, scopes=frozenset({"usage:read"})) as rig:
        answer = await post(rig, CHAT, chat())
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope_missing")


async def test_a_body_of_another_type_is_refused(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        answer = await post(rig, CHAT, b"a=b", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


async def test_refusals_of_limits_and_budgets_pass_with_their_headers(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        rig.admitted.refusal = LimitExceeded("Too fast.", retry_after=2.2)
        fast = await post(rig, CHAT, chat())
        rig.admitted.refusal = BudgetExhausted("Spent.")
        spent = await post(rig, MESSAGES, messages())
    assert (fast.status_code, fast.headers["retry-after"]) == (429, "3")
    assert fast.headers["x-should-retry"] == "true"
    assert (spent.status_code, spent.headers["x-should-retry"]) == (402, "false")
    assert spent.json()["error"]["type"] == "billing_error"
    assert "retry-after" not in spent.headers
    assert simulator.ledger == []


async def test_nothing_leaves_that_could_not_be_written_down(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        rig.recorded.broken = Unavailable("The journal is full.", code="journal_unavailable")
        answer = await post(rig, CHAT, chat())
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "journal_unavailable")
    assert simulator.ledger == []
    assert rig.admitted.released == 1


async def test_provider_errors_pass_as_they_are(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        limited = await post(rig, CHAT, chat("sim-fast+fault=status_429"))
        busy = await post(rig, MESSAGES, messages("claude:overloaded"))
    assert limited.status_code == 404
    assert busy.status_code == 404
    faulty = [
        Alias(name="limited", targets=(target(simulator, "sim-fast+fault=status_429"),)),
        Alias(name="broken", targets=(target(simulator, "sim-fast+fault=status_500"),)),
    ]
    async with running(simulator, extra=faulty) as rig:
        limited = await post(rig, CHAT, chat("limited"))
        broken = await post(rig, CHAT, chat("broken", stream=True))
    assert limited.status_code == 429
    assert "retry-after" in limited.headers
    assert broken.status_code == 500
    assert [outcome.ending for _, outcome in rig.recorded.outcomes] == ["refused", "refused"]
    assert [outcome.cost_nano for _, outcome in rig.recorded.outcomes] == [0, 0]


@pytest.mark.parametrize(
    ("fault", "status"),
    [("status_401", 502), ("status_402", 503), ("status_403", 502), ("insufficient_quota", 503)],
)
async def test_errors_about_our_own_account_are_not_the_callers(
    simulator: Simulator, fault: str, status: int
) -> None:
    alias = Alias(name="m", targets=(target(simulator, f"sim-fast+fault={fault}"),))
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == "upstream_credentials"
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    "fault", ["status_500", "status_429", "reset", "error_first", "not_json", "status_401"]
)
async def test_a_failure_before_the_content_goes_to_the_next_target(
    simulator: Simulator, fault: str
) -> None:
    alias = Alias(
        name="m",
        targets=(
            target(simulator, f"sim-fast+fault={fault}"),
            target(simulator, "sim-chat", id="another"),
        ),
    )
    stream = fault == "error_first"
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, CHAT, chat("m", stream=stream))
    assert answer.status_code == 200
    assert answer.headers["x-trunkline-attempts"] == "2"
    assert answer.headers["x-trunkline-model"] == "simulator/sim-chat"
    numbers = [attempt.number for attempt, _ in rig.recorded.outcomes]
    assert numbers == [1, 2]
    assert len(rig.admitted.covered) == len(rig.admitted.settled) == 2


async def test_what_the_request_itself_got_wrong_is_not_tried_elsewhere(
    simulator: Simulator,
) -> None:
    alias = Alias(
        name="m",
        targets=(target(simulator, "sim-fast+fault=status_400"), target(simulator, "sim-chat")),
    )
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 400
    assert len(rig.recorded.outcomes) == 1


async def test_when_all_targets_fail_the_first_failure_is_the_answer(simulator: Simulator) -> None:
    alias = Alias(
        name="m",
        targets=(
            target(simulator, "sim-fast+fault=status_503"),
            target(simulator, "sim-fast+fault=status_429"),
        ),
    )
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert answer.status_code == 503
    assert answer.headers["x-trunkline-attempts"] == "2"


async def test_a_provider_that_cannot_be_reached_costs_nothing(simulator: Simulator) -> None:
    closed = target(simulator, "sim-fast", origin=Origin("http", "127.0.0.1", 9))
    async with running(simulator, extra=[Alias(name="m", targets=(closed,))]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert answer.json()["error"]["message"] == (
        "The provider cannot be reached. Try again later, or use another model; the administrator "
        "finds the reason in the log under this request id."
    )
    [(_, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state, outcome.cost_nano) == ("not_sent", "exact", 0)


async def test_an_address_that_the_operator_does_not_list_is_never_dialled(
    simulator: Simulator,
) -> None:
    closed = target(simulator, "sim-fast", private=False)
    async with running(simulator, extra=[Alias(name="m", targets=(closed,))]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert simulator.ledger == []


async def test_a_silent_provider_is_a_timeout_with_an_estimated_cost(simulator: Simulator) -> None:
    alias = Alias(name="m", targets=(target(simulator, "sim-fast+fault=silence"),))
    async with running(simulator, extra=[alias], timeouts=Timeouts(first_byte=0.2)) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")
    [(attempt, outcome)] = rig.recorded.outcomes
    assert (outcome.ending, outcome.cost_state) == ("timed_out", "estimated")
    assert attempt.floor_nano == outcome.cost_nano
    assert outcome.cost_nano is not None
    assert outcome.cost_nano > 0


async def test_a_model_without_a_price_is_unpriced_and_never_free(simulator: Simulator) -> None:
    unpriced = msgspec.structs.replace(target(simulator, "sim-fast"), price=None)
    async with running(simulator, extra=[Alias(name="m", targets=(unpriced,))]) as rig:
        answer = await post(rig, CHAT, chat("m"))
    assert answer.headers["x-trunkline-cost"] == "unpriced"
    [(attempt, outcome)] = rig.recorded.outcomes
    assert (attempt.hold_nano, outcome.cost_state, outcome.cost_nano) == (None, "unpriced", None)
    assert outcome.usage.output > 0


async def test_the_ceiling_of_an_alias_is_set_or_refused(simulator: Simulator) -> None:
    alias = Alias(name="m", targets=(target(simulator, "sim-fast"),), max_tokens=3)
    async with running(simulator, extra=[alias]) as rig:
        answer = await post(rig, CHAT, chat("m"))
        refused = await post(rig, CHAT, chat("m", max_tokens=4))
    assert 0 < answer.json()["usage"]["completion_tokens"] <= 3
    assert answer.json()["choices"][0]["finish_reason"] == "length"
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "max_tokens")
    [(attempt, _)] = rig.recorded.outcomes
    assert attempt.output_bound == 3


async def test_head_is_answered_as_get_without_a_body(simulator: Simulator) -> None:
    async with running(simulator) as rig, httpx2.AsyncClient(base_url=rig.base_url) as client:
        headers = {"authorization": f"Bearer {KEY}"}
        answers = [await client.head(path, headers=headers) for path in ("/v1/models", "/api/tags")]
        refused = await client.head("/v1/models")
        posted = await client.head(CHAT, headers=headers)
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b""), (200, b"")]
    assert refused.status_code == 401
    assert posted.status_code == 405


async def test_counting_tokens_costs_nothing(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        document = {"model": "claude:sim-fast", "messages": HELLO}
        answer = await post(rig, "/anthropic/v1/messages/count_tokens", document)
    assert answer.json()["input_tokens"] > 0
    [(attempt, outcome)] = rig.recorded.outcomes
    assert (attempt.hold_nano, outcome.cost_nano, outcome.cost_state) == (0, 0, "exact")


async def test_models_are_listed_in_both_shapes(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        openai = (await get(rig, "/v1/models")).json()
        anthropic = (await get(rig, "/v1/models", anthropic_version="2023-06-01")).json()
        one = (await get(rig, "/v1/models/sim-fast")).json()
        other = (await get(rig, "/anthropic/v1/models/claude:sim-fast")).json()
        missing = await get(rig, "/v1/models/none")
        generation = await get(rig, "/v1/generations/none")
    assert openai["object"] == "list"
    assert {
        "id": "sim-fast",
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "simulator",
    } in openai["data"]
    assert len(anthropic["data"]) == len(openai["data"])
    assert anthropic["has_more"] is False
    assert one["id"] == "sim-fast"
    assert other == {
        "type": "model",
        "id": "claude:sim-fast",
        "display_name": "claude:sim-fast",
        "created_at": "2023-11-14T22:13:20Z",
    }
    assert (missing.status_code, generation.status_code) == (404, 404)


async def test_the_callers_own_headers_pass_and_credentials_do_not(simulator: Simulator) -> None:
    async with running(simulator) as rig:
        await post(
            rig,
            MESSAGES,
            messages(),
            anthropic_beta="tools-2024",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
    [seen] = simulator.ledger
    assert seen.headers["anthropic-beta"] == "tools-2024"
    assert seen.headers["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert "b7ad6b7169203331" not in seen.headers["traceparent"]


async def test_what_the_connection_header_names_stays_on_the_callers_hop(
    simulator: Simulator,
) -> None:
    async with running(simulator) as rig:
        await post(
            rig, MESSAGES, messages(), anthropic_beta="mine", connection="close, anthropic-beta"
        )
    [seen] = simulator.ledger
    assert "anthropic-beta" not in seen.headers


async def test_a_key_that_may_only_list_models_sees_no_costs(simulator: Simulator) -> None:
    async with running(simulator, scopes=frozenset({"models:read"})) as rig:
        models = await get(rig, "/v1/models")
        generation = await get(rig, "/v1/generations/any")
    assert models.status_code == 200
    assert (generation.status_code, generation.json()["error"]["code"]) == (403, "scope_missing")
    assert "usage:read" in generation.json()["error"]["hint"]
