"""Amazon's signature, version 4, verified against the one key pair that the simulator knows.

The rules are those of "Signature Version 4 signing process" in AWS's general reference: the path
is encoded once more than it was sent, as for every service but S3.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from trunkline.simulator.asked import Asked
from trunkline.simulator.bedrock.errors import refused
from trunkline.simulator.refusals import Refusal

KNOWN_PAIRS: Mapping[str, str] = {"AKIASIMULATOR": "sim-secret"}
"""What to sign with, by access key; a pair that everybody knows protects nothing."""

ALGORITHM = "AWS4-HMAC-SHA256"

_SERVICE = "bedrock"
_PATIENCE = timedelta(minutes=5)
_TIME = "%Y%m%dT%H%M%SZ"
_CREDENTIAL = re.compile(
    r"Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
    r",\s*SignedHeaders=(?P<signed>[^,]+),\s*Signature=(?P<signature>[0-9a-f]+)"
)


def signed_by(asked: Asked) -> str:
    """The access key that signed a request.

    Raises:
        Refusal: 403, when the signature is not understood, too old, or wrong.
    """
    _, _, told = asked.headers.get("authorization", "").partition(" ")
    found = _CREDENTIAL.fullmatch(told.strip())
    if found is None:
        raise refused(
            403,
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' "
            "parameters.",
        )
    if found["key"] not in KNOWN_PAIRS:
        raise refused(
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    moment = asked.headers.get("x-amz-date", "")
    _check_scope(found["day"], found["service"], moment)
    _check_covered(asked, found["signed"].split(";"))
    scope = f"{found['day']}/{found['region']}/{found['service']}/aws4_request"
    canonical = _canonical(asked, found["signed"])
    signature = _signature(canonical, moment, scope, KNOWN_PAIRS[found["key"]])
    if not hmac.compare_digest(signature, found["signature"]):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method. Consult the service "
            "documentation for details."
        )
    return found["key"]


def _check_scope(day: str, service: str, moment: str) -> None:
    if service != _SERVICE:
        raise _invalid(f"Credential should be scoped to correct service: '{_SERVICE}'.")
    try:
        signed_at = datetime.strptime(moment, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise _invalid(f"Date in Credential scope does not match '{moment}'.") from None
    if not moment.startswith(day):
        raise _invalid(f"Date in Credential scope does not match YYYYMMDD from {moment}: {day}")
    now = datetime.now(UTC)
    if signed_at < now - _PATIENCE:
        raise _invalid(f"Signature expired: {moment} is now earlier than {now:{_TIME}} - 5 min.")
    if signed_at > now + _PATIENCE:
        raise _invalid(f"Signature not yet current: {moment} is still later than {now:{_TIME}}.")


def _check_covered(asked: Asked, signed: list[str]) -> None:
    """What must be signed is, what is signed is there, and the body is the one that was meant."""
    present = {name for name in asked.headers if name.startswith("x-amz-")} | {"host"}
    missing = (present - set(signed)) | (set(signed) - set(asked.headers))
    if missing:
        raise _invalid(
            "'Host' and all 'x-amz-' headers must be signed, and all signed headers must be there: "
            + ", ".join(sorted(missing))
        )
    promised = asked.headers.get("x-amz-content-sha256")
    if promised is not None and promised != hashlib.sha256(asked.body).hexdigest():
        raise _invalid(
            "The provided 'x-amz-content-sha256' header does not match what was computed."
        )


def _canonical(asked: Asked, signed: str) -> str:
    target = urlsplit(asked.target)
    headers = [f"{name}:{' '.join(asked.headers[name].split())}" for name in signed.split(";")]
    return "\n".join(
        [
            asked.method,
            quote(target.path, safe="/~"),
            "&".join(sorted(target.query.split("&"))),
            *headers,
            "",
            signed,
            hashlib.sha256(asked.body).hexdigest(),
        ]
    )


def _signature(canonical: str, moment: str, scope: str, signed_with: str) -> str:
    key = f"AWS4{signed_with}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    request = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{moment}\n{scope}\n{request}"
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def _invalid(message: str) -> Refusal:
    return refused(403, "InvalidSignatureException", message)
