"""The head of a request, as bytes."""

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport.models import UpstreamRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}
_WITHOUT_LENGTH = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS"})
_LINE = b": ".join
# Numbers, since a byte is found by its number with a tenth of what it takes as bytes.
_LF, _CR, _NUL, _SPACE = b"\n\r\0 "
_UNSENDABLE = "the request target or a header contains a character that may not be sent"
# Joined by line breaks, these end the last header, if there is one, and the head.
_END = (b"", b"")


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
    method, target = request.method, request.target
    lines = [*map(_LINE, request.headers)]
    if request.body or method not in _WITHOUT_LENGTH:
        lines.append(b"content-length: %d" % len(request.body))
    # Searched before the line breaks stand between them: no line may hold another line.
    text = b"".join((method, target_prefix, target, *lines))
    if _LF in text or _CR in text or _NUL in text:
        raise ValueError(_UNSENDABLE)
    if _SPACE in target or _SPACE in method or _SPACE in target_prefix:
        raise ValueError(_UNSENDABLE)
    lines += _END
    fields = b"\r\n".join(lines)
    return b"".join((method, b" ", target_prefix, target, b" HTTP/1.1\r\n", fixed, fields))
