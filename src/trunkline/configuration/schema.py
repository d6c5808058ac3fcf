"""The shape of the configuration file. Unknown fields are refused; every amount is in quotes."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from trunkline.connections.schemas import ConnectionSpec, ModelSpec, PriceSpec, Strict
from trunkline.connections.secrets import check_reference
from trunkline.guardrails.schemas import GuardrailSpec
from trunkline.identity.records import DEFAULT_SCOPES
from trunkline.limits.schemas import BudgetSpec, LimitSpec, TierSpec

Item = TypeVar("Item", bound=BaseModel)


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


Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=date | datetime)]
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

    @property
    def address(self) -> str:
        """As it is kept: the same person however the address is written."""
        return self.email.strip().lower()


class KeySection(Strict):
    """A key of the organisation, of one of its teams or of one of its members.

    Attributes:
        team: slug of the owning team.
        user: e-mail address of the owning member.
        aliases: public model names that it may use; none means all.
        cache: whether it wants answers that were given before; left out, the model decides.
        buffered: whether its streams are held until they are whole.
        secret: where its text is found; without it one is made, and shown once.
    """

    name: str
    team: str | None = None
    user: str | None = None
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    aliases: tuple[str, ...] = ()
    tags: dict[str, str] = Field(default_factory=dict)
    tier: str | None = None
    cache: bool | None = None
    buffered: bool = False
    expires: Moment | None = None
    secret: SecretReference | None = None


def _each_once(*fields: str) -> AfterValidator:
    """Refuses a list in which two items are the same thing, as far as these fields tell."""

    def check(items: tuple[Item, ...]) -> tuple[Item, ...]:
        names = [tuple(getattr(item, field) for field in fields) for item in items]
        twice = dict.fromkeys(name for name in names if names.count(name) > 1)
        if twice:
            told = (" ".join(str(part) for part in name if part) for name in twice)
            raise ValueError(f"names {', '.join(map(repr, told))} more than once")
        return items

    return AfterValidator(check)


Teams = Annotated[tuple[TeamSection, ...], _each_once("slug")]
Users = Annotated[tuple[UserSection, ...], _each_once("address")]
Connections = Annotated[tuple[ConnectionSpec, ...], _each_once("name")]
Guardrails = Annotated[tuple[GuardrailSpec, ...], _each_once("name")]
Models = Annotated[tuple[ModelSpec, ...], _each_once("name")]
Keys = Annotated[tuple[KeySection, ...], _each_once("name")]
Prices = Annotated[tuple[PriceSpec, ...], _each_once("provider", "connection", "model", "since")]
Tiers = Annotated[tuple[TierSpec, ...], _each_once("name")]
# Two of the same purpose would take turns in changing one rule.
Limits = Annotated[
    tuple[LimitSpec, ...], _each_once("scope", "scope_id", "counts", "algorithm", "per_seconds")
]
Budgets = Annotated[
    tuple[BudgetSpec, ...], _each_once("name", "scope", "scope_id", "window", "rolling_seconds")
]


class OrganisationSection(Strict):
    """A tenant and all that belongs to it.

    Attributes:
        name, time_zone, tier: of one that is there they stay as they are where they are left out;
            null means the default, which is the slug, UTC and no tier.
    """

    slug: str
    name: str | None = None
    time_zone: str | None = None
    tier: str | None = None
    teams: Teams = ()
    users: Users = ()
    connections: Connections = ()
    guardrails: Guardrails = ()
    models: Models = ()
    prices: Prices = ()
    keys: Keys = ()
    tiers: Tiers = ()
    limits: Limits = ()
    budgets: Budgets = ()


class ConfigurationFile(Strict):
    """The whole file.

    Attributes:
        version: of the shape of the file, for later changes of it.
        connections: shared with all organisations, as are ``guardrails``, ``models``, ``prices``
            and ``tiers`` of this level.
    """

    version: Literal[1] = 1
    connections: Connections = ()
    guardrails: Guardrails = ()
    models: Models = ()
    prices: Prices = ()
    tiers: Tiers = ()
    organisations: Annotated[tuple[OrganisationSection, ...], _each_once("slug")] = ()
