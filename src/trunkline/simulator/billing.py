"""What a provider would charge for one attempt: integers, rounded up once."""

import msgspec

from trunkline.simulator.prices import ListPrice

_TOKENS_PER_PRICE = 1_000_000


class TokenUse(msgspec.Struct, frozen=True):
    """Tokens of one attempt; the four kinds of input are disjoint.

    Attributes:
        uncached: input that the prompt cache had no part in.
        cache_read: input that came from the prompt cache.
        cache_write_5m: input written to the cache for five minutes.
        cache_write_1h: input written to the cache for an hour.
        output: everything generated, reasoning included.
        reasoning: the part of the output that is reasoning.
        audio: input that is sound, apart from the other kinds.
        searches: search units of a rerank.
        seconds: whole seconds of sound, where a model is billed by them.
    """

    uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    reasoning: int = 0
    audio: int = 0
    searches: int = 0
    seconds: int = 0

    @property
    def input_total(self) -> int:
        """All input tokens, cached or not."""
        written = self.cache_write_5m + self.cache_write_1h
        return self.uncached + self.cache_read + written + self.audio


def bill(use: TokenUse, price: ListPrice, service_tier: str | None = None) -> int:
    """Nano-dollars of this use, rounded up once to a whole nano-dollar.

    A service tier that the price does not list is charged as the ordinary one.
    """
    rates = price.service_tiers.get(service_tier, price) if service_tier else price
    if rates.long_input is not None and use.input_total > rates.long_input_above:
        rates = rates.long_input
    charge = (
        use.uncached * rates.input
        + use.cache_read * rates.cache_read
        + use.cache_write_5m * rates.cache_write_5m
        + use.cache_write_1h * rates.cache_write_1h
        + use.audio * rates.audio
        + use.output * rates.output
    )
    units = use.searches * rates.search + use.seconds * rates.second
    return -(-charge // _TOKENS_PER_PRICE) + units
