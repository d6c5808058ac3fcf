"""Events in, a line of each and the right numbers out."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.telemetry.events import SECOND, STARTED_MS, attempt, finished, outcome
from typing_extensions import override

from trunkline.gateway.metering.event import Finished, Guarded
from trunkline.gateway.metering.usage import NO_USAGE
from trunkline.kit.clock import FakeClock
from trunkline.observability.access_line import AccessLog
from trunkline.observability.line_writer import LineWriter
from trunkline.observability.metrics import Metrics
from trunkline.telemetry.provider_traffic import ProviderTraffic
from trunkline.telemetry.spans import SpanQueue, SpanSink
from trunkline.telemetry.target_traffic import TargetTraffic
from trunkline.telemetry.teller import RequestTeller


class Lines:
    """An access log in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self.log = AccessLog(LineWriter(self.fd))

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    lines = Lines(tmp_path / "log")
    yield lines
    os.close(lines.fd)


def samples(metrics: Metrics, *, but: tuple[str, ...] = ("_bucket", "_sum")) -> dict[str, float]:
    """What a scrape says, without the process and the series that are zero."""
    shown = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            if sample.name.startswith(("process_", "python_")) or sample.name.endswith(but):
                continue
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            if sample.value:
                shown[f"{sample.name}{{{labels}}}"] = sample.value
    return shown


def observe(event: Finished, lines: Lines) -> dict[str, float]:
    metrics = Metrics()
    RequestTeller(metrics, access_log=lines.log).tell([event])
    return samples(metrics)


# In the order of the alphabet, as ``samples`` writes them.
GEN_AI = "gen_ai_operation_name=chat,gen_ai_provider_name=openai,gen_ai_request_model=gpt-5-mini"


MODEL = f"{GEN_AI},trunkline_alias=fast"
INPUT, OUTPUT = (
    f"{GEN_AI},gen_ai_token_type={kind},trunkline_alias=fast" for kind in ("input", "output")
)


def test_a_streamed_answer_leaves_a_line_and_its_numbers(lines: Lines) -> None:
    shown = observe(finished(), lines)
    assert lines.read() == [
        {
            "time": "2025-11-21T01:02:04.202Z",
            "level": "info",
            "event": "request",
            "requestId": "client-1",
            "method": "POST",
            "url": "/v1/chat/completions?key=[secret]",
            "route": "/v1/chat/completions",
            "status": 200,
            "duration": 1202.5,
            "userAgent": "OpenAI/Python 1.99.1",
            "org": "org-1",
            "keyId": "key-1",
            "alias": "fast",
            "model": "gpt-5-mini",
            "provider": "openai",
            "attempts": 1,
            "cost": "0.00123",
            "costState": "exact",
            "ttft": 202.5,
            "overhead": 0.312,
        }
    ]
    http = "method=POST,route=/v1/chat/completions,status_code=200"
    assert shown == {
        f"http_requests_total{{{http}}}": 1,
        f"http_request_duration_ms_count{{{http}}}": 1,
        "trunkline_overhead_ms_count{}": 1,
        f"gen_ai_server_request_duration_seconds_count{{error_type=,{MODEL}}}": 1,
        f"gen_ai_server_time_to_first_token_seconds_count{{{MODEL}}}": 1,
        f"gen_ai_server_time_per_output_token_seconds_count{{{MODEL}}}": 1,
        f"gen_ai_client_token_usage_count{{{INPUT}}}": 1,
        f"gen_ai_client_token_usage_count{{{OUTPUT}}}": 1,
        f"trunkline_cost_usd_total{{cost_state=exact,{MODEL}}}": 0.00123,
        "trunkline_upstream_attempts_total{ending=completed,gen_ai_provider_name=openai,"
        "gen_ai_request_model=gpt-5-mini,reason=first,status=200,trunkline_alias=fast}": 1,
        "trunkline_upstream_duration_seconds_count{gen_ai_provider_name=openai,"
        "gen_ai_request_model=gpt-5-mini,trunkline_alias=fast}": 1,
    }


