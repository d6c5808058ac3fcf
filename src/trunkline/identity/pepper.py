"""The secret that all keys are hashed with, and the hashing."""

import contextlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from typing_extensions import override

from trunkline.errors import InvalidRequest

FILE_NAME = "pepper"
LEAST_LENGTH = 32


class Pepper:
    """Hashes keys with a secret that the database does not have.

    A stolen database alone therefore tells nothing, not even to one who guesses keys.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < LEAST_LENGTH:
            raise InvalidRequest(
                f"The key pepper has {len(secret)} characters and needs at least {LEAST_LENGTH}.",
                code="key_pepper_too_short",
                param="key_pepper",
                hint="Set TRUNKLINE_KEY_PEPPER to a long random text and never change it.",
            )
        self.secret = secret.encode()

    @override
    def __repr__(self) -> str:
        return "Pepper(...)"

    def digest(self, key: str) -> bytes:
        """HMAC-SHA256 of a whole key."""
        return hmac.digest(self.secret, key.encode(), "sha256")


def load_pepper(setting: str | None, data_dir: Path) -> Pepper:
    """The pepper of the settings, else that of the data directory, made if it is not there.

    Raises:
        InvalidRequest: it is too short, or its file can be read by other users.
    """
    if setting is not None:
        return Pepper(setting)
    file = data_dir / FILE_NAME
    if not file.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(file)
    mode = file.stat().st_mode & 0o777
    if mode & 0o077:
        raise InvalidRequest(
            f"The file {file} has mode {mode:04o}, so other users may read the key pepper.",
            code="key_pepper_exposed",
            param="data_dir",
            hint=f"Run: chmod 600 {file}",
        )
    return Pepper(file.read_text(encoding="ascii").strip())


def _create(file: Path) -> None:
    """Write a new pepper so that it is either whole or absent, and the first process wins."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f"{FILE_NAME}.")
    try:
        # mkstemp makes the file with mode 0600.
        with os.fdopen(descriptor, "w", encoding="ascii") as draft:
            draft.write(f"{secrets.token_hex(32)}\n")
            draft.flush()
            # Without it every key is worthless, so it must outlive a loss of power.
            os.fsync(draft.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, file)
    finally:
        Path(name).unlink()
