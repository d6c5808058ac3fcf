"""Compressed bodies, unpacked step by step and with a bound on what they may grow to.

We ask for ``identity``; a provider that compresses nevertheless is understood if it uses gzip or
deflate, and refused otherwise.
"""

import zlib

from typing_extensions import override

from trunkline.gateway.transport.errors import DecodingFailed

# Bytes given out at a time, so that one read never unpacks a whole bomb.
STEP = 65_536
# zlib reaches 1,000 to 1 on zeros; JSON and event streams stay below 50. Small bodies are exempt,
# since a kilobyte of repeated text may well be packed that tightly.
MAX_RATIO = 200
FREE_BYTES = 1_048_576

_GZIP = 16 + zlib.MAX_WBITS
_ZLIB_HEADER_BYTES = 2


def decoder_for(content_encoding: bytes) -> "BodyDecoder | None":
    """The decoder of a ``content-encoding``; None where nothing is to be done.

    Raises:
        DecodingFailed: we cannot undo it.
    """
    if content_encoding in {b"", b"identity"}:
        return None
    if content_encoding in {b"gzip", b"x-gzip"}:
        return BodyDecoder(_GZIP)
    if content_encoding == b"deflate":
        return BodyDecoder(None)
    shown = content_encoding[:40].decode("latin-1")
    raise DecodingFailed(f"the body is encoded as {shown!r}", sent=True)


class BodyDecoder:
    """Unpacks one body: ``feed`` packed bytes, ``take`` until it gives nothing, then ``finish``.

    Its state is the zlib object of the present member and the packed bytes that are still unread.

    Args:
        wbits: what zlib is to expect; None decides between the zlib format, which the standard
            asks of ``deflate``, and the raw one that some servers send.
    """

    def __init__(self, wbits: int | None) -> None:
        self._wbits = wbits
        self._inflate = None if wbits is None else zlib.decompressobj(wbits)
        self._packed = b""
        # zlib may hold finished output back when a step is full although it has read all input.
        self._is_full = False
        self._read = 0
        self._given = 0

    @override
    def __repr__(self) -> str:
        return f"<BodyDecoder {self._read} read, {self._given} given>"

    def feed(self, packed: bytes) -> None:
        """Add bytes of the body as they were sent."""
        self._read += len(packed)
        self._packed += packed

    def take(self) -> bytes:
        """Up to ``STEP`` unpacked bytes; none when more input is needed.

        Raises:
            DecodingFailed: broken data, or a bomb.
        """
        while self._packed or self._is_full:
            inflate = self._prepare()
            if inflate is None:
                return b""
            try:
                data = inflate.decompress(self._packed, STEP)
            except zlib.error as error:
                raise DecodingFailed(f"the compressed body is broken: {error}", sent=True) from None
            self._packed = inflate.unconsumed_tail or inflate.unused_data
            self._is_full = len(data) == STEP
            self._given += len(data)
            if self._given > FREE_BYTES + MAX_RATIO * self._read:
                raise DecodingFailed("the compressed body expands beyond reason", sent=True)
            if data:
                return data
        return b""

    def finish(self) -> None:
        """The body has come to its end.

        Raises:
            DecodingFailed: the compressed data has not.
        """
        if self._read and (self._inflate is None or not self._inflate.eof or self._packed):
            raise DecodingFailed("the compressed body is cut short", sent=True)

    def _prepare(self) -> "zlib._Decompress | None":
        """The zlib object for the next bytes, or None while these are too few to choose one."""
        if self._is_full:
            return self._inflate
        if self._inflate is None:
            if len(self._packed) < _ZLIB_HEADER_BYTES:
                return None
            self._inflate = zlib.decompressobj(_deflate_wbits(self._packed))
        elif self._inflate.eof:
            # A gzip body may consist of several members (RFC 1952, section 2.2).
            if self._wbits != _GZIP:
                raise DecodingFailed("bytes after the end of the compressed body", sent=True)
            self._inflate = zlib.decompressobj(_GZIP)
        return self._inflate


def _deflate_wbits(packed: bytes) -> int:
    """The zlib format has a checksum in its two first bytes (RFC 1950, section 2.2)."""
    is_zlib = packed[0] & 0x0F == zlib.DEFLATED and (packed[0] << 8 | packed[1]) % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS
