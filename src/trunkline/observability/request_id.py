"""The identifier under which a caller finds a request again in answers, errors and logs."""

from trunkline.kit.ids import new_request_id

_LONGEST = 128
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+=~")


def request_id_from(header: bytes | None) -> str:
    """What ``x-request-id`` carried when that is 1 to 128 safe characters, else a new UUIDv4.

    Safe are ASCII letters, digits and ``-_.:/+=~``, which mean nothing special in a header, a log
    line, a page or a shell.
    """
    if header and len(header) <= _LONGEST and _SAFE.issuperset(header):
        return header.decode("ascii")
    return new_request_id()
