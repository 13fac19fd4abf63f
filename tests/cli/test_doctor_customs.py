"""What the doctor says for customs: time zones, grants, the upstream, frozen ledgers, LRNs that hold for long."""

import datetime as dt
import re

import pytest

from gateway.cli.checks import State
from gateway.store import (
    ChedRow,
    ChedWrite,
    Declaration,
    DeclarationType,
    EntryKind,
    LedgerChange,
    LedgerLineRow,
    Movement,
    apply_change,
    freeze_ledger,
    lock_ledger,
    new_id,
    open_ledger,
    record_ched,
)

CHED = "CHEDP.NL.2026.0000001"
CUSTOMS = """\
[partner]
id = "nl-customs"
name = "Invented customs"
kind = "customs"
country = "NL"
contracts = {contracts}
{table}
"""
TABLE = '[partner.customs]\noffices = ["NL0003*"]\ncountries = ["NL"]'


def by_name(answer):
    return {check["name"]: check for check in answer["checks"]}


def add_customs(imsoc, trial, contracts='["customs-certex-ched"]', table=TABLE):
    (trial / "customs.toml").write_text(CUSTOMS.format(contracts=contracts, table=table), "utf-8")
    imsoc("partners", "add", "customs.toml")


def open_with_hold(connection, held_for, kind=DeclarationType.LRN):
    now = dt.datetime.now(dt.UTC)
    row = ChedRow(
        id=new_id(now),
        reference=CHED,
        local_reference="NL-1",
        type="P",
        status_code="70",
        partner="national",
        created_at=now,
        updated_at=now,
        status_changed_at=now,
    )
    record_ched(
        connection,
        ChedWrite(
            version_id=new_id(now),
            row=row,
            expected_version=None,
            at=now,
            operation="submit",
            partner="national",
            content=b"<a/>",
        ),
    )
    lock_ledger(connection, CHED)
    line = LedgerLineRow(number=1, code="0401", unit="KGM", dimension="weight", certified=1000)
    open_ledger(connection, row.id, [line], now)
    movement = Movement(
        kind=EntryKind.RESERVED,
        line=1,
        quanta=1,
        declaration=Declaration(kind, "L1"),
        goods_item=1,
        quantity="1",
        unit="KGM",
        class_code="040100",
        office="NL000396",
        event_at=now - held_for,
    )
    apply_change(connection, LedgerChange(ched_id=row.id, at=now, partner="nl-customs", movements=(movement,)))
    return row.id


def test_customs_that_are_complete_are_no_line(imsoc, trial):
    add_customs(imsoc, trial)
    checks = by_name(imsoc.json("doctor", "--offline"))
    assert not {"customs nl-customs", "ledgers", "holds", "customs upstream"} & checks.keys()
    assert checks["time zone"]["detail"].startswith("Europe/Brussels, now +0")


@pytest.mark.parametrize(
    ("contracts", "table", "detail"),
    [
        ('["customs-lookup"]', "", "customs-lookup without [partner.customs]"),
        ("[]", TABLE, "[partner.customs] without a contract"),
    ],
)
def test_a_grant_and_its_table_come_together(imsoc, trial, contracts, table, detail):
    add_customs(imsoc, trial, contracts, table)
    check = by_name(imsoc.json("doctor", "--offline"))["customs nl-customs"]
    assert check["state"] == State.WARN
    assert detail in check["detail"]
    imsoc("partners", "remove", "nl-customs")
    assert "customs nl-customs" not in by_name(imsoc.json("doctor", "--offline"))


PUSHED = '[partner.delivery]\nadapter = "customs-push"\naddress = "https://customs.invalid/CustomsPush"'


def test_an_address_for_pushes_is_for_customs(imsoc, trial):
    add_customs(imsoc, trial, "[]", PUSHED)
    check = by_name(imsoc.json("doctor", "--offline"))["pushes nl-customs"]
    assert (check["state"], "without [partner.customs]" in check["detail"]) == (State.WARN, True)
    add_customs(imsoc, trial, table=f"{TABLE}\n{PUSHED}")
    assert "pushes nl-customs" not in by_name(imsoc.json("doctor", "--offline"))


def test_a_time_zone_that_the_machine_does_not_know_fails(imsoc, trial, monkeypatch):
    monkeypatch.setattr("gateway.timezones.ZoneInfo", lambda name: {}[name])
    check = by_name(imsoc.json("doctor", "--offline", code=1))["time zone"]
    assert (check["state"], check["repair"]) == (State.FAIL, "pip install tzdata")


@pytest.mark.parametrize(
    ("delivery", "state", "detail"),
    [
        (None, State.FAIL, "no partner of this id"),
        ("", State.FAIL, "no [partner.delivery]"),
        (
            '[partner.delivery]\nadapter = "certificate-exchange"\naddress = "https://traces.example"\n',
            State.FAIL,
            "it must be traces-nt",
        ),
        (
            '[partner.delivery]\nadapter = "traces-nt"\naddress = "https://traces.example"\n',
            State.OK,
            "at https://traces.example",
        ),
    ],
)
def test_the_upstream_has_a_record(imsoc, trial, delivery, state, detail):
    settings = trial / "imsoc.toml"
    text = re.sub(r"(?m)^roles = .*$", 'roles = ["national"]', settings.read_text("utf-8"))
    settings.write_text(text + '\n[customs]\nupstream = "traces-nt"\n', "utf-8")
    if delivery is not None:
        record = f'[partner]\nid = "traces-nt"\nname = "T"\nkind = "traces"\ncountry = "EU"\ncontracts = []\n{delivery}'
        (trial / "traces.toml").write_text(record.replace('"EU"', '"*"'), "utf-8")
        imsoc("partners", "add", "traces.toml")
    check = by_name(imsoc.json("doctor", "--offline", code=1 if state is State.FAIL else 0))["customs upstream"]
    assert check["state"] == state
    assert detail in check["detail"]


def test_frozen_ledgers_are_told_with_the_reason(imsoc, trial, stored):
    ched_id = stored(lambda connection: open_with_hold(connection, dt.timedelta(0)))
    now = dt.datetime.now(dt.UTC)
    stored(lambda connection: freeze_ledger(connection, ched_id, "does not add up", at=now, actor="operator"))
    check = by_name(imsoc.json("doctor", "--offline"))["ledgers"]
    assert check["detail"] == f"1 frozen, the oldest {CHED}: does not add up"
    assert check["repair"].endswith(f"customs show {CHED}")


@pytest.mark.parametrize(
    ("days", "kind", "told"),
    [(31, DeclarationType.LRN, True), (29, DeclarationType.LRN, False), (31, DeclarationType.MRN, False)],
)
def test_an_lrn_that_holds_for_long_is_told(imsoc, trial, stored, days, kind, told):
    stored(lambda connection: open_with_hold(connection, dt.timedelta(days=days), kind))
    checks = by_name(imsoc.json("doctor", "--offline"))
    assert ("holds" in checks) is told
    if told:
        assert checks["holds"]["detail"].startswith(
            f"1 LRNs hold for more than 30 days, the oldest L1 on {CHED} since "
        )
        assert f"customs release {CHED} --lrn L1" in checks["holds"]["repair"]
