"""Compressed bodies: unpacked in steps, refused when unknown, broken, cut or a bomb."""

import gzip
import zlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.transport.hostile import PoolWith, Serve, answering, ok, post

from trunkline.gateway.transport import BodyTooLarge, DecodingFailed, UpstreamResponse
from trunkline.gateway.transport.decoding import STEP, BodyDecoder, decoder_for

RAW_DEFLATE = -zlib.MAX_WBITS


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=RAW_DEFLATE)
    return packer.compress(data) + packer.flush()


PACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"deflate ": raw_deflate,
}


def unpack(decoder: BodyDecoder, packed: bytes, cuts: list[int]) -> bytes:
    given_out = []
    points = [0, *sorted(cut % (len(packed) + 1) for cut in cuts), len(packed)]
    for start, end in pairwise(points):
        decoder.feed(packed[start:end])
        while data := decoder.take():
            assert len(data) <= STEP
            given_out.append(data)
    decoder.finish()
    return b"".join(given_out)


@given(
    st.sampled_from(sorted(PACKERS)),
    st.lists(st.binary(max_size=200), max_size=4),
    st.integers(1, 2000),
    st.lists(st.integers(0, 10_000), max_size=6),
)
def test_any_cut_of_any_packed_body_unpacks_the_same(
    encoding: bytes, parts: list[bytes], times: int, cuts: list[int]
) -> None:
    body = b"".join(parts) * times
    decoder = decoder_for(encoding.strip())
    assert decoder is not None
    assert unpack(decoder, PACKERS[encoding](body), cuts) == body


def test_a_gzip_body_of_several_members_is_one_body() -> None:
    decoder = decoder_for(b"gzip")
    assert decoder is not None
    packed = gzip.compress(b"one ") + gzip.compress(b"") + gzip.compress(b"two")
    assert unpack(decoder, packed, []) == b"one two"


@pytest.mark.parametrize("encoding", [b"", b"identity"])
def test_nothing_is_decoded_where_nothing_was_encoded(encoding: bytes) -> None:
    assert decoder_for(encoding) is None


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, gzip", b"compress", b"\xff"])
async def test_an_unknown_encoding_is_refused_with_the_head(
    encoding: bytes, serve: Serve, pool_with: PoolWith
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %b\r\ncontent-length: 9\r\n\r\n" % encoding
    server = await serve(answering(head))
    pool = await pool_with()
    with pytest.raises(DecodingFailed, match="is encoded as") as caught:
        await pool.open(post(server.origin))
    assert caught.value.sent is True
    await server.all_closed(1)


async def test_a_decoded_body_comes_without_the_headers_of_the_packed_one(
    serve: Serve, pool_with: PoolWith
) -> None:
    packed = gzip.compress(b"hello" * 100_000)
    server = await serve(answering(ok(packed, b"content-encoding: gzip", b"x-a: b"), ok()))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    assert response.headers == [(b"x-a", b"b")]
    assert await response.read(500_000) == b"hello" * 100_000
    assert (await pool.open(post(server.origin))).reused is True


async def test_an_encoding_without_a_body_is_nothing_to_decode(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(b"HTTP/1.1 204 No\r\ncontent-encoding: br\r\n\r\n"))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    assert (response.headers, await response.read(0)) == ([(b"content-encoding", b"br")], b"")


async def measure(response: UpstreamResponse, sizes: list[int]) -> None:
    while chunk := await response.chunk():
        sizes.append(len(chunk))


BROKEN = {
    "cut short": gzip.compress(b"hello" * 100)[:-9],
    "wrong checksum": gzip.compress(b"hello")[:-8] + b"\0" * 8,
    "not packed": b"hello, this is plain text",
    "junk after the end": gzip.compress(b"hello") + b"junk",
    "only a header": gzip.compress(b"hello")[:10],
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_packed_body_raises_and_never_ends(
    case: str, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok(BROKEN[case], b"content-encoding: gzip")))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    for _ in range(2):
        with pytest.raises(DecodingFailed) as caught:
            await response.read(1000)
        assert caught.value.sent is True


@pytest.mark.parametrize("packed", [b"x", zlib.compress(b"hello") + b"x"])
async def test_a_deflate_body_must_be_exactly_one(
    packed: bytes, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok(packed, b"content-encoding: deflate")))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    with pytest.raises(DecodingFailed):
        await response.read(1000)


async def test_a_bomb_is_refused_long_before_it_has_unfolded(
    serve: Serve, pool_with: PoolWith
) -> None:
    packer = zlib.compressobj(wbits=31)
    packed = b"".join([packer.compress(bytes(1_000_000)) for _ in range(50)] + [packer.flush()])
    server = await serve(answering(ok(packed, b"content-encoding: gzip")))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    sizes: list[int] = []
    with pytest.raises(DecodingFailed, match="expands beyond reason"):
        await measure(response, sizes)
    assert max(sizes) <= STEP
    assert sum(sizes) < 15_000_000


async def test_the_limit_of_read_counts_unpacked_bytes(serve: Serve, pool_with: PoolWith) -> None:
    packed = gzip.compress(bytes(100_000))
    server = await serve(answering(ok(packed, b"content-encoding: gzip")))
    pool = await pool_with()
    response = await pool.open(post(server.origin))
    with pytest.raises(BodyTooLarge):
        await response.read(99_999)
