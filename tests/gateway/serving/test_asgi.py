"""The ordinary ASGI interface, as FastAPI uses it."""

import asyncio
import logging

import pytest
from tests.gateway.serving.rig import GET, Handler, eventually, post, running
from typing_extensions import override

from trunkline.errors import LimitExceeded
from trunkline.gateway.serving.asgi import Message, Receive, Scope, Send
from trunkline.gateway.serving.edges import Edges

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
LAST: Message = {"type": "http.response.body", "body": b"", "more_body": False}


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


class Sending(Handler):
    """Sends messages as the test gives them, then fails if it was given an error."""

    def __init__(self, *messages: Message, error: Exception | None = None) -> None:
        super().__init__()
        self.messages = messages
        self.error = error
        self.received: list[Message] = []

    @override
    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        for message in self.messages:
            await send(message)
        if self.error is not None:
            raise self.error


async def test_an_answer_of_known_length_is_sent_as_it_is() -> None:
    handler = Sending(start((b"Content-Length", b"5")), piece(b"hello", more=False))
    async with running(handler) as rig:
        client = await rig.connect()
        for _ in range(2):
            answer = await client.ask(GET)
            assert (answer.status, answer.body) == (200, b"hello")
            assert set(answer.headers) == {"content-length", "date"}


async def test_an_answer_of_known_length_may_come_in_pieces() -> None:
    handler = Sending(start((b"content-length", b"5")), piece(b"hel"), piece(b"lo"), LAST)
    async with running(handler) as rig:
        client = await rig.connect()
        for _ in range(2):
            assert (await client.ask(GET)).body == b"hello"


async def test_a_stream_gets_its_head_before_its_first_piece() -> None:
    go_on = asyncio.Event()

    class Late(Handler):
        @override
        async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
            await send(START)
            await go_on.wait()
            await send(piece(b"late"))
            await send(LAST)

    async with running(Late()) as rig:
        client = await rig.connect()
        client.send(GET)
        assert (await client.answer(bodiless=True)).headers["transfer-encoding"] == "chunked"
        go_on.set()
        assert await client.reader.readexactly(14) == b"4\r\nlate\r\n0\r\n\r\n"


async def test_an_application_may_close_the_connection() -> None:
    handler = Sending(start((b"content-length", b"0"), (b"connection", b"Close")), LAST)
    async with running(handler) as rig:
        client = await rig.connect()
        assert (await client.ask(GET)).closes
        assert await client.rest() == b""


async def test_an_answer_to_head_keeps_the_length_of_what_get_would_answer() -> None:
    handler = Sending(start((b"content-length", b"5")), LAST)
    async with running(handler) as rig:
        client = await rig.connect()
        for _ in range(2):
            client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await client.answer(bodiless=True)).headers["content-length"] == "5"


async def test_the_body_is_received_in_pieces_and_then_the_leaving_of_the_client() -> None:
    class Reading(Sending):
        @override
        async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
            while not self.received or self.received[-1]["type"] != "http.disconnect":
                self.received.append(await receive())
            self.received.append(await receive())

    handler = Reading()
    async with running(handler) as rig:
        client = await rig.connect()
        whole = post(b"abcdef")
        client.send(whole[:-3])
        await eventually(lambda: len(handler.received) == 1)
        client.send(whole[-3:])
        await eventually(lambda: len(handler.received) == 2)
        client.close()
        await rig.until_idle()
        gone = {"type": "http.disconnect"}
        assert handler.received == [
            {"type": "http.request", "body": b"abc", "more_body": True},
            {"type": "http.request", "body": b"def", "more_body": False},
            gone,
            gone,
        ]


async def test_a_client_that_leaves_inside_its_body_is_received_as_disconnected() -> None:
    class Reading(Sending):
        @override
        async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
            self.received.append(await receive())
            self.received.append(await receive())
            await send(START)
            await send(LAST)

    handler = Reading()
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(post(b"abc")[:-1])
        await eventually(lambda: len(handler.received) == 1)
        client.close()
        await rig.until_idle()
        assert handler.received[1] == {"type": "http.disconnect"}


async def test_those_that_wait_for_the_client_to_leave_are_told_when_the_answer_is_over() -> None:
    class Listening(Sending):
        @override
        async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            listeners = [asyncio.create_task(_next(receive)) for _ in range(2)]
            await asyncio.sleep(0)
            await send(START)
            await send(LAST)
            self.received = await asyncio.gather(*listeners)

    handler = Listening()
    async with running(handler) as rig:
        await rig.ask(GET)
        await rig.until_idle()
        assert handler.received == [{"type": "http.disconnect"}] * 2


async def _next(receive: Receive) -> Message:
    return await receive()


