"""What may be written of a model's policies: how a target is chosen, and what follows a failure.

Everything has a default, and the defaults are those of ``gateway.policy``. What one field says
about another model, or about the targets, is checked by ``route_checks``.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from trunkline.connections.fields import ModelName, Slug, Strict, each_once
from trunkline.gateway.policy import FallbackKind, Need, Strategy

MAX_RULES = 50
MAX_FALLBACKS = 10
MAX_TOKENS = 100_000_000
DAY = 86_400.0
YEAR = 365 * DAY

Share = Annotated[float, Field(gt=0, le=1)]
Wait = Annotated[float, Field(gt=0, le=DAY)]
Tokens = Annotated[int, Field(ge=1, le=MAX_TOKENS)]
TagText = Annotated[str, Field(min_length=1, max_length=200)]


def _listed(value: object) -> object:
    """One name is a list of one."""
    return (value,) if isinstance(value, str) else value


Teams = Annotated[
    tuple[Slug, ...],
    Field(max_length=100),
    BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...]),
]
Fallbacks = Annotated[
    tuple[ModelName, ...],
    Field(min_length=1, max_length=MAX_FALLBACKS),
    AfterValidator(each_once),
]


class WhenSpec(Strict):
    """What a request must be like for a rule to hold: every part that is written must fit.

    Attributes:
        team: slug of the caller's team, or several of which it is one.
        tags: names and values that the key or the request carries, all of them.
        input_tokens_from, input_tokens_below: bounds of the estimated input.
        needs: what the request asks of a model, all of it.
    """

    team: Teams = ()
    tags: dict[TagText, TagText] = Field(default_factory=dict, max_length=50)
    input_tokens_from: Tokens | None = None
    input_tokens_below: Tokens | None = None
    needs: tuple[Need, ...] = ()

    @property
    def fits_all(self) -> bool:
        """Whether nothing is asked, so that every request fits."""
        bounds = self.input_tokens_from, self.input_tokens_below
        return not (self.team or self.tags or self.needs) and bounds == (None, None)

    @model_validator(mode="after")
    def _some_size_fits(self) -> Self:
        least, below = self.input_tokens_from, self.input_tokens_below
        if least is not None and below is not None and least >= below:
            raise ValueError(f"no input has at least {least} and fewer than {below} tokens")
        return self


class RuleSpec(Strict):
    """Where requests of a kind go; the first rule that holds decides.

    Attributes:
        when: left out only in the last rule, which then takes all that is left.
        targets: each as ``connection/model``, or the name of a connection for all of the model's
            targets at it.
        policy: for these; without it that of the route.
    """

    when: WhenSpec = WhenSpec()
    targets: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]
    policy: Strategy | None = None


class RetrySpec(Strict):
    """Repeats at the same target.

    Attributes:
        budget: repeats as a share of the first tries at the target.
        billed: whether a try that the provider may have billed is repeated, too.
    """

    attempts: Annotated[int, Field(ge=1, le=10)] = 2
    base: Annotated[float, Field(ge=0, le=60)] = 0.25
    cap: Annotated[float, Field(ge=0, le=600)] = 4.0
    budget: Annotated[float, Field(ge=0, le=1)] = 0.2
    billed: bool = False


class CircuitSpec(Strict):
    """When a target is left alone for a while; times in seconds."""

    enabled: bool = True
    window: Annotated[float, Field(ge=1, le=3600)] = 60.0
    minimum: Annotated[int, Field(ge=1, le=100_000)] = 20
    failures: Share = 0.5
    slow: Wait | None = None
    slow_share: Share = 0.8
    open: Annotated[float, Field(gt=0, le=3600)] = 60.0
    longest: Annotated[float, Field(gt=0, le=DAY)] = 600.0

    @model_validator(mode="after")
    def _longest_is_longest(self) -> Self:
        if self.longest < self.open:
            raise ValueError(f"longest ({self.longest:g} s) is shorter than open ({self.open:g} s)")
        return self


class TimeoutsSpec(Strict):
    """Time limits in seconds; what is left out is the installation's."""

    connect: Wait | None = None
    first_token: Wait | None = None
    idle: Wait | None = None
    total: Wait | None = None
    deadline: Wait | None = None


class HedgeSpec(Strict):
    """A second attempt at the next target when the first one is slow to say anything."""

    percentile: Annotated[float, Field(ge=50, lt=100)] = 95.0
    after: Wait = 2.0
    least: Annotated[float, Field(ge=0, le=60)] = 0.05


class RouteSpec(Strict):
    """The policy of a model over its targets.

    Attributes:
        sticky_by: what stays at one target; only for the policy ``sticky``.
        fallbacks: for each kind of failure the models that are tried in turn.
        hedge: without it there is no second attempt beside a slow one.
        buffered: whether streams are held until they are whole.
    """

    policy: Strategy = "ordered"
    sticky_by: Literal["conversation", "user"] | None = None
    rules: Annotated[tuple[RuleSpec, ...], Field(max_length=MAX_RULES)] = ()
    fallbacks: dict[FallbackKind, Fallbacks] = Field(default_factory=dict)
    retry: RetrySpec = RetrySpec()
    circuit: CircuitSpec = CircuitSpec()
    timeouts: TimeoutsSpec = TimeoutsSpec()
    hedge: HedgeSpec | None = None
    buffered: bool = False

    @model_validator(mode="after")
    def _something_is_sticky(self) -> Self:
        if self.sticky_by is not None and "sticky" not in {
            self.policy,
            *(rule.policy for rule in self.rules),
        }:
            raise ValueError("sticky_by says what the policy sticky goes by, which is not chosen")
        return self


class CacheSpec(Strict):
    """What is done about answers that were given before.

    Attributes:
        enabled: without it the key, the request and the installation's default decide.
        ttl: seconds for which an answer is given again.
        embedding: name of a published embedding model, for the mode ``semantic``.
        threshold: cosine similarity from which two prompts count as the same.
    """

    enabled: bool | None = None
    mode: Literal["exact", "semantic"] = "exact"
    ttl: Annotated[float, Field(gt=0, le=YEAR)] = DAY
    scope: Literal["org", "team", "user", "key"] = "org"
    charge: Literal["nothing", "full"] = "nothing"
    embedding: ModelName | None = None
    threshold: Annotated[float, Field(ge=0.5, le=1)] = 0.98

    @model_validator(mode="after")
    def _semantic_has_what_it_compares_with(self) -> Self:
        if self.mode == "semantic" and self.embedding is None:
            raise ValueError("the mode semantic needs the name of an embedding model")
        return self


def positions(reference: str, targets: Sequence[tuple[str, str]]) -> tuple[int, ...]:
    """Which of a model's (connection, upstream id) pairs a rule means; none for an unknown name."""
    connection, slash, model = reference.partition("/")
    return tuple(
        place
        for place, (at, upstream) in enumerate(targets)
        if at == connection and (not slash or upstream == model)
    )
