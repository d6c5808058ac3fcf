import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.recordings import needs_transcripts, recorded

from trunkline.gateway.metering.usage import Usage
from trunkline.gateway.wire.openai_family.usage import Reported, usage_of, write_usage


def read(reported: Any) -> Usage | None:
    return usage_of(msgspec.json.decode(json.dumps(reported), type=Reported))


def report(prompt: Any, completion: Any, **more: Any) -> Any:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        (report(10, 5, total_tokens=15), Usage(input=10, output=5)),
        (
            report(
                100,
                50,
                total_tokens=150,
                prompt_tokens_details={
                    "cached_tokens": 40,
                    "cache_write_tokens": 10,
                    "audio_tokens": 5,
                },
                completion_tokens_details={"reasoning_tokens": 20, "audio_tokens": 6},
            ),
            Usage(
                input=45,
                cache_read=40,
                cache_write=10,
                audio_input=5,
                output=24,
                reasoning=20,
                audio_output=6,
            ),
        ),
        # DeepSeek, then Together and Moonshot, then a LiteLLM proxy.
        (report(10, 5, prompt_cache_hit_tokens=4), Usage(input=6, cache_read=4, output=5)),
        (report(10, 5, cached_tokens=4), Usage(input=6, cache_read=4, output=5)),
        (
            report(10, 5, prompt_tokens_details={"cache_creation_tokens": 4}),
            Usage(input=6, cache_write=4, output=5),
        ),
        # xAI's completion leaves the thought out.
        (
            report(12, 1, total_tokens=241, completion_tokens_details={"reasoning_tokens": 228}),
            Usage(input=12, output=1, reasoning=228),
        ),
        # Google's compatible endpoint tells thought in the total only.
        (report(12, 1, total_tokens=113), Usage(input=12, output=1, reasoning=100)),
        # A proxy whose prompt leaves the cache out.
        (
            report(12, 1, total_tokens=113, prompt_tokens_details={"cached_tokens": 100}),
            Usage(input=12, cache_read=100, output=1),
        ),
        # A total that cannot be explained changes nothing.
        (
            report(12, 5, total_tokens=99, completion_tokens_details={"reasoning_tokens": 3}),
            Usage(input=12, output=2, reasoning=3),
        ),
        # More thought than output, and more cache than input.
        (
            report(43, 10, total_tokens=53, completion_tokens_details={"reasoning_tokens": 11}),
            Usage(input=43, reasoning=10),
        ),
        (report(3, 1, prompt_tokens_details={"cached_tokens": 5}), Usage(cache_read=5, output=1)),
        (report(None, 5), None),
        (report(5, None), None),
        (report(-1, 5), None),
        (report(5, -1), None),
    ],
)
def test_each_makers_totals_become_disjoint_buckets(reported: Any, expected: Usage | None) -> None:
    assert read(reported) == expected


@needs_transcripts
@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("xai/text.json", 241),
        ("deepseek/reasoning.json", None),
        ("openrouter/reasoning-signature.json", None),
        ("mistral/thinking.json", 63),
        ("together/chat.json", 53),
        ("groq/chat.json", 61),
    ],
)
def test_the_buckets_of_a_recorded_answer_add_up_to_its_total(name: str, total: int | None) -> None:
    reported = json.loads(recorded(name))["usage"]
    usage = read(reported)
    assert usage is not None
    assert usage.input_total + usage.output_total == (total or reported["total_tokens"])


COUNT = st.integers(0, 1 << 20)


@given(st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT, COUNT))
def test_what_is_written_is_read_again(usage: Usage) -> None:
    written = write_usage(usage)
    expected = msgspec.structs.replace(
        usage,
        # OpenAI's caches have one lifetime.
        cache_write=usage.cache_write + usage.cache_write_5m + usage.cache_write_1h,
        cache_write_5m=0,
        cache_write_1h=0,
    )
    assert read(written) == expected
    assert written["total_tokens"] == usage.input_total + usage.output_total
