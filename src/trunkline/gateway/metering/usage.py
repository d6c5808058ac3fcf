"""Token counts in disjoint buckets, whatever convention the provider reports in.

Source of the conventions: each wire module's ``read_usage``; no token is in two buckets.
"""

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one attempt used. All are counts of tokens unless said otherwise.

    Attributes:
        input: text input that was neither read from nor written to a prompt cache.
        cache_read: input served from the provider's prompt cache.
        cache_write: input written to the cache with the provider's only lifetime (OpenAI).
        cache_write_5m: input written to the cache for five minutes (Anthropic).
        cache_write_1h: input written to the cache for one hour (Anthropic).
        audio_input: audio input outside the cache.
        output: visible text output, tool calls included.
        reasoning: hidden or shown reasoning, billed as output.
        audio_output: audio output.
        searches: number of web searches that the provider ran.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    audio_input: int = 0
    output: int = 0
    reasoning: int = 0
    audio_output: int = 0
    searches: int = 0

    @property
    def input_total(self) -> int:
        """All input tokens, cached or not."""
        return (
            self.input
            + self.cache_read
            + self.cache_write
            + self.cache_write_5m
            + self.cache_write_1h
            + self.audio_input
        )

    @property
    def output_total(self) -> int:
        """All output tokens, reasoning included."""
        return self.output + self.reasoning + self.audio_output


NO_USAGE = Usage()

# More than any answer can use, and what a column of the ledger holds.
MOST_TOKENS = (1 << 31) - 1


def is_believable(usage: Usage) -> bool:
    """Whether every count is one that can be: a provider's bill is never below zero or absurd."""
    # The bits of all counts together are below zero where one of them is, and above a number whose
    # bits are all set where one of them is.
    bits = (
        usage.input
        | usage.cache_read
        | usage.cache_write
        | usage.cache_write_5m
        | usage.cache_write_1h
        | usage.audio_input
        | usage.output
        | usage.reasoning
        | usage.audio_output
        | usage.searches
    )
    return 0 <= bits <= MOST_TOKENS
