"""The parser by itself: however the bytes are cut, the response is the same."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.transport import ConnectionLost, HeadTooLarge, TransportError
from trunkline.gateway.transport.parser import IncomingResponse, ResponseParser

MAX_HEAD = 4096
Header = tuple[bytes, bytes]

tokens = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).map(str.encode)
values = st.text("abc XYZ019;=,\"'\t", max_size=20).map(lambda text: text.strip().encode())
headers = st.lists(st.tuples(tokens.map(lambda name: b"x-" + name), values), max_size=6)
statuses = st.sampled_from([200, 201, 400, 401, 429, 500, 529])
bodies = st.lists(st.binary(max_size=40), max_size=5)
interims = st.lists(st.sampled_from([100, 102, 103]), max_size=3)
framings = st.sampled_from(["length", "chunked", "until close"])


def encode(
    status: int, fields: list[Header], body: list[bytes], interim: list[int], framing: str
) -> tuple[bytes, list[Header]]:
    """A valid response, and the headers that must be read from it."""
    whole = b"".join(body)
    if framing == "length":
        framing_header = (b"content-length", b"%d" % len(whole))
    elif framing == "chunked":
        framing_header = (b"transfer-encoding", b"chunked")
        pieces = [b"%x;e=1\r\n%b\r\n" % (len(piece), piece) for piece in body if piece]
        whole = b"".join([*pieces, b"0\r\nx-trailer: t\r\n\r\n"])
    else:
        framing_header = (b"connection", b"close")
    fields = [*fields, framing_header]
    head = b"".join(b"%b: %b\r\n" % field for field in fields)
    before = b"".join(b"HTTP/1.1 %d Wait\r\nx-early: 1\r\n\r\n" % code for code in interim)
    return before + b"HTTP/1.1 %d Some reason\r\n%b\r\n%b" % (status, head, whole), fields


def begin(parser: ResponseParser) -> IncomingResponse:
    incoming = IncomingResponse()
    parser.begin(incoming, head_only=False)
    return incoming


def feed(response: bytes, cuts: list[int]) -> IncomingResponse:
    parser = ResponseParser(MAX_HEAD)
    incoming = begin(parser)
    points = [0, *sorted(cut % (len(response) + 1) for cut in cuts), len(response)]
    for start, end in pairwise(points):
        if start != end:
            parser.feed(response[start:end])
    return incoming


@given(statuses, headers, bodies, interims, framings, st.lists(st.integers(0, 10_000), max_size=8))
def test_any_cut_of_any_valid_response_reads_the_same(
    status: int,
    fields: list[Header],
    body: list[bytes],
    interim: list[int],
    framing: str,
    cuts: list[int],
) -> None:
    response, expected = encode(status, fields, body, interim, framing)
    incoming = feed(response, cuts)
    assert incoming.head_complete
    assert (incoming.status, incoming.headers) == (status, expected)
    assert b"".join(incoming.parts) == b"".join(body)
    assert incoming.buffered == sum(len(piece) for piece in body)
    assert incoming.complete == (framing != "until close")
    assert incoming.reusable == (framing != "until close")


@given(statuses, headers, bodies, interims, framings, st.integers(0, 10_000))
def test_a_response_cut_anywhere_is_never_taken_for_a_whole_one(
    status: int,
    fields: list[Header],
    body: list[bytes],
    interim: list[int],
    framing: str,
    cut: int,
) -> None:
    response, _ = encode(status, fields, body, interim, framing)
    parser = ResponseParser(MAX_HEAD)
    incoming = begin(parser)
    parser.feed(response[: cut % len(response)])
    if incoming.head_complete and framing == "until close":
        parser.end()
        assert (incoming.complete, incoming.reusable) == (True, False)
    else:
        with pytest.raises(ConnectionLost):
            parser.end()
        assert incoming.complete is False


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_any_bytes_either_read_or_raise_an_error_of_ours(noise: bytes, cuts: list[int]) -> None:
    try:
        status = feed(b"HTTP/1.1 200 OK\r\n" + noise, cuts).status
    except TransportError as error:
        status = 0 if error.sent else -1
    assert status in {0, 200}


def test_one_parser_reads_one_response_after_the_other() -> None:
    parser = ResponseParser(MAX_HEAD)
    for body in (b"one", b"two"):
        incoming = begin(parser)
        parser.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n" + body)
        assert (incoming.parts, incoming.complete, incoming.reusable) == ([body], True, True)
    assert repr(parser) == "<ResponseParser after the response>"


def test_an_end_after_the_response_only_makes_the_connection_useless() -> None:
    parser = ResponseParser(MAX_HEAD)
    incoming = begin(parser)
    parser.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    parser.end()
    assert (incoming.complete, incoming.reusable) == (True, False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"timeout=5", 5),
        (b"timeout=5, max=100", 5),
        (b"max=100, timeout=5", 5),
        (b"timeout=", None),
        (b"timeout=-5", None),
        (b"timeout=99999999999", None),
        (b"300", None),
    ],
)
def test_the_provider_may_say_how_long_it_keeps_a_connection(
    value: bytes, seconds: int | None
) -> None:
    incoming = feed(b"HTTP/1.1 200 OK\r\nKeep-Alive: %b\r\n\r\n" % value, [])
    assert incoming.keep_alive_seconds == seconds


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: foo, Close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_version_and_connection_header_decide_about_reuse(head: bytes, reusable: bool) -> None:
    incoming = feed(head + b"content-length: 0\r\n\r\n", [])
    assert (incoming.complete, incoming.reusable) == (True, reusable)


def test_several_content_encodings_are_one_list() -> None:
    incoming = feed(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\nContent-Encoding: br\r\n\r\n", []
    )
    assert incoming.content_encoding == b"gzip, br"


def test_what_comes_before_the_head_of_a_chunked_answer_is_no_framing_of_its_chunks() -> None:
    hints = b"link: </style.css>; rel=preload\r\n" * 100
    early = b"HTTP/1.1 103 Early Hints\r\n" + hints + b"\r\n"
    response, _ = encode(200, [], [b"hello"], [], "chunked")
    parser = ResponseParser(max_head_bytes=65_536)
    incoming = begin(parser)
    for piece in (early, early, early, early, early, early, response):
        parser.feed(piece)
    assert (incoming.status, b"".join(incoming.parts), incoming.reusable) == (200, b"hello", True)


def test_the_bound_of_a_head_counts_what_came_before_it() -> None:
    field = b"x-long: " + b"v" * 1_500 + b"\r\n"
    early = b"HTTP/1.1 103 Early Hints\r\n" + field + b"\r\n"
    parser = ResponseParser(MAX_HEAD)
    begin(parser)
    parser.feed(early)
    with pytest.raises(HeadTooLarge, match="too long"):
        parser.feed(early + b"HTTP/1.1 200 OK\r\n" + field + b"content-length: 0\r\n\r\n")
