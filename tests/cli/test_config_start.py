"""The file that a front applies before it serves anything."""

from pathlib import Path

import pytest

from trunkline.cli.applying import AT_START, apply_file
from trunkline.cli.session import open_session
from trunkline.configuration.problems import ConfigurationRefused
from trunkline.configuration.versions import list_versions
from trunkline.settings import load_settings

TEXT = """
connections: [{name: a, provider: openai, secret: "env:TRUNKLINE_TEST_NOBODY_HAS_THIS"}]
"""


async def test_a_missing_secret_of_a_connection_keeps_no_front_from_starting(
    data_dir: Path,
) -> None:
    file = data_dir.parent / "t.yaml"
    file.write_text(TEXT)
    settings = load_settings(None, data_dir=data_dir)
    assert (await apply_file(settings, file)).plan.count("add") == 1
    assert (await apply_file(settings, file)).plan.is_empty
    async with open_session(settings) as session, session.database.read(None) as conn:
        assert [version.note for version in await list_versions(conn, None)] == [AT_START]


async def test_what_is_wrong_with_the_file_does(data_dir: Path) -> None:
    file = data_dir.parent / "t.yaml"
    file.write_text("keys: []")
    with pytest.raises(ConfigurationRefused, match=r"t.yaml:1:1: keys: there is no such field"):
        await apply_file(load_settings(None, data_dir=data_dir), file)
