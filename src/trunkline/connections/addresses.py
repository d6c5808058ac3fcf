"""Addresses of providers: parsed once, and refused where they cannot be meant."""

from typing import NamedTuple
from urllib.parse import urlsplit

from trunkline.gateway.snapshot import Origin

DEFAULT_PORTS = {"http": 80, "https": 443}
OLLAMA_PORT = 11434


class Address(NamedTuple):
    """Where to connect, and what precedes the wire's own path."""

    origin: Origin
    path_prefix: str


def parse_base_url(url: str) -> Address:
    """Origin and path prefix of a URL such as ``https://api.openai.com/v1``.

    Raises:
        ValueError: another scheme than http and https, no host, a bad port, credentials, a query,
            a fragment, or characters that no URL has.
    """
    if not url.isascii() or any(ord(char) <= ord(" ") or char in '\\"<>\x7f' for char in url):
        raise ValueError("an address has no spaces, control characters or letters beyond ASCII")
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("an address begins with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("credentials belong in the secret and not in the address")
    if "?" in url or "#" in url:
        raise ValueError("an address has no query and no fragment")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is a number from 1 to 65535") from None
    if not parts.hostname or port == 0:
        raise ValueError("an address names a host, such as https://api.openai.com/v1")
    if any(segment in {".", ".."} for segment in parts.path.split("/")):
        raise ValueError("the path of an address has no dots to climb with")
    origin = Origin(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme])
    return Address(origin, parts.path.rstrip("/"))


def ollama_base_url(host: str) -> str:
    """The OpenAI-compatible address of an ``OLLAMA_HOST``, which may lack scheme, port and path.

    Source: Ollama reads ``host``, ``host:port`` and whole URLs; its own default port is 11434.
    """
    bare = "://" not in host
    parts = urlsplit(f"http://{host}" if bare else host)
    netloc = parts.netloc
    if bare and not netloc.rpartition("]")[2].rpartition(":")[1]:
        netloc = f"{netloc}:{OLLAMA_PORT}"
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/') or '/v1'}"
