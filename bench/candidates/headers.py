"""The headers that an SDK of each wire sends."""

from bench.cases import Wire

# Nobody checks it but those candidates that are given their own.
PROVIDER_KEY = "sk-bench-provider"


def for_provider(wire: Wire, key: str = PROVIDER_KEY) -> dict[str, str]:
    """Content type, credential and version, as the official client of the wire sends them."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    headers["user-agent"] = "bench/1"
    if wire == "chat":
        return headers | {"authorization": f"Bearer {key}"}
    return headers | {"x-api-key": key, "anthropic-version": "2023-06-01"}
