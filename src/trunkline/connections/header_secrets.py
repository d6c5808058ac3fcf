"""Headers of a connection whose values are secrets, as their names tell.

Such a value is better given as a reference. One that was written out is kept in the database, and
shown nowhere: ``KEPT`` stands for it.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from trunkline.connections.rows import ConnectionRow
from trunkline.connections.secrets import Secrets, check_header_secret, check_reference

KEPT: Final = "kept:here"
"""In place of a value: that which the connection has."""

_PARTS = ("auth", "cookie", "credential", "key", "passw", "secret", "session", "signature", "token")


def names_secret(header: str) -> bool:
    """Whether the name of a header tells that its value is secret; rather too often than not."""
    return any(part in header.lower() for part in _PARTS)


def header_references(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers whose values are references to secrets, with these."""
    return {name: value for name, value in headers.items() if _is_reference(name, value)}


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers without the values of those that are secret; references stay."""
    return {
        name: KEPT if names_secret(name) and not _is_reference(name, value) else value
        for name, value in headers.items()
    }


async def with_header_secrets(
    row: ConnectionRow, secrets: Secrets, problems: list[str]
) -> ConnectionRow:
    """The connection with the values that its headers refer to.

    A header whose value is not to be had is left out, and a sentence is added to ``problems``.
    """
    headers = dict(row.headers)
    for name, reference in header_references(headers).items():
        try:
            headers[name] = check_header_secret(await secrets.resolve(reference))
        except ValueError as error:
            del headers[name]
            problems.append(f"the connection {row.name!r} does without its header {name}: {error}")
    return row if headers == row.headers else replace(row, headers=headers)


def _is_reference(name: str, value: str) -> bool:
    if not names_secret(name):
        return False
    try:
        check_reference(value)
    except ValueError:
        return False
    return True
