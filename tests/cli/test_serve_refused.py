from pathlib import Path

import pytest

from trunkline.cli.processes import serve_front
from trunkline.errors import Conflict
from trunkline.settings import load_settings
from trunkline.storage.processes import DataDirectoryLock


async def test_a_start_that_is_refused_applies_nothing(tmp_path: Path) -> None:
    file = tmp_path / "trunkline.yaml"
    file.write_text("organisations:\n- slug: acme\n")
    data = tmp_path / "data"
    settings = load_settings(None, data_dir=data, config_file=file, port=0)
    lock = DataDirectoryLock(data, alone=True)
    try:
        with pytest.raises(Conflict, match="Another front serves"):
            await serve_front(settings)
    finally:
        lock.close()
    assert not (data / "trunkline.db").exists()
