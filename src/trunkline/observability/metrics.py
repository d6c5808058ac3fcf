"""What Prometheus reads at ``/metrics``."""

from collections.abc import Callable, Iterable
from typing import Literal

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from trunkline.kit.money import format_usd
from trunkline.observability import semconv
from trunkline.observability.label_guard import OTHER, LabelGuard
from trunkline.observability.series import (
    Counter,
    CounterFamily,
    Family,
    Histogram,
    HistogramFamily,
    Labels,
    Sample,
    WatchedFamily,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Some are the provider's own words, so a provider could make them up for ever.
MOST_ERROR_TYPES = 64

# Guardrails and what they find are named by administrators.
MOST_GUARDRAIL_NAMES = 200

_How = tuple[str, int | None, str]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GEN_AI = (
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_request_model",
    "trunkline_alias",
)


class ModelSeries:
    """The series of one model at one provider under one alias, kept so that nothing is looked up.

    Its state is one dictionary of attempt counters by ending, status and reason, and one of
    durations by type of error; both are bounded by the number of these that exist.
    """

    __slots__ = (
        "_attempts",
        "_durations",
        "cost",
        "first_token",
        "input_tokens",
        "output_tokens",
        "per_output_token",
        "unpriced",
        "upstream_duration",
    )

    def __init__(self, families: "_Families", labels: Labels) -> None:
        self._attempts = families.attempts, labels[1:], dict[_How, Counter]()
        self._durations = families.duration, labels, dict[str, Histogram]()
        self.cost = {state: families.cost.child(*labels, state) for state in ("exact", "estimated")}
        self.unpriced = families.unpriced.child(*labels)
        self.input_tokens = families.tokens.child(*labels, "input")
        self.output_tokens = families.tokens.child(*labels, "output")
        self.first_token = families.first_token.child(*labels)
        self.per_output_token = families.per_output_token.child(*labels)
        self.upstream_duration = families.upstream_duration.child(*labels[1:])

    def attempts(self, ending: str, status: int | None, reason: str) -> Counter:
        """Attempts that were made for a reason and ended so.

        ``status`` is None when no answer arrived.
        """
        family, labels, known = self._attempts
        how = (ending, status, reason)
        counter = known.get(how)
        if counter is None:
            shown = "none" if status is None else str(status)
            counter = known[how] = family.child(*labels, ending, shown, reason)
        return counter

    def duration(self, error_type: str) -> Histogram:
        """Seconds of whole requests; the type of error is empty for those that succeeded."""
        family, labels, known = self._durations
        histogram = known.get(error_type)
        if histogram is None:
            if len(known) >= MOST_ERROR_TYPES and error_type != OTHER:
                return self.duration(OTHER)
            histogram = known[error_type] = family.child(*labels, error_type)
        return histogram


class Metrics:
    """All series of one process. Built by the composition root; nothing has to be closed.

    ``guard`` decides which model names and aliases become labels: tell it those of each snapshot.
    Updates and ``render`` belong to the event loop.

    Attributes:
        in_progress: requests that have begun and are not counted as finished.
        overhead: milliseconds of ours before the first attempt of a request left.
    """

    def __init__(self, guard: LabelGuard | None = None) -> None:
        self.guard = guard or LabelGuard()
        self.in_progress = 0
        self._source_failures = 0
        self._families = _Families()
        self.overhead = self._families.overhead.child()
        self._watched: list[Family] = []
        self._models: dict[Labels, ModelSeries] = {}
        self._guardrail_names = LabelGuard(MOST_GUARDRAIL_NAMES)
        self._process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._process)

    def requests(self, method: str, route: str, status: int) -> Histogram:
        """Milliseconds of whole requests; ``route`` is a template, never a path."""
        # Else a caller could make up series.
        shown = method if method in _METHODS else OTHER
        return self._families.http.child(shown, route, str(status))

    def refused(self, code: str) -> None:
        """A limit or budget refused a request; ``code`` is that of our error."""
        self._families.refusals.child(code).add()

    def cached(self, alias: str, result: str, times: int, saved_nano: int) -> None:
        """The answer cache was asked so often; ``saved_nano`` is what was not paid again."""
        shown = self.guard.label(alias)
        self._families.cached.child(shown, result).add(times)
        if saved_nano:
            self._families.saved.child(shown).add(saved_nano)

    def guarded(self, guardrail: str, way: str, action: str, kind: str, count: int) -> None:
        """A guardrail did something about so many findings of a kind."""
        names = self._guardrail_names
        names.allow((guardrail, kind))
        labels = (names.label(guardrail), way, action, names.label(kind))
        self._families.guarded.child(*labels).add(count)

    def model(self, operation: str, provider: str, model: str, alias: str) -> ModelSeries:
        """The series of a model; model and alias are checked against the guard."""
        label = self.guard.label
        key = (operation, provider, label(model), label(alias))
        series = self._models.get(key)
        if series is None:
            series = self._models[key] = ModelSeries(
                self._families,
                (
                    semconv.operation_name(operation),
                    semconv.provider_name(provider),
                    key[2],
                    key[3],
                ),
            )
        return series

    def watch(
        self,
        name: str,
        text: str,
        read: Callable[[], Iterable[Sample]],
        *,
        kind: Literal["gauge", "counter"] = "gauge",
        labels: Labels = (),
    ) -> None:
        """Read numbers that someone else keeps, at each scrape; ``read`` must be quick.

        A source that raises is left out of the scrape and counted.
        """
        self._watched.append(WatchedFamily(name, text, kind, labels, read))

    def render(self) -> bytes:
        """The scrape in the text format of Prometheus."""
        lines: list[str] = []
        for family in self._families.all():
            lines.extend(family.render())
        lines.extend(self._own())
        for family in self._watched:
            try:
                lines.extend([*family.render()])
            except Exception:  # noqa: BLE001 - one broken source must not hide all others
                self._source_failures += 1
        lines.append(
            f"# TYPE {semconv.SOURCE_FAILURES} counter\n"
            f"{semconv.SOURCE_FAILURES} {self._source_failures}\n"
        )
        return "".join(lines).encode() + generate_latest(self._process)

    def _own(self) -> Iterable[str]:
        yield (
            f"# HELP {semconv.HTTP_IN_PROGRESS} Requests being served.\n"
            f"# TYPE {semconv.HTTP_IN_PROGRESS} gauge\n"
            f"{semconv.HTTP_IN_PROGRESS} {self.in_progress}\n"
        )
        totals = CounterFamily(
            semconv.HTTP_REQUESTS, "Requests served.", ("method", "route", "status_code")
        )
        # The histogram has counted them already.
        for values, count in self._families.http.counts():
            totals.child(*values).add(count)
        yield from totals.render()


