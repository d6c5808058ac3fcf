"""When each step of an answer happens, by the model's speed and the answer's own jitter."""

import random
from collections.abc import Iterable

from trunkline.simulator.models import SimModel
from trunkline.simulator.script import Step

_BEAT_TOKENS = 8
_JITTER = 0.2


def paced(steps: Iterable[Step], model: SimModel, digest: bytes, speed: float) -> tuple[Step, ...]:
    """The same steps with their seconds: the first token's delay, then the model's rate.

    The speed divides all delays; 1 is the model's own. The digest decides the jitter.
    """
    rng = random.Random(digest)
    first = model.first_token / speed
    per_token = 1 / (model.rate * speed) if model.rate else 0.0
    timed: list[Step] = []
    for step in steps:
        seconds = first
        first = 0.0
        if per_token and step.tokens:
            seconds += step.tokens * per_token * rng.uniform(1 - _JITTER, 1 + _JITTER)
        timed.append(
            Step(step.data, step.tokens, seconds, step.kind, step.reports_usage)
            if seconds
            else step
        )
    return tuple(timed)


def beats(tokens: int) -> list[Step]:
    """Silent generation of so many tokens, a few at a time, so that a cut can fall between."""
    whole, rest = divmod(tokens, _BEAT_TOKENS)
    steps = [Step(tokens=_BEAT_TOKENS) for _ in range(whole)]
    return [*steps, Step(tokens=rest)] if rest else steps
