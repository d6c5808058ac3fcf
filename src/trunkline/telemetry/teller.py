"""The one place where finished requests become lines, numbers and spans."""

from collections.abc import Sequence

from typing_extensions import override

from trunkline.gateway.metering.event import Finished
from trunkline.gateway.recall.charging import PROVIDER as GIVEN_AGAIN
from trunkline.observability.access_line import AccessLog
from trunkline.observability.metrics import Metrics
from trunkline.observability.timestamps import Timestamps
from trunkline.telemetry.access_lines import access_line
from trunkline.telemetry.batched import Teller
from trunkline.telemetry.provider_traffic import ProviderTraffic
from trunkline.telemetry.spans import SpanQueue
from trunkline.telemetry.tally import count_answers, count_attempts, count_extras, count_requests
from trunkline.telemetry.target_traffic import TargetTraffic


class RequestTeller(Teller):
    """Updates metrics, writes access lines, remembers who was asked and how it went, queues spans.

    Each part but the metrics may be absent. It owns none of them; whoever built them closes them.
    """

    def __init__(
        self,
        metrics: Metrics,
        *,
        access_log: AccessLog | None = None,
        spans: SpanQueue | None = None,
        providers: ProviderTraffic | None = None,
        targets: TargetTraffic | None = None,
    ) -> None:
        self._metrics = metrics
        self._access_log = access_log
        self._timestamps = Timestamps()
        self._spans = spans
        self._providers = providers
        self._targets = targets

    @override
    def tell(self, events: Sequence[Finished]) -> None:
        metrics, timestamps = self._metrics, self._timestamps
        attempts = [made for event in events for made in event.attempts]
        count_requests(metrics, events)
        count_attempts(metrics, attempts)
        count_answers(metrics, events)
        count_extras(metrics, events)
        asked = [made for made in attempts if made[0].provider != GIVEN_AGAIN]
        if self._providers is not None:
            self._providers.record(asked)
        if self._targets is not None:
            self._targets.count([attempt for attempt, _ in asked])
        if self._access_log is not None:
            self._access_log.write([access_line(event, timestamps) for event in events])
        if self._spans is not None:
            self._spans.put(events)
