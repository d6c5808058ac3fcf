"""Requests that are the same and run at once: one call, whatever becomes of its callers."""

import asyncio
from typing import Any

import pytest
from tests.gateway.http import CHAT, RawClient, chat, post
from tests.gateway.recall.stage import HEAD, ended, response, said, stage, whole
from tests.gateway.recall.test_given_again import text_of
from tests.gateway.rig import KEY, Rig, running
from tests.gateway.transport.hostile import until

from trunkline.errors import BudgetExhausted
from trunkline.gateway.caller import Caller
from trunkline.gateway.policy import CachePolicy
from trunkline.simulator.server import Simulator

BROKEN = response(500, {"error": {"message": "No."}})
REFUSED = response(400, {"error": {"message": "No.", "type": "invalid_request_error"}})


def following(rig: Rig) -> int:
    """How many wait for the answer of another."""
    return rig.recall.stats().followers


async def asking(rig: Rig, count: int, *, stream: bool = False) -> list[RawClient]:
    """So many callers of the same, of whom the first one leads."""
    body = chat("m", stream=stream)
    leader = await RawClient.send(rig, CHAT, body, connection="close")
    await until(lambda: rig.recall.stats().flights == 1)
    before = following(rig)
    others = [await RawClient.send(rig, CHAT, body, connection="close") for _ in range(count - 1)]
    await until(lambda: following(rig) == before + count - 1)
    return [leader, *others]


async def ends_of(clients: list[RawClient]) -> list[bytes]:
    """What each one got."""
    return list(await asyncio.gather(*(client.rest() for client in clients)))


