"""Tokens of Google service accounts, which Vertex AI takes in place of a key.

A service account signs a claim with its own key and exchanges it for a token that holds for an
hour. Source: Google's documentation "Using OAuth 2.0 for server to server applications".

The library that signs takes 8 MB, a tenth of an idle gateway: it is loaded with the first account.
"""

import asyncio
import base64
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec
from typing_extensions import override

from trunkline.errors import UpstreamFailed
from trunkline.gateway.snapshot import Origin, Signer
from trunkline.gateway.transport import Timeouts, TransportError, UpstreamPool, UpstreamRequest
from trunkline.kit.clock import Clock

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

# Seconds for which a signed claim holds; Google allows at most an hour.
_CLAIM_SECONDS: Final = 3600
# A token is renewed this many seconds before it ends, while the old one still serves.
_EARLY_SECONDS: Final = 300.0
_MOST_ANSWER_BYTES: Final = 65_536
_MOST_TOKENS: Final = 256
_TIMEOUTS: Final = Timeouts(connect=5.0, pool=5.0, first_byte=10.0, idle=5.0, total=15.0)
_FORM: Final = ((b"content-type", b"application/x-www-form-urlencoded"),)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

_encode = msgspec.json.Encoder().encode


class ServiceAccount(msgspec.Struct, frozen=True):
    """What we need of a service account's JSON file."""

    client_email: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    private_key_id: str | None = None
    type: str = "service_account"

    @override
    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email!r})"


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float


class _Refused(msgspec.Struct):
    error: str = ""
    error_description: str = ""


def read_service_account(text: str) -> ServiceAccount:
    """The service account of a secret.

    Raises:
        ValueError: it is no service account's JSON.
    """
    try:
        account = msgspec.json.decode(text, type=ServiceAccount)
    except msgspec.ValidationError as error:
        raise ValueError(
            f"the secret must be the JSON of a service account, with client_email and "
            f"private_key: {error}"
        ) from None
    except msgspec.DecodeError:
        raise ValueError(
            "the secret must be the JSON of a service account; an API key is not one"
        ) from None
    if account.type != "service_account":
        raise ValueError(f"the secret is of type {account.type!r} and not a service account")
    return account


class GoogleTokens:
    """Tokens of all service accounts that connections use.

    Its state is one token for each account, renewed by the request that first finds it about to
    end; others wait only where there is none to use meanwhile. ``app.py`` owns it; an exchange
    that is under way ends with the pool.
    """

    def __init__(self, upstream: UpstreamPool, clock: Clock) -> None:
        self._upstream = upstream
        self._clock = clock
        self._held: dict[ServiceAccount, _Held] = {}

    def signer(self, account: ServiceAccount, *, private: bool = False) -> Signer:
        """The signer of a connection; all those of one account share its token.

        ``private`` lets its token address be one that the operator allows beside public ones.

        Raises:
            ValueError: the account's key or address cannot be used.
        """
        held = self._held.get(account)
        if held is None:
            if len(self._held) >= _MOST_TOKENS:
                self._held.clear()
            held = self._held[account] = _Held(
                _Exchange(account, self._upstream, self._clock, private=private), self._clock
            )
        return held


class _Held(Signer):
    """One account's token and the exchange under way for the next one, if any."""

    def __init__(self, exchange: "_Exchange", clock: Clock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._ends = 0.0
        self._renewing: asyncio.Task[None] | None = None

    @override
    def __repr__(self) -> str:
        return f"<token of {self._exchange.account.client_email}>"

    @override
    async def headers(
        self, method: bytes, host: str, target: bytes, body: bytes
    ) -> tuple[tuple[bytes, bytes], ...]:
        left = self._ends - self._clock.now()
        if left > _EARLY_SECONDS:
            return self._headers
        # One exchange serves all who wait: it is a task of its own, so that the first of them may
        # leave without ending it for the others.
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(), name="google-token")
            self._renewing.add_done_callback(self._renewed)
        if left > 0:
            return self._headers
        await asyncio.shield(self._renewing)
        return self._headers

    async def _renew(self) -> None:
        token, seconds = await self._exchange.token()
        self._headers = ((b"authorization", b"Bearer " + token),)
        self._ends = self._clock.now() + seconds

    def _renewed(self, task: "asyncio.Task[None]") -> None:
        self._renewing = None
        if not task.cancelled():
            # Whoever waits gets the failure; where nobody does, the next request tries again.
            task.exception()


