"""Opening connections: names and guard, both families, TLS, proxies, and what fails on the way."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.gateway.transport.hostile import (
    PATIENCE,
    Peer,
    PoolWith,
    Script,
    Serve,
    answering,
    get,
    ok,
    post,
)

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport import (
    AddressGuard,
    AddressRefused,
    ConnectFailed,
    ConnectTimeout,
    NameNotResolved,
    Proxies,
    Resolver,
    Timeouts,
    TLSFailed,
    TotalTimeout,
)
from trunkline.gateway.transport.race import connect_first
from trunkline.gateway.transport.resolver import ResolvedAddress

V4, V6 = socket.AF_INET, socket.AF_INET6


def resolver_of(*ips: str) -> Resolver:
    """A resolver for which every name has these addresses."""

    def look_up(host: str) -> list[tuple[Any, ...]]:
        return [(V6 if ":" in ip else V4, 0, 0, "", (ip, 0, 0, 0)) for ip in ips]

    return Resolver(look_up=look_up)


def named(origin: Origin, host: str = "provider.example") -> Origin:
    return Origin(origin.scheme, host, origin.port)


@pytest.fixture
def authority_file(tmp_path: Path) -> Path:
    return tmp_path / "authority.pem"


@pytest.fixture
def tls(authority_file: Path) -> ssl.SSLContext:
    """The TLS of a server called provider.example, at a fresh authority that the file holds."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(authority_file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("provider.example", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken but where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


# Names, guard, families.


async def test_a_name_is_connected_to_at_its_checked_address_and_asked_for_by_name(
    serve: Serve, pool_with: PoolWith
) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(ok())

    server = await serve(script)
    pool = await pool_with(resolver=resolver_of("127.0.0.1"))
    await (await pool.open(get(named(server.origin)))).read(5)
    assert seen[0].split(b"\r\n")[1] == b"host: provider.example:%d" % server.origin.port


@pytest.mark.parametrize("ip", ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "192.168.1.1"])
async def test_a_name_that_resolves_to_a_refused_address_is_not_dialled(
    ip: str, pool_with: PoolWith
) -> None:
    pool = await pool_with(resolver=resolver_of(ip))
    with pytest.raises(AddressRefused) as caught:
        await pool.open(get(Origin("http", "provider.example", 80)))
    assert caught.value.sent is False


async def test_of_several_addresses_only_the_allowed_are_dialled(
    serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok()))
    pool = await pool_with(resolver=resolver_of("10.0.0.1", "::ffff:127.0.0.1", "127.0.0.1"))
    response = await pool.open(get(named(server.origin)))
    assert await response.read(5) == b"hello"


async def test_the_name_of_a_metadata_service_is_not_even_looked_up(pool_with: PoolWith) -> None:
    pool = await pool_with(resolver=resolver_of("127.0.0.1"))
    with pytest.raises(AddressRefused, match="metadata"):
        await pool.open(get(Origin("http", "metadata.google.internal", 80)))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1"])
async def test_an_odd_spelling_of_loopback_is_loopback(host: str, pool_with: PoolWith) -> None:
    pool = await pool_with(address_guard=AddressGuard())
    with pytest.raises(AddressRefused):
        await pool.open(get(Origin("http", host, 80)))


async def test_an_ipv6_literal_is_connected_to(serve: Serve, pool_with: PoolWith) -> None:
    server = await serve(answering(ok()), host="::1")
    pool = await pool_with()
    assert await (await pool.open(post(server.origin))).read(5) == b"hello"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_the_family_that_answers_is_found(
    host: str, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok()), host=host)
    pool = await pool_with(resolver=resolver_of("::1", "127.0.0.1"))
    assert await (await pool.open(post(named(server.origin)))).read(5) == b"hello"


async def test_a_name_that_does_not_resolve_is_refused(pool_with: PoolWith) -> None:
    pool = await pool_with(resolver=resolver_of())
    with pytest.raises(NameNotResolved) as caught:
        await pool.open(get(Origin("http", "provider.example", 80)))
    assert caught.value.sent is False


@pytest.mark.parametrize("host", ["", ".example", "a b", "a/b", "a@b", "a\r\nb", "a" * 70 + "ü"])
async def test_a_host_that_cannot_be_a_name_is_refused(host: str, pool_with: PoolWith) -> None:
    pool = await pool_with()
    with pytest.raises(NameNotResolved):
        await pool.open(get(Origin("http", host, 80)))


async def test_another_scheme_is_refused(pool_with: PoolWith) -> None:
    pool = await pool_with()
    with pytest.raises(ConnectFailed, match="neither http nor https"):
        await pool.open(get(Origin("ftp", "127.0.0.1", 80)))


async def test_nobody_listening_is_a_failed_connection(
    closed_port: int, pool_with: PoolWith
) -> None:
    pool = await pool_with(resolver=resolver_of("127.0.0.1", "127.0.0.2"))
    for host in ("127.0.0.1", "provider.example"):
        with pytest.raises(ConnectFailed) as caught:
            await pool.open(get(Origin("http", host, closed_port)))
        assert caught.value.sent is False


