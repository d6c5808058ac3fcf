"""What counts as a usage that a provider can mean."""

import pytest

from trunkline.gateway.metering.usage import MOST_TOKENS, NO_USAGE, Usage, is_believable


@pytest.mark.parametrize("bucket", Usage.__struct_fields__)
def test_each_count_is_looked_at_whatever_the_others_are(bucket: str) -> None:
    for others in (0, 1, MOST_TOKENS):
        counts = dict.fromkeys(Usage.__struct_fields__, others)
        told = {
            count: is_believable(Usage(**counts | {bucket: count}))
            for count in (-MOST_TOKENS - 1, -1, 0, MOST_TOKENS, MOST_TOKENS + 1, 1 << 70)
        }
        assert told == {
            -MOST_TOKENS - 1: False, -1: False, 0: True, MOST_TOKENS: True, MOST_TOKENS + 1: False,
            1 << 70: False,
        }  # fmt: skip


def test_no_usage_is_one_that_can_be() -> None:
    assert is_believable(NO_USAGE)
