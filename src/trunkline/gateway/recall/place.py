"""What keys begin with, so that answers can be found and forgotten by whose they are."""


def place_of(org_id: str, alias: str) -> str:
    """What all keys of an alias begin with."""
    return f"{beginning_of(org_id, alias)}/"


def beginning_of(org_id: str, prefix: str = "") -> str:
    """What all keys of those aliases begin with whose names begin like this."""
    if "/" in prefix or "%" in prefix:
        prefix = prefix.replace("%", "%25").replace("/", "%2F")
    return f"{org_id}/{prefix}"