def test_sums_are_in_the_units_of_the_conventions() -> None:
    metrics = Metrics()
    RequestTeller(metrics).tell([finished()])
    sums = {
        name.split("{")[0] + ("|output" if "type=output" in name else ""): value
        for name, value in samples(metrics, but=("_bucket", "_count", "_total")).items()
    }
    assert sums == {
        "http_request_duration_ms_sum": 1202.5,
        "trunkline_overhead_ms_sum": 0.3125,
        "gen_ai_server_request_duration_seconds_sum": pytest.approx(1.2025),
        "gen_ai_server_time_to_first_token_seconds_sum": pytest.approx(0.2025),
        "gen_ai_server_time_per_output_token_seconds_sum": pytest.approx(0.01),
        "gen_ai_client_token_usage_sum": 104,
        "gen_ai_client_token_usage_sum|output": 101,
        "trunkline_upstream_duration_seconds_sum": pytest.approx(1.2),
    }


def test_a_failover_counts_both_attempts_and_adds_their_cost(lines: Lines) -> None:
    failed = outcome(
        closed_ms=STARTED_MS + 500,
        ending="timed_out",
        status=None,
        cost_state="estimated",
        cost_nano=100,
        usage=NO_USAGE,
    )
    shown = observe(
        finished(
            attempts=(
                (attempt(), failed),
                (attempt(id=SECOND, number=2, reason="failover"), outcome()),
            )
        ),
        lines,
    )
    line = lines.read()[0]
    assert (line["attempts"], line["cost"], line["costState"]) == (2, "0.0012301", "estimated")
    assert line["reasons"] == ["first", "failover"]
    assert {
        name.partition("gen_ai")[0] + name.partition("reason=")[2].rpartition(",")[0]: value
        for name, value in shown.items()
        if name.startswith(("trunkline_upstream_attempts", "trunkline_cost"))
    } == {
        "trunkline_upstream_attempts_total{ending=completed,failover,status=200": 1,
        "trunkline_upstream_attempts_total{ending=timed_out,first,status=none": 1,
        "trunkline_cost_usd_total{cost_state=exact,": 0.00123,
        "trunkline_cost_usd_total{cost_state=estimated,": 1e-7,
    }


def test_an_unpriced_attempt_is_never_shown_as_free(lines: Lines) -> None:
    event = finished(attempts=((attempt(), outcome(cost_state="unpriced", cost_nano=None)),))
    shown = observe(event, lines)
    assert (lines.read()[0]["cost"], lines.read()[0]["costState"]) == (None, "unpriced")
    assert shown[f"trunkline_unpriced_attempts_total{{{MODEL}}}"] == 1
    assert not [name for name in shown if name.startswith("trunkline_cost")]


@pytest.mark.parametrize(
    ("status", "code", "error_type"),
    [
        (200, "upstream_cut", "upstream_cut"),
        (502, "upstream_error", "upstream_error"),
        (404, None, "404"),
    ],
)
def test_a_failure_is_named_by_our_code_or_its_status(
    status: int, code: str | None, error_type: str, lines: Lines
) -> None:
    shown = observe(finished(status=status, error_code=code, stream=False), lines)
    line = lines.read()[0]
    assert line.get("errorCode") == code
    assert line["level"] == ("error" if status >= 500 else "info")
    durations = [name for name in shown if name.startswith("gen_ai_server_request_duration")]
    name = "gen_ai_server_request_duration_seconds_count"
    assert durations == [f"{name}{{error_type={error_type},{MODEL}}}"]
    assert not [name for name in shown if "first_token" in name]


@pytest.mark.parametrize(("status", "counted"), [(429, True), (402, True), (401, False)])
def test_refusals_of_limits_and_budgets_are_counted_by_code(
    status: int, counted: bool, lines: Lines
) -> None:
    event = finished(
        status=status, error_code="the_code", attempts=(), overhead_ms=None, ttft_ms=None
    )
    shown = observe(event, lines)
    line = lines.read()[0]
    assert not {"model", "provider", "attempts", "cost", "costState", "ttft"} & line.keys()
    assert shown.get("trunkline_refusals_total{code=the_code}") == (1 if counted else None)


