"""A server on a real socket that gives a caller's SDK what a wire has written."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from typing_extensions import override


class Given(NamedTuple):
    """One answer."""

    body: bytes
    kind: bytes = b"application/json"
    status: int = 200


@contextmanager
def serving(answers: dict[str, Given]) -> Iterator[str]:
    """The address of a server that gives these answers by path, whatever it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            given = answers[self.path]
            self.send_response(given.status)
            self.send_header("content-type", given.kind.decode())
            self.send_header("content-length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        do_POST = do_GET = _answer  # noqa: N815 - the names that the server looks for.

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
