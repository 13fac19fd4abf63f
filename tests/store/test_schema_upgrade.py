"""A database with messages in it goes from each revision to the next with all that it holds, or stays as it was."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from gateway.store import (
    ChedSeal,
    add_contingency,
    current,
    find_audit,
    find_envelope,
    find_evidence,
    head,
    list_answers,
    open_store,
    read_ched_by_reference,
    record_ched,
    schema,
    settle_envelope,
    upgrade,
)
from gateway.store.engines import make_engine, parse_url

NOW = "2026-11-22T09:30:00.000000+00:00"
ROWS = {
    "partners": "'nl', '{}', 1, 'op', :now",
    "lanes": "'nl', 3, NULL, NULL, 0, ''",
    "exchanges": (
        "'X1', 'ar', 'certificate-exchange', 'SubmitCertificate', 'accepted', 'AR/851/1', NULL, :bytes, NULL, NULL, "
        "NULL, '{}', :now"
    ),
    "exchange_parts": "'X1', :bytes, NULL, NULL, NULL, NULL, NULL, :bytes, :bytes, NULL",
    "documents": "'X1', 'AR', '851', '1', '70', 'X1', 'NL', 'ar', :now",
    "document_versions": "'X1', 'X1', '70', :bytes, 'sealed', 'iii', NULL, :now",
    "deliveries": "7, 'X1-1', 'nl', 'X1', 'X1', 'delivered', 1, 0, 3, :now, '', '', :now, :now, :now",
    "delivery_parts": "7, :bytes, :bytes",
    "seal_values": ":bytes, 'ar', 'X1'",
    "nonces": ":bytes, 'wsse', 'ar', :now",
    "audit": "1, :now, 'ar', 'SubmitCertificate accepted', 'X1', '{}'",
}
"""One row in every table of 0001, in the order of its columns."""
HUB_ROWS = {
    "hub_envelopes": (
        "5, 'N1', 'ar', 'nl', 'AR', 'NL', 851, 70, '1', 'PendingDelivery', '', NULL, NULL, 2, :bytes, :now, :now"
    ),
    "hub_envelope_parts": "5, :bytes",
    "hub_imports": "'I1', 'ephyto', 'N2', 'AR', 'NL', 851, 70, '2', 'pulled', '', '', '', NULL, :now, :now, NULL",
    "hub_import_parts": "'I1', :bytes",
    "hub_answers": ("'A1', 'I1', 'ephyto', 41, 'why', :bytes, 'waiting', '', '', '', '', 0, :now, :now, :now, NULL"),
    "hub_trackings": "'X1-1', 'ephyto', 'N3', 'Delivered', '', :now, NULL, :now, :now",
    "pollers": "'ephyto', 2, NULL, NULL, 0, :now",
    "partner_lists": "'ephyto', 'units', 1, :now, :bytes, '[]'",
}
"""One row in every table that 0002 and 0003 added."""
CHED_ROWS = {
    "cheds": (
        "3, 'C1', 1, 'X1', 'CHEDPP.NL.2026.0000001', '', 'PP', '1', '', '', '', 'nl', '', 'NLRTM1', '', '', '', '', "
        "'', '', '', '', '', '', FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, '{}', '[]', :now, :now, :now, "
        "NULL, NULL, NULL"
    ),
    "ched_terms": "'t', 3",
    "ched_numbers": "'PP', 'NL', 2026, 1",
    "ched_versions": "'X1', 'C1', 1, 'X1', '1', 'I', 'submit', 'nl', '', :bytes, :now",
    "ched_parts": "'X1', NULL, NULL, :bytes",
    "ched_seals": "'X1', 1, 'officer', '{}', :bytes",
    "ched_links": "'C1', 'ACW', 'CHEDPP.NL.2026.0000000'",
    "attachments": "4, 'a.pdf', 'application/pdf', 2, :bytes, 'nl', '', '', :now",
    "attachment_parts": "4, :bytes",
    "ched_attachments": "4, 'C1'",
    "contingency": "2, 'C1', 'X1', 'traces', 'submit', 'waiting', 0, '', '', '', :now, :now",
    "outages": "'O1', 'traces', 'ched', :now, NULL, ''",
    "notices": "'O2', 'traces', 'ched', :now, NULL, :now, '', NULL",
}
"""One row in every table that 0004 added."""
NEW_COLUMNS = {"document_versions": "tables", "ched_versions": "tables", "deliveries": "push_id"}
ALL_ROWS = {**ROWS, **HUB_ROWS, **CHED_ROWS}
TABLES = {
    "0001": ROWS,
    "0003": {**ROWS, **HUB_ROWS},
    "0004": ALL_ROWS,
    "0009": {
        name: f"{row}, NULL" if name in {"document_versions", "ched_versions"} else row
        for name, row in ALL_ROWS.items()
    },
}
NEW_INDEXES = {"documents": ("ix_documents_number", ("number",))}
"""What later revisions added to tables that were there; empty in the rows of before."""


@pytest.fixture(params=TABLES)
def revision(request):
    """The one that the database has before."""
    return request.param


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request, revision, tmp_path):
    """A database of an older revision with rows in it."""
    postgresql = request.param == "postgresql"
    url = request.getfixturevalue("pg_empty_url") if postgresql else f"sqlite:///{tmp_path}/imsoc.db"
    config = schema._config()
    with engine_of(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for table, values in TABLES[revision].items():
            insert = text(f"INSERT INTO {table} VALUES ({values})")
            bound = {"now": NOW, "bytes": b"\x00\xff"}
            connection.execute(insert, {name: bound[name] for name in bound if f":{name}" in values})
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('deliveries_seq_seq', 7), setval('audit_seq_seq', 1)"))
    return url


def engine_of(url):
    return create_engine(parse_url(url), poolclass=NullPool)


def contents(url, revision):
    """Every row of every table that the revision had."""
    with engine_of(url).connect() as connection:
        return {
            table: [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]
            for table in TABLES[revision]
        }


def with_new_columns(rows, revision):
    """What is there after the upgrade of these rows."""
    added = {"deliveries"} if revision == "0009" else NEW_COLUMNS
    return {table: [(*row, None) if table in added else row for row in found] for table, found in rows.items()}


def shape(url):
    """Columns, keys, indexes and constraints of every table, and the triggers."""
    engine = engine_of(url)
    triggers = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    }
    found = inspect(engine)
    described = {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)],
            found.get_pk_constraint(table),
            sorted(found.get_foreign_keys(table), key=lambda key: key["name"]),
            sorted((index["name"], tuple(index["column_names"])) for index in found.get_indexes(table)),
            sorted(unique["name"] for unique in found.get_unique_constraints(table)),
            sorted(check["name"] for check in found.get_check_constraints(table)),
        )
        for table in found.get_table_names()
    }
    with engine.connect() as connection:
        described["triggers"] = sorted(tuple(row) for row in connection.execute(text(triggers[engine.dialect.name])))
    return described


def test_everything_is_there_afterwards(old_url, revision):
    rows, before = contents(old_url, revision), shape(old_url)
    assert current(old_url) == revision
    upgrade(old_url)
    assert current(old_url) == head()
    after = shape(old_url)
    assert contents(old_url, revision) == with_new_columns(rows, revision)
    outbox = before.pop("deliveries"), after.pop("deliveries")
    if revision != "0009":
        for table, column in NEW_COLUMNS.items():
            if table in before:
                text_type = before[table][0][0][1]
                before[table][0].append((column, text_type, True))
        for table, index in NEW_INDEXES.items():
            before[table][3][:] = sorted([*before[table][3], index])
    assert set(before.pop("triggers")) <= set(after.pop("triggers"))
    assert {name: after[name] for name in before} == before
    assert {"customs_subscriptions", "customs_pushes"} <= after.keys() - before.keys()
    assert all(rows.values()), "a table without a row shows nothing"
    check_outbox(*outbox)


def check_outbox(before, after):
    """A delivery may carry a push since 0010: what else is another?"""
    columns = dict(each[:2] for each in before[0])
    columns["case_id"] = columns.pop("document_id")
    assert dict(each[:2] for each in after[0]) == columns | {"push_id": columns["case_id"]}
    assert {name for name, _, nullable in after[0] if nullable} == {"exchange_id", "settled_at", "push_id"}
    assert after[1] == before[1]
    kept = [key for key in before[2] if key["name"] != "fk_deliveries_document_id"]
    assert [key for key in after[2] if key["name"] != "fk_deliveries_push_id"] == kept
    assert len(after[2]) == len(before[2])
    of_push = ("uq_deliveries_push_id", ("push_id",))  # PostgreSQL has an index for it
    renamed = {(name, tuple(each.replace("document_id", "case_id") for each in columns)) for name, columns in before[3]}
    assert set(after[3]) - {of_push} == renamed
    assert after[4] == sorted([*before[4], of_push[0]])
    assert after[5] == sorted([*before[5], "ck_deliveries_content"])


def test_what_was_stored_is_served_and_new_rows_follow_it(old_url):
    upgrade(old_url)
    with open_store(old_url, exclusive=True) as store:
        with store.read() as connection:
            evidence = find_evidence(connection, "X1")
            assert [entry.action for entry in find_audit(connection, "X1")] == ["SubmitCertificate accepted"]
        assert (evidence.request, evidence.version.form, evidence.version.route) == (b"\x00\xff", "sealed", "iii")
        ((delivery, parts),) = evidence.deliveries
        assert (delivery.seq, delivery.state, parts.receipt) == (7, "delivered", b"\x00\xff")

    values = (
        "(id, lane, exchange_id, case_id, state, attempts, failures, fence, next_attempt_at, code, detail, "
        "created_at, updated_at, settled_at) VALUES ('X2-1', 'nl', 'X2', 'X1', :state, 1, 0, 3, '', '', '', '', '', "
        ":settled_at) RETURNING seq"
    )
    engine = make_engine(parse_url(old_url), pool_size=1, pool_timeout=1)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO exchanges SELECT 'X2', partner, contract, operation, 'refused', subject, NULL, NULL, "
                "NULL, NULL, NULL, transport, received_at FROM exchanges"
            )
        )
        connection.execute(
            text("INSERT INTO document_versions VALUES ('X2', 'X1', '40', :digest, 'envelope', NULL, NULL, '', NULL)"),
            {"digest": b""},
        )
        seq = connection.execute(
            text(f"INSERT INTO deliveries {values}"), {"state": "tracking", "settled_at": NOW}
        ).scalar_one()
        assert seq == 8


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE deliveries SET state = 'tracking', settled_at = NULL",
        "UPDATE deliveries SET state = 'sent'",
        "UPDATE deliveries SET lane = 'nobody'",
        "UPDATE document_versions SET form = 'letter'",
        "UPDATE document_versions SET document_id = 'none'",
        "UPDATE delivery_parts SET seq = 9",
        "UPDATE deliveries SET exchange_id = NULL",
        "UPDATE deliveries SET push_id = 'none', exchange_id = NULL",
        "UPDATE deliveries SET exchange_id = 'none'",
        "DELETE FROM deliveries",
        "DELETE FROM document_versions",
        "UPDATE audit SET actor = 'somebody'",
        "DELETE FROM audit",
        (
            "INSERT INTO deliveries SELECT 9, 'X9', lane, exchange_id, case_id, state, 1, 0, 3, '', '', '', '', "
            "'', '', NULL FROM deliveries"
        ),
    ],
)
def test_every_promise_is_held_afterwards(old_url, revision, statement):
    upgrade(old_url)
    before = contents(old_url, revision)
    engine = make_engine(parse_url(old_url), pool_size=1, pool_timeout=1)
    with engine.connect() as connection, pytest.raises(DBAPIError, match=r"(?i)constraint|append only"):
        connection.execute(text(statement))
    engine.dispose()
    assert contents(old_url, revision) == before


def test_an_upgrade_that_fails_changes_nothing(old_url, revision):
    """The last table to be created is there already: everything before it is undone, and the next try succeeds."""
    last = "customs_pushes"
    with engine_of(old_url).begin() as connection:
        connection.execute(text(f"CREATE TABLE {last} (id INTEGER)"))
    rows, before = contents(old_url, revision), shape(old_url)
    with pytest.raises(Exception, match=rf"{last}|IMG-9001"):
        upgrade(old_url)
    assert current(old_url) == revision
    assert contents(old_url, revision) == rows
    assert shape(old_url) == before
    with engine_of(old_url).begin() as connection:
        connection.execute(text(f"DROP TABLE {last}"))
    upgrade(old_url)
    assert contents(old_url, revision) == with_new_columns(rows, revision)


@pytest.mark.parametrize("old_url", ["sqlite"], indirect=True)
def test_foreign_keys_of_a_rewritten_table_still_meet(old_url):
    upgrade(old_url)
    with engine_of(old_url).connect() as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        referenced = {
            row.table
            for table in ("delivery_parts", "deliveries", "hub_trackings", "document_versions")
            for row in connection.execute(text(f"PRAGMA foreign_key_list({table})"))
        }
        assert referenced == {"deliveries", "document_versions", "documents", "lanes", "exchanges", "customs_pushes"}
        assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


@pytest.mark.parametrize("revision", ["0003"])
def test_cheds_are_kept_beside_what_was_there(old_url, make_ched, make_write, now):
    upgrade(old_url)
    with open_store(old_url, exclusive=True) as store:
        write = make_write(make_ched())
        assert store.write(lambda c: record_ched(c, write)).kind == "new"
        done = {"expected": "PendingDelivery", "state": "Delivered", "message": "", "actor": "nl", "now": now}
        assert store.write(lambda c: settle_envelope(c, "N1", **done))
        with store.read() as connection:
            assert read_ched_by_reference(connection, write.row.reference)[1].content == b"<content/>"
            assert find_envelope(connection, "N1").state == "Delivered"
            assert [answer.id for answer in list_answers(connection)] == ["A1"]


@pytest.mark.parametrize(
    "statement",
    [
        (
            "INSERT INTO ched_versions SELECT 'V', ched_id, number, NULL, '', '', '', '', '', '', at, NULL "
            "FROM ched_versions"
        ),
        "UPDATE ched_versions SET part = 'IV'",
        "UPDATE ched_versions SET exchange_id = 'none'",
        "UPDATE ched_parts SET version_id = 'none'",
        "UPDATE ched_seals SET role = 'nobody'",
        "DELETE FROM cheds",
        "INSERT INTO ched_terms SELECT term, seq FROM ched_terms",
        "UPDATE cheds SET reference = 'the same'",
        "INSERT INTO ched_attachments VALUES (9, 'none')",
        "UPDATE contingency SET state = 'sent'",
        "INSERT INTO outages VALUES ('O1', 'a', 'b', '', NULL, ''), ('O2', 'a', 'b', '', NULL, '')",
    ],
)
def test_what_a_ched_promises_is_held_by_the_database(store_url, make_ched, make_write, statement):
    with open_store(store_url, exclusive=True) as store:
        for number in (1, 2):
            write = make_write(make_ched(number), seals=(ChedSeal("officer", b"<a/>"),))
            store.write(lambda c, write=write: record_ched(c, write))
        waits = {"ched_id": write.row.id, "version_id": write.version_id, "at": write.at}
        store.write(lambda c: add_contingency(c, **waits, partner="traces", operation="submit"))
    engine = make_engine(parse_url(store_url), pool_size=1, pool_timeout=1)
    with engine.connect() as connection, pytest.raises(DBAPIError, match=r"(?i)constraint"):
        connection.execute(text(statement))
    engine.dispose()
