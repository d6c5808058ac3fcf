"""The strategies: each puts targets in the order in which one request tries them.

Every order contains all the targets that it was given, so that the rest of it says where the
request goes when the first one fails. Pure functions of their arguments.
"""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

from trunkline.gateway.metering.price import cost_of
from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.routing.facts import Facts
from trunkline.gateway.routing.length import TYPICAL_BYTES_PER_TOKEN
from trunkline.gateway.routing.view import HealthView
from trunkline.gateway.snapshot import Target

# Two who wait equally long are each the better one as often as the other.
_EVEN = 0.5


def by_weight(targets: Iterable[Target], rng: random.Random) -> list[Target]:
    """At random, drawn one after the other by weight without being put back."""
    return _by_exponential(targets, lambda _: 1.0 - rng.random())


def by_place(targets: Iterable[Target], key: bytes) -> list[Target]:
    """The same order for the same key everywhere and always: weighted rendezvous hashing.

    Each target's score depends on the key and on that target alone, so when one leaves only the
    keys that had their place there move, and they spread over the others by weight.
    """
    return _by_exponential(targets, lambda target: _hashed(key, target))


def _by_exponential(targets: Iterable[Target], uniform: Callable[[Target], float]) -> list[Target]:
    """Order by exponential variates of rate ``weight``, made of numbers in (0, 1].

    The smallest of such variates belongs to a target with the probability of its share of the
    weights, and so does the smallest of those that remain (Efraimidis and Spirakis, "Weighted
    random sampling with a reservoir", 2006).
    """

    def variate(target: Target) -> float:
        weight = target.weight
        return -math.log(uniform(target)) / weight if weight > 0 else math.inf

    return sorted(targets, key=variate)


def _hashed(key: bytes, target: Target) -> float:
    """A number in (0, 1] that is the same in every process."""
    digest = blake2b(target.key.encode() + b"\0" + key, digest_size=8)
    return (int.from_bytes(digest.digest()) + 1) / (1 << 64)


def by_price(targets: Iterable[Target], facts: Facts) -> list[Target]:
    """What this request is likely to cost, least first; without a known price last.

    Among equals the order in which they are written counts.
    """

    def cost(target: Target) -> float:
        likely = likely_cost(target, facts)
        return math.inf if likely is None else likely

    return sorted(targets, key=cost)


def likely_cost(target: Target, facts: Facts) -> int | None:
    """Nano-dollars of a request at a target; None where its price is unknown.

    The input counts by the model family's own bytes per token, and the output as what the request
    asks for at most, or the typical length where it does not say.
    """
    price = target.price
    if price is None:
        return None
    scale = TYPICAL_BYTES_PER_TOKEN / target.bytes_per_token
    tokens = math.ceil(facts.input_tokens * scale)
    output = min(facts.output_tokens, target.max_output_tokens)
    return cost_of(Usage(input=tokens, output=output), price, facts.service_tier)


def by_latency(targets: Sequence[Target], view: HealthView, rng: random.Random) -> list[Target]:
    """First the better of two at random, then the others by their average.

    Better is who has the lower product of its average time until first content and the calls that
    wait for it, this one included. A target without an average counts as fast as the fastest known
    one: idle, it gets half of what it is drawn for, and more only when it has shown what it can.
    Among the others, which are tried only after a failure, those without an average come last.
    """
    count = len(targets)
    if count < 2:
        return list(targets)
    first, second = (0, 1) if count == 2 else _two_of(count, rng)
    one, other = targets[first], targets[second]
    here, there = view.wait(one), view.wait(other)
    if here is None or there is None:
        fastest = _fastest(targets, view)
        here = fastest * (view.in_flight(one) + 1) if here is None else here
        there = fastest * (view.in_flight(other) + 1) if there is None else there
    better = here < there or (here == there and rng.random() >= _EVEN)
    if count == 2:
        return [one, other] if better else [other, one]
    place = first if better else second
    return [targets[place], *_by_average([*targets[:place], *targets[place + 1 :]], view)]


def _fastest(targets: Iterable[Target], view: HealthView) -> float:
    """The least average that is known; any number does where none is."""
    averages = (view.first_content(target) for target in targets)
    return min((average for average in averages if average is not None), default=1.0)


def _by_average(targets: Iterable[Target], view: HealthView) -> list[Target]:
    """The fastest one first and those without an average last."""

    def average(target: Target) -> float:
        known = view.first_content(target)
        return math.inf if known is None else known

    return sorted(targets, key=average)


def _two_of(count: int, rng: random.Random) -> tuple[int, int]:
    """Two different places at random."""
    one = int(rng.random() * count)
    other = int(rng.random() * (count - 1))
    return one, other + (other >= one)
