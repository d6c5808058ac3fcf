"""Tokens of service accounts, exchanged with a real server on this machine."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from tests.gateway.transport.hostile import HostileServer, Peer, ok, opened_pool, until

from trunkline.errors import UpstreamFailed
from trunkline.gateway.providers.google import (
    GRANT,
    SCOPE,
    GoogleTokens,
    ServiceAccount,
    read_service_account,
)
from trunkline.gateway.snapshot import Signer
from trunkline.gateway.transport import UpstreamPool
from trunkline.kit.clock import FakeClock

NOW = 1_795_262_400.0
PRIVATE = rsa.generate_private_key(65537, 2048)


def pem(key: Any) -> str:
    return str(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    )


class TokenServer:
    """Grants tokens t1, t2 and so on, or answers as it is told. ``gate`` holds answers back."""

    def __init__(self) -> None:
        self.server = HostileServer(self._serve)
        self.asked: list[dict[str, str]] = []
        self.answers: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def _serve(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            head, _, body = request.partition(b"\r\n\r\n")
            assert head.startswith(b"POST /token HTTP/1.1\r\n")
            form = parse_qs(body.decode())
            self.asked.append({name: values[0] for name, values in form.items()})
            await self.gate.wait()
            granted = {"access_token": f"t{len(self.asked)}", "expires_in": 3600}
            await peer.say(
                self.answers.pop(0) if self.answers else ok(json.dumps(granted).encode())
            )

    @property
    def url(self) -> str:
        return f"{self.server.origin}/token"


@pytest.fixture
async def tokens() -> AsyncIterator[TokenServer]:
    served = TokenServer()
    await served.server.start()
    yield served
    await served.server.stop()


@pytest.fixture
async def pool() -> AsyncIterator[UpstreamPool]:
    async with opened_pool() as opened:
        yield opened


def account(server: TokenServer, **changes: str) -> ServiceAccount:
    values = {"client_email": "sa@p.iam.example", "private_key": pem(PRIVATE), **changes}
    return ServiceAccount(token_uri=server.url, private_key_id="k1", **values)


async def token_of(signer: Signer) -> str:
    ((name, value),) = await signer.headers(b"POST", "host", b"/", b"{}")
    assert name == b"authorization"
    return value.decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def test_a_signed_claim_is_exchanged_for_a_token(
    tokens: TokenServer, pool: UpstreamPool
) -> None:
    signer = GoogleTokens(pool, FakeClock(NOW)).signer(account(tokens), private=True)
    assert await token_of(signer) == "Bearer t1"
    (form,) = tokens.asked
    assert form.keys() == {"grant_type", "assertion"}
    assert form["grant_type"] == GRANT
    head, claims, proof = form["assertion"].split(".")
    assert decoded(head) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    assert decoded(claims) == {
        "iss": "sa@p.iam.example", "scope": SCOPE, "aud": tokens.url,
        "iat": int(NOW), "exp": int(NOW) + 3600,
    }  # fmt: skip
    signature = base64.urlsafe_b64decode(proof + "=" * (-len(proof) % 4))
    PRIVATE.public_key().verify(signature, f"{head}.{claims}".encode(), PKCS1v15(), hashes.SHA256())
    assert repr(signer) == "<token of sa@p.iam.example>"
    assert repr(account(tokens)) == "ServiceAccount('sa@p.iam.example')"


async def test_a_token_serves_until_it_is_about_to_end(
    tokens: TokenServer, pool: UpstreamPool
) -> None:
    clock = FakeClock(NOW)
    known = GoogleTokens(pool, clock)
    first, second = (known.signer(account(tokens), private=True) for _ in range(2))
    assert [await token_of(first), await token_of(second)] == ["Bearer t1", "Bearer t1"]
    clock.advance(3299)
    assert await token_of(first) == "Bearer t1"
    tokens.gate.clear()
    clock.advance(2)
    # Nobody waits while the old one still holds, and only one exchange is made.
    assert [await token_of(first) for _ in range(3)] == ["Bearer t1"] * 3
    await until(lambda: len(tokens.asked) == 2)
    tokens.gate.set()
    await until(lambda: not known._held[account(tokens)]._renewing)
    assert await token_of(second) == "Bearer t2"
    assert len(tokens.asked) == 2


async def test_all_who_need_the_first_token_wait_for_one_exchange(
    tokens: TokenServer, pool: UpstreamPool
) -> None:
    tokens.gate.clear()
    signer = GoogleTokens(pool, FakeClock(NOW)).signer(account(tokens), private=True)
    waiting = [asyncio.create_task(token_of(signer)) for _ in range(5)]
    await until(lambda: len(tokens.asked) == 1)
    # The first of them leaves, and the others get the token all the same.
    waiting[0].cancel()
    tokens.gate.set()
    assert await asyncio.gather(*waiting[1:]) == ["Bearer t1"] * 4
    assert len(tokens.asked) == 1


REFUSALS = {
    "status": (b"HTTP/1.1 400 Bad\r\ncontent-length: 2\r\n\r\n{]", ": 400"),
    "no token": (ok(b"{}"), "no access_token"),
    "not JSON": (ok(b"<html>"), "no access_token"),
    "broken token": (ok(b'{"access_token":"a\\nb","expires_in":9}'), "cannot be used"),
    "over already": (ok(b'{"access_token":"a","expires_in":0}'), "cannot be used"),
    "too long": (b"HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n{}", "BodyTooLarge"),
}


@pytest.mark.parametrize("name", sorted(REFUSALS))
async def test_a_refused_account_is_told_to_the_administrator_only(
    tokens: TokenServer, pool: UpstreamPool, name: str
) -> None:
    answer, reference = REFUSALS[name]
    tokens.answers.append(answer)
    signer = GoogleTokens(pool, FakeClock(NOW)).signer(account(tokens), private=True)
    with pytest.raises(UpstreamFailed) as refused:
        await token_of(signer)
    error = refused.value
    assert (error.code, error.should_retry) == ("upstream_credentials", False)
    assert reference in (error.reference or "")
    assert tokens.url.partition("/token")[0] not in error.message
    # The next request tries again.
    assert await token_of(signer) == "Bearer t2"


async def test_what_google_says_of_an_account_stands_in_the_log(
    tokens: TokenServer, pool: UpstreamPool
) -> None:
    said = b'{"error":"invalid_grant","error_description":"Account not found"}'
    head = b"HTTP/1.1 400 Bad\r\ncontent-length: %d\r\n\r\n" % len(said)
    tokens.answers.append(head + said)
    signer = GoogleTokens(pool, FakeClock(NOW)).signer(account(tokens), private=True)
    with pytest.raises(UpstreamFailed) as refused:
        await token_of(signer)
    assert (refused.value.reference or "").endswith("400 invalid_grant Account not found")


async def test_a_server_that_cannot_be_reached_is_no_defect_of_the_request(
    tokens: TokenServer, pool: UpstreamPool
) -> None:
    # Without the operator's word no private address is reached, the token server's included.
    signer = GoogleTokens(pool, FakeClock(NOW)).signer(account(tokens))
    with pytest.raises(UpstreamFailed) as refused:
        await token_of(signer)
    assert "AddressRefused" in (refused.value.reference or "")
    assert tokens.asked == []


async def test_accounts_without_end_do_not_fill_the_memory(
    tokens: TokenServer, pool: UpstreamPool
) -> None:
    known = GoogleTokens(pool, FakeClock(NOW))
    for number in range(300):
        known.signer(account(tokens, client_email=f"{number}@p.example"))
    assert len(known._held) <= 256


def test_a_service_account_is_read_from_its_file() -> None:
    file = {
        "type": "service_account", "project_id": "p", "private_key_id": "k", "private_key": "pem",
        "client_email": "a@b", "token_uri": "https://oauth2.example/token", "universe": "x",
    }  # fmt: skip
    read = read_service_account(json.dumps(file, indent=2))
    assert read == ServiceAccount("a@b", "pem", "https://oauth2.example/token", "k")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("AIzaSyExample", "an API key is not one"),
        ("{", "must be the JSON of a service account"),
        ('{"client_email":"a"}', "missing required field `private_key`"),
        ('{"client_email":"a","private_key":"b","type":"authorized_user"}', "'authorized_user'"),
    ],
)
def test_a_secret_that_is_no_service_account_is_refused_by_what_is_missing(
    text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        read_service_account(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"private_key": "nonsense"}, "no PEM key"),
        ({"private_key": pem(ec.generate_private_key(ec.SECP256R1()))}, "no RSA key"),
        ({"token_uri": "ftp://a/"}, "no address"),
        ({"token_uri": "https://"}, "no address"),
        ({"token_uri": "https://a b/"}, "no address"),
        ({"token_uri": "https://a:x/"}, "no address"),
    ],
)
async def test_an_account_that_cannot_sign_or_ask_is_refused(
    change: dict[str, str], said: str
) -> None:
    values = {"client_email": "a", "private_key": pem(PRIVATE), **change}
    async with opened_pool() as pool:
        with pytest.raises(ValueError, match=said):
            GoogleTokens(pool, FakeClock(NOW)).signer(ServiceAccount(**values))


async def test_the_token_address_may_be_left_to_its_default() -> None:
    async with opened_pool() as pool:
        signer = GoogleTokens(pool, FakeClock(NOW)).signer(ServiceAccount("a", pem(PRIVATE)))
        assert repr(signer) == "<token of a>"