class _Families:
    """The families that the data path updates."""

    def __init__(self) -> None:
        self.http = HistogramFamily(
            semconv.HTTP_DURATION,
            "Milliseconds from the head of a request to the last byte of its answer.",
            ("method", "route", "status_code"),
            semconv.HTTP_BOUNDS,
        )
        self.overhead = HistogramFamily(
            semconv.OVERHEAD_DURATION,
            "Milliseconds of ours before the first attempt left.",
            (),
            semconv.OVERHEAD_BOUNDS,
        )
        self.tokens = HistogramFamily(
            semconv.TOKEN_USAGE,
            "Tokens of an attempt.",
            (*_GEN_AI, "gen_ai_token_type"),
            semconv.TOKEN_BOUNDS,
        )
        self.duration = HistogramFamily(
            semconv.REQUEST_DURATION,
            "Seconds of a request, all attempts included.",
            (*_GEN_AI, "error_type"),
            semconv.DURATION_BOUNDS,
        )
        self.first_token = HistogramFamily(
            semconv.FIRST_TOKEN,
            "Seconds until the caller had the first content.",
            _GEN_AI,
            semconv.FIRST_TOKEN_BOUNDS,
        )
        self.per_output_token = HistogramFamily(
            semconv.PER_OUTPUT_TOKEN,
            "Seconds for each output token after the first.",
            _GEN_AI,
            semconv.PER_OUTPUT_TOKEN_BOUNDS,
        )
        self.cost = CounterFamily(
            semconv.COST_USD, "Dollars spent.", (*_GEN_AI, "cost_state"), format_usd
        )
        self.unpriced = CounterFamily(
            semconv.UNPRICED, "Attempts whose cost nobody knows.", _GEN_AI
        )
        self.attempts = CounterFamily(
            semconv.ATTEMPTS_TOTAL, "Attempts.", (*_GEN_AI[1:], "ending", "status", "reason")
        )
        self.upstream_duration = HistogramFamily(
            semconv.UPSTREAM_DURATION,
            "Seconds of an attempt.",
            _GEN_AI[1:],
            semconv.DURATION_BOUNDS,
        )
        self.refusals = CounterFamily(
            semconv.REFUSALS, "Requests that limits and budgets refused.", ("code",)
        )
        self.cached = CounterFamily(
            semconv.CACHE_REQUESTS,
            "Requests for which the answer cache was asked.",
            (_GEN_AI[3], "result"),
        )
        self.saved = CounterFamily(
            semconv.CACHE_SAVED, "Dollars not paid again.", (_GEN_AI[3],), format_usd
        )
        self.guarded = CounterFamily(
            semconv.GUARDRAIL_ACTIONS,
            "Findings of guardrails that something was done about.",
            ("guardrail", "way", "action", "kind"),
        )

    def all(self) -> tuple[Family, ...]:
        """In the order of the scrape."""
        return (
            self.http,
            self.overhead,
            self.duration,
            self.first_token,
            self.per_output_token,
            self.tokens,
            self.cost,
            self.unpriced,
            self.attempts,
            self.upstream_duration,
            self.refusals,
            self.cached,
            self.saved,
            self.guarded,
        )
