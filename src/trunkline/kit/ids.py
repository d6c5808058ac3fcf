"""Identifiers: UUIDv7 (RFC 9562), so that rows made later sort later."""

import uuid_utils


def new_id() -> str:
    """A fresh identifier of 36 characters, ordered by the time it was made."""
    return str(uuid_utils.uuid7())


def new_request_id() -> str:
    """A random UUIDv4 for a request that brought no identifier of its own."""
    return str(uuid_utils.uuid4())
