"""A front obeys what another process says about kept answers, and nothing else."""

import asyncio

import pytest

from trunkline.cache import service
from trunkline.cache.feed import CacheFeed
from trunkline.errors import InvalidRequest
from trunkline.storage.changes import Change, changes_after
from trunkline.storage.engine import Database

ORG = "0197a5c0-0000-7000-8000-000000000001"


class Forgotten:
    """Remembers what it was told to forget."""

    def __init__(self) -> None:
        self.beginnings: list[str] = []

    async def forget(self, beginning: str) -> int:
        await asyncio.sleep(0)
        self.beginnings.append(beginning)
        return 1


async def obey(feed: CacheFeed, changes: list[Change]) -> bool:
    """Take these changes into use; whether there was anything to do."""
    swap = await feed.prepare(changes)
    if swap is not None:
        swap()
    await feed.close()
    return swap is not None


async def test_what_is_said_of_answers_is_obeyed_and_other_things_are_not() -> None:
    feed, forgotten = CacheFeed(), Forgotten()
    feed.serve(forgotten.forget)
    changes = [
        Change(1, ORG, "alias", "x"),
        Change(2, ORG, "cache", "faq/"),
        Change(3, ORG, "cache", ""),
        Change(4, ORG, "cache", "faq/"),
        Change(5, None, "cache", ""),
    ]
    assert await obey(feed, changes)
    assert sorted(forgotten.beginnings) == [f"{ORG}/", f"{ORG}/faq/"]
    assert not await obey(feed, changes[:1])


async def test_a_front_that_has_no_answers_yet_has_nothing_to_forget() -> None:
    assert await obey(CacheFeed(), [Change(1, ORG, "cache", "faq/")])


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"model": "faq"}, "faq/"),
        ({"model": "meta-llama/Llama-3-70b-chat-hf"}, "meta-llama%2FLlama-3-70b-chat-hf/"),
        ({"prefix": "meta-llama/"}, "meta-llama%2F"),
        ({"everything": True}, ""),
        ({"model": "x" * 40}, "x" * 36),
    ],
)
async def test_a_choice_reaches_all_fronts_with_the_commit(
    database: Database, choice: dict[str, object], told: str
) -> None:
    begun = service.beginning(ORG, **choice)  # type: ignore[arg-type] # of several types
    async with database.write(None) as conn:
        await service.tell(conn, ORG, begun)
    async with database.read(None) as conn:
        [change] = await changes_after(conn, 0)
    assert (change.org_id, change.kind, change.id) == (ORG, "cache", told)


@pytest.mark.parametrize(
    "choice", [{}, {"model": "a", "prefix": "b"}, {"model": "a", "everything": True}, {"model": ""}]
)
def test_one_thing_must_be_chosen(choice: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        service.beginning(ORG, **choice)  # type: ignore[arg-type] # of several types
    assert refused.value.code == "cache_choice"
