"""What every kind of test may ask for: a database server of its own, started only when a test asks."""

import asyncio
import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from riskdb.model.ids import EstablishmentId
from riskdb.store import establishments
from riskdb.store.migrate import migrate, shipped
from riskdb.store.pool import open_pool
from riskdb.store.statements import Pool
from service import embedded

# Named by what it holds: a server that outlives the run has no template of yesterday's migrations.
TEMPLATE = f"wardgraph_template_{sha256(''.join(m.checksum for m in shipped()).encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Database:
    """A database of one test: the owner migrates it, the service works in it."""

    owner_url: str
    service_url: str


@dataclass
class Databases:
    """A server that gives fresh databases: migrated ones are clones of a template, in some 30 ms."""

    owner_url: str
    service_url: str
    lock: Path
    prefix: str = f"t{os.getpid()}"
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def fresh(self) -> Database:
        """A migrated database that nobody else has."""
        with self.lock.open("a") as lock:  # the workers of a parallel run share one template
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not await self._has(TEMPLATE):
                await self._execute(f"DROP DATABASE IF EXISTS {TEMPLATE}_partial")
                await self._create(f"{TEMPLATE}_partial")
                await migrate(named(self.owner_url, f"{TEMPLATE}_partial"))
                await self._execute(f"ALTER DATABASE {TEMPLATE}_partial RENAME TO {TEMPLATE}")
            return await self._create(self._next_name(), template=TEMPLATE)

    async def empty(self) -> Database:
        """A database as an administrator makes it, before the first migration."""
        return await self._create(self._next_name())

    async def drop(self, database: Database) -> None:
        """Give its disk space back, whoever is still connected."""
        await self._execute(f"DROP DATABASE {urlsplit(database.owner_url).path[1:]} WITH (FORCE)")

    def _next_name(self) -> str:
        return f"{self.prefix}_{next(self._numbers)}"

    async def _create(self, name: str, *, template: str = "template0") -> Database:
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return Database(owner_url=named(self.owner_url, name), service_url=named(self.service_url, name))

    async def _has(self, name: str) -> bool:
        return bool(await self._execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))

    async def _execute(self, sql: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.owner_url)
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()


def named(url: str, database: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The test run's server; WARDGRAPH_TEST_BINDIR names other programs, ..._OWNER_URL and ..._SERVICE_URL a server."""
    scratch = Path(tempfile.gettempdir())
    owner, service = os.environ.get("WARDGRAPH_TEST_OWNER_URL"), os.environ.get("WARDGRAPH_TEST_SERVICE_URL")
    if owner and service:
        yield Databases(owner_url=owner, service_url=service, lock=scratch / "wardgraph-tests.lock")
        return
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    state = scratch / f"wardgraph-tests-{run}"
    state.mkdir(mode=0o755, exist_ok=True)
    programs = os.environ.get("WARDGRAPH_TEST_BINDIR")
    server = embedded.start(state, bin_dir=Path(programs) if programs else None)
    yield Databases(owner_url=server.owner_url, service_url=server.service_url, lock=state / "template.lock")
    if server.leave():
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A fresh, migrated database; made outside the test's loop, so that tests without one can ask too."""
    made = asyncio.run(databases.fresh())
    yield made
    asyncio.run(databases.drop(made))


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """The service's connections to `database`."""
    opened = await open_pool(database.service_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def hospital(pool: Pool) -> EstablishmentId:
    """An establishment in `database`."""
    async with pool.acquire() as connection:
        created = await establishments.create(connection, name="Saint-Roch", beds=400)
    return created.id
