"""Spans as a collector receives them over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.telemetry.events import FIRST, REQUEST, SECOND, STARTED_MS, attempt, finished, outcome

from trunkline.gateway.metering.event import Finished
from trunkline.observability.trace_context import outgoing_traceparent
from trunkline.telemetry.otlp import OtlpSpans, resource_of, spans_of
from trunkline.telemetry.spans import SpanQueue

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER_SPAN = "00f067aa0ba902b7"


class Collector:
    """The OTLP/HTTP side of a collector: keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.paths: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                body = await reader.readexactly(int(fields["content-length"]))
                self.paths.append(lines[0].split()[1])
                self.requests.append(ExportTraceServiceRequest.FromString(body))
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n"
                    b"content-length: 0\r\n\r\n"
                )
        except asyncio.IncompleteReadError:
            writer.close()

    def spans(self) -> list[dict[str, Any]]:
        return [
            MessageToDict(span)
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    server = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    collector.port = server.sockets[0].getsockname()[1]
    async with server:
        yield collector


def attributes(span: Any) -> dict[str, Any]:
    return dict(span.attributes)


async def test_a_collector_gets_the_request_and_its_attempts(collector: Collector) -> None:
    sink = OtlpSpans(
        f"http://127.0.0.1:{collector.port}/", version="1.2.3", env="test", instance="here-0"
    )
    queue = SpanQueue(sink)
    queue.start()
    queue.put([finished(traceparent=f"00-{TRACE}-{CALLER_SPAN}-01")])
    await queue.close()
    assert collector.paths == ["/v1/traces"]
    resource = collector.requests[0].resource_spans[0].resource
    assert {entry.key: entry.value.string_value for entry in resource.attributes} == {
        "service.name": "trunkline",
        "service.version": "1.2.3",
        "service.instance.id": "here-0",
        "deployment.environment.name": "test",
    }
    request, call = collector.requests[0].resource_spans[0].scope_spans[0].spans
    assert (request.trace_id.hex(), call.trace_id.hex()) == (TRACE, TRACE)
    assert (request.parent_span_id.hex(), call.parent_span_id) == (CALLER_SPAN, request.span_id)
    assert (
        outgoing_traceparent(f"00-{TRACE}-{CALLER_SPAN}-01", REQUEST, FIRST).decode()
        == f"00-{TRACE}-{call.span_id.hex()}-01"
    )


async def test_closing_gives_up_on_a_collector_that_is_away() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    sink = OtlpSpans(f"http://127.0.0.1:{port}/v1/traces", version="1", env="test")
    queue = SpanQueue(sink)
    queue.put([finished()])
    async with asyncio.timeout(10):
        await queue.close(within=0.2)
    assert queue.shed == 0


async def test_many_events_leave_in_batches_and_none_is_lost(collector: Collector) -> None:
    sink = OtlpSpans(f"http://127.0.0.1:{collector.port}", version="1", env="test")
    queue = SpanQueue(sink)
    queue.start()
    for _ in range(200):
        queue.put([finished()])
    await queue.close()
    assert len(collector.spans()) == 400
    assert len(collector.requests) > 1


def spans(event: Finished) -> list[Any]:
    return list(spans_of(event, resource_of("1", "test", "here")))


def test_the_spans_of_a_failover_hold_all_that_is_known_and_no_content() -> None:
    failed = outcome(
        closed_ms=STARTED_MS + 500,
        ending="timed_out",
        status=None,
        served_model=None,
        upstream_id=None,
        first_token_ms=None,
        error_code="upstream_timeout",
    )
    request, first, second = spans(
        finished(
            attempts=(
                (attempt(), failed),
                (
                    attempt(
                        id=SECOND,
                        number=2,
                        opened_ms=STARTED_MS + 500,
                        reason="failover",
                        credential="2",
                    ),
                    outcome(),
                ),
            ),
            cache="miss",
        )
    )
    assert request.name == "POST /v1/chat/completions"
    assert request.kind.name == "SERVER"
    assert request.parent is None
    assert f"{request.context.trace_id:032x}" == REQUEST.replace("-", "")
    assert (request.start_time, request.end_time) == (
        STARTED_MS * 1_000_000,
        STARTED_MS * 1_000_000 + 1_202_500_000,
    )
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "url.path": "/v1/chat/completions",
        "url.query": "key=[secret]",
        "user_agent.original": "OpenAI/Python 1.99.1",
        "trunkline.request.id": REQUEST,
        "trunkline.request.client_id": "client-1",
        "trunkline.org.id": "org-1",
        "trunkline.key.id": "key-1",
        "trunkline.wire": "openai_chat",
        "trunkline.alias": "fast",
        "trunkline.stream": True,
        "trunkline.attempts": 2,
        "trunkline.cache.result": "miss",
        "trunkline.overhead_ms": 0.3125,
        "gen_ai.response.time_to_first_chunk": 0.2025,
    }
    assert request.status.status_code.name == "UNSET"
    assert (first.status.status_code.name, first.status.description) == (
        "ERROR",
        "upstream_timeout",
    )
    assert attributes(first)["trunkline.attempt.ending"] == "timed_out"
    assert attributes(first)["error.type"] == "upstream_timeout"
    assert second.name == "chat gpt-5-mini"
    assert second.kind.name == "CLIENT"
    assert second.status.status_code.name == "UNSET"
    assert f"{second.context.span_id:016x}" == "8000000000000002"
    assert (second.start_time, second.end_time) == (
        (STARTED_MS + 500) * 1_000_000,
        (STARTED_MS + 1201) * 1_000_000,
    )
    assert attributes(second) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.response.model": "gpt-5-mini-2025-08-07",
        "gen_ai.response.time_to_first_chunk": 0.2,
        "gen_ai.usage.input_tokens": 104,
        "gen_ai.usage.output_tokens": 101,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "gen_ai.usage.cache_creation.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 11,
        "http.response.status_code": 200,
        "trunkline.attempt.id": SECOND,
        "trunkline.attempt.number": 2,
        "trunkline.attempt.reason": "failover",
        "trunkline.attempt.credential": "2",
        "trunkline.wire": "openai_chat",
        "trunkline.attempt.ending": "completed",
        "trunkline.upstream.request_id": "req_abc",
        "trunkline.cost.nano_usd": 1_230_000,
        "trunkline.cost.state": "exact",
    }


@pytest.mark.parametrize(
    ("status", "code", "shown", "error_type"),
    [
        (200, None, "UNSET", None),
        (200, "upstream_cut", "ERROR", "upstream_cut"),
        (404, "not_found", "UNSET", "not_found"),
        (404, None, "UNSET", "404"),
        (502, "upstream_error", "ERROR", "upstream_error"),
    ],
)
def test_a_request_is_an_error_when_the_fault_is_not_the_callers(
    status: int, code: str | None, shown: str, error_type: str | None
) -> None:
    (span,) = spans(finished(status=status, error_code=code, attempts=()))
    assert span.status.status_code.name == shown
    assert attributes(span).get("error.type") == error_type


def test_a_trace_that_the_caller_does_not_keep_makes_no_spans() -> None:
    assert spans(finished(traceparent=f"00-{TRACE}-{CALLER_SPAN}-00")) == []


def test_a_malformed_trace_context_starts_a_trace_of_our_own() -> None:
    request, _ = spans(finished(traceparent="00-zz"))
    assert request.parent is None
