"""What an installation under test offers: the simulator's models, and organisations as wished."""

import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from trunkline.configuration.schema import ConfigurationFile, OrganisationSection
from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec
from trunkline.demo.configuration import demo_configuration
from trunkline.identity.secret import generate_key
from trunkline.kit.money import format_usd
from trunkline.simulator.prices import PRICES

# One organisation with one key and a budget that no test exhausts by accident.
ACME: Mapping[str, Any] = {
    "slug": "acme",
    "keys": [{"name": "app"}],
    "budgets": [{"name": "all", "amount": "1000.00", "window": "total"}],
}


class Copy(msgspec.Struct, frozen=True):
    """Another connection to the same simulated provider; what one learns the other does not.

    Attributes:
        name: its own.
        of: the name of the demo's connection that it is like.
        cancels_on_close: whether closing the connection stops the bill.
    """

    name: str
    of: str
    cancels_on_close: bool = True


class KeyChain:
    """The texts of keys, each in a file of its own that a configuration can name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.texts: dict[str, str] = {}

    def reference(self, organisation: str, name: str) -> str:
        """Where the configuration finds the text of this key; it is made at the first call."""
        label = f"{organisation}-{name}"
        path = self._directory / f"{label}.key"
        if label not in self.texts:
            self.texts[label] = generate_key().full
            path.write_text(self.texts[label])
        return f"file:{path}"

    def provider_secret(self) -> str:
        """Where the configuration finds the secret that the simulator is shown."""
        path = self._directory / "provider.secret"
        if not path.exists():
            path.write_text(f"sk-provider-{secrets.token_hex(16)}")
        return f"file:{path}"


def configuration(
    simulator_url: str,
    chain: KeyChain,
    organisations: Iterable[Mapping[str, Any]],
    models: Iterable[Mapping[str, Any]] = (),
    prices: Iterable[Mapping[str, Any]] = (),
    copies: Iterable[Copy] = (),
) -> ConfigurationFile:
    """A configuration with the demo's connections, models and prices.

    Args:
        simulator_url: base address of the simulated providers.
        chain: makes the texts of the organisations' keys.
        organisations: sections as in the file; their keys get a secret each.
        models: further published models as in the file.
        prices: further prices as in the file.
        copies: further connections.
    """
    secret = chain.provider_secret()
    plain = demo_configuration(simulator_url, secret.removeprefix("file:"))
    sections = []
    for section in organisations:
        keys = [
            {**key, "secret": chain.reference(section["slug"], key["name"])}
            for key in section.get("keys", ())
        ]
        sections.append(OrganisationSection.model_validate({**section, "keys": keys}))
    further = tuple(ModelSpec.model_validate(model) for model in models)
    priced = tuple(PriceSpec.model_validate(price) for price in prices)
    return plain.model_copy(
        update={
            "organisations": tuple(sections),
            "connections": (*plain.connections, *_copied(plain.connections, copies)),
            "models": (*plain.models, *further),
            "prices": (*plain.prices, *priced),
        }
    )


def rates_of(model: str) -> dict[str, str]:
    """What a model of the simulator costs, as a price in the file says it."""
    price = PRICES[model]
    return {
        "input": format_usd(price.input),
        "output": format_usd(price.output),
        "cache_read": format_usd(price.cache_read),
        "cache_write_5m": format_usd(price.cache_write_5m),
        "cache_write_1h": format_usd(price.cache_write_1h),
    }


def _copied(plain: Iterable[ConnectionSpec], copies: Iterable[Copy]) -> Iterable[ConnectionSpec]:
    by_name = {connection.name: connection for connection in plain}
    for copy in copies:
        changes = {"name": copy.name, "cancels_on_close": copy.cancels_on_close}
        yield by_name[copy.of].model_copy(update=changes)
