"""The pepper: made once, kept private."""

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trunkline.errors import InvalidRequest
from trunkline.identity.pepper import Pepper, load_pepper


def test_it_is_made_once_with_mode_0600_and_kept(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    first = load_pepper(None, data_dir)
    file = data_dir / "pepper"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in data_dir.iterdir()] == ["pepper"]
    assert load_pepper(None, data_dir).secret == first.secret
    assert len(first.secret) == 64
    assert repr(first) == "Pepper(...)"


def test_processes_that_start_together_agree_on_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        peppers = list(pool.map(lambda _: load_pepper(None, tmp_path).secret, range(32)))
    assert len(set(peppers)) == 1


def test_one_that_other_users_can_read_is_refused(tmp_path: Path) -> None:
    load_pepper(None, tmp_path)
    (tmp_path / "pepper").chmod(0o640)
    with pytest.raises(InvalidRequest, match="mode 0640") as raised:
        load_pepper(None, tmp_path)
    assert raised.value.code == "key_pepper_exposed"


def test_that_of_the_settings_goes_first_and_must_be_long(tmp_path: Path) -> None:
    pepper = load_pepper("p" * 32, tmp_path)
    assert pepper.digest("key") == hmac.new(b"p" * 32, b"key", hashlib.sha256).digest()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidRequest, match="31 characters") as raised:
        Pepper("p" * 31)
    assert raised.value.code == "key_pepper_too_short"
