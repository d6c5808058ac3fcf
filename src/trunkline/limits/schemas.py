"""What may be written: limits, budgets and tiers, each checked field by field."""

import re
import zoneinfo
from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from trunkline.errors import InvalidRequest
from trunkline.kit.money import NANO_PER_USD, parse_usd
from trunkline.limits.rules import Algorithm, Counts, Reserve, Scope, Window

LARGEST_COUNT = 10**12
LONGEST_PERIOD = 366 * 86_400
SHORTEST_ROLLING = 60
MOST_NANO = 10**9 * NANO_PER_USD

Spec = TypeVar("Spec", bound=BaseModel)


def _usd(value: object) -> int:
    """Nano-dollars of a decimal string of dollars; numbers with a point lose digits in YAML."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError('write the amount in quotes, such as "12.50"')  # noqa: TRY004 - pydantic reports only ValueError.
    amount = parse_usd(value)
    if amount < 0:
        raise ValueError("an amount of money is not negative")
    if amount > MOST_NANO:
        raise ValueError("an amount of money is at most a billion dollars")
    return amount


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone such as Europe/Berlin or UTC") from None
    return value


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", value):
        raise ValueError("1 to 63 small letters, digits and hyphens")
    return value


Usd = Annotated[int, BeforeValidator(_usd, json_schema_input_type=str | int)]
Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT, strict=True)]
Zone = Annotated[str, AfterValidator(_zone)]
ScopeId = Annotated[str, Field(min_length=1, max_length=300)]


class Strict(BaseModel):
    """Unknown fields are refused, never ignored; values do not change after they were checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Scoped(Strict):
    """What counts at one level.

    ``scope_id`` is a team's slug, a user's e-mail address, a key or a model's name, or the
    identifier of any of them; without it each one counts apart.
    """

    scope: Scope = "org"
    scope_id: ScopeId | None = None

    @model_validator(mode="after")
    def _has_one_organisation(self) -> Self:
        if self.scope == "org" and self.scope_id is not None:
            raise ValueError("the scope org takes no scope_id: it is the organisation itself")
        return self


class LimitSpec(Scoped):
    """A ceiling of requests or tokens per time, or of requests at once."""

    counts: Counts
    amount: Count
    algorithm: Algorithm = "token_bucket"
    per_seconds: Annotated[int, Field(ge=1, le=LONGEST_PERIOD, strict=True)] = 60
    burst: Count | None = None
    shadow: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        bucket = self.counts != "concurrency" and self.algorithm == "token_bucket"
        if self.burst is not None and not bucket:
            raise ValueError("only a token bucket of requests or tokens has a burst")
        return self


class BudgetSpec(Scoped):
    """Money per period; amounts are decimal strings of dollars."""

    amount: Usd
    window: Window = "month"
    name: Annotated[str, Field(max_length=200)] = ""
    rolling_seconds: (
        Annotated[int, Field(ge=SHORTEST_ROLLING, le=LONGEST_PERIOD, strict=True)] | None
    ) = None
    time_zone: Zone | None = None
    hard: bool = True
    shadow: bool = False
    reserve: Reserve = "worst"
    overshoot: Usd = 0

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.window == "rolling") != (self.rolling_seconds is not None):
            raise ValueError("a rolling window, and only that, has rolling_seconds")
        if self.time_zone is not None and self.window in {"rolling", "total"}:
            raise ValueError("only a calendar window has a time zone")
        if self.overshoot and self.reserve != "expected":
            raise ValueError("only a budget with reserve: expected may overshoot")
        return self


class TierSpec(Strict):
    """Requests per day for the callers of a tier."""

    name: Annotated[str, AfterValidator(_slug)]
    requests_per_day: Count
    upgrade_hint: Annotated[str, Field(max_length=300)] = "Ask your administrator for more."
    scope: Scope = "org"


def read_spec(kind: type[Spec], values: Mapping[str, Any], at: str = "") -> Spec:
    """Check what somebody wrote.

    Args:
        kind: the form that it must have.
        values: as decoded from JSON or YAML, or as given to a command.
        at: the place of the input, such as ``limits.0.``, put in front of the field's path.

    Raises:
        InvalidRequest: with the path of the first offending field in ``param``.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = at + ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        message = message.replace("Input should be", "this must be", 1)
        raise InvalidRequest(
            f"{path}: {message}." if path else f"{message[:1].upper()}{message[1:]}.",
            code="invalid_value",
            param=path.rstrip(".") or None,
        ) from None
