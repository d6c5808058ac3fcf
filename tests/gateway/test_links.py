"""What a request names by its address, fetched over real sockets; a proxy stands for the web."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.gateway.transport.hostile import HostileServer, Peer, ok, opened_pool

from trunkline.errors import InvalidRequest
from trunkline.gateway.exchange.parts import (
    Audio,
    File,
    Image,
    Inline,
    Link,
    Part,
    Text,
    ToolResult,
)
from trunkline.gateway.exchange.request import Message, Request
from trunkline.gateway.links import Limits, inline_links
from trunkline.gateway.sniffing import media_type_of
from trunkline.gateway.transport import Proxies, UpstreamPool

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PDF = b"%PDF-1.7 ..."
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "


class Web:
    """Answers each URL as it was told to; it is asked as a proxy, so that any name leads to it."""

    def __init__(self) -> None:
        self.server = HostileServer(self._serve)
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.together = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def _serve(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            method, url, _ = request.split(b" ", 2)
            assert method == b"GET"
            self.asked.append(url.decode())
            if len(self.asked) >= self.together:
                self.gate.set()
            await self.gate.wait()
            answer = self.answers[url.decode()]
            await peer.say(answer)
            if answer == HANGING:
                await peer.until_closed()

    @property
    def proxy(self) -> str:
        return str(self.server.origin)


HANGING = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"


def moved(where: str, status: int = 302) -> bytes:
    return b"HTTP/1.1 %d Moved\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % (
        status, where.encode(),
    )  # fmt: skip


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    served = Web()
    await served.server.start()
    yield served
    await served.server.stop()


@pytest.fixture
async def pool(web: Web) -> AsyncIterator[UpstreamPool]:
    async with opened_pool(proxies=Proxies(http=web.proxy)) as opened:
        yield opened


def asked(*parts: Part) -> Request:
    return Request(wire="openai_chat", model="m", messages=(Message("user", parts),))


def inline(media_type: str, data: bytes) -> Inline:
    return Inline(media_type, base64.b64encode(data).decode())


CAT = "http://images.example/cat.png?size=1"


async def test_a_request_without_addresses_stays_the_same_object(pool: UpstreamPool) -> None:
    request = asked(
        Text("http://images.example/"), Image(inline("image/png", PNG)), Image(Link("s3://a/b"))
    )
    assert await inline_links(request, pool) is request


async def test_bytes_take_the_place_of_addresses_wherever_they_stand(
    web: Web, pool: UpstreamPool
) -> None:
    web.answers = {
        CAT: ok(PNG),
        "http://images.example/a%20b/%C3%BC.pdf": ok(PDF),
        "HTTP://images.example/sound".lower(): ok(WAV),
    }
    plain = Message("assistant", (Text("Look."),))
    request = Request(
        wire="openai_chat",
        model="m",
        messages=(
            Message(
                "user",
                (
                    Text("Hi."),
                    Image(Link(CAT, "image/gif"), detail="low"),
                    File(Link("http://images.example/a b/ü.pdf#page=2")),
                    Audio(Link("HTTP://images.example/sound")),
                ),
            ),
            plain,
            Message(
                "user",
                (
                    ToolResult("c", (Text("1"), Image(Link(CAT)))),
                    ToolResult("d", (Text("2"),)),
                    File(Link(CAT), "mine"),
                ),
            ),
        ),
    )
    found = await inline_links(request, pool)
    first, second, third = found.messages
    assert first.parts == (
        Text("Hi."),
        Image(inline("image/png", PNG), detail="low"),
        File(inline("application/pdf", PDF), "ü.pdf"),
        Audio(inline("audio/wav", WAV)),
    )
    assert second is plain
    assert third.parts == (
        ToolResult("c", (Text("1"), Image(inline("image/png", PNG)))),
        ToolResult("d", (Text("2"),)),
        File(inline("image/png", PNG), "mine"),
    )
    assert sorted(web.asked) == sorted(web.answers)


async def test_addresses_are_fetched_at_the_same_time_and_each_once(
    web: Web, pool: UpstreamPool
) -> None:
    urls = [f"http://{number}.example/" for number in range(5)]
    web.answers = {url: ok(PNG) for url in urls}
    web.together = len(urls)
    web.gate.clear()
    request = asked(*(Image(Link(url)) for url in urls * 3))
    found = await inline_links(request, pool)
    assert found.messages[0].parts == (Image(inline("image/png", PNG)),) * 15
    assert sorted(web.asked) == urls


async def test_a_long_image_is_encoded_whole(web: Web, pool: UpstreamPool) -> None:
    long = PNG + bytes(1_000_001)
    web.answers = {CAT: ok(long)}
    found = await inline_links(asked(Image(Link(CAT))), pool)
    assert found.messages[0].parts == (Image(inline("image/png", long)),)


async def test_redirects_are_followed_three_times_and_no_more(web: Web, pool: UpstreamPool) -> None:
    web.answers = {
        CAT: moved("/b", 301),
        "http://images.example/b": moved("http://other.example/c", 308),
        "http://other.example/c": moved("//third.example/d?x=1", 307),
        "http://third.example/d?x=1": ok(PNG),
    }
    found = await inline_links(asked(Image(Link(CAT))), pool)
    assert found.messages[0].parts == (Image(inline("image/png", PNG)),)
    web.answers["http://third.example/d?x=1"] = moved("/e", 303)
    assert "leads elsewhere more than 3 times" in await refusal(asked(Image(Link(CAT))), pool)


async def refusal(
    request: Request, pool: UpstreamPool, code: str = "link_not_fetched", **more: Any
) -> str:
    with pytest.raises(InvalidRequest) as refused:
        await inline_links(request, pool, **more)
    error = refused.value
    assert (error.status, error.code, error.param) == (400, code, "messages")
    assert error.hint
    return error.message


@pytest.mark.parametrize(
    "where",
    ["http://169.254.169.254/latest", "http://127.0.0.1/", "http://10.0.0.1/", "http://[::1]/"],
)
async def test_no_redirect_leads_into_a_private_network(
    web: Web, pool: UpstreamPool, where: str
) -> None:
    web.answers = {CAT: moved(where)}
    said = await refusal(asked(Image(Link(CAT))), pool)
    assert said == (
        "The address 'http://images.example/cat.png' leads to an address that may not be fetched."
    )
    assert web.asked == [CAT]


async def test_a_private_address_is_refused_though_the_operator_allows_its_network(
    web: Web,
) -> None:
    async with opened_pool() as direct:
        said = await refusal(asked(Image(Link(f"{web.proxy}/cat"))), direct)
    assert "may not be fetched" in said
    assert web.asked == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", "answered with status 404"),
        (moved(""), "leads elsewhere"), (moved("ftp://a.example/"), "no address that begins"),
        (b"HTTP/1.1 302 Moved\r\ncontent-length: 0\r\n\r\n", "leads elsewhere"),
        (moved("http://a.example:x/"), "is no address"),
        (moved("http://user:pw@a.example/"), "has credentials in it"),
        (ok(b"<svg></svg>"), "is neither PNG"), (ok(b""), "is neither PNG"),
        (ok(PDF), "is application/pdf, which the request takes for something else"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", "(connection_lost)"),
        (b"nonsense\r\n\r\n", "cannot be fetched"),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_is_refused_in_a_sentence(
    web: Web, pool: UpstreamPool, answer: bytes, said: str
) -> None:
    web.answers = {CAT: answer}
    if b"abc" in answer:
        web.server._script = _cut(answer)
    assert said in await refusal(asked(Image(Link(CAT))), pool)


def _cut(answer: bytes) -> Any:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer)

    return script


async def test_an_address_is_shown_without_its_query_and_not_too_long(
    web: Web, pool: UpstreamPool
) -> None:
    url = f"http://images.example/{'x' * 300}?signature=secret"
    web.answers = {url: ok(b"nothing")}
    said = await refusal(asked(Image(Link(url))), pool)
    assert ("secret" in said, len(said) < 250) == (False, True)


async def test_all_links_of_a_request_share_one_bound_of_bytes(
    web: Web, pool: UpstreamPool
) -> None:
    other = "http://images.example/dog.png"
    web.answers = {CAT: ok(PNG), other: ok(PNG)}
    limits = Limits(most_bytes=2 * len(PNG))
    request = asked(Image(Link(CAT)), Image(Link(other)))
    assert await inline_links(request, pool, limits) is not request
    short = Limits(most_bytes=2 * len(PNG) - 1)
    said = await refusal(request, pool, "link_too_large", limits=short)
    assert f"more than {short.most_bytes} bytes" in said


async def test_what_hangs_is_given_up_in_time(web: Web, pool: UpstreamPool) -> None:
    web.answers = {CAT: HANGING, "http://images.example/dog": ok(PNG)}
    request = asked(Image(Link(CAT)), Image(Link("http://images.example/dog")))
    said = await refusal(request, pool, "link_timeout", limits=Limits(seconds=0.2))
    assert said == "The images and files of the request did not arrive within 0.2 s."


async def test_one_bad_address_gives_up_the_others(web: Web, pool: UpstreamPool) -> None:
    web.answers = {CAT: HANGING, "http://images.example/dog": ok(b"nothing")}
    request = asked(Image(Link(CAT)), Image(Link("http://images.example/dog")))
    assert "dog" in await refusal(request, pool)


async def test_more_than_twenty_addresses_are_refused_unfetched(
    web: Web, pool: UpstreamPool
) -> None:
    links = [Image(Link(f"http://images.example/{number}")) for number in range(21)]
    assert "21 addresses" in await refusal(asked(*links), pool, "too_many_links")
    assert web.asked == []


async def test_addresses_that_the_provider_fetches_itself_are_left_to_it(
    web: Web, pool: UpstreamPool
) -> None:
    request = asked(File(Link("https://files.example/v1/a")), Image(Link(CAT)))
    web.answers = {CAT: ok(PNG)}
    found = await inline_links(request, pool, leave=("https://files.example/",))
    assert found.messages[0].parts[0] is request.messages[0].parts[0]
    assert web.asked == [CAT]


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"), (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"), (WAV, "audio/wav"),
        (PDF, "application/pdf"), (b"ID3\x04", "audio/mp3"), (b"\xff\xfb\x90", "audio/mp3"),
        (b"\xff\xf1\x50", None), (b"RIFF\0\0\0\0AVI ", None), (b"<svg", None), (b"\xff", None),
        (b"\0\0\0\x18ftypheic", None), (b"", None),
    ],
)  # fmt: skip
def test_bytes_are_what_they_begin_like(data: bytes, media_type: str | None) -> None:
    assert media_type_of(data) == media_type