def test_a_request_of_nobody_has_only_what_is_known(lines: Lines) -> None:
    observe(
        Finished(
            started_ns=0,
            request_id="r",
            client_request_id="c",
            method="GET",
            url="/x",
            route="unknown",
            status=404,
            duration_ms=0.1,
        ),
        lines,
    )
    assert list(lines.read()[0]) == [
        *("time", "level", "event", "requestId", "method", "url", "route", "status", "duration")
    ]


def test_an_answer_from_the_cache_counts_for_its_alias_and_for_no_provider(lines: Lines) -> None:
    metrics = Metrics()
    metrics.guard.allow(["fast"])
    RequestTeller(metrics, access_log=lines.log).tell(
        [
            finished(attempts=(), cache="hit", saved_nano=1_500_000),
            finished(attempts=(), cache="follow", saved_nano=500_000),
            finished(attempts=(), cache="hit", alias="made-up", error_code="odd"),
            finished(cache="miss"),
        ]
    )
    shown = samples(metrics)
    assert {name: value for name, value in shown.items() if "_cache_" in name} == {
        "trunkline_cache_requests_total{result=hit,trunkline_alias=fast}": 1,
        "trunkline_cache_requests_total{result=follow,trunkline_alias=fast}": 1,
        "trunkline_cache_requests_total{result=hit,trunkline_alias=other}": 1,
        "trunkline_cache_requests_total{result=miss,trunkline_alias=fast}": 1,
        "trunkline_cache_saved_usd_total{trunkline_alias=fast}": 0.002,
    }
    assert [(line["cache"], line.get("saved"), "provider" in line) for line in lines.read()] == [
        ("hit", "0.0015", False),
        ("follow", "0.0005", False),
        ("hit", None, False),
        ("miss", None, True),
    ]


def test_an_answer_that_is_charged_again_costs_and_was_no_attempt(lines: Lines) -> None:
    clock, metrics = FakeClock(), Metrics()
    providers, targets = ProviderTraffic(clock), TargetTraffic(clock, list)
    charged = finished(attempts=((attempt(provider="cache"), outcome()),), cache="hit")
    RequestTeller(metrics, providers=providers, targets=targets).tell([charged])
    shown = samples(metrics)
    assert [name for name in shown if name.startswith(("gen_ai", "trunkline_upstream"))] == []
    assert [value for name, value in shown.items() if "_cost_" in name] == [0.00123]
    assert providers.states() == {}
    assert targets.uses("org-1") == {}


def test_what_guardrails_did_is_told_without_any_text(lines: Lines) -> None:
    shown = observe(
        finished(
            guarded=(
                Guarded("pii", "in", "redacted", (("email", 2), ("iban", 1))),
                Guarded("length", "out", "noted"),
            )
        ),
        lines,
    )
    assert {name: value for name, value in shown.items() if "guardrail" in name} == {
        "trunkline_guardrail_actions_total{action=redacted,guardrail=pii,kind=email,way=in}": 2,
        "trunkline_guardrail_actions_total{action=redacted,guardrail=pii,kind=iban,way=in}": 1,
        "trunkline_guardrail_actions_total{action=noted,guardrail=length,kind=,way=out}": 1,
    }
    assert lines.read()[0]["guardrails"] == ["pii:in:redacted:email=2,iban=1", "length:out:noted"]


def test_names_that_callers_made_up_do_not_become_labels(lines: Lines) -> None:
    shown = observe(
        finished(
            method="BREW",
            attempts=(
                (attempt(model="made-up", alias="openai/made-up"), outcome(ending="refused")),
            ),
        ),
        lines,
    )
    text = " ".join(shown)
    assert "made-up" not in text
    assert "BREW" not in text
    assert "gen_ai_request_model=other" in text
    assert "method=other" in text


