"""How an alias chooses among its targets, and what it does when one of them fails.

Plain frozen values: they are written down in the configuration, carried by the snapshot, and read
by ``routing`` and ``resilience``. Seconds everywhere, tokens where it says so.
"""

from typing import Final, Literal

import msgspec

Strategy = Literal["ordered", "weighted", "latency", "price", "sticky"]
"""How the targets are ordered for one request.

``ordered``: as they are written. ``weighted``: at random by weight. ``latency``: the better of two
at random by the moving average of the time until first content. ``price``: the cheapest for this
request first. ``sticky``: the same conversation or user goes to the same target, so that the
provider's prompt cache stays warm.
"""

FallbackKind = Literal["error", "context_window", "content_filter", "budget"]
"""Why another alias is tried after the targets of this one."""

Need = Literal["stream", "tools", "vision", "audio", "files", "json", "thinking", "server_tools"]
"""What a request asks of a model beyond text."""

TargetState = Literal["active", "draining", "disabled"]
"""Whether a target takes requests. ``draining``: only when no active target is left, and for
sticky conversations that are already there. Streams under way end by themselves in any state."""

AttemptReason = Literal["first", "retry", "failover", "hedge", "restart"]
"""Why an attempt was made: again at the same target, at another, beside a slow one, or after a
buffered answer broke off."""


class Condition(msgspec.Struct, frozen=True):
    """What a request must be like for a rule to hold; every part that is set must fit.

    Attributes:
        teams: ids of teams, one of which is the caller's; empty for any.
        tags: (name, value) pairs which the key or the request carries, all of them.
        input_tokens_from: the estimated input has at least so many tokens.
        input_tokens_below: the estimated input has fewer tokens than this.
        needs: what the request asks for, all of it.
    """

    teams: frozenset[str] = frozenset()
    tags: tuple[tuple[str, str], ...] = ()
    input_tokens_from: int | None = None
    input_tokens_below: int | None = None
    needs: frozenset[Need] = frozenset()


class Rule(msgspec.Struct, frozen=True):
    """Where requests of a kind go: the first rule whose condition fits decides.

    Attributes:
        targets: positions among the alias's targets; only these serve the request.
        strategy: for these; None for that of the route.
    """

    when: Condition
    targets: tuple[int, ...]
    strategy: Strategy | None = None


class Retry(msgspec.Struct, frozen=True):
    """Repeats at the same target.

    Attributes:
        attempts: most tries at one target with one request, the first included.
        base: the first wait is a random part of this, and each later one of twice as much.
        cap: the longest wait, also where the provider asks for a longer one.
        budget: repeats allowed as a share of the first tries at the target, over ten seconds;
            failover is not bounded by it.
        billed: whether a try is repeated as well that the provider may have billed, because it had
            begun; else only what was refused, or never sent, is asked again.
    """

    attempts: int = 2
    base: float = 0.25
    cap: float = 4.0
    budget: float = 0.2
    billed: bool = False


class CircuitTerms(msgspec.Struct, frozen=True):
    """When a target is left alone. Source: the sliding window of resilience4j's circuit breaker.

    Attributes:
        window: how far back calls count.
        minimum: fewer calls than this in the window open nothing.
        failures: share of failed calls that opens it.
        slow: a call whose first content takes longer than this is slow; None counts none.
        slow_share: share of slow calls that opens it.
        open: how long it stays open before one probe; doubled, up to ``longest``, each time that
            the probe fails.
        enabled: whether it ever opens.
    """

    window: float = 60.0
    minimum: int = 20
    failures: float = 0.5
    slow: float | None = None
    slow_share: float = 0.8
    open: float = 60.0
    longest: float = 600.0
    enabled: bool = True


class Waits(msgspec.Struct, frozen=True):
    """Time limits of an alias; None takes the installation's.

    Attributes:
        connect: until a connection stands.
        first_token: from the request's last byte to the first content; without streaming to the
            whole answer's head.
        idle: silence inside an answer.
        total: one attempt from its begin to its last byte.
        deadline: no new attempt begins later than this after the request was read.
    """

    connect: float | None = None
    first_token: float | None = None
    idle: float | None = None
    total: float | None = None
    deadline: float | None = None


class Hedge(msgspec.Struct, frozen=True):
    """A second attempt at the next target when the first one is slow to say anything.

    Attributes:
        percentile: of the target's recent times until first content; slower than this is slow.
        after: used instead while fewer than 20 times are known.
        least: never sooner than this.
    """

    percentile: float = 95.0
    after: float = 2.0
    least: float = 0.05


CacheScope = Literal["org", "team", "user", "key"]


class CachePolicy(msgspec.Struct, frozen=True):
    """What is done about answers that were given before.

    Attributes:
        enabled: None leaves it to the key, the request and the installation's default.
        mode: ``exact`` for the same canonical request; ``semantic`` also for a near one.
        ttl: how long an answer is given again.
        scope: who shares answers; never wider than the organisation.
        charge: what a caller pays who gets an answer without an attempt of its own: nothing, or
            what the answer cost when it was made.
        embedding: alias of the embedding model, for ``semantic``.
        threshold: cosine similarity from which two prompts count as the same.
    """

    enabled: bool | None = None
    mode: Literal["exact", "semantic"] = "exact"
    ttl: float = 86_400.0
    scope: CacheScope = "org"
    charge: Literal["nothing", "full"] = "nothing"
    embedding: str | None = None
    threshold: float = 0.98


class Route(msgspec.Struct, frozen=True):
    """The policy of an alias over its targets.

    Attributes:
        sticky_by: what stays at one target, for ``sticky``.
        rules: looked at in order before the strategy.
        fallbacks: for each kind of failure the aliases that are tried in turn, with their own
            policies; there is no cycle among them.
        hedge: None makes no second attempt.
        buffered: whether a stream is held until it is whole, so that a break in it is repaired by
            another attempt and never seen.
    """

    strategy: Strategy = "ordered"
    sticky_by: Literal["conversation", "user"] = "conversation"
    rules: tuple[Rule, ...] = ()
    fallbacks: dict[FallbackKind, tuple[str, ...]] = {}
    retry: Retry = Retry()
    circuit: CircuitTerms = CircuitTerms()
    waits: Waits = Waits()
    hedge: Hedge | None = None
    buffered: bool = False


DEFAULT_ROUTE: Final = Route()
NO_CACHE_POLICY: Final = CachePolicy()
