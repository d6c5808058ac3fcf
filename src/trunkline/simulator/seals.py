"""Signatures of reasoning: what a fake provider signed it knows again, and nothing else.

Real providers encrypt the reasoning itself. Here a signature is a nonce with a keyed hash over the
nonce and over what the signature belongs to, so that a signature that was changed, made up, moved
to something else or taken from another provider is told without remembering any.
"""

import base64
import binascii
import hashlib
import hmac

_KEY = b"the simulator's own seal"
_NONCE_BYTES = 16
_HASH_BYTES = 56
_FROM_URL_ALPHABET = bytes.maketrans(b"-_", b"+/")


def seal(provider: str, nonce: bytes, content: str) -> str:
    """A signature in base64 for ``content``; the same nonce gives the same signature."""
    nonce = nonce[:_NONCE_BYTES].ljust(_NONCE_BYTES, b"\0")
    return base64.b64encode(nonce + _hash(provider, nonce, content)).decode()


def is_sealed(provider: str, signature: str, content: str) -> bool:
    """Whether the provider made this signature for this content; base64 of either alphabet."""
    try:
        told = signature.encode("ascii").translate(_FROM_URL_ALPHABET)
        raw = base64.b64decode(told, validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return False
    nonce, signed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    return hmac.compare_digest(signed, _hash(provider, nonce, content))


def _hash(provider: str, nonce: bytes, content: str) -> bytes:
    hashed = hashlib.blake2b(nonce, key=_KEY, digest_size=_HASH_BYTES)
    hashed.update(provider.encode() + b"\0" + content.encode("utf-8", "surrogatepass"))
    return hashed.digest()
