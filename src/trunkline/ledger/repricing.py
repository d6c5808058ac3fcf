"""Computing costs again: what a changed or late price means for attempts that are in the ledger."""

from typing import Protocol

import msgspec

from trunkline.gateway.metering.event import CostState
from trunkline.gateway.metering.price import Price, cost_of
from trunkline.gateway.metering.usage import Usage
from trunkline.ledger.rows import COST_COLUMNS, LARGEST_NANO, Row, count
from trunkline.storage.tables.ledger import TOKEN_BUCKETS

REPRICE = "reprice"
# The provider billed nothing for these, whatever its prices are.
UNBILLED = {"refused", "not_sent"}


class Prices(Protocol):
    """Where prices of the past are found."""

    async def price_at(
        self, org_id: str, connection_id: str, provider: str, model: str, at_ms: int
    ) -> Price | None:
        """The price that was valid at a moment, or None when nobody knows it."""
        ...


class Repricing(msgspec.Struct):
    """What a run of repricing did, or would do.

    Attributes:
        examined: attempts of the period.
        corrected: attempts whose cost changed.
        priced: attempts among them that had no price before.
        before_nano: nano-dollars of the corrected attempts before.
        after_nano: nano-dollars of them now.
    """

    examined: int = 0
    corrected: int = 0
    priced: int = 0
    before_nano: int = 0
    after_nano: int = 0


def repriced(row: Row, price: Price | None) -> Row | None:
    """New values of ``COST_COLUMNS`` for an attempt, or None when its cost stands.

    The cases:
    - not billed, or no price known: stands; an amount never becomes unknown again;
    - unpriced: gets the cost of its usage, which is exact where the answer arrived whole;
    - exact: gets the cost of its usage where that differs;
    - estimated: only another price changes it, since its usage is no better known than before.
    """
    if row["ending"] in UNBILLED or price is None:
        return None
    usage = Usage(**{bucket: row[bucket] for bucket in TOKEN_BUCKETS})
    nano = count(cost_of(usage, price, row["service_tier"]), LARGEST_NANO)
    if nano is None:
        return None
    state: CostState = row["cost_state"]
    if state == "estimated" and row["price_ref"] == price.ref:
        return None
    if state == "unpriced":
        state = "exact" if row["ending"] == "completed" else "estimated"
    change = {name: row[name] for name in COST_COLUMNS}
    change |= {"cost_state": state, "cost_nano": nano, "price_ref": price.ref}
    unchanged = change["cost_nano"] == row["cost_nano"] and state == row["cost_state"]
    return None if unchanged else change