async def test_the_first_address_that_answers_wins_and_the_others_are_closed() -> None:
    """The first address never answers: the queue of its listener is full."""
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = full.getsockname()[1]
    good = socket.create_server(("127.0.0.2", port))
    fillers = []
    for _ in range(2):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
        fillers.append(filler)
    addresses = [ResolvedAddress(V4, ip) for ip in ("127.0.0.1", "127.0.0.2")]
    sock = await asyncio.wait_for(connect_first(addresses, port, stagger=0.01), PATIENCE)
    assert sock.getpeername() == ("127.0.0.2", port)
    task = asyncio.create_task(connect_first(addresses[:1] * 2, port, stagger=0.01))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for left in (sock, good, full, *fillers):
        left.close()


async def test_of_two_addresses_that_answer_at_once_one_is_kept_and_one_closed(
    serve: Serve,
) -> None:
    server = await serve(Peer.until_closed)
    addresses = [ResolvedAddress(V4, "127.0.0.1")] * 2
    for _ in range(10):
        (await connect_first(addresses, server.origin.port, stagger=0)).close()
    await server.all_closed(server.accepted)
    assert server.accepted > 10


# Time and cancellation.


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections in the kernel, and nobody ever answers there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_a_handshake_that_hangs_runs_into_the_connect_timeout(
    silent_port: int, pool_with: PoolWith
) -> None:
    pool = await pool_with()
    origin = Origin("https", "127.0.0.1", silent_port)
    with pytest.raises(ConnectTimeout) as caught:
        await pool.open(get(origin), timeouts=Timeouts(connect=0.05))
    assert caught.value.sent is False
    with pytest.raises(TotalTimeout) as total:
        await pool.open(get(origin), timeouts=Timeouts(total=0.05))
    assert total.value.sent is False


