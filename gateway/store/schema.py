"""Bringing a database to the schema that this version of the gateway knows (Alembic underneath).

Only forward: going back is restoring the backup that was made before. The revisions are inside the package, so an
installed wheel upgrades from any folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, event, text
from sqlalchemy.exc import OperationalError

from gateway.errors import ConfigurationError, Unavailable
from gateway.store.engines import database_file, parse_url
from gateway.store.lock import InstanceLock

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

__all__ = ["current", "head", "require_current", "upgrade"]

_ADVISORY_LOCK = 0x494D534F43
"""Any number that no other program uses on this database: "IMSOC"."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    return config


def head() -> str:
    """The revision that this version of the gateway needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def current(url: str) -> str | None:
    """The revision of a database; None when it is empty or, on SQLite, not there.

    Raises:
        ConfigurationError: IMG-0113, the URL.
        Unavailable: IMG-9001, the database does not answer.
    """
    parsed = parse_url(url)
    file = database_file(parsed)
    if file is not None and not file.exists():
        return None
    engine = create_engine(parsed, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return _revision(connection)
    except OperationalError as error:
        raise Unavailable("IMG-9001", where="store.url") from error


def upgrade(url: str) -> None:
    """Create the schema, or bring it up to `head`; does nothing when it is there already.

    Safe to call from many processes at once: PostgreSQL queues them on an advisory lock, SQLite lets in one and tells
    the others that the database is in use.

    Raises:
        ConfigurationError: IMG-0110 a process is serving from this SQLite file, IMG-0113 the URL.
        Unavailable: IMG-9001, the database does not answer.
    """
    if current(url) == head():
        return
    parsed = parse_url(url)
    file = database_file(parsed)
    if file is None:
        _run(parsed)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = InstanceLock(file)
    try:
        file.touch(mode=0o600)  # certificates with names in them; SQLite gives its other files the same mode
        _run(parsed)
    finally:
        lock.release()


def require_current(connection: Connection) -> None:
    """Refuse to work on a schema of another version.

    Raises:
        ConfigurationError: IMG-0111.
    """
    found = _revision(connection)
    if found != head():
        raise ConfigurationError("IMG-0111", where="store.url", found=found or "an empty database", expected=head())


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _run(url: URL) -> None:
    """All revisions that are missing, in one transaction: a crash leaves the database as it was."""
    config = _config()
    engine = create_engine(url, poolclass=NullPool)
    if url.get_backend_name() == "sqlite":
        _make_atomic(engine)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise Unavailable("IMG-9001", where="store.url") from error


def _make_atomic(engine: Engine) -> None:
    """SQLite: a transaction that holds the changes of tables too, which Python's driver would not begin by itself.

    A table whose constraints change is written anew under another name, and the old one dropped: foreign keys to it
    must not act on that.
    """

    @event.listens_for(engine, "connect")
    def _promises(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=OFF")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
