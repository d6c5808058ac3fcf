"""The description of what the data path serves beside the control API."""

import msgspec

from trunkline.control import build_control
from trunkline.gateway.one_call import MEMBERS
from trunkline.gateway.one_call_answer import PATH, OneCallAnswer, OneCallUsage
from trunkline.gateway.one_call_description import ANSWER, REQUEST, USAGE


def test_the_one_call_api_is_described() -> None:
    described = build_control([], []).openapi()
    operation = described["paths"][PATH]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == REQUEST
    assert operation["responses"]["200"]["content"]["application/json"]["schema"] == ANSWER


def test_the_description_has_the_members_that_are_read_and_told() -> None:
    usage = OneCallUsage(1, 2, 3)
    answer = OneCallAnswer("", "", None, None, "unpriced", False, usage, "r", None)
    told = msgspec.to_builtins(answer)
    assert tuple(sorted(REQUEST["properties"])) == tuple(sorted(MEMBERS))
    assert list(ANSWER["properties"]) == ANSWER["required"] == list(told)
    assert list(USAGE["properties"]) == USAGE["required"] == list(told["usage"])
