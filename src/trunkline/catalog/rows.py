"""The shape of the catalogue's files: what a model is called, how large it is, what it costs.

``scripts/build_catalog.py`` writes these rows from genai-prices; ``reader.py`` reads them. Rates
are integer nano-dollars per million, with every fall-back between buckets already resolved.
"""

import re
from typing import Literal

import msgspec

from trunkline.gateway.metering.price import Rates, Tier, Variant

Kind = Literal[
    "chat", "completion", "embedding", "image", "speech", "transcription", "realtime", "moderation",
    "ocr",
]  # fmt: skip


class Match(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which names mean a model. One rule that holds is enough; names are compared in lower case.

    Attributes:
        regex: patterns that are searched anywhere in the name.
        every: groups of matches of which all members must hold.
    """

    equals: frozenset[str] = frozenset()
    starts_with: tuple[str, ...] = ()
    ends_with: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    regex: tuple[str, ...] = ()
    every: tuple[tuple["Match", ...], ...] = ()

    @property
    def only_equals(self) -> bool:
        """Whether a dictionary look-up can answer instead of ``matches``."""
        return not (self.starts_with or self.ends_with or self.contains or self.regex or self.every)

    def matches(self, name: str) -> bool:
        """Whether the name, in lower case, means the model."""
        # Most rules have one kind of part, so the others are passed over as cheaply as can be.
        return bool(
            name in self.equals
            or (self.starts_with and name.startswith(self.starts_with))
            or (self.ends_with and name.endswith(self.ends_with))
            or (self.contains and any(part in name for part in self.contains))
            or (self.regex and any(re.search(pattern, name) for pattern in self.regex))
            or (
                self.every
                and any(all(part.matches(name) for part in group) for group in self.every)
            )
        )


class PriceRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A price and the time in which it applies.

    Attributes:
        since: ISO date (UTC) of the first day; empty for the price before every dated one.
        daily: the seconds of the UTC day between which it applies, or None for the whole day.
    """

    rates: Rates
    since: str = ""
    daily: tuple[int, int] | None = None
    tiers: tuple[Tier, ...] = ()
    variants: tuple[Variant, ...] = ()
    fixed: int = 0


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model of one provider.

    Attributes:
        names: the upstream ids that are published when the provider's own key is configured.
        context_window: most tokens that it reads, or None when unknown.
        prices: ascending by ``since``; the windows of one date follow each other without a gap.
        unpriced: why there is no price, where that is so.
        gaps: charges of the provider that usage cannot tell apart, such as cached audio.
    """

    id: str
    match: Match
    kind: Kind = "chat"
    names: tuple[str, ...] = ()
    context_window: int | None = None
    prices: tuple[PriceRow, ...] = ()
    unpriced: str | None = None
    gaps: tuple[str, ...] = ()


class ProviderFile(msgspec.Struct, frozen=True):
    """One file of the catalogue.

    Attributes:
        source: name and version of the data that it was compiled from; part of each price's ref.
        provider: the provider's id in that source.
    """

    source: str
    provider: str
    models: tuple[Model, ...]
