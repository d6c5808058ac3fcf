"""Connections for the accounts of LiteLLM's deployments, each once and with a name."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from trunkline.configuration.litellm.accounts import Account
from trunkline.configuration.litellm.providers import PROVIDERS


class Connections:
    """Gives each account a connection of its own. Its state is those that it made."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    def name_of(self, account: Account, prefix: str) -> str:
        """The name of the connection for an account, made where there is none yet."""
        for connection in self.made:
            if {k: v for k, v in connection.items() if k != "name"} == account.connection:
                return str(connection["name"])
        name = self._free_name(account.connection, prefix)
        self.made.append({"name": name, **account.connection})
        return name

    def _free_name(self, connection: Mapping[str, Any], prefix: str) -> str:
        """What people would call it: by provider, then by place or host, then numbered."""
        short = _short(connection, prefix)
        place = connection.get("region") or _host(connection)
        wanted = [short, *([f"{short}-{_slug(place)}"] if place and place != short else [])]
        taken = {made["name"] for made in self.made}
        numbered = (f"{wanted[-1]}-{number}" for number in range(2, len(self.made) + 3))
        return next(name for name in (*wanted, *numbered) if name not in taken)


def _short(connection: Mapping[str, Any], prefix: str) -> str:
    """The provider's id, or what is special about the account where the id says too little."""
    known = PROVIDERS[prefix]
    if resource := connection.get("resource"):
        return f"azure-{_slug(resource)}"
    if known.address is not None and connection.get("base_url") == known.address:
        return _slug(prefix)
    provider = str(connection["provider"])
    return _slug(_host(connection)) if provider.endswith("_compatible") else provider


def _host(connection: Mapping[str, Any]) -> str:
    return urlsplit(str(connection.get("base_url", ""))).hostname or ""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.") or "account"