def test_a_published_name_is_a_label_before_any_answer(lines: Lines) -> None:
    metrics = Metrics()
    metrics.guard.allow(["gpt-5-mini", "fast"])
    refused = finished(attempts=((attempt(), outcome(ending="refused", status=500)),))
    RequestTeller(metrics, access_log=lines.log).tell([refused])
    assert f"gen_ai_server_request_duration_seconds_count{{error_type=,{MODEL}}}" in samples(
        metrics
    )


def test_a_name_is_a_label_in_the_batch_in_which_a_provider_first_answers_under_it() -> None:
    metrics = Metrics()
    refused = finished(attempts=((attempt(), outcome(ending="refused", status=500)),))
    RequestTeller(metrics).tell([refused, finished()])
    shown = samples(metrics)
    assert shown[f"gen_ai_server_request_duration_seconds_count{{error_type=,{MODEL}}}"] == 2


def test_a_batch_counts_what_its_events_count_one_after_another(lines: Lines) -> None:
    alike = [
        finished(duration_ms=number * 7.7, client_request_id=f"c-{number}") for number in range(9)
    ]
    events = [
        *alike,
        finished(status=429, error_code="rate_limited", attempts=()),
        finished(stream=False, ttft_ms=None, overhead_ms=None, alias="smart"),
        finished(attempts=((attempt(model="other-model"), outcome(cost_nano=7, status=203)),)),
        finished(attempts=((attempt(), outcome(cost_state="estimated", usage=NO_USAGE)),)),
        finished(status=502, error_code="upstream_error", method="PUT"),
        *alike,
    ]
    together, apart = Metrics(), Metrics()
    for metrics in (together, apart):
        metrics.guard.allow(["fast", "smart", "gpt-5-mini", "other-model"])
    RequestTeller(together, access_log=lines.log).tell(events)
    told = lines.path.read_bytes()
    teller = RequestTeller(apart, access_log=lines.log)
    for event in events:
        teller.tell([event])
    assert samples(together, but=()) == samples(apart, but=())
    assert lines.path.read_bytes() == told * 2
    assert [line["requestId"] for line in lines.read()[:9]] == [f"c-{n}" for n in range(9)]


def test_what_a_client_calls_itself_is_scrubbed(lines: Lines) -> None:
    observe(finished(user_agent="mine bob@example.com"), lines)
    assert lines.read()[0]["userAgent"] == "mine [email]"


class KeptSpans(SpanSink):
    """Keeps events instead of exporting them."""

    def __init__(self) -> None:
        self.events: list[Finished] = []

    @override
    def export(self, event: Finished) -> None:
        if event.request_id == "odd":
            raise ValueError("odd")
        self.events.append(event)

    @override
    def close(self, within: float) -> None:
        del within


async def test_each_part_gets_the_event_and_a_full_queue_sheds_it() -> None:
    kept, clock = KeptSpans(), FakeClock()
    providers, targets = ProviderTraffic(clock), TargetTraffic(clock, list)
    queue = SpanQueue(kept, capacity=1)
    teller = RequestTeller(Metrics(), spans=queue, providers=providers, targets=targets)
    teller.tell([finished()] * 2)
    teller.tell([finished()])
    assert queue.shed == 2
    assert providers.states()["openai"].attempts == 3
    assert targets.uses("org-1")["connection-1/gpt-5-mini"].attempts == 3
    await queue.close()
    assert kept.events == [finished()]


async def test_an_event_that_makes_no_span_does_not_stop_the_others() -> None:
    kept = KeptSpans()
    queue = SpanQueue(kept)
    queue.start()
    queue.put([finished(request_id="odd"), finished()])
    async with asyncio.timeout(20):
        while not kept.events:  # noqa: ASYNC110 - the queue has no door to wait at
            await asyncio.sleep(0.01)
    await queue.close()
    assert (kept.events, queue.shed) == ([finished()], 1)