async def test_a_client_that_waits_to_be_asked_is_asked_by_receive() -> None:
    class Reading(Handler):
        @override
        async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
            message = await receive()
            await send(start((b"content-length", b"3")))
            await send(piece(message["body"], more=False))

    async with running(Reading()) as rig:
        client = await rig.connect()
        whole = post(b"abc", more=b"Expect: 100-continue\r\n")
        client.send(whole[:-3])
        assert (await client.answer(bodiless=True)).status == 100
        assert (await client.ask(whole[-3:])).body == b"abc"


async def test_receive_raises_what_is_wrong_with_the_body() -> None:
    class Reading(Handler):
        @override
        async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
            while (await receive())["more_body"]:
                pass

    async with running(Reading(), edges=Edges(max_body_bytes=10)) as rig:
        assert (await rig.ask(post(b"x" * 11))).status == 413


async def test_an_error_of_ours_is_rendered_as_it_is() -> None:
    handler = Sending(error=LimitExceeded("Too much.", retry_after=3.0))
    async with running(handler) as rig:
        answer = await rig.ask(post(b"", path=b"/anthropic/v1/messages"))
        assert (answer.status, answer.headers["retry-after"]) == (429, "3")
        assert (answer.json["code"], answer.json["shape"]) == ("rate_limit_exceeded", "anthropic")
        assert not answer.closes


@pytest.mark.parametrize(
    "handler",
    [
        Sending(error=ZeroDivisionError("secret detail")),
        Sending(error=ExceptionGroup("several", [ValueError()])),
        Sending(),
        Sending(LAST),
        Sending({"type": "http.response.trailers"}),
        Sending(start((b"content-length", b"5")), error=KeyError("x")),
        Sending(start((b"a", b"b\r\nc: d"))),
    ],
)
async def test_a_defect_before_the_answer_is_an_error_in_our_shape_and_logged(
    handler: Sending, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(handler) as rig:
        client = await rig.connect()
        for _ in range(2):
            answer = await client.ask(GET)
            assert (answer.status, answer.json["code"]) == (500, "internal_error")
            assert b"secret" not in answer.body
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [(record.message, vars(record)["path"]) for record in errors] == [
        ("A handler failed.", "/")
    ] * 2
    assert all(record.exc_info for record in errors)


@pytest.mark.parametrize(
    "handler",
    [
        Sending(START, piece(b"part"), error=ZeroDivisionError()),
        Sending(START, piece(b"part"), error=LimitExceeded("late")),
        Sending(START, piece(b"part")),
        Sending(START, piece(b"part"), START),
    ],
)
async def test_a_defect_inside_the_answer_is_no_clean_end(handler: Sending) -> None:
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(GET)
        await client.answer(bodiless=True)
        assert await client.rest() == b"4\r\npart\r\n"


@pytest.mark.parametrize("body", [b"hell", b"hello!"])
async def test_a_length_that_is_not_kept_is_no_clean_end(body: bytes) -> None:
    handler = Sending(start((b"content-length", b"5")), piece(body, more=False))
    async with running(handler) as rig:
        client = await rig.connect()
        client.send(GET)
        assert (await client.answer(bodiless=True)).headers["content-length"] == "5"
        assert len(await client.rest()) < 5


async def test_the_state_of_the_lifespan_is_copied_into_each_scope() -> None:
    class Stateful(Handler):
        @override
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                scope["state"]["seen"] = 0
            await super().__call__(scope, receive, send)

        @override
        async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"]["seen"] += 1
            await super().asgi(scope, receive, send)

    async with running(Stateful()) as rig:
        client = await rig.connect()
        for _ in range(2):
            await client.ask(GET)
        assert [scope["state"] for scope in rig.handler.scopes] == [{"seen": 1}] * 2


async def test_each_request_of_a_connection_has_its_own_target_and_headers() -> None:
    targets = [b"/a?x=1", b"/a?x=1", b"/b%20c", b"/a?x=1"]
    async with running() as rig:
        client = await rig.connect()
        for number, target in enumerate(targets):
            head = b"GET %b HTTP/1.1\r\nHost: a\r\nX-Number: old\r\nx-number:  %d \r\n\r\n"
            await client.ask(head % (target, number))
        seen = [
            (
                scope["raw_path"],
                scope["path"],
                scope["query_string"],
                scope["headers"],
                scope["trunkline.headers"],
            )
            for scope in rig.handler.scopes
        ]
    assert seen == [
        (
            *parts,
            [(b"host", b"a"), (b"x-number", b"old"), (b"x-number", b"%d" % number)],
            {b"host": b"a", b"x-number": b"%d" % number},
        )
        for number, parts in enumerate(
            [
                (b"/a", "/a", b"x=1"),
                (b"/a", "/a", b"x=1"),
                (b"/b%20c", "/b c", b""),
                (b"/a", "/a", b"x=1"),
            ]
        )
    ]
