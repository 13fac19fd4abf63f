"""What a question to the store costs, counted and not timed; and stores of many rows to ask.

Steps of SQLite's machine, or rows that PostgreSQL touched: those of tables, and those of indexes that it looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import make_url, text

from gateway.store.engines import make_engine, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from gateway.store import Store

_TOUCHED = text(
    "SELECT (SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_xact_user_tables) + "
    "(SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(indexrelid)), 0) FROM pg_stat_user_indexes)"
)


def on_each(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    filled: Callable[[str], Iterator[Store]],
) -> Iterator[Store]:
    """A store on the database of the fixture's parameter, filled at its URL; ``name`` is no other database's."""
    if request.param == "sqlite":
        yield from filled(f"sqlite:///{tmp_path_factory.mktemp('plans')}/imsoc.db")
        return
    server = request.getfixturevalue("pg_server")
    engine = make_engine(parse_url(server), pool_size=1, pool_timeout=5).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield from filled(make_url(server).set(database=name).render_as_string(hide_password=False))
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


def cost(store, unit):
    """What the unit gives, and what it costs."""

    def sqlite(connection):
        driver, steps = connection.connection.driver_connection, []
        driver.set_progress_handler(lambda: steps.append(10), 10)
        try:
            return unit(connection), sum(steps)
        finally:
            driver.set_progress_handler(None, 0)

    def postgresql(connection):
        before = connection.execute(_TOUCHED).scalar_one()
        return unit(connection), connection.execute(_TOUCHED).scalar_one() - before

    return store.write({"sqlite": sqlite, "postgresql": postgresql}[store.dialect])
