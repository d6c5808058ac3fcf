"""Money that is kept back for one attempt."""

import msgspec


class Hold(msgspec.Struct, gc=False):
    """What all budgets of a plan keep back until the attempt's cost is known.

    Attributes:
        worst: nano-dollars that the attempt may cost at most.
        likely: nano-dollars held by budgets that reserve the expected cost.
        at: time of day in milliseconds when it was taken.
        turn: number of the last turn of any window when it had been taken.
    """

    worst: int
    likely: int
    at: int
    turn: int = 0
