"""Secrets of providers as references, which are resolved only where a request needs the value.

A reference names a variable or a file of the operator's machine, so only the operator may write
one: whoever could, could send any of them to an address of his own.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

MAX_SECRET_BYTES = 16_384


def check_reference(reference: str) -> str:
    """The reference itself.

    Raises:
        ValueError: it is neither ``env:NAME`` nor ``file:/absolute/path``.
    """
    kind, _, rest = reference.partition(":")
    if kind == "env" and rest.isascii() and rest.isidentifier():
        return reference
    if kind == "file" and rest.startswith("/") and "\x00" not in rest:
        return reference
    raise ValueError(
        "a secret is written as env:NAME or file:/absolute/path, never as the secret itself"
    )


class Secrets:
    """Looks up references. It keeps nothing, so that a rotated secret is seen at the next look."""

    def __init__(self, variable: Callable[[str], str | None]) -> None:
        self._variable = variable

    async def resolve(self, reference: str) -> str:
        """The secret behind a reference.

        Raises:
            ValueError: there is none, or it cannot stand in a header; the value is not told.
        """
        kind, _, rest = check_reference(reference).partition(":")
        if kind == "env":
            value = self._variable(rest)
            if not value:
                raise ValueError(f"the environment has no {rest}")
        else:
            value = await asyncio.to_thread(_read, Path(rest))
        return check_secret(value.strip())


def check_secret(value: str) -> str:
    """The secret itself: one line for a header, or a JSON object that a credential is made of.

    Raises:
        ValueError: it is neither.
    """
    return value if is_document(value) else check_header_secret(value)


def is_document(value: str) -> bool:
    """Whether a secret is meant as a JSON object, such as a service account's file."""
    return value.startswith("{")


def check_header_secret(value: str) -> str:
    """The secret itself.

    Raises:
        ValueError: it is empty or has characters that a header cannot carry.
    """
    if not value:
        raise ValueError("the secret is empty")
    if not (value.isascii() and value.isprintable()):
        raise ValueError("the secret has characters that a header cannot carry")
    return value


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_SECRET_BYTES:
        raise ValueError(f"{path} is longer than {MAX_SECRET_BYTES} bytes, so it is no secret")
    return content.decode("utf-8", errors="replace")
