"""Addresses of providers: parsed once, and refused where they cannot be meant."""

import re
from string import Formatter
from typing import NamedTuple
from urllib.parse import urlsplit

from trunkline.gateway.snapshot import Origin

DEFAULT_PORTS = {"http": 80, "https": 443}
OLLAMA_PORT = 11434

# The one query that an address may have: Azure's older addresses do not answer without it.
_API_VERSION = re.compile(r"api-version=[A-Za-z0-9._-]+")
# What a place is called: a region, a project with or without its domain, a resource.
_PLACE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?")


class Address(NamedTuple):
    """Where to connect, what precedes the wire's own path, and the query that follows it."""

    origin: Origin
    path_prefix: str
    query: str = ""


def parse_base_url(url: str) -> Address:
    """Origin and path prefix of a URL such as ``https://api.openai.com/v1``.

    Raises:
        ValueError: another scheme than http and https, no host, a bad port, credentials, a query
            beside ``api-version``, a fragment, or characters that no URL has.
    """
    if not url.isascii() or any(ord(char) <= ord(" ") or char in '\\"<>\x7f' for char in url):
        raise ValueError("an address has no spaces, control characters or letters beyond ASCII")
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("an address begins with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("credentials belong in the secret and not in the address")
    if "#" in url or ("?" in url and not _API_VERSION.fullmatch(parts.query)):
        raise ValueError("an address has no fragment, and no query but an api-version")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is a number from 1 to 65535") from None
    if not parts.hostname or port == 0:
        raise ValueError("an address names a host, such as https://api.openai.com/v1")
    if any(segment in {".", ".."} for segment in parts.path.split("/")):
        raise ValueError("the path of an address has no dots to climb with")
    origin = Origin(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme])
    return Address(origin, parts.path.rstrip("/"), parts.query)


def places_in(base_url: str) -> tuple[str, ...]:
    """The places that an address needs to be told, such as ``region``, in their order."""
    found = (name for _, name, _, _ in Formatter().parse(base_url) if name)
    return tuple(dict.fromkeys(found))


def filled(base_url: str, **places: str) -> str:
    """The address with its places filled in.

    Vertex AI's worldwide address has no region in its host, though it has one in its path.

    Raises:
        ValueError: a place has characters that no place has.
    """
    for name, place in places.items():
        if not _PLACE.fullmatch(place):
            raise ValueError(f"{place!r} is no {name}")
    return base_url.format(**places).replace("https://global-aiplatform.", "https://aiplatform.")


def azure_base_url(endpoint: str) -> str:
    """The address of an Azure OpenAI endpoint, as the portal and Azure's SDK write it."""
    bare = endpoint.rstrip("/")
    return bare if urlsplit(bare).path else f"{bare}/openai/v1"


def ollama_base_url(host: str) -> str:
    """The address of an ``OLLAMA_HOST``, which may lack scheme, port and path.

    Source: Ollama reads ``host``, ``host:port`` and whole URLs; its own default port is 11434.
    """
    bare = "://" not in host
    parts = urlsplit(f"http://{host}" if bare else host)
    netloc = parts.netloc
    if bare and not netloc.rpartition("]")[2].rpartition(":")[1]:
        netloc = f"{netloc}:{OLLAMA_PORT}"
    return f"{parts.scheme}://{netloc}{parts.path.rstrip('/')}"
