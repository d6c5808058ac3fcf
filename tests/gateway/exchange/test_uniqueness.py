import pytest

from trunkline.gateway.exchange.uniqueness import is_unique


@pytest.mark.parametrize(
    "call_id",
    [
        "call_9Cx8gDfOEx9vKkVQtJm1pS3B",
        "toolu_01A09q90qw90lq917835lq9",
        "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q",
        "D681PevKs",
        "chatcmpl-tool-3f2a9c1d5b7e4f60a1b2c3d4e5f60718",
        "call_8718bda9b0e47172f8901234_0_0",
        "read_3f2a9c1d5b7e",
    ],
)
def test_an_id_that_is_drawn_by_chance_stands_for_one_call(call_id: str) -> None:
    assert is_unique(call_id, "read")


@pytest.mark.parametrize(
    ("call_id", "function"),
    [
        ("", ""),
        ("call_0", "read"),
        ("tool_call_12", "read"),
        ("functions.read:0", "read"),
        ("functions.READ_FILE_V2:107", "READ_FILE_V2"),
        ("functions.get_weather:1234", ""),
        ("get_weather", "get_weather"),
        ("call_LOOK_UP_2", "LOOK_UP"),
    ],
)
def test_an_id_that_is_counted_stands_for_a_call_in_each_conversation(
    call_id: str, function: str
) -> None:
    assert not is_unique(call_id, function)
