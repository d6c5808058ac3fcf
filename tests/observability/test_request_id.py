"""Which request ids of callers are taken over."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.observability.request_id import request_id_from


@pytest.mark.parametrize("header", [b"a", b"req_1.2:3/4+5=6~-", b"x" * 128])
def test_a_safe_id_is_kept_as_it_is(header: bytes) -> None:
    assert request_id_from(header) == header.decode()


@pytest.mark.parametrize("header", [None, b"", b"x" * 129, b"a b", b"a\n", b'"', b"\xff", b"<i>"])
def test_anything_else_becomes_a_new_random_uuid(header: bytes | None) -> None:
    first, second = request_id_from(header), request_id_from(header)
    assert first != second
    assert UUID(first).version == 4


@given(st.binary(max_size=200))
def test_the_result_can_always_stand_in_a_header(header: bytes) -> None:
    assert request_id_from(header).isascii()
    assert 1 <= len(request_id_from(header)) <= 128
