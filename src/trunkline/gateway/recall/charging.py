"""What a caller pays for an answer that was made for somebody else, where the policy is ``full``.

The answer is booked as an attempt of the provider ``cache`` with the usage and the cost that it had
when it was made. It takes the hold of the request's lease like any attempt, so no budget is passed.
It is booked when the whole answer is here and before its end is given: a shared answer that broke
off is charged to its leader alone.
"""

from typing import Final

import msgspec

from trunkline.gateway.metering.event import Attempt, Outcome
from trunkline.gateway.ports import Admission, Recorder
from trunkline.gateway.recall.reply import Bill, Reply
from trunkline.gateway.scope import RequestScope
from trunkline.kit.clock import Clock
from trunkline.kit.ids import new_id

PROVIDER: Final = "cache"


class Charging:
    """Books given answers. It has no state of its own."""

    def __init__(self, admission: Admission, recorder: Recorder, clock: Clock) -> None:
        self._admission = admission
        self._recorder = recorder
        self._clock = clock

    async def charge(self, scope: RequestScope, reply: Reply) -> None:
        """Book an answer to the caller of this scope.

        Raises:
            LimitExceeded, BudgetExhausted: its cost is more than the caller may spend.
            Unavailable: it could not be written down, and nothing is charged.
        """
        lease = scope.lease
        if lease is None:
            raise AssertionError("recall comes after admit")
        now_ms = int(self._clock.now() * 1000)
        bill = reply.bill
        attempt = _attempt(scope, bill, now_ms)
        outcome = msgspec.structs.replace(
            bill.outcome,
            closed_ms=now_ms,
            upstream_id=None,
            first_byte_ms=None,
            first_token_ms=None,
        )
        await self._admission.cover(lease, attempt.id, outcome.cost_nano)
        try:
            self._recorder.opened(attempt)
        except Exception:
            unsent = Outcome(closed_ms=now_ms, ending="not_sent")
            self._admission.settle(lease, attempt.id, unsent)
            raise
        self._recorder.closed(attempt, outcome)
        self._admission.settle(lease, attempt.id, outcome)
        scope.attempts.append((attempt, outcome))


def _attempt(scope: RequestScope, bill: Bill, now_ms: int) -> Attempt:
    caller, request, name = scope.caller, scope.request, scope.name
    if caller is None or request is None or name is None:
        raise AssertionError("recall comes after the request was read and resolved")
    outcome = bill.outcome
    usage = outcome.usage
    return Attempt(
        id=new_id(),
        request_id=scope.id,
        client_request_id=scope.arrival.client_request_id,
        number=len(scope.attempts) + 1,
        opened_ms=now_ms,
        org_id=caller.org_id,
        team_id=caller.team_id,
        user_id=caller.user_id,
        key_id=caller.key_id,
        alias=name,
        provider=PROVIDER,
        connection_id=bill.connection_id,
        model=bill.model,
        wire=bill.wire,
        operation=scope.operation,
        stream=request.stream,
        hold_nano=outcome.cost_nano,
        input_bound=usage.input_total,
        input_estimate=usage.input_total,
        output_bound=usage.output_total,
        floor_nano=outcome.cost_nano,
        output_rate_nano=None,
        price_ref=outcome.price_ref,
        tags=caller.tags + request.tags,
        end_user=request.end_user,
    )
