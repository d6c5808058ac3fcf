"""The form of a key: ``tl_<public id>_<secret>_<checksum>``, all in base62.

The prefix and the checksum let scanners find leaked keys and let typing errors be refused without
a look-up; the public id finds the key; the secret has 256 random bits. The form never changes,
because keys live for years.
"""

import secrets
import string
import zlib

import msgspec

PREFIX = "tl_"
PUBLIC_ID_LENGTH = 12
SECRET_BYTES = 32
SECRET_LENGTH = 43  # 62 ** 43 is just above 2 ** 256.
CHECKSUM_LENGTH = 6  # 62 ** 6 is just above 2 ** 32.
KEY_LENGTH = len(PREFIX) + PUBLIC_ID_LENGTH + 1 + SECRET_LENGTH + 1 + CHECKSUM_LENGTH
PUBLIC_ID = slice(len(PREFIX), len(PREFIX) + PUBLIC_ID_LENGTH)

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE62 = frozenset(_ALPHABET)


class KeyFormatError(ValueError):
    """The text is not a key of ours; the message says in what, and never repeats it."""


class KeyText(msgspec.Struct, frozen=True):
    """A key taken apart."""

    public_id: str
    secret: str

    @property
    def full(self) -> str:
        """The key as its owner sends it."""
        body = f"{PREFIX}{self.public_id}_{self.secret}"
        return f"{body}_{checksum(body)}"

    @property
    def display(self) -> str:
        """What may be shown and logged."""
        return f"{PREFIX}{self.public_id}"


def generate_key() -> KeyText:
    """A new key from the operating system's randomness."""
    public_id = "".join(secrets.choice(_ALPHABET) for _ in range(PUBLIC_ID_LENGTH))
    secret = int.from_bytes(secrets.token_bytes(SECRET_BYTES))
    return KeyText(public_id, encode_base62(secret, SECRET_LENGTH))


def parse_key(text: str) -> KeyText:
    """Take a key apart and check its form and checksum.

    Raises:
        KeyFormatError: with the reason.
    """
    if not text.startswith(PREFIX):
        raise KeyFormatError(f"a key begins with {PREFIX}")
    if len(text) != KEY_LENGTH:
        raise KeyFormatError(f"a key has {KEY_LENGTH} characters and this has {len(text)}")
    parts = text[len(PREFIX) :].split("_")
    lengths = [PUBLIC_ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH]
    if [len(part) for part in parts] != lengths or not _BASE62.issuperset("".join(parts)):
        raise KeyFormatError("a key consists of letters and digits between underscores")
    public_id, secret, check = parts
    if check != checksum(text[: -CHECKSUM_LENGTH - 1]):
        raise KeyFormatError("the checksum of the key is wrong, so it was mistyped or cut")
    return KeyText(public_id, secret)


def checksum(body: str) -> str:
    """CRC-32 (zlib's) of all that stands before it."""
    return encode_base62(zlib.crc32(body.encode()), CHECKSUM_LENGTH)


def encode_base62(number: int, length: int) -> str:
    """Digits, then capitals, then small letters; most significant first, zeros in front."""
    digits = []
    for _ in range(length):
        number, rest = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
