"""Headers of connections whose values are secrets: referred to, kept, and not shown."""

from collections.abc import Mapping

import pytest
from tests.connections.world import local, put, routes

from trunkline.connections.header_secrets import names_secret, shown_headers
from trunkline.errors import InvalidRequest
from trunkline.storage.engine import Database


async def sent(database: Database, variables: Mapping[str, str]) -> tuple[object, tuple[str, ...]]:
    """The headers of the connection ``gpu`` as they are sent, and what the operator is told."""
    built = routes(database, variables=variables)
    await built.load()
    return built.snapshot("any").connections["gpu"].headers, built.problems


async def test_a_reference_is_looked_up_where_the_connection_is_used(
    sqlite_database: Database,
) -> None:
    headers = {"X-Proxy-Token": "env:PROXY", "x-stage": "env:PROXY"}
    await put(sqlite_database, None, local("gpu", headers=headers))
    assert await sent(sqlite_database, {"PROXY": "t0k"}) == (
        ((b"x-proxy-token", b"t0k"), (b"x-stage", b"env:PROXY")), (),
    )  # fmt: skip
    for wrong, why in (
        ({}, "the environment has no PROXY"),
        ({"PROXY": '{"a":\n1}'}, "the secret has characters that a header cannot carry"),
    ):
        assert await sent(sqlite_database, wrong) == (
            ((b"x-stage", b"env:PROXY"),),
            (f"the connection 'gpu' does without its header x-proxy-token: {why}",),
        )


async def test_a_header_is_kept_only_where_the_same_owner_has_it(
    sqlite_database: Database,
) -> None:
    kept = local("gpu", headers={"x-token": "kept:here", "x-a": "2"})
    with pytest.raises(InvalidRequest) as raised:
        await put(sqlite_database, None, kept)
    assert (raised.value.code, raised.value.param) == ("header_missing", "headers.x-token")
    await put(sqlite_database, None, local("gpu", headers={"x-token": "s", "x-a": "1"}))
    await put(sqlite_database, None, kept)
    assert await sent(sqlite_database, {}) == (((b"x-token", b"s"), (b"x-a", b"2")), ())


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("cf-access-client-secret", True), ("Helicone-Auth", True), ("x-amz-security-token", True),
        ("set-cookie2", True), ("ocp-apim-subscription-key", True), ("x-password", True),
        ("openai-project", False), ("anthropic-beta", False), ("x-stage", False),
    ],
)  # fmt: skip
def test_the_name_of_a_header_tells_whether_its_value_is_shown(name: str, secret: bool) -> None:
    headers = {name: "plain"}
    assert names_secret(name) is secret
    assert shown_headers(headers) == ({name: "kept:here"} if secret else headers)
    assert shown_headers({name: "env:A"}) == {name: "env:A"}
