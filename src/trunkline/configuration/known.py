"""What the sections of an organisation may refer to, once the rows that they name are there."""

import msgspec

from trunkline.errors import InvalidRequest


class Known(msgspec.Struct, frozen=True):
    """Names that an organisation may use.

    Attributes:
        models: public names, those of the environment included.
        connections: whose models pass as ``connection/model``.
        tiers: quota tiers.
    """

    models: frozenset[str]
    connections: frozenset[str]
    tiers: frozenset[str]

    def check_model(self, name: str) -> None:
        """A key whose models are not there could use nothing, so a slip of the pen shows here.

        Raises:
            InvalidRequest: neither a public name nor a model of a connection.
        """
        connection, slash, model = name.partition("/")
        if name not in self.models and not (slash and model and connection in self.connections):
            raise InvalidRequest(f"There is no model {name!r}.", code="unknown_model")

    def check_tier(self, name: str | None) -> None:
        """A tier that is not there would count nothing.

        Raises:
            InvalidRequest: there is no such tier.
        """
        if name is not None and name not in self.tiers:
            raise InvalidRequest(
                f"There is no tier {name!r}.",
                code="unknown_tier",
                hint=f"There are {', '.join(sorted(self.tiers)) or 'none yet'}.",
            )
