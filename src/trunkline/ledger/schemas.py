"""What the usage API takes and gives."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from trunkline.errors import InvalidRequest

Period = Literal["today", "7d", "30d", "month"]


class UsageParameters(BaseModel):
    """The query of ``GET /api/me/usage``."""

    model_config = ConfigDict(extra="forbid")

    period: Period = Field("30d", description="Used where since is not given; days are UTC.")
    since: datetime | None = Field(None, description="Begin; goes back to the full hour.")
    until: datetime | None = Field(None, description="End, now by default.")
    by: Literal["day", "hour", "model", "provider", "alias", "key", "user", "team", "tag"] = "day"
    scope: Literal["key", "user", "team", "org"] = Field(
        "key", description="The caller's own key, user, team or organisation."
    )

    def bounds_ms(self, now: float) -> tuple[int, int]:
        """(since, until) in Unix milliseconds."""
        moment = datetime.fromtimestamp(now, UTC)
        since = self.since or begin_of(self.period, moment)
        return unix_ms(since), unix_ms(self.until or moment)


class Tokens(BaseModel):
    """Tokens by bucket; searches are counted, not tokens."""

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    output: int = 0
    reasoning: int = 0
    audio_output: int = 0
    searches: int = 0


class UsageSums(BaseModel):
    """Amounts are dollars as decimal strings; unpriced attempts are in none of them."""

    spent: str
    exact: str
    estimated: str
    requests: int
    attempts: int
    failures: int
    estimated_attempts: int
    unpriced_attempts: int
    tokens: Tokens


class UsageGroup(UsageSums):
    """The sums of one group."""

    name: str | int | None = Field(
        description="What it was grouped by; the begin of an hour or a day is in Unix milliseconds."
    )


class Usage(BaseModel):
    """What the caller used."""

    scope: str
    by: str
    currency: Literal["USD"]
    since_ms: int
    until_ms: int
    total: UsageSums
    lines: list[UsageGroup]
    limits: list[dict[str, Any]] | None = Field(
        description="Budgets and limits of the caller with what is left of them, where known."
    )


def begin_of(period: Period, now: datetime) -> datetime:
    """The begin of a period that lasts until now, at a UTC midnight."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "today":
            return midnight
        case "7d":
            return midnight - timedelta(days=6)
        case "30d":
            return midnight - timedelta(days=29)
        case "month":
            return midnight.replace(day=1)


def unix_ms(moment: datetime) -> int:
    """Unix milliseconds of a moment; without a time zone it is UTC.

    Raises:
        InvalidRequest: it lies before 1970 or behind what can be counted.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    milliseconds = int(aware.timestamp() * 1000)
    if milliseconds < 0:
        raise InvalidRequest(
            "The period begins before 1970.", param="since", hint="Give a later begin."
        )
    return milliseconds
