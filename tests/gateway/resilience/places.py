"""Targets and connections that exist nowhere."""

from trunkline.gateway.snapshot import Connection, Credential, Origin, Signer, Target


def connection(*secrets: str, name: str = "openai", signer: Signer | None = None) -> Connection:
    """A connection with these secrets, or with the empty one."""
    credentials = tuple(
        Credential(str(place), ((b"authorization", secret.encode()),), signer)
        for place, secret in enumerate(secrets, start=1)
    )
    origin = Origin("https", "provider.example", 443)
    if not credentials:
        return Connection(f"id-of-{name}", name, name, {}, origin, ())
    return Connection(f"id-of-{name}", name, name, {}, origin, (), credentials=credentials)


def target(model: str = "m", *secrets: str) -> Target:
    """A target without a price."""
    return Target(connection(*secrets), model, None)
