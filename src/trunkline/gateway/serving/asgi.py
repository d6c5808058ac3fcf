"""The ordinary ASGI interface of a request, on the same state as the direct one."""

import logging
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Final

from trunkline.errors import InternalError, TrunklineError
from trunkline.gateway.serving.body import ClientGone
from trunkline.gateway.serving.client import ClientConnection

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
HeaderList = list[tuple[bytes, bytes]]
RenderError = Callable[[bytes, HeaderList, TrunklineError], tuple[int, HeaderList, bytes]]
"""Makes the answer to an error from the path and the headers as far as they are known.

It is called for requests that no handler saw, so it is also where they are logged and counted.
"""

_LOG: Final = logging.getLogger(__name__)


class AsgiClient(ClientConnection):
    """A client whose request is handled by an ASGI application.

    Its own state is the head of an answer that waits for the first piece of its body, so that
    both leave in one write, and whether the application has been given the whole body.
    """

    _held_start: tuple[int, HeaderList, int] | None = None
    _body_given: bool = False

    async def run(
        self,
        app: Application,
        scope: Scope,
        render_error: RenderError,
        done: Callable[[ClientConnection], None],
    ) -> None:
        """Run the application for this request; whatever it does, the request ends once."""
        try:
            await app(scope, self.receive, self.send)
            if not (self.over or self.gone):
                raise RuntimeError("the application returned before its answer was complete")
        except ClientGone:
            pass
        except TrunklineError as error:
            self._fail(error, scope, render_error)
        except Exception as error:  # noqa: BLE001 - the boundary that turns defects into answers
            _LOG.error(
                "A handler failed.",
                exc_info=error,
                extra={"method": scope["method"], "path": scope["path"]},
            )
            self._fail(InternalError("The gateway failed."), scope, render_error)
        finally:
            if not self.over:
                self.abort()
            done(self)

    async def receive(self) -> Message:
        """ASGI ``receive``; raises the errors of ``ClientConnection.read``."""
        if not (self._body_given or self.gone or self.over):
            self.invite()
            try:
                piece, more = await self.body.read_some()
            except ClientGone:
                return {"type": "http.disconnect"}
            self._body_given = not more
            return {"type": "http.request", "body": piece, "more_body": more}
        while not (self.gone or self.over):
            await self.body.changed()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """ASGI ``send``."""
        kind = message["type"]
        if kind == "http.response.start":
            self._hold_start(message)
        elif kind == "http.response.body":
            await self._send_body(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"the ASGI message {kind!r} is not known here")

    def _hold_start(self, message: Message) -> None:
        headers = [(bytes(name).lower(), bytes(value)) for name, value in message["headers"]]
        length = None
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
        if length is None:
            # A stream, whose first piece may be far away: the client gets its head now.
            self.start(message["status"], headers)
        else:
            self._held_start = (message["status"], headers, length)

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        held, self._held_start = self._held_start, None
        if held is not None:
            status, headers, length = held
            if not more and len(body) == length:
                self.respond(status, headers, body)
                return
            self.start(status, headers, length)
        elif not (self.answering or self.gone):
            raise RuntimeError("a body was sent before its head")
        await self.write(body)
        if not more:
            self.finish()

    def _fail(self, error: TrunklineError, scope: Scope, render_error: RenderError) -> None:
        # After the head has left, the only honest end is one without the closing chunk.
        if not (self.answering or self.gone):
            self.respond(*render_error(scope["raw_path"], scope["headers"], error))