class _Exchange:
    """Exchanges signed claims of one account for tokens. It keeps only the loaded key."""

    def __init__(
        self, account: ServiceAccount, upstream: UpstreamPool, clock: Clock, *, private: bool
    ) -> None:
        self.account = account
        self._sign = _signature_maker(account)
        self._origin, self._target = _token_origin(account)
        self._upstream = upstream
        self._clock = clock
        self._private = private

    async def token(self) -> tuple[bytes, float]:
        """A token and the seconds for which it holds.

        Raises:
            UpstreamFailed: Google cannot be reached or refuses the account.
        """
        form = urlencode({"grant_type": GRANT, "assertion": self._claim()})
        request = UpstreamRequest(
            method=b"POST",
            origin=self._origin,
            target=self._target,
            headers=_FORM,
            body=form.encode(),
            private=self._private,
        )
        try:
            response = await self._upstream.open(request, timeouts=_TIMEOUTS)
            status, body = response.status, await response.read(_MOST_ANSWER_BYTES)
        except TransportError as error:
            raise _no_token(f"{self._origin}: {error!r}") from None
        if status != 200:
            raise _no_token(f"{self._origin}: {status} {_reason(body)}")
        try:
            granted = msgspec.json.decode(body, type=_Granted)
        except (msgspec.DecodeError, RecursionError):
            raise _no_token(f"{self._origin}: the answer has no access_token") from None
        token = granted.access_token
        if not token or not token.isascii() or not token.isprintable() or granted.expires_in <= 0:
            raise _no_token(f"{self._origin}: the token cannot be used")
        return token.encode(), granted.expires_in

    def _claim(self) -> str:
        now = int(self._clock.now())
        head: dict[str, str] = {"alg": "RS256", "typ": "JWT"}
        if self.account.private_key_id is not None:
            head["kid"] = self.account.private_key_id
        claims = {
            "iss": self.account.client_email,
            "scope": SCOPE,
            "aud": self.account.token_uri,
            "iat": now,
            "exp": now + _CLAIM_SECONDS,
        }
        signed = f"{_base64url(_encode(head))}.{_base64url(_encode(claims))}"
        return f"{signed}.{_base64url(self._sign(signed.encode()))}"


def _signature_maker(account: ServiceAccount) -> Callable[[bytes], bytes]:
    """A function that signs with the account's key.

    Raises:
        ValueError: the key cannot be used.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - see above
        load_pem_private_key,
    )

    try:
        # The key is the operator's own; checking its primes would hold the event loop.
        key = load_pem_private_key(
            account.private_key.encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("private_key of the service account is no PEM key") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("private_key of the service account is no RSA key")  # noqa: TRY004 - a bad value of the file
    return lambda text: key.sign(text, padding.PKCS1v15(), hashes.SHA256())


def _token_origin(account: ServiceAccount) -> tuple[Origin, bytes]:
    try:
        parts = urlsplit(account.token_uri)
        port = parts.port
    except ValueError:
        port, parts = None, urlsplit("")
    whole = account.token_uri.isascii() and account.token_uri.isprintable()
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or " " in account.token_uri:
        whole = False
    if not whole:
        raise ValueError("token_uri of the service account is no address")
    origin = Origin(parts.scheme, parts.hostname or "", port or _DEFAULT_PORTS[parts.scheme])
    return origin, (parts.path or "/").encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _reason(body: bytes) -> str:
    try:
        refused = msgspec.json.decode(body, type=_Refused)
    except (msgspec.DecodeError, RecursionError):
        return ""
    return f"{refused.error} {refused.error_description}"[:300]


def _no_token(reference: str) -> UpstreamFailed:
    return UpstreamFailed(
        "This installation's credentials for the provider cannot be renewed.",
        code="upstream_credentials",
        hint="Tell the administrator; your own key is fine.",
        should_retry=False,
        reference=reference,
    )
