"""Signatures: botocore makes them, the simulator verifies them, and what was changed is told."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from trunkline.simulator.asked import Asked
from trunkline.simulator.bedrock.signing import signed_by
from trunkline.simulator.refusals import Refusal

BODY = b'{"messages": []}'
PATH = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"


def signed(
    *,
    path: str = PATH,
    key: str = "AKIASIMULATOR",
    service: str = "bedrock",
    headers: dict[str, str] | None = None,
) -> Asked:
    request = AWSRequest(
        "POST",
        f"http://127.0.0.1:8080{path}",
        data=BODY,
        headers={"host": "127.0.0.1:8080", "content-type": "application/json", **(headers or {})},
    )
    SigV4Auth(Credentials(key, "sim-secret"), service, "us-east-1").add_auth(request)
    told = {name.lower(): value for name, value in request.headers.items()}
    return Asked(body=BODY, headers=told, target=path)


def changed(asked: Asked, **headers: str) -> Asked:
    told = {**asked.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Asked(body=asked.body, headers=told, target=asked.target)


def refusal(asked: Asked) -> tuple[int, str, str]:
    with pytest.raises(Refusal) as refused:
        signed_by(asked)
    return refused.value.status, refused.value.kind, refused.value.message


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"path": "/model/sim-fast/converse-stream"},
        {"path": "/model/sim%2Bfast%3B/converse?b=2&a=1"},
        {"headers": {"x-amz-security-token": "token", "x-amzn-trace": "a  b"}},
        {"headers": {"x-amz-content-sha256": hashlib.sha256(BODY).hexdigest()}},
    ],
)
def test_what_botocore_signs_is_accepted(options: Any) -> None:
    assert signed_by(signed(**options)) == "AKIASIMULATOR"


def test_whatever_is_changed_after_signing_makes_the_signature_wrong() -> None:
    asked = signed()
    wrong = (403, "InvalidSignatureException")
    for other in (
        Asked(body=BODY + b" ", headers=asked.headers, target=asked.target),
        Asked(body=BODY, headers=asked.headers, target=PATH.replace("%3A", ":")),
        Asked(body=BODY, headers=asked.headers, target=asked.target + "?a=1"),
        Asked(body=BODY, headers=asked.headers, target=asked.target, method="GET"),
        changed(asked, host="localhost:8080"),
        changed(asked, authorization=asked.headers["authorization"][:-64] + "0" * 64),
    ):
        assert refusal(other)[:2] == wrong


def test_a_signature_must_be_whole_known_and_meant_for_bedrock() -> None:
    asked = signed()
    assert refusal(changed(asked, authorization="AWS4-HMAC-SHA256 Credential=x"))[1] == (
        "IncompleteSignatureException"
    )
    assert refusal(signed(key="AKIASTRANGER"))[1] == "UnrecognizedClientException"
    assert "correct service: 'bedrock'" in refusal(signed(service="s3"))[2]


def test_a_signature_is_of_today() -> None:
    asked = signed()
    assert "does not match ''" in refusal(changed(asked, x_amz_date=""))[2]
    assert "does not match YYYYMMDD" in refusal(changed(asked, x_amz_date="20200101T000000Z"))[2]
    day = datetime.now(UTC).replace(hour=12, minute=0, second=0)
    for shift, sentence in ((-1, "Signature expired"), (1, "Signature not yet current")):
        moment = datetime.now(UTC) + timedelta(minutes=6) * shift
        told = asked.headers["authorization"].replace(f"/{day:%Y%m%d}/", f"/{moment:%Y%m%d}/")
        other = changed(asked, x_amz_date=f"{moment:%Y%m%dT%H%M%SZ}", authorization=told)
        assert refusal(other)[2].startswith(sentence)


def test_headers_of_amazon_and_the_host_must_be_signed() -> None:
    assert "x-amz-late" in refusal(changed(signed(), x_amz_late="1"))[2]
    asked = signed(headers={"x-extra": "1"})
    without = {name: value for name, value in asked.headers.items() if name != "x-extra"}
    assert "x-extra" in refusal(Asked(body=BODY, headers=without, target=PATH))[2]


def test_a_digest_that_is_sent_must_be_that_of_the_body() -> None:
    asked = signed(headers={"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()})
    assert "x-amz-content-sha256" in refusal(asked)[2]
