"""What translating costs, judged from figures on both sides of the demands."""

import msgspec
from bench.cases import FEATURED, TRANSLATED
from bench.comparing import beside, judge_comparisons
from bench.results import Row
from tests.bench.rows import full, row


def measured(*, stream: float, talk: float, small: float) -> list[Row]:
    """Every call with 10 microseconds where it passes, and so many where it is translated."""
    rows = []
    for wire, others in (("chat", ("messages", "gemini")), ("messages", ("chat",))):
        for kind, figure in (("", small), ("_talk_200kb", talk)):
            rows.append(full(operation=wire + kind, cpu_us_per_request=10.0))
            rows += [
                full(operation=f"{wire}{kind}_to_{other}", cpu_us_per_request=figure)
                for other in others
            ]
        at = {"stream": True, "concurrency": 100}
        rows.append(full(operation=wire, cpu_us_per_chunk=10.0, **at))
        rows += [
            full(operation=f"{wire}_to_{other}", cpu_us_per_chunk=stream, **at) for other in others
        ]
    return rows


def test_each_call_is_compared_with_the_same_one_that_passes() -> None:
    compared = beside(measured(stream=20.0, talk=15.0, small=90.0), TRANSLATED)

    assert [(one.title, one.times) for one in compared] == [
        ("chat_to_messages, streamed, c = 100", 2.0),
        ("messages_to_chat, streamed, c = 100", 2.0),
        ("chat_to_gemini, streamed, c = 100", 2.0),
        ("chat_talk_200kb_to_messages, not streamed, c = 32", 1.5),
        ("messages_talk_200kb_to_chat, not streamed, c = 32", 1.5),
        ("chat_talk_200kb_to_gemini, not streamed, c = 32", 1.5),
        ("chat_to_messages, not streamed, c = 32", 9.0),
        ("messages_to_chat, not streamed, c = 32", 9.0),
        ("chat_to_gemini, not streamed, c = 32", 9.0),
    ]


def test_what_is_compared_is_of_the_same_round() -> None:
    slow_at_last = full(
        operation="chat", cpu_us_per_request=10.0, cpu_us_by_turn=[10.0, 10.0, 20.0]
    )
    translated = full(
        operation="chat_to_messages", cpu_us_per_request=30.0, cpu_us_by_turn=[15.0, 30.0, 30.0]
    )
    turns = {
        one.title: one.times for one in beside([slow_at_last, translated], TRANSLATED) if one.times
    }
    one_missing = msgspec.structs.replace(translated, cpu_us_by_turn=[30.0, 30.0])

    assert turns == {"chat_to_messages, not streamed, c = 32": 1.5}
    assert 3.0 in {one.times for one in beside([slow_at_last, one_missing], TRANSLATED)}


def test_streams_may_cost_three_times_and_long_requests_twice_as_much() -> None:
    kept = judge_comparisons(measured(stream=30.0, talk=20.0, small=90.0), TRANSLATED)
    missed = judge_comparisons(measured(stream=31.0, talk=21.0, small=10.0), TRANSLATED)

    assert [bar.met for bar in kept] == [True] * 6
    assert [bar.met for bar in missed] == [False] * 6
    assert [bar.measured for bar in missed] == ["3.1"] * 3 + ["2.1"] * 3


def test_nothing_is_said_of_translations_that_were_not_measured() -> None:
    assert {(bar.measured, bar.met) for bar in judge_comparisons([], TRANSLATED)} == {
        ("not measured", None)
    }


def test_what_policies_may_cost_is_counted_from_the_byte_pass_of_then() -> None:
    measured = [
        full(cpu_us_per_request=10.0, cpu_us_by_turn=[9.0, 10.0, 11.0]),
        row(
            "trunkline",
            mode="at 1a2b3c4",
            cpu_us_by_turn=[20.0, 20.0, 20.0],
            cpu_us_per_request=20.0,
        ),
        full(operation="chat_routed", cpu_us_per_request=21.0, cpu_us_by_turn=[20.0, 21.0, 23.0]),
        full(operation="chat_cached_hit", cpu_us_per_request=7.0, cpu_us_by_turn=[7.0, 7.0, 7.0]),
    ]
    known = {bar.demand: (bar.measured, bar.met) for bar in judge_comparisons(measured, FEATURED)}
    routed = "chat_routed, not streamed, c = 32: at most 1.1 times the CPU of the same call passed"
    hit = "chat_cached_hit, not streamed, c = 32: at most 0.6 times the CPU of the same call passed"

    assert known[f"{routed} at 1a2b3c4"] == ("1.05", True)
    assert known[hit] == ("0.7", False)
    assert {bar.demand: bar.measured for bar in judge_comparisons(measured[::2], FEATURED)}[
        routed
    ] == "2.1"
