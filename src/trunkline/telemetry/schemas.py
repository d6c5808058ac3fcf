"""What the health API gives and takes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

State = Literal["ok", "degraded", "down", "idle"]
CircuitState = Literal["closed", "open", "half_open"]


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("a text without control characters")
    return value


Printable = Annotated[str, AfterValidator(_printable)]
"""What every database can keep."""


class CircuitHealth(BaseModel):
    """Whether a target is left alone, and why."""

    state: CircuitState = Field(
        description="closed takes all calls, open none, half_open one to find out."
    )
    forced: CircuitState | None = Field(
        default=None, description="How it is held by hand, whatever its calls say."
    )
    reason: str | None = Field(default=None, description="Why it opened last.")
    probe_in: float = Field(
        default=0.0, description="Seconds until an open circuit lets one call through."
    )


class Latency(BaseModel):
    """Milliseconds until the first content; without streaming until the whole answer."""

    average: float | None = Field(default=None, description="Moving average.")
    p50: float | None = Field(default=None, description="Median of the last 128, from 20 on.")
    p95: float | None = Field(default=None, description="Of the last 128, from 20 on.")


class TargetHealth(BaseModel):
    """One model at one connection, as this process sees it."""

    connection: str
    provider: str
    model: str = Field(description="The provider's own name of it.")
    aliases: list[str] = Field(description="Published names that lead to it and the key may use.")
    state: State = Field(
        description="down: its circuit is open, or all of at least five calls of the last minute "
        "failed; degraded: a fifth of them did, or its circuit is half open; idle: there was none."
    )
    circuit: CircuitHealth
    latency_ms: Latency
    error_share: float | None = Field(
        description="Share of failed calls in the last minute; null where there was none."
    )
    tokens_per_second: float | None = Field(description="Output tokens while it speaks.")
    share: float = Field(
        description="Share of your organisation's attempts of the last five minutes."
    )
    in_flight: int = Field(description="Your organisation's attempts under way.")
    credentials_resting: int = Field(
        description="Secrets of the connection that are left alone, limited or refused."
    )


class ProviderHealth(BaseModel):
    """All targets at one provider together."""

    provider: str
    state: State = Field(
        description="down: all targets that had traffic are; degraded: one of them is not well; "
        "idle: none had any."
    )
    targets: int
    circuits_open: int
    error_share: float | None
    share: float
    in_flight: int
    credentials_resting: int


class Health(BaseModel):
    """How all targets do that the key may use."""

    updated: str = Field(description="RFC 3339 in UTC.")
    providers: list[ProviderHealth]
    targets: list[TargetHealth]


class HealthSummary(BaseModel):
    """The short form."""

    status: Literal["ok", "degraded", "down"] = Field(
        description="down: every provider with traffic is; degraded: one is not well."
    )
    providers: dict[str, State] = Field(description="By provider.")
    updated: str = Field(description="RFC 3339 in UTC.")


class CircuitOrder(BaseModel):
    """What shall become of a circuit of the organisation's own connections."""

    model_config = ConfigDict(extra="forbid")

    connection: Printable = Field(max_length=63, description="Name of the connection.")
    model: Printable = Field(max_length=300, description="The provider's own name of the model.")
    state: Literal["open", "closed", "auto"] = Field(
        description="open: nothing is sent; closed: everything is; auto: its calls decide again."
    )
    reason: Printable | None = Field(
        default=None, max_length=500, description="Why, for whoever looks later."
    )


class CircuitOrdered(BaseModel):
    """What was ordered; every process obeys within a second."""

    connection: str
    model: str
    state: Literal["open", "closed", "auto"]
    reason: str | None