def _unchunked(body: bytes) -> bytes:
    """The bytes of a body without what parts its chunks, which callers may get in other sizes."""
    told = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        told += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    return told


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_thousand_callers_of_the_same_cost_one_call(
    simulator: Simulator, *, stream: bool
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        clients = await asking(rig, 1000, stream=stream)
        peer = await provider.next()
        if stream:
            await peer.say(HEAD + said("Hel"))
            await peer.say(said("lo."), ended())
        else:
            await peer.say(whole())
        answers = await ends_of(clients)
        await rig.observed.wait_for(1000)
        counts = rig.recall.stats().counts
    heads, bodies = zip(*(answer.split(b"\r\n\r\n", 1) for answer in answers), strict=True)
    assert len({_unchunked(body) if stream else body for body in bodies}) == 1
    assert b"Hel" in bodies[0]
    assert all(head.startswith(b"HTTP/1.1 200 ") for head in heads)
    assert provider.asked == 1
    assert sum(b"x-trunkline-cache: miss\r\n" in head for head in heads) == 1
    assert sum(b"x-trunkline-cache: follow\r\n" in head for head in heads) == 999
    assert (counts.miss, counts.follow) == (1, 999)
    assert len({one.request_id for one in rig.observed.events}) == 1000
    # Each has passed its own admission, and one attempt was paid.
    assert (len(rig.admitted.asks), rig.admitted.released) == (1000, 1000)
    assert len(rig.admitted.covered) == 1
    [(_, outcome)] = rig.recorded.outcomes
    saved = sorted(one.saved_nano for one in rig.observed.events)
    assert saved == [0, *[outcome.cost_nano] * 999]


async def test_who_joins_late_gets_all_of_it(simulator: Simulator) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        [leader] = await asking(rig, 1, stream=True)
        peer = await provider.next()
        await peer.say(HEAD + said("Hel"))
        await leader.until(b"Hel")
        late = await RawClient.send(rig, CHAT, chat("m", stream=True), connection="close")
        head = await late.until(b"\r\n\r\n")
        await late.until(b"Hel")
        await peer.say(said("lo."), ended())
        rests = await ends_of([leader, late])
    assert b"x-trunkline-cache: follow\r\n" in head
    assert b"x-provider: stage\r\n" in head
    assert b"x-trunkline-model: simulator/m\r\n" in head
    assert all(b"lo." in rest and b"[DONE]" in rest for rest in rests)
    assert provider.asked == 1


async def test_a_follower_that_leaves_just_leaves(simulator: Simulator) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        leader, follower, leaver = await asking(rig, 3, stream=True)
        peer = await provider.next()
        await peer.say(HEAD + said("Hel"))
        await leaver.until(b"Hel")
        await leaver.leave()
        left = await rig.observed.wait_for(1)
        await peer.say(said("lo."), ended())
        rests = await ends_of([leader, follower])
    assert (left.error_code, left.cache) == ("client_gone", "follow")
    assert all(b"lo." in rest and b"[DONE]" in rest for rest in rests)
    assert rig.admitted.released == 3


async def test_a_leaders_caller_that_leaves_ends_nothing_while_somebody_follows(
    simulator: Simulator,
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        leader, follower = await asking(rig, 2, stream=True)
        peer = await provider.next()
        await peer.say(HEAD + said("Hel"))
        await leader.until(b"Hel")
        await leader.leave()
        await follower.until(b"Hel")
        await peer.say(said("lo."), ended())
        rest = await follower.rest()
        await rig.observed.wait_for(2)
        again = await post(rig, CHAT, chat("m", stream=True))
    assert b"lo." in rest
    assert b"[DONE]" in rest
    assert again.headers["x-trunkline-cache"] == "hit"
    assert [outcome.ending for _, outcome in rig.recorded.outcomes] == ["completed"]


async def test_a_flight_ends_with_the_last_one_that_waits(simulator: Simulator) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        leader, follower = await asking(rig, 2, stream=True)
        peer = await provider.next()
        await peer.say(HEAD + said("Hel"))
        await follower.until(b"Hel")
        await leader.leave()
        # The leader's end is known to the gateway before the follower's is.
        await until(lambda: any(client.gone for client in rig.lifecycle.active))
        assert rig.observed.events == []
        await follower.leave()
        await rig.observed.wait_for(2)
        await until(peer.reader.at_eof)
        flights = rig.recall.stats().flights
        assert (await rig.recall.holding("org-1")).entries == 0
    assert flights == 0
    assert [outcome.ending for _, outcome in rig.recorded.outcomes] == ["client_gone"]


async def test_a_flight_without_followers_ends_with_its_leaders_caller(
    simulator: Simulator,
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        [leader] = await asking(rig, 1)
        await provider.next()
        await leader.leave()
        event_ = await rig.observed.wait_for(1)
        flights = rig.recall.stats().flights
    assert (event_.error_code, flights) == ("client_gone", 0)


async def test_the_next_one_leads_when_a_leader_fails_before_content(
    simulator: Simulator,
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        clients = await asking(rig, 3)
        first = await provider.next()
        await first.say(BROKEN)
        second = await provider.next()
        await second.say(whole())
        answers = await ends_of(clients)
    assert [answer.split()[1] for answer in answers] == [b"500", b"200", b"200"]
    assert [b"Hello." in answer for answer in answers] == [False, True, True]
    assert provider.asked == 2


async def test_what_the_request_is_to_blame_for_is_told_to_all_at_once(
    simulator: Simulator,
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        clients = await asking(rig, 3)
        peer = await provider.next()
        await peer.say(REFUSED)
        answers = await ends_of(clients)
        await rig.observed.wait_for(3)
    assert [answer.split()[1] for answer in answers] == [b"400"] * 3
    assert provider.asked == 1
    assert rig.admitted.released == 3


async def test_no_more_than_three_lead_in_vain(simulator: Simulator) -> None:
    async with (
        stage(BROKEN, BROKEN) as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        body = chat("m")
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(post(rig, CHAT, body)) for _ in range(6)]
            peer = await provider.next()
            await until(lambda: following(rig) == 3)
            await peer.say(BROKEN)
        statuses = [task.result().status_code for task in asked]
    assert statuses == [500] * 6
    assert provider.asked == 3


async def test_all_get_the_error_when_a_stream_breaks_after_content(
    simulator: Simulator,
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        clients = await asking(rig, 3, stream=True)
        peer = await provider.next()
        await peer.say(HEAD + said("Hel"))
        for client in clients:
            await client.until(b"Hel")
        peer.reset()
        rests = await ends_of(clients)
        await rig.observed.wait_for(3)
        assert rig.recall.stats().flights == 0
        assert (await rig.recall.holding("org-1")).entries == 0
    assert all(b'"error"' in rest and b"[DONE]" not in rest for rest in rests)
    codes = {one.error_code for one in rig.observed.events}
    assert codes == {"upstream_connection_lost"}
    assert provider.asked == 1


async def test_a_budget_of_the_leader_is_not_that_of_the_next(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        covered = rig.admitted.cover
        refused = BudgetExhausted("Nothing is left.", code="budget_exhausted")
        turns = iter((refused, refused, refused, refused, None))

        async def cover(*arguments: Any) -> None:
            turn = next(turns)
            await asyncio.sleep(0)
            if turn is not None:
                await until(lambda: len(rig.admitted.asks) == 5)
                raise turn
            await covered(*arguments)

        monkeypatch.setattr(rig.admitted, "cover", cover)
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(post(rig, CHAT, chat("m"))) for _ in range(5)]
            peer = await provider.next()
            await peer.say(whole())
        statuses = sorted(task.result().status_code for task in asked)
    assert statuses == [200, 402, 402, 402, 402]


async def test_a_follower_that_stalls_is_dropped_and_holds_up_nobody(
    simulator: Simulator,
) -> None:
    text = "x" * 200_000
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        leader, follower, stalled = await asking(rig, 3, stream=True)
        peer = await provider.next()
        reading = asyncio.gather(leader.rest(), follower.rest())
        await peer.say(HEAD)
        for _ in range(19):
            await peer.say(said(text))
        await peer.say(ended())
        rests = await reading
        await rig.observed.wait_for(3)
        dropped = rig.recall.stats().dropped
        cut = await stalled.rest()
    assert [rest.count(text.encode()) for rest in rests] == [19, 19]
    assert all(b"[DONE]" in rest for rest in rests)
    assert dropped == 1
    assert b"caller_too_slow" in cut
    assert b"[DONE]" not in cut
    codes = sorted(str(one.error_code) for one in rig.observed.events)
    assert codes == ["None", "None", "caller_too_slow"]


async def test_a_leaders_caller_that_stalls_holds_up_nobody(simulator: Simulator) -> None:
    text = "x" * 200_000
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        stalled, follower = await asking(rig, 2, stream=True)
        peer = await provider.next()
        reading = asyncio.create_task(follower.rest())
        await peer.say(HEAD)
        for _ in range(19):
            await peer.say(said(text))
        await peer.say(ended())
        rest = await reading
        await rig.observed.wait_for(2)
        cut = await stalled.rest()
        again = await post(rig, CHAT, chat("m", stream=True))
    assert rest.count(text.encode()) == 19
    assert b"[DONE]" in rest
    assert b"caller_too_slow" in cut
    assert b"[DONE]" not in cut
    assert again.headers["x-trunkline-cache"] == "hit"


async def test_who_joins_frees_a_flight_from_the_leaders_pace(simulator: Simulator) -> None:
    text = "x" * 2_000_000
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        [stalled] = await asking(rig, 1, stream=True)
        peer = await provider.next()
        telling = asyncio.create_task(peer.say(HEAD + b"".join([said(text), said("!")])))
        await stalled.until(b"\r\n\r\n")
        await telling
        follower = await RawClient.send(rig, CHAT, chat("m", stream=True), connection="close")
        reading = asyncio.create_task(follower.rest())
        await peer.say(said("more"))
        await peer.say(ended())
        rest = await reading
        await stalled.leave()
    assert text.encode() in rest
    assert b"more" in rest
    assert b"[DONE]" in rest


async def test_a_slow_reader_that_keeps_within_bounds_gets_everything(
    simulator: Simulator,
) -> None:
    text = "x" * 100_000
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        leader, slow = await asking(rig, 2, stream=True)
        peer = await provider.next()
        reading = asyncio.create_task(leader.rest())
        await peer.say(HEAD)
        for _ in range(9):
            await peer.say(said(text))
        await peer.say(ended())
        await reading
        rest = await slow.rest()
    assert rest.count(b"[DONE]") == 1
    assert rest.count(text.encode()) == 9


async def test_an_answer_that_is_too_long_is_followed_and_not_kept(simulator: Simulator) -> None:
    text = "x" * 500_000
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        leader, *others = await asking(rig, 3, stream=True)
        peer = await provider.next()
        reading = asyncio.gather(*(client.rest() for client in others))
        telling = asyncio.create_task(peer.say(HEAD + said(text) * 10))
        got = bytearray()
        while len(got) < 4_800_000:
            got += await leader.reader.read(65_536)
        late = await RawClient.send(rig, CHAT, chat("m", stream=True), connection="close")
        other = await provider.next()
        await other.say(HEAD + said("own") + ended())
        own = await late.rest()
        await telling
        await peer.say(ended())
        rests = [bytes(got) + await leader.rest(), *await reading]
        assert (await rig.recall.holding("org-1")).entries == 1
    assert [rest.count(b"[DONE]") for rest in rests] == [1, 1, 1]
    assert [rest.count(text.encode()) for rest in rests] == [10, 10, 10]
    assert b"own" in own


async def test_who_wants_a_stream_whole_follows_none_that_may_break(simulator: Simulator) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        [leader] = await asking(rig, 1, stream=True)
        peer = await provider.next()
        await peer.say(HEAD + said("Hel"))
        await leader.until(b"Hel")
        body, headers = chat("m", stream=True), {"x_trunkline_buffered": "true"}
        held = [asyncio.create_task(post(rig, CHAT, body, **headers)) for _ in range(2)]
        second = await provider.next()
        await until(lambda: following(rig) == 1)
        peer.reset()
        broken = await leader.rest()
        await second.say(HEAD + said("Whole.") + ended())
        answers = [await task for task in held]
    assert b"error" in broken
    assert all(b"Whole." in answer.content for answer in answers)
    assert all(b"[DONE]" in answer.content for answer in answers)
    uses = sorted(answer.headers["x-trunkline-cache"] for answer in answers)
    assert (uses, provider.asked) == (["follow", "miss"], 2)


async def test_followers_are_kept_alive_while_they_wait(simulator: Simulator) -> None:
    async with stage() as provider:
        alias = provider.alias(simulator, hold_headers=0.05)
        async with running(simulator, extra=[alias]) as rig:
            clients = await asking(rig, 2, stream=True)
            peer = await provider.next()
            for client in clients:
                await client.until(b": keep-alive")
            await peer.say(HEAD + said("Hello."), ended())
            rests = await ends_of(clients)
    assert all(b"Hello." in rest and b"[DONE]" in rest for rest in rests)


async def test_an_answer_that_was_forgotten_while_it_was_made_is_not_kept(
    simulator: Simulator,
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        old = await asking(rig, 2)
        peer = await provider.next()
        await rig.recall.forget("org-1")
        fresh = asyncio.create_task(post(rig, CHAT, chat("m")))
        later = await provider.next()
        await peer.say(whole("old"))
        answers = await ends_of(old)
        await later.say(whole("new"))
        await fresh
        kept = await post(rig, CHAT, chat("m"))
    assert all(b"old" in answer for answer in answers)
    assert text_of(kept) == "new"


async def test_a_refreshed_answer_that_was_forgotten_meanwhile_is_not_kept(
    simulator: Simulator,
) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)]) as rig,
    ):
        [first] = await asking(rig, 1)
        peer = await provider.next()
        fresh = asyncio.create_task(post(rig, CHAT, chat("m"), x_trunkline_cache="refresh"))
        later = await provider.next()
        await rig.recall.forget("org-1")
        await peer.say(whole("old"))
        await later.say(whole("new"))
        await fresh
        await first.rest()
        await rig.observed.wait_for(2)
        assert (await rig.recall.holding("org-1")).entries == 0


async def test_a_shutdown_ends_leader_and_followers(simulator: Simulator) -> None:
    async with (
        stage() as provider,
        running(simulator, extra=[provider.alias(simulator)], shutdown_deadline=0.1) as rig,
    ):
        clients = await asking(rig, 3, stream=True)
        peer = await provider.next()
        await peer.say(HEAD + said("Hel"))
        for client in clients:
            await client.until(b"Hel")
        rig.server.stop()
        rests = await ends_of(clients)
        await rig.observed.wait_for(3)
    assert all(b"shutting_down" in rest for rest in rests)
    assert all(b"[DONE]" not in rest for rest in rests)


async def test_callers_of_one_scope_share_and_of_another_do_not(simulator: Simulator) -> None:
    others = {
        "tl_team": _caller("org-1", "key-2", team_id="team-1"),
        "tl_mate": _caller("org-1", "key-3", team_id="team-1"),
        "tl_other": _caller("org-2", "key-4", team_id="team-1"),
    }
    policy = CachePolicy(enabled=True, scope="team")
    async with (
        stage(*(whole(str(number)) for number in range(4))) as provider,
        running(simulator, extra=[provider.alias(simulator, cache=policy)], others=others) as rig,
    ):
        texts = [
            text_of(await post(rig, CHAT, chat("m"), authorization=f"Bearer {key}"))
            for key in (KEY, "tl_team", "tl_mate", "tl_other", KEY)
        ]
    assert texts == ["0", "1", "1", "2", "0"]


def _caller(org_id: str, key_id: str, **more: Any) -> Caller:
    return Caller(org_id=org_id, key_id=key_id, scopes=frozenset({"inference"}), **more)
