"""Migrated databases on both engines, each test with its own."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.services.postgresql import PostgreSQLServer

from trunkline.storage.engine import Database
from trunkline.storage.postgresql import asyncpg_url
from trunkline.storage.sqlite import FILE_NAME, sqlite_url


def migrate(url: str) -> None:
    """Bring a database to head the way the product does: in a process of its own."""
    subprocess.run(
        [sys.executable, "-m", "trunkline.storage.migrations"],
        input=msgspec.json.encode({"url": url}),
        check=True,
        timeout=60,
    )


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    file = tmp_path_factory.mktemp("sqlite-template") / FILE_NAME
    migrate(sqlite_url(file).render_as_string())
    return file


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: PostgreSQLServer) -> Iterator[str]:
    """The name of a migrated database to copy."""
    name = postgresql_server.create_database()
    url = asyncpg_url(postgresql_server.url(name))
    migrate(url.render_as_string(hide_password=False))
    yield name
    postgresql_server.drop_database(name)


@pytest.fixture
def data_dir(tmp_path: Path, sqlite_template: Path) -> Path:
    """A data directory that holds a migrated database."""
    directory = tmp_path / "data"
    directory.mkdir()
    shutil.copy(sqlite_template, directory / FILE_NAME)
    return directory


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQLServer, postgresql_template: str) -> Iterator[str]:
    """The URL of a migrated database."""
    name = postgresql_server.create_database(postgresql_template)
    yield postgresql_server.url(name)
    postgresql_server.drop_database(name)


@pytest.fixture
async def sqlite_database(data_dir: Path) -> AsyncIterator[Database]:
    """An open, migrated and empty database on SQLite."""
    database = await Database.open(None, data_dir=data_dir)
    yield database
    await database.close()


@pytest.fixture
async def postgresql_database(postgresql_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """An open, migrated and empty database on PostgreSQL."""
    database = await Database.open(postgresql_url, data_dir=tmp_path)
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """An open, migrated and empty database; a test that asks for it runs on both engines."""
    opened: Database = request.getfixturevalue(f"{request.param}_database")
    return opened


@pytest.fixture(params=["sqlite", "postgresql"])
def database_address(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str | None, Path]:
    """What ``Database.open`` takes, for tests in which several processes open one database."""
    if request.param == "sqlite":
        return None, request.getfixturevalue("data_dir")
    return request.getfixturevalue("postgresql_url"), tmp_path
