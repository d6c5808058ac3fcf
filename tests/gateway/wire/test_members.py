import pytest

from trunkline.errors import InvalidRequest
from trunkline.gateway.wire.members import read_members


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"cheap","Model":"dear"}',
        b'{"MODEL":"dear","messages":[],"model":"cheap"}',
        b'{"model":"m","\\u004dodel":"dear"}',
        # Go folds these two letters into "s" and "k" as well.
        '{"model":"m","options":{},"option\u017f":{}}'.encode(),
        '{"model":"m","max_tokens":1,"max_to\u212aens":9}'.encode(),
    ],
)
def test_a_member_that_is_named_again_in_other_letters_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_members(body)
    assert caught.value.code == "invalid_value"
    assert caught.value.param is not None


def test_the_last_of_a_members_repetitions_counts_alone() -> None:
    members = read_members(b'{"model":1,"x":2,"model":3}')
    assert {name: bytes(raw) for name, raw in members.items()} == {"model": b"3", "x": b"2"}
