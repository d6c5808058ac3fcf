"""The head of a request, as bytes."""

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport.models import UpstreamRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}
_WITHOUT_LENGTH = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS"})


def authority(origin: Origin) -> bytes:
    """Host and port as ``Host`` says them: without the port where the scheme implies it.

    Raises:
        UnicodeError: the host is not a name that can be asked for.
    """
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    encoded = host.encode("ascii") if host.isascii() else host.encode("idna")
    if origin.port == _DEFAULT_PORTS.get(origin.scheme):
        return encoded
    return b"%b:%d" % (encoded, origin.port)


def encode_head(request: UpstreamRequest, target_prefix: bytes, fixed: bytes) -> bytes:
    """The request line and all headers, up to and including the empty line.

    Args:
        request: its body counts only by its length.
        target_prefix: what precedes the target: empty, or the origin for a forward proxy.
        fixed: complete header lines that each request to this origin carries.

    Raises:
        ValueError: a part contains a line break, NUL, or a space where none may be, so that the
            provider would read something else than was meant.
    """
    lines = [name + b": " + value for name, value in request.headers]
    if request.body or request.method not in _WITHOUT_LENGTH:
        lines.append(b"content-length: %d" % len(request.body))
    lines.append(b"\r\n")
    start = b"%b %b%b HTTP/1.1\r\n" % (request.method, target_prefix, request.target)
    rest = b"\r\n".join(lines)
    breaks = len(lines)
    if (
        start.count(b" ") != 2
        or start.count(b"\n") != 1
        or start.count(b"\r") != 1
        or rest.count(b"\n") != breaks
        or rest.count(b"\r") != breaks
        or b"\0" in rest
        or b"\0" in start
    ):
        raise ValueError("the request target or a header contains a character that may not be sent")
    return start + fixed + rest
