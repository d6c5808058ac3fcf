"""What a store still has to tell its server."""

from trunkline.cache.debts import MOST, Debts


def test_what_is_owed_is_missing() -> None:
    debts = Debts()
    assert not debts
    debts.remove("o/a/")
    assert debts
    assert [debts.covers(key) for key in ("o/a/1", "o/b/1")] == [True, False]


def test_very_many_beginnings_stand_for_everything() -> None:
    debts = Debts()
    for number in range(MOST + 1):
        debts.remove(f"o/{number}/")
    assert debts.covers("anything")
    assert debts.beginnings == {""}


def test_leases_beyond_the_bound_are_left_to_run_out() -> None:
    debts = Debts()
    for number in range(MOST + 1):
        debts.release(str(number))
    assert debts
    assert len(debts.leases) == MOST
    assert not debts.covers("1")
