"""Trace context as W3C defines it, and ids that both sides derive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.kit.ids import new_id
from trunkline.observability.trace_context import (
    TraceContext,
    new_context,
    outgoing_traceparent,
    parse_traceparent,
    span_id_of,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
REQUEST = "01890a5d-ac96-774b-bcce-b302099a8057"
ATTEMPT = "01890a5d-ac97-7000-8000-0000000000ff"


@pytest.mark.parametrize(
    ("header", "context"),
    [
        (f"00-{TRACE}-{SPAN}-01", TraceContext(TRACE, SPAN, sampled=True)),
        (f"00-{TRACE}-{SPAN}-00", TraceContext(TRACE, SPAN, sampled=False)),
        (f"00-{TRACE}-{SPAN}-03", TraceContext(TRACE, SPAN, sampled=True)),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", TraceContext(TRACE, SPAN)),
        (f"cc-{TRACE}-{SPAN}-01", TraceContext(TRACE, SPAN)),
        (None, None),
        ("", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"cc-{TRACE}-{SPAN}-01.more", None),
        (f"00-{TRACE}-{SPAN}-0", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00_{TRACE}-{SPAN}-01", None),
    ],
)
def test_a_header_is_read_as_w3c_says_or_not_at_all(
    header: str | None, context: TraceContext | None
) -> None:
    assert parse_traceparent(header) == context


@given(st.text(max_size=80))
def test_no_text_from_a_caller_breaks_the_parser(header: str) -> None:
    context = parse_traceparent(header)
    assert context is None or len(context.trace_id) == 32


def test_the_trace_of_the_caller_goes_on_with_the_attempt_as_parent() -> None:
    assert (
        outgoing_traceparent(f"00-{TRACE}-{SPAN}-01", REQUEST, ATTEMPT)
        == f"00-{TRACE}-80000000000000ff-01".encode()
    )
    assert (
        outgoing_traceparent(f"00-{TRACE}-{SPAN}-00", REQUEST, ATTEMPT)
        == f"00-{TRACE}-80000000000000ff-00".encode()
    )


@pytest.mark.parametrize("caller", [None, "", "nonsense"])
def test_without_a_usable_context_the_request_names_the_trace(caller: str | None) -> None:
    assert (
        outgoing_traceparent(caller, REQUEST, ATTEMPT)
        == b"00-01890a5dac96774bbcceb302099a8057-80000000000000ff-01"
    )
    assert new_context(REQUEST) == TraceContext(
        "01890a5dac96774bbcceb302099a8057", "bcceb302099a8057"
    )


def test_our_ids_give_span_ids_that_are_valid_and_differ() -> None:
    spans = {span_id_of(new_id()) for _ in range(1000)}
    assert len(spans) == 1000
    assert all(len(span) == 16 and int(span, 16) for span in spans)


def test_what_we_send_is_what_we_read() -> None:
    header = outgoing_traceparent(None, REQUEST, ATTEMPT).decode()
    assert parse_traceparent(header) == TraceContext(
        "01890a5dac96774bbcceb302099a8057", "80000000000000ff"
    )
