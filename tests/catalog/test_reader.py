"""The reader: names, dates, daily windows, and what it says where it knows nothing."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from trunkline.catalog.reader import FOREVER, Catalog, Dated
from trunkline.catalog.rows import Match
from trunkline.gateway.metering.price import Price, Rates

CHEAP, DEAR, NEW = Rates(input=1), Rates(input=2), Rates(input=3)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    rows = [
        {"rates": {"input": 1}, "daily": [0, 3600]},
        {"rates": {"input": 2}, "daily": [3600, 86400]},
        {"since": "2026-03-01", "rates": {"input": 3}, "fixed": 7},
    ]
    models = [
        {"id": "day", "match": {"equals": ["day"]}, "prices": rows},
        {"id": "family", "match": {"starts_with": ["fam"]}, "prices": rows[2:]},
        {"id": "family-old", "match": {"equals": ["fam-old"]}},
        {"id": "last", "match": {"equals": ["last", "last-2025-12-11"]}},
    ]
    body = {"source": "test-1", "provider": "p", "models": models}
    (tmp_path / "p.json").write_text(json.dumps(body))
    return Catalog(tmp_path)


@pytest.mark.parametrize(
    ("moment", "ref", "rates", "until"),
    [
        ("2025-01-01 00:59:59", "test-1/p/day@+0s", CHEAP, "2025-01-01 01:00:00"),
        ("2025-01-01 01:00:00", "test-1/p/day@+3600s", DEAR, "2025-01-02 00:00:00"),
        ("2026-02-28 23:59:59", "test-1/p/day@+3600s", DEAR, "2026-03-01 00:00:00"),
    ],
)
def test_a_price_is_chosen_by_hour_and_says_when_it_ends(
    catalog: Catalog, moment: str, ref: str, rates: Rates, until: str
) -> None:
    model = catalog.find("p", "day")
    assert model is not None
    assert catalog.price_at("p", model, _at(moment)) == Dated(Price(ref, rates), _at(until))


def test_the_newest_date_that_has_come_wins_and_lasts(catalog: Catalog) -> None:
    model = catalog.find("p", "day")
    assert model is not None
    dated = catalog.price_at("p", model, _at("2026-03-01 00:00:00"))
    assert dated == Dated(Price("test-1/p/day@2026-03-01", NEW, fixed=7), FOREVER)


def test_before_the_first_date_the_first_price_applies(catalog: Catalog) -> None:
    model = catalog.find("p", "family")
    assert model is not None
    dated = catalog.price_at("p", model, _at("2020-01-01 00:00:00"))
    assert dated.price == Price("test-1/p/family@2026-03-01", NEW, fixed=7)
    assert dated.until == _at("2026-03-01 00:00:00")


def test_the_first_model_whose_rule_holds_wins_over_a_later_exact_name(catalog: Catalog) -> None:
    found = catalog.find("p", "FAM-OLD")
    assert found is not None
    assert found.id == "family"


@pytest.mark.parametrize(
    ("name", "found"),
    [("last-20251211", "last"), ("last-20251341", None), ("last-20250230", None), ("", None)],
)
def test_a_compact_date_is_tried_with_dashes(
    catalog: Catalog, name: str, found: str | None
) -> None:
    model = catalog.find("p", name)
    assert (model and model.id) == found


def test_a_model_without_a_price_stays_without_one_for_ever(catalog: Catalog) -> None:
    model = catalog.find("p", "last")
    assert model is not None
    assert catalog.price_at("p", model, 0) == Dated(None, FOREVER)


def test_a_provider_without_a_file_has_no_models(catalog: Catalog) -> None:
    assert catalog.models("nobody") == ()
    assert catalog.find("nobody", "gpt-4o") is None


def test_a_file_is_read_once_and_only_when_it_is_asked_for(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path)
    assert catalog.models("late") == ()
    (tmp_path / "late.json").write_text("not even JSON")
    assert catalog.models("late") == ()
    with pytest.raises(msgspec.DecodeError):
        Catalog(tmp_path).models("late")


@pytest.mark.parametrize(
    ("match", "name", "holds"),
    [
        (Match(equals=frozenset({"a"})), "a", True),
        (Match(starts_with=("a",)), "ba", False),
        (Match(ends_with=("a",)), "ba", True),
        (Match(contains=("x", "b")), "aba", True),
        (Match(regex=("^a.c$",)), "abc", True),
        (Match(every=((Match(starts_with=("a",)), Match(regex=("^(?!.*z)",))),)), "ab", True),
        (Match(every=((Match(starts_with=("a",)), Match(regex=("^(?!.*z)",))),)), "az", False),
        (Match(), "anything", False),
    ],
)
def test_each_kind_of_rule_holds_or_not(match: Match, name: str, holds: bool) -> None:
    assert match.matches(name) is holds
