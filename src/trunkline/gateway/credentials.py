"""Where a credential may stand: the places of all SDKs whose base address can be set to ours."""

from urllib.parse import parse_qs

from trunkline.errors import Unauthenticated
from trunkline.gateway.caller import Caller
from trunkline.gateway.ports import Callers

# Anthropic's, Google's and Azure's own headers; Bearer is everybody else's.
_PLAIN = (b"x-api-key", b"x-goog-api-key", b"api-key")


def identify(callers: Callers, headers: dict[bytes, bytes], query: bytes = b"") -> Caller:
    """The one door for credentials of every route.

    Args:
        callers: knows the credentials.
        headers: by lower-case name.
        query: where Google's clients may put a key; empty where that is not allowed.

    Raises:
        Unauthenticated: there is none, or it is not known.
    """
    credential = credential_in(headers, query)
    if credential is None:
        raise Unauthenticated(
            "The request has no key.",
            code="missing_api_key",
            hint="Send it as 'Authorization: Bearer tl_...' or 'x-api-key: tl_...'.",
        )
    return callers.identify(credential)


def credential_in(headers: dict[bytes, bytes], query: bytes) -> str | None:
    """The credential of a request, or None. A header counts before the query."""
    for name in _PLAIN:
        if name in headers:
            return headers[name].strip().decode("latin-1")
    scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
    if bearer and (scheme == b"Bearer" or scheme.lower() == b"bearer"):
        return bearer.strip().decode("latin-1")
    if b"key=" in query:
        # Google's own clients may put it there; it is scrubbed from every log.
        found = parse_qs(query.decode("latin-1")).get("key")
        return found[0] if found else None
    return None
