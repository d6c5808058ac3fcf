"""AWS Signature Version 4: each request to Bedrock carries a proof made of all that it says.

Source: AWS's documentation of the signing process; botocore is the oracle of the tests.
"""

import asyncio
import hashlib
import hmac
import re
from time import gmtime, strftime
from urllib.parse import quote

import msgspec
from typing_extensions import override

from trunkline.gateway.snapshot import Signer
from trunkline.kit.clock import Clock

SERVICE = "bedrock"

# A body of this size takes a millisecond to hash.
_LONG_BODY = 1_048_576
_ALGORITHM = "AWS4-HMAC-SHA256"
_CREDENTIAL_CHARACTERS = re.compile(r"[A-Za-z0-9/+=_.-]+")
_REGION_LABEL = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d+")


class AccessKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An access key as a secret holds it; ``region`` for addresses that do not name one."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    region: str | None = None

    @override
    def __repr__(self) -> str:
        return f"AccessKey({self.access_key_id!r})"


def read_access_key(text: str) -> AccessKey:
    """The access key of a secret.

    Raises:
        ValueError: a member is missing or unknown, or cannot stand in a header; no value is told.
    """
    try:
        key = msgspec.json.decode(text, type=AccessKey)
    except msgspec.ValidationError as error:
        raise ValueError(
            f"the secret must be JSON with access_key_id and secret_access_key, and may have "
            f"session_token and region: {error}"
        ) from None
    except msgspec.DecodeError:
        raise ValueError("the secret begins like JSON and is none") from None
    for name in ("access_key_id", "secret_access_key", "session_token", "region"):
        value = getattr(key, name)
        if value is not None and not _CREDENTIAL_CHARACTERS.fullmatch(value):
            raise ValueError(f"{name} of the secret is empty or has characters that none has")
    return key


def region_of(host: str) -> str | None:
    """The region that an AWS host name contains, or None."""
    return next((part for part in host.split(".") if _REGION_LABEL.fullmatch(part)), None)


class AwsSigner(Signer):
    """Signs for one region and service with one access key.

    Its state is the day's signing key, which is derived once a day.
    """

    def __init__(self, key: AccessKey, region: str, clock: Clock, service: str = SERVICE) -> None:
        self._key = key
        self._region = region
        self._service = service
        self._clock = clock
        self._derived: tuple[str, bytes] = ("", b"")

    @override
    def __repr__(self) -> str:
        return f"AwsSigner({self._service!r}, {self._region!r})"

    @override
    async def headers(
        self, method: bytes, host: str, target: bytes, body: bytes
    ) -> tuple[tuple[bytes, bytes], ...]:
        moment = strftime("%Y%m%dT%H%M%SZ", gmtime(self._clock.now()))
        signed = [("host", host), ("x-amz-date", moment)]
        if self._key.session_token is not None:
            signed.append(("x-amz-security-token", self._key.session_token))
        names = ";".join(name for name, _ in signed)
        path, _, query = target.decode("ascii").partition("?")
        canonical = "\n".join(
            (
                method.decode("ascii"),
                # Every service but S3 wants the path, which is encoded already, encoded again.
                quote(path or "/", safe="/~"),
                _canonical_query(query),
                *(f"{name}:{value}" for name, value in signed),
                "",
                names,
                await _digest(body),
            )
        )
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        proof = hmac.new(
            self._signing_key(moment[:8]),
            f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}".encode(),
            hashlib.sha256,
        ).hexdigest()
        authorization = (
            f"{_ALGORITHM} Credential={self._key.access_key_id}/{scope}, "
            f"SignedHeaders={names}, Signature={proof}"
        )
        return (
            *((name.encode(), value.encode()) for name, value in signed[1:]),
            (b"authorization", authorization.encode()),
        )

    def _signing_key(self, day: str) -> bytes:
        if self._derived[0] != day:
            key = f"AWS4{self._key.secret_access_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self._derived = (day, key)
        return self._derived[1]


def _canonical_query(query: str) -> str:
    pairs = sorted(part.partition("=")[::2] for part in query.split("&") if part)
    return "&".join(f"{name}={value}" for name, value in pairs)


async def _digest(body: bytes) -> str:
    if len(body) > _LONG_BODY:
        return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()
    return hashlib.sha256(body).hexdigest()
