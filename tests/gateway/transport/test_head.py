"""Request heads."""

import pytest

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport import UpstreamRequest
from trunkline.gateway.transport.head import authority, encode_head

ORIGIN = Origin("https", "api.example.com", 443)
HOST = b"host: api.example.com\r\n"


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        (b"POST", b"{}", b"content-length: 2\r\n"),
        (b"POST", b"", b"content-length: 0\r\n"),
        (b"GET", b"", b""),
        (b"DELETE", b"", b""),
        (b"DELETE", b"x", b"content-length: 1\r\n"),
    ],
)
def test_a_length_is_given_where_a_body_may_be(method: bytes, body: bytes, length: bytes) -> None:
    request = UpstreamRequest(method, ORIGIN, b"/v1/x", ((b"A", b"b"),), body)
    assert encode_head(request, b"", HOST) == (
        method + b" /v1/x HTTP/1.1\r\nhost: api.example.com\r\nA: b\r\n" + length + b"\r\n"
    )


def test_a_request_without_headers_still_has_its_host() -> None:
    request = UpstreamRequest(b"GET", ORIGIN, b"/")
    assert encode_head(request, b"", HOST) == b"GET / HTTP/1.1\r\nhost: api.example.com\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "target", "header"),
    [
        (b"GET", b"/a b", (b"a", b"b")),
        (b"GET", b"/a\r\nx: y", (b"a", b"b")),
        (b"GET", b"/a\0", (b"a", b"b")),
        (b"GET /x", b"/a", (b"a", b"b")),
        (b"GET", b"/", (b"a", b"b\r\nx: y")),
        (b"GET", b"/", (b"a", b"b\nx: y")),
        (b"GET", b"/", (b"a", b"b\r")),
        (b"GET", b"/", (b"a\r\n", b"b")),
        (b"GET", b"/", (b"a", b"b\0")),
    ],
)
def test_what_would_read_as_something_else_is_never_written(
    method: bytes, target: bytes, header: tuple[bytes, bytes]
) -> None:
    request = UpstreamRequest(method, ORIGIN, target, (header,))
    with pytest.raises(ValueError, match="may not be sent"):
        encode_head(request, b"", HOST)


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        (Origin("https", "a.example", 443), b"a.example"),
        (Origin("http", "a.example", 80), b"a.example"),
        (Origin("http", "a.example", 443), b"a.example:443"),
        (Origin("https", "a.example", 8443), b"a.example:8443"),
        (Origin("http", "::1", 8080), b"[::1]:8080"),
        (Origin("https", "bücher.example", 443), b"xn--bcher-kva.example"),
    ],
)
def test_the_authority_names_the_port_unless_the_scheme_does(origin: Origin, name: bytes) -> None:
    assert authority(origin) == name
