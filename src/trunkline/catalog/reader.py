"""Reads the bundled catalogue: one file for each provider, loaded when it is first asked for."""

import re
from datetime import UTC, date, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import msgspec

from trunkline.catalog.rows import Model, PriceRow, ProviderFile
from trunkline.gateway.metering.price import Price

DAY = 86_400
FOREVER = float("inf")

_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=[-:]|$)")


class Dated(NamedTuple):
    """A price and the Unix second at which another one takes its place."""

    price: Price | None
    until: float


class _Shelf:
    """The models of one provider, in the order in which their rules are tried."""

    def __init__(self, file: ProviderFile) -> None:
        self.source = file.source
        self.models = file.models
        self._exact: dict[str, int] = {}
        self._ruled: list[tuple[int, Model]] = []
        for index, model in enumerate(file.models):
            for name in model.match.equals:
                self._exact.setdefault(name, index)
            if not model.match.only_equals:
                self._ruled.append((index, model))

    def find(self, name: str) -> Model | None:
        """The first model whose rules hold, as genai-prices decides it."""
        exact = self._exact.get(name, len(self.models))
        for index, model in self._ruled:
            if index >= exact:
                break
            if model.match.matches(name):
                return model
        return self.models[exact] if exact < len(self.models) else None


class Catalog:
    """Models and prices of the bundled providers.

    Its only state is the files read so far, at most one for each provider; nothing is ever evicted.
    Whoever builds it owns it; there is nothing to close.
    """

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = folder if folder is not None else files("trunkline.catalog") / "bundled"
        self._shelves: dict[str, _Shelf] = {}

    def models(self, provider: str) -> tuple[Model, ...]:
        """All models of a provider of genai-prices; none where it has no file."""
        return self._shelf(provider).models

    def find(self, provider: str, name: str) -> Model | None:
        """The model that a name means at a provider, or None.

        A compact date at its end, such as ``-20251211``, is also tried in its dashed form, because
        some clients write it so.
        """
        shelf = self._shelf(provider)
        lowered = name.lower()
        model = shelf.find(lowered)
        if model is None and (dashed := _with_dashes(lowered)) != lowered:
            model = shelf.find(dashed)
        return model

    def price_at(self, provider: str, model: Model, at: float) -> Dated:
        """What a model costs at a Unix second; the price is None where nobody knows it."""
        if not model.prices:
            return Dated(None, FOREVER)
        days, second = divmod(at, DAY)
        since = max(
            (row.since for row in model.prices if _epoch(row.since) <= at),
            default=model.prices[0].since,
        )
        row = next(
            row
            for row in model.prices
            if row.since == since and (row.daily is None or row.daily[0] <= second < row.daily[1])
        )
        until = min(
            (_epoch(later.since) for later in model.prices if _epoch(later.since) > at),
            default=FOREVER,
        )
        if row.daily is not None:
            until = min(until, days * DAY + row.daily[1])
        return Dated(_price(row, f"{self._shelf(provider).source}/{provider}/{model.id}"), until)

    def _shelf(self, provider: str) -> _Shelf:
        shelf = self._shelves.get(provider)
        if shelf is None:
            path = self._folder / f"{provider}.json"
            if path.is_file():
                shelf = _Shelf(msgspec.json.decode(path.read_bytes(), type=ProviderFile))
            else:
                shelf = _Shelf(ProviderFile(source="none", provider=provider, models=()))
            self._shelves[provider] = shelf
        return shelf


def _epoch(since: str) -> float:
    if not since:
        return float("-inf")
    return datetime.combine(date.fromisoformat(since), datetime.min.time(), UTC).timestamp()


def _price(row: PriceRow, name: str) -> Price:
    """The row as the data path wants it; its ref says source, version, model, date and hour."""
    hours = "" if row.daily is None else f"+{row.daily[0]}s"
    return Price(f"{name}@{row.since}{hours}", row.rates, row.tiers, row.variants, row.fixed)


def _with_dashes(name: str) -> str:
    def dashed(found: re.Match[str]) -> str:
        year, month, day = found.groups()
        try:
            date(int(year), int(month), int(day))
        except ValueError:
            return found.group(0)
        return f"-{year}-{month}-{day}"

    return _COMPACT_DATE.sub(dashed, name)
