from typing import Literal

from trunkline.kit.clock import FakeClock
from trunkline.simulator.prompt_cache import CacheUse, PromptCache
from trunkline.simulator.question import Segment, fixed_segment


def words(label: str, number: int, cached_for: Literal["5m", "1h"] | None = None) -> Segment:
    return fixed_segment(label, number, cached_for)


def test_an_automatic_cache_reads_whole_steps_of_what_was_seen() -> None:
    cache = PromptCache(FakeClock())
    assert cache.automatic("a", (words("x", 1500),)) == CacheUse()
    assert cache.automatic("a", (words("x", 1500), words("y", 300))) == CacheUse(read=1408)
    assert cache.automatic("a", (words("x", 1500), words("y", 300))) == CacheUse(read=1792)
    assert cache.automatic("a", (words("x", 1100), words("z", 300))) == CacheUse(read=1024)


def test_an_automatic_cache_knows_neither_short_prompts_nor_other_scopes() -> None:
    cache = PromptCache(FakeClock())
    assert cache.automatic("a", (words("x", 1023),)) == CacheUse()
    assert cache.automatic("a", (words("x", 1023),)) == CacheUse()
    cache.automatic("a", (words("x", 2000),))
    assert cache.automatic("b", (words("x", 2000),)) == CacheUse()


def test_an_automatic_cache_forgets_after_five_minutes_without_use() -> None:
    clock = FakeClock()
    cache = PromptCache(clock)
    cache.automatic("a", (words("x", 1024),))
    for _ in range(3):
        clock.advance(299)
        assert cache.automatic("a", (words("x", 1024),)) == CacheUse(read=1024)
    clock.advance(300)
    assert cache.automatic("a", (words("x", 1024),)) == CacheUse()


def test_breakpoints_are_written_once_and_read_while_they_live() -> None:
    clock = FakeClock()
    cache = PromptCache(clock)
    prompt = (words("s", 1500, "1h"), words("m", 200), words("n", 100, "5m"))
    assert cache.explicit("a", prompt) == CacheUse(write_1h=1500, write_5m=300)
    assert cache.explicit("a", prompt) == CacheUse(read=1800)
    clock.advance(301)
    assert cache.explicit("a", prompt) == CacheUse(read=1500, write_5m=300)
    clock.advance(3601)
    assert cache.explicit("a", prompt) == CacheUse(write_1h=1500, write_5m=300)


def test_a_grown_prompt_finds_an_earlier_breakpoint_within_twenty_blocks() -> None:
    cache = PromptCache(FakeClock())
    start = (words("s", 2000, "5m"),)
    cache.explicit("a", start)
    near = (words("s", 2000), *(words(f"{n}", 10) for n in range(18)), words("e", 10, "5m"))
    far = (words("s", 2000), *(words(f"f{n}", 10) for n in range(19)), words("e", 10, "5m"))
    assert cache.explicit("a", near) == CacheUse(read=2000, write_5m=190)
    assert cache.explicit("a", far) == CacheUse(write_5m=2200)


def test_breakpoints_in_short_prompts_do_nothing() -> None:
    cache = PromptCache(FakeClock())
    prompt = (words("s", 1023, "5m"),)
    assert cache.explicit("a", prompt) == cache.explicit("a", prompt) == CacheUse()


def test_the_cache_is_bounded_and_drops_the_oldest() -> None:
    cache = PromptCache(FakeClock(), size=2)
    for label in ("x", "y", "z"):
        cache.explicit("a", (words(label, 1024, "5m"),))
    assert cache.explicit("a", (words("z", 1024, "5m"),)) == CacheUse(read=1024)
    assert cache.explicit("a", (words("x", 1024, "5m"),)) == CacheUse(write_5m=1024)
