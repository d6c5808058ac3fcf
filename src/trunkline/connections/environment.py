"""Connections that the environment makes for everyone: one for each provider that is set."""

from collections.abc import Iterator

import msgspec
from pydantic import SecretStr

from trunkline.connections.accounts import Account
from trunkline.connections.addresses import azure_base_url, filled, ollama_base_url
from trunkline.connections.rows import ConnectionRow
from trunkline.gateway.providers.provider import Provider
from trunkline.gateway.providers.registry import PROVIDERS
from trunkline.settings import Settings


def environment_accounts(settings: Settings) -> Iterator[Account]:
    """One account for each provider whose settings are set, in the order of the registry."""
    for provider in PROVIDERS:
        account = _account(provider, settings)
        if account is not None:
            yield account


def environment_names(settings: Settings) -> frozenset[str]:
    """The names of the connections that the environment makes."""
    return frozenset(account.row.name for account in environment_accounts(settings))


def _account(provider: Provider, settings: Settings) -> Account | None:
    value = getattr(settings, provider.settings[0]) if provider.settings else None
    if isinstance(value, SecretStr):
        value = _plain(value)
        return Account(_row(provider), (value,)) if value else None
    if not value:
        return None
    if provider.id == "azure":
        key = _plain(settings.azure_openai_api_key)
        # The endpoint is often set beside another way to sign in, which is none of ours.
        return Account(_row(provider, azure_base_url(value)), (key,)) if key else None
    if provider.id == "bedrock":
        return Account(_row(provider, filled(provider.base_url, region=value)), (_aws(settings),))
    if provider.id == "vertex":
        base = filled(provider.base_url, region=settings.vertex_region, project=value)
        file = settings.google_credentials
        return Account(_row(provider, base, f"file:{file.absolute()}" if file else None))
    return Account(_row(provider, ollama_base_url(value)))


def _aws(settings: Settings) -> str:
    """The key of Bedrock itself where it is set, for it is the one that was made for this."""
    whole = {
        "access_key_id": _plain(settings.aws_access_key_id),
        "secret_access_key": _plain(settings.aws_secret_access_key),
        "session_token": _plain(settings.aws_session_token),
    }
    return _plain(settings.bedrock_api_key) or msgspec.json.encode(whole).decode()


def _plain(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value().strip() or None


def _row(
    provider: Provider, base_url: str | None = None, secret: str | None = None
) -> ConnectionRow:
    return ConnectionRow(
        id=f"environment/{provider.id}",
        org_id=None,
        name=provider.id,
        provider=provider.id,
        base_url=base_url,
        secret=secret,
        headers={},
        cancels_on_close=None,
        private=True,
    )
