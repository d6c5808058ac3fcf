"""How long to wait before the same target is asked again."""

import random

from trunkline.gateway.policy import Retry

_MOST_DOUBLINGS = 32


def pause(retry: Retry, tries: int, wait: float | None, rng: random.Random) -> float | None:
    """Seconds before the next try, or None where there is no sense in one.

    What the provider asks for wins over our own guess. Otherwise the wait is a random part of a
    span that doubles with each try ("full jitter", from Amazon's article on backoff and jitter), so
    that callers who failed together do not come back together.

    Args:
        retry: the policy.
        tries: how many have been made, at least 1.
        wait: seconds that the provider asks for, or None; 0 is no answer.
        rng: for the jitter.
    """
    if wait is not None and wait > 0:
        return wait if wait <= retry.cap else None
    span = retry.base * 2.0 ** min(tries - 1, _MOST_DOUBLINGS)
    return rng.uniform(0.0, min(span, retry.cap))
