"""AWS signatures, compared with botocore's."""

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from trunkline.gateway.providers.aws import (
    AccessKey,
    AwsSigner,
    read_access_key,
    region_of,
)
from trunkline.kit.clock import FakeClock

HOST = "bedrock-runtime.eu-central-1.amazonaws.com"
REGION = "eu-central-1"
KEY = AccessKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = AccessKey("ASIAEXAMPLE", "secret/+=", "token//+==")
NOW = 1_795_262_400.0
# Models' names as they stand in a path; neither empty nor dots alone, which botocore takes away.
PATHS = (
    st.text(st.sampled_from("abz019-._~%/"), max_size=20)
    .filter(lambda model: model.strip("."))
    .map(lambda model: f"/model/{quote(model, safe='')}/converse")
)
QUERIES = st.lists(
    st.tuples(st.sampled_from(["b", "a", "a-b", "A"]), st.sampled_from(["", "1", "2%20"])),
    max_size=3,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))


def botocores(
    key: AccessKey, target: str, body: bytes, at: float, host: str = HOST
) -> dict[str, str]:
    """The headers that botocore makes for the same request."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    given_ = Credentials(key.access_key_id, key.secret_access_key, key.session_token)
    auth = SigV4Auth(given_, "bedrock", REGION)
    headers = {"X-Amz-Date": stamp}
    if key.session_token is not None:
        headers["X-Amz-Security-Token"] = key.session_token
    request = AWSRequest("POST", f"https://{host}{target}", headers=headers, data=body)
    request.context["timestamp"] = stamp
    words = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(words, request))
    return {name.lower(): value for name, value in request.headers.items()}


async def ours(signer: AwsSigner, target: str, body: bytes, host: str = HOST) -> dict[str, str]:
    signed = await signer.headers(b"POST", host, target.encode(), body)
    return {name.decode(): value.decode() for name, value in signed}


@given(PATHS, QUERIES, st.binary(max_size=50), st.integers(0, 2_000_000_000), st.booleans())
async def test_each_request_is_signed_as_botocore_signs_it(
    path: str, query: str, body: bytes, at: int, temporary: bool
) -> None:
    key = TEMPORARY if temporary else KEY
    target = f"{path}?{query}" if query else path
    signer = AwsSigner(key, REGION, FakeClock(at))
    assert await ours(signer, target, body) == botocores(key, target, body, at)


async def test_a_long_body_and_a_port_are_signed_too() -> None:
    signer = AwsSigner(KEY, REGION, FakeClock(NOW))
    body, host = b"x" * 2_000_000, "gate.example:8443"
    assert await ours(signer, "/a", body, host) == botocores(KEY, "/a", body, NOW, host)


async def test_the_signing_key_changes_with_the_day() -> None:
    clock = FakeClock(NOW)
    signer = AwsSigner(KEY, REGION, clock)
    for _ in range(3):
        assert await ours(signer, "/a", b"{}") == botocores(KEY, "/a", b"{}", clock.now())
        clock.advance(50_000)
    assert repr(signer) == "AwsSigner('bedrock', 'eu-central-1')"
    assert repr(TEMPORARY) == "AccessKey('ASIAEXAMPLE')"


def test_an_access_key_is_read_from_json() -> None:
    whole = {
        "access_key_id": "A", "secret_access_key": "s/+=", "session_token": "t==",
        "region": "us-east-1",
    }  # fmt: skip
    assert read_access_key(json.dumps(whole)) == AccessKey("A", "s/+=", "t==", "us-east-1")
    assert read_access_key('{"access_key_id":"A","secret_access_key":"s"}') == AccessKey("A", "s")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"access_key_id":"A"}', "missing required field `secret_access_key`"),
        ('{"access_key_id":"A","secret_access_key":"s","key":"x"}', "unknown field `key`"),
        ('{"access_key_id":1,"secret_access_key":"s"}', "Expected `str`"),
        ('{"access_key_id":"A"', "begins like JSON and is none"),
        ('{"access_key_id":"","secret_access_key":"s"}', "access_key_id of the secret is empty"),
        ('{"access_key_id":"A","secret_access_key":"x\\ny"}', "secret_access_key of the secret"),
        ('{"access_key_id":"A","secret_access_key":"s","region":"a b"}', "region of the secret"),
    ],
)
def test_a_secret_that_is_no_access_key_is_refused_by_what_is_missing(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_access_key(text)


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (HOST, "eu-central-1"), ("bedrock-runtime.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("vpce-0ab-x1.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com", "ap-southeast-2"),
        ("bedrock-runtime.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("bedrock-runtime.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        ("127.0.0.1", None), ("gate.example", None),
    ],
)  # fmt: skip
def test_the_region_is_told_by_the_host(host: str, region: str | None) -> None:
    assert region_of(host) == region
