"""Migrations and models are one schema; an old or empty database is refused with the next command."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, text

from gateway.errors import ConfigurationError, Unavailable
from gateway.store import current, head, open_store, upgrade
from gateway.store.engines import parse_url
from gateway.store.tables import metadata

SQLITE_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' AND sql IS NOT NULL"
POSTGRESQL_OBJECTS = """
    SELECT 'index', indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger', tgname::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function', proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'column', table_name || '.' || column_name,
        concat_ws(' ', data_type, collation_name, is_nullable, is_identity, column_default)
        FROM information_schema.columns WHERE table_schema = 'public'
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("pg_empty_url")
    return f"sqlite:///{tmp_path}/new/imsoc.db"


def objects(url):
    """Every table, column, index, constraint and trigger as the database itself describes it."""
    engine = create_engine(parse_url(url), poolclass=NullPool)
    query = SQLITE_OBJECTS if engine.dialect.name == "sqlite" else POSTGRESQL_OBJECTS
    with engine.connect() as connection:
        rows = [row for row in connection.execute(text(query)) if "alembic" not in row[1]]
    return {(kind, name): " ".join(re.sub(r'["(),]', " ", definition).split()) for kind, name, definition in rows}


def same_words(definition):
    """SQLite keeps the text of a table as it was written: the order of its constraints is not part of the schema."""
    return sorted(definition.split())


def test_alembic_finds_no_difference(store_url):
    engine = create_engine(parse_url(store_url), poolclass=NullPool)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrations_make_what_the_models_describe_to_the_last_constraint(store_url, tmp_path, request):
    modelled = f"sqlite:///{tmp_path}/modelled.db"
    if store_url.startswith("postgresql"):
        modelled = request.getfixturevalue("pg_empty_url")
    engine = create_engine(parse_url(modelled), poolclass=NullPool)
    metadata.create_all(engine)

    migrated, described = objects(store_url), objects(modelled)

    assert migrated.keys() == described.keys()
    assert len(described) > 20
    for name, definition in described.items():
        assert same_words(migrated[name]) == same_words(definition), name


def test_upgrade_creates_and_then_does_nothing(empty_url):
    assert current(empty_url) is None
    upgrade(empty_url)
    assert current(empty_url) == head()
    upgrade(empty_url)
    open_store(empty_url, exclusive=True).close()


def test_many_may_upgrade_at_once(pg_empty_url):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [pg_empty_url] * 4))
    assert current(pg_empty_url) == head()


def test_an_upgrade_waits_for_no_running_gateway(sqlite_url):
    engine = create_engine(parse_url(sqlite_url), poolclass=NullPool)
    with open_store(sqlite_url, exclusive=True):
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        with pytest.raises(ConfigurationError) as refused:
            upgrade(sqlite_url)
    assert refused.value.code == "IMG-0110"


def test_a_store_of_another_version_is_refused(store_url):
    engine = create_engine(parse_url(store_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError) as refused:
        open_store(store_url, exclusive=True)
    assert (refused.value.code, refused.value.found, refused.value.expected) == ("IMG-0111", "9999", head())


def test_an_empty_store_is_refused_and_not_made_by_looking(tmp_path):
    with pytest.raises(ConfigurationError) as refused:
        open_store(f"sqlite:///{tmp_path}/none.db", exclusive=True)
    assert refused.value.code == "IMG-0111"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "no url"])
def test_a_url_of_no_use_is_refused(url):
    with pytest.raises(ConfigurationError) as refused:
        open_store(url, exclusive=False)
    assert refused.value.code == "IMG-0113"


@pytest.mark.parametrize("action", [upgrade, current, lambda url: open_store(url, exclusive=False)])
def test_a_server_that_is_not_there_is_unavailable(action):
    with pytest.raises(Unavailable) as refused:
        action("postgresql://nobody@127.0.0.1:1/none")
    assert refused.value.code == "IMG-9001"


def test_an_old_sqlite_is_refused(monkeypatch):
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 0))
    with pytest.raises(ConfigurationError) as refused:
        parse_url("sqlite:///x.db")
    assert refused.value.code == "IMG-0113"
