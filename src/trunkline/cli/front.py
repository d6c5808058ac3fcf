"""Asking a server that runs: for what no database knows, such as how its targets fare."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from trunkline.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    TrunklineError,
    Unauthenticated,
    Unavailable,
)
from trunkline.settings import read_variable

TIMEOUT: Final = 10.0
"""Seconds until a server that says nothing is given up."""

_KINDS: Final = (Unauthenticated, Forbidden, NotFound)


def read_key(variable: str | None, file: Path | None) -> str:
    """The key from the variable or the file that is named.

    Raises:
        InvalidRequest: none is named, or there is nothing.
    """
    if file is not None:
        try:
            key = file.read_text().strip()
        except OSError as error:
            raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from None
    else:
        key = (read_variable(variable) or "").strip() if variable else ""
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidRequest(
            "There is no key to ask the server with.",
            code="missing_api_key",
            hint="Name a file with --key-file, or a variable that is set with --key-env.",
        )
    return key


def get(url: str, path: str, query: list[tuple[str, str]], key: str) -> Any:
    """The JSON document that the server answers with. Redirections are not followed.

    Args:
        url: the server's address, with what stands before its paths, if anything does.
        path: of the API, beginning with ``/api``.
        query: names and values.
        key: one of ours.

    Raises:
        InvalidRequest: the address is none.
        Unavailable: nobody answers there, or somebody who is no server of ours.
        TrunklineError: as the server says.
    """
    return _ask("GET", url, f"{path}?{urlencode(query)}", key)


def post(url: str, path: str, document: Any, key: str) -> Any:
    """The JSON document that the server answers a JSON document with; all else as ``get``."""
    return _ask("POST", url, path, key, msgspec.json.encode(document))


def _ask(method: str, url: str, behind: str, key: str, body: bytes | None = None) -> Any:
    place = urlsplit(url)
    if place.scheme not in {"http", "https"} or place.hostname is None:
        raise InvalidRequest(
            f"'{url}' is no address of a server.",
            param="url",
            hint="Write it like http://localhost:3000.",
        )
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    headers = {"authorization": f"Bearer {key}"}
    if body is not None:
        headers["content-type"] = "application/json"
    try:
        connection = kind(place.hostname, place.port, timeout=TIMEOUT)
        try:
            connection.request(method, f"{place.path.rstrip('/')}{behind}", body, headers)
            answer = connection.getresponse()
            document = msgspec.json.decode(answer.read())
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(
            f"No server of ours answers at {url}.",
            code="server_unreachable",
            hint="See whether the address is right and 'trunkline serve' runs there.",
            reference=repr(error),
        ) from None
    if answer.status != 200:
        raise _told(answer.status, document)
    return document


def _told(status: int, document: Any) -> TrunklineError:
    """The error that the server told, as one of ours."""
    error = document.get("error") if isinstance(document, dict) else None
    told: dict[str, Any] = error if isinstance(error, dict) else {}
    kind = next((kind for kind in _KINDS if kind.status == status), TrunklineError)
    return kind(
        str(told.get("message") or f"The server answered with status {status}."),
        code=told.get("code"),
        status=status,
        hint=told.get("hint"),
        param=told.get("param"),
    )
