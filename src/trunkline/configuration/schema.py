"""The shape of the configuration file. Unknown fields are refused; every amount is in quotes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec, Strict
from trunkline.connections.secrets import check_reference
from trunkline.identity.records import DEFAULT_SCOPES
from trunkline.limits.schemas import BudgetSpec, LimitSpec, TierSpec


def _moment(value: object) -> object:
    """A day means its beginning in UTC, and a time without a zone is in UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no day such as 2030-01-01 and no time") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


Moment = Annotated[datetime, BeforeValidator(_moment)]
SecretReference = Annotated[str, Field(max_length=500), AfterValidator(check_reference)]


class TeamSection(Strict):
    """A team; the name is the slug where none is given."""

    slug: str
    name: str | None = None


class UserSection(Strict):
    """A person as a member of the organisation."""

    email: str
    name: str | None = None
    role: str = "member"


class KeySection(Strict):
    """A key of the organisation, of one of its teams or of one of its members.

    Attributes:
        team: slug of the owning team.
        user: e-mail address of the owning member.
        aliases: public model names that it may use; none means all.
        secret: where its text is found; without it one is made, and shown once.
    """

    name: str
    team: str | None = None
    user: str | None = None
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    aliases: tuple[str, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)
    tier: str | None = None
    expires: Moment | None = None
    secret: SecretReference | None = None


class OrganisationSection(Strict):
    """A tenant and all that belongs to it; the name is the slug where none is given."""

    slug: str
    name: str | None = None
    time_zone: str = "UTC"
    tier: str | None = None
    teams: tuple[TeamSection, ...] = ()
    users: tuple[UserSection, ...] = ()
    connections: tuple[ConnectionSpec, ...] = ()
    models: tuple[ModelSpec, ...] = ()
    prices: tuple[PriceSpec, ...] = ()
    keys: tuple[KeySection, ...] = ()
    tiers: tuple[TierSpec, ...] = ()
    limits: tuple[LimitSpec, ...] = ()
    budgets: tuple[BudgetSpec, ...] = ()

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Self:
        _once("teams", [team.slug for team in self.teams])
        _once("users", [user.email.lower() for user in self.users])
        _once("connections", [connection.name for connection in self.connections])
        _once("models", [model.name for model in self.models])
        _once("keys", [key.name for key in self.keys])
        _once("tiers", [tier.name for tier in self.tiers])
        return self


class ConfigurationFile(Strict):
    """The whole file.

    Attributes:
        version: of the shape of the file, for later changes of it.
        connections: shared with all organisations, as are ``models``, ``prices`` and ``tiers`` of
            this level.
    """

    version: Literal[1] = 1
    connections: tuple[ConnectionSpec, ...] = ()
    models: tuple[ModelSpec, ...] = ()
    prices: tuple[PriceSpec, ...] = ()
    tiers: tuple[TierSpec, ...] = ()
    organisations: tuple[OrganisationSection, ...] = ()

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Self:
        _once("connections", [connection.name for connection in self.connections])
        _once("models", [model.name for model in self.models])
        _once("tiers", [tier.name for tier in self.tiers])
        _once("organisations", [organisation.slug for organisation in self.organisations])
        return self


def _once(section: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{section} names {', '.join(map(repr, twice))} more than once")