@pytest.mark.parametrize("stage", ["name", "tunnel", "handshake"])
async def test_cancelling_while_connecting_leaves_nothing_behind(
    stage: str, serve: Serve, pool_with: PoolWith
) -> None:
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(host: str) -> list[tuple[Any, ...]]:
        loop.call_soon_threadsafe(reached.set)
        return []

    async def script(peer: Peer) -> None:
        await peer.reader.read(10)
        reached.set()
        await peer.until_closed()

    server = await serve(script)
    proxies = Proxies(https=f"http://127.0.0.1:{server.origin.port}" if stage == "tunnel" else None)
    pool = await pool_with(proxies=proxies, resolver=Resolver(look_up=hang))
    host = "provider.example" if stage == "name" else "127.0.0.1"
    task = asyncio.create_task(pool.open(get(Origin("https", host, server.origin.port))))
    if stage == "name":
        await asyncio.sleep(0)
    else:
        await asyncio.wait_for(reached.wait(), PATIENCE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await server.all_closed(0 if stage == "name" else 1)


# TLS.


async def test_tls_is_verified_and_told_the_name(
    tls: ssl.SSLContext, authority_file: Path, serve: Serve, pool_with: PoolWith
) -> None:
    seen = []
    tls.set_alpn_protocols(["h2", "http/1.1"])
    tls.sni_callback = lambda _, name, __: seen.append(name)

    async def script(peer: Peer) -> None:
        await peer.request()
        seen.append(peer.writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await peer.say(ok())
        await peer.request()
        await peer.say(ok(b"again"))

    server = await serve(script, tls=tls)
    pool = await pool_with(ca_file=authority_file, resolver=resolver_of("127.0.0.1"))
    first = await pool.open(post(named(server.origin)))
    assert await first.read(5) == b"hello"
    second = await pool.open(post(named(server.origin), b"x" * 1_000_000))
    assert (await second.read(5), second.reused) == (b"again", True)
    assert seen == ["provider.example", "http/1.1"]


async def test_tls_to_a_literal_address_is_verified_by_address(
    tls: ssl.SSLContext, authority_file: Path, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok()), tls=tls)
    pool = await pool_with(ca_file=authority_file)
    assert await (await pool.open(post(server.origin))).read(5) == b"hello"


async def test_a_cut_body_over_tls_is_a_lost_connection(
    tls: ssl.SSLContext, authority_file: Path, serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello")
        peer.reset()

    server = await serve(script, tls=tls)
    pool = await pool_with(ca_file=authority_file)
    response = await pool.open(post(server.origin))
    with pytest.raises(Exception, match=r"before its response|inside the body"):
        await response.read(9)


async def test_a_certificate_for_another_name_is_refused(
    tls: ssl.SSLContext, authority_file: Path, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok()), tls=tls)
    pool = await pool_with(ca_file=authority_file, resolver=resolver_of("127.0.0.1"))
    with pytest.raises(TLSFailed, match=r"other\.example") as caught:
        await pool.open(post(named(server.origin, "other.example")))
    assert caught.value.sent is False
    await server.all_closed(0)


async def test_a_certificate_of_an_unknown_authority_is_refused(
    tls: ssl.SSLContext, serve: Serve, pool_with: PoolWith
) -> None:
    server = await serve(answering(ok()), tls=tls)
    pool = await pool_with()
    with pytest.raises(TLSFailed, match="certificate verify failed"):
        await pool.open(post(server.origin))


async def test_a_server_without_tls_is_refused(serve: Serve, pool_with: PoolWith) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.until_closed()

    server = await serve(script)
    pool = await pool_with()
    with pytest.raises(TLSFailed):
        await pool.open(post(Origin("https", "127.0.0.1", server.origin.port)))
    await server.all_closed(1)


async def test_a_server_that_closes_during_the_handshake_is_a_failed_connection(
    serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(10)

    server = await serve(script)
    pool = await pool_with()
    with pytest.raises(ConnectFailed, match="closed the connection"):
        await pool.open(post(Origin("https", "127.0.0.1", server.origin.port)))


# Proxies.


def tunnelling(answer: bytes, seen: list[bytes], target: Origin) -> Script:
    """A proxy that gives an answer to CONNECT and then passes bytes to the target."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def script(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(answer)
        reader, writer = await asyncio.open_connection(target.host, target.port)
        back = asyncio.create_task(pump(reader, peer.writer))
        try:
            await pump(peer.reader, writer)
        finally:
            writer.close()
            await asyncio.gather(back, return_exceptions=True)

    return script


async def test_plain_http_goes_through_the_proxy_in_absolute_form(
    serve: Serve, pool_with: PoolWith
) -> None:
    seen = []

    async def script(peer: Peer) -> None:
        for _ in range(2):
            seen.append(await peer.request())
            await peer.say(ok())

    proxy = await serve(script)
    proxies = Proxies(http=f"http://user:pass@127.0.0.1:{proxy.origin.port}")
    pool = await pool_with(proxies=proxies, address_guard=AddressGuard())
    for _ in range(2):
        await (await pool.open(get(Origin("http", "provider.example", 8080)))).read(5)
    assert (
        seen
        == [
            (
                b"GET http://provider.example:8080/v1/models HTTP/1.1\r\n"
                b"host: provider.example:8080\r\n"
                b"proxy-authorization: Basic dXNlcjpwYXNz\r\n\r\n"
            )
        ]
        * 2
    )
    assert proxy.accepted == 1


@pytest.mark.parametrize("userinfo", ["", "user:pass@"])
async def test_tls_goes_through_a_tunnel_and_its_credentials_stay_with_the_proxy(
    userinfo: str,
    tls: ssl.SSLContext,
    authority_file: Path,
    serve: Serve,
    pool_with: PoolWith,
) -> None:
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        asked.append(await peer.request())
        await peer.say(ok())
        await peer.until_closed()

    server = await serve(script, tls=tls)
    seen: list[bytes] = []
    proxy = await serve(tunnelling(b"HTTP/1.1 200 Fine\r\nx: y\r\n\r\n", seen, server.origin))
    pool = await pool_with(
        proxies=Proxies(https=f"http://{userinfo}127.0.0.1:{proxy.origin.port}"),
        ca_file=authority_file,
        address_guard=AddressGuard(),
    )
    response = await pool.open(get(named(server.origin)))
    assert await response.read(5) == b"hello"
    name = b"provider.example:%d" % server.origin.port
    credentials = b"proxy-authorization: Basic dXNlcjpwYXNz\r\n" if userinfo else b""
    assert seen == [b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (name, name, credentials)]
    assert asked == [b"GET /v1/models HTTP/1.1\r\nhost: %b\r\n\r\n" % name]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "status 407"),
        (b"HTTP/1.1 200 OK\r\n\r\nmore", "more than an answer"),
        (b"SSH-2.0\r\n\r\n", "did not answer like one"),
        (b"HTTP/1.1\r\n\r\n", "did not answer like one"),
        (b"HTTP/1.1 200 OK\r\n", "did not answer like one"),
        (b"x" * 20_000, "did not answer like one"),
    ],
)
async def test_a_proxy_that_does_not_open_the_tunnel_is_a_failed_connection(
    answer: bytes, reason: str, serve: Serve, pool_with: PoolWith
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer)

    proxy = await serve(script)
    proxies = Proxies(https=f"http://127.0.0.1:{proxy.origin.port}")
    pool = await pool_with(proxies=proxies)
    with pytest.raises(ConnectFailed, match=reason) as caught:
        await pool.open(get(Origin("https", "::1", 443)))
    assert caught.value.sent is False
    await proxy.all_closed(1)


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "metadata.google.internal"])
async def test_behind_a_proxy_the_guard_judges_what_can_be_known_here(
    host: str, serve: Serve, pool_with: PoolWith
) -> None:
    proxy = await serve(answering(ok()))
    proxies = Proxies(http=f"http://127.0.0.1:{proxy.origin.port}")
    pool = await pool_with(proxies=proxies)
    with pytest.raises(AddressRefused):
        await pool.open(get(Origin("http", host, 80)))
    assert proxy.accepted == 0
