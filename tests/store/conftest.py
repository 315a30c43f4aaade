"""Every store that there is, and real servers for those that need one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from support.postgres import PostgresServer, running_postgres

from relay.store.contract import Store
from relay.store.open import open_store

KINDS = ("memory", "sqlite", "postgres")
ON_DISK = ("sqlite", "postgres")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    """Of a new, empty store."""
    return _url(request)


@pytest.fixture(params=ON_DISK)
def disk_url(request: pytest.FixtureRequest) -> str:
    """Of a new, empty store that outlives the process."""
    return _url(request)


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    async with aclosing(await open_store(url, tmp_path)) as store:
        yield store


def _url(request: pytest.FixtureRequest) -> str:
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.empty_database()
    return f"{request.param}:"
