"""``imsoc customs``: ledgers shown with their history, added up, holds given back by the operator, CHEDs frozen."""

import datetime as dt
import json
import sqlite3

import pytest

from gateway.store import (
    ChedRow,
    ChedWrite,
    CustomsReport,
    Declaration,
    DeclarationType,
    EntryKind,
    LedgerChange,
    LedgerLineRow,
    Movement,
    apply_change,
    find_audit,
    lock_ledger,
    new_id,
    open_ledger,
    open_subscription,
    record_ched,
    report_document,
    save_partner,
)

NOW = dt.datetime(2026, 11, 22, 12, 0, 0, 125_000, tzinfo=dt.UTC)
CHED = "CHEDP.NL.2026.0000001"
OTHER = "CHEDP.NL.2026.0000002"
MRN, LRN = DeclarationType.MRN, DeclarationType.LRN
GRAM = 1_000_000


def a_ched(connection, reference, *, ledger=True):
    row = ChedRow(
        id=new_id(NOW),
        reference=reference,
        local_reference=f"L-{reference[-1]}",
        type="P",
        status_code="70",
        partner="national",
        created_at=NOW,
        updated_at=NOW,
        status_changed_at=NOW,
    )
    write = ChedWrite(
        version_id=new_id(NOW),
        row=row,
        expected_version=None,
        at=NOW,
        operation="submit",
        partner="national",
        content=b"<a/>",
    )
    record_ched(connection, write)
    if ledger:
        lines = [
            LedgerLineRow(number=1, code="0401", unit="KGM", dimension="weight", certified=1000 * 1000 * GRAM),
            LedgerLineRow(number=2, code="0102", unit="H87", dimension="count", certified=2 * GRAM),
        ]
        open_ledger(connection, row.id, lines, NOW)
    return row.id


def move(connection, reference, kind, declaration, quantity="1", unit="GRM", quanta=GRAM, *, at=NOW):
    state = lock_ledger(connection, reference)
    movement = Movement(
        kind=kind,
        line=1,
        quanta=quanta,
        declaration=declaration,
        goods_item=1,
        quantity=quantity,
        unit=unit,
        class_code="040100",
        office="NL000396",
        event_at=at,
    )
    change = LedgerChange(
        ched_id=state.ched_id,
        at=NOW,
        partner="nl-customs",
        message_id=f"m-{kind}",
        prefix="NL000396",
        exchange_id=new_id(NOW),
        movements=(movement,),
    )
    apply_change(connection, change)


@pytest.fixture
def ledgers(stored):
    """An MRN that consumed a gram and holds nothing, an LRN that holds 600 KGM, and a second CHED."""

    def unit(connection):
        first = a_ched(connection, CHED)
        a_ched(connection, OTHER)
        move(connection, CHED, EntryKind.RESERVED, Declaration(MRN, "26NLA1"))
        move(connection, CHED, EntryKind.CONSUMED, Declaration(MRN, "26NLA1"))
        move(connection, CHED, EntryKind.RESERVED, Declaration(LRN, "L1"), "600", "KGM", 600_000 * GRAM)
        move(connection, OTHER, EntryKind.RESERVED, Declaration(LRN, "L1"))
        report_document(
            connection,
            CustomsReport(
                ched_id=first, document="26NLA1", type_code="N853", office="NL000396", at=NOW, exchange_id=new_id(NOW)
            ),
        )
        return first

    return stored(unit)


def test_a_ledger_is_shown_in_the_units_of_the_ched_and_of_the_declarations(imsoc, ledgers):
    shown = imsoc.json("customs", "show", CHED)
    assert (shown["reference"], shown["type"], shown["status"], shown["frozen"]) == (CHED, "P", "70", "")
    assert shown["lines"] == [
        {
            "line": 1, "code": "0401", "unit": "KGM", "certified": "1000", "available": "399.999", "reserved": "600",
            "consumed": "0.001", "carried": "0",
        },
        {
            "line": 2, "code": "0102", "unit": "H87", "certified": "2", "available": "2", "reserved": "0",
            "consumed": "0", "carried": "0",
        },
    ]  # fmt: skip
    consumed, held = shown["declarations"]
    assert (consumed["declaration"], consumed["state"], consumed["quantity"], consumed["unit"]) == (
        "MRN 26NLA1",
        "consumed",
        "1",
        "GRM",
    )
    assert (held["declaration"], held["state"], held["office"], held["partner"]) == (
        "LRN L1",
        "reserved",
        "NL000396",
        "nl-customs",
    )
    assert held["at"] == "2026-11-22T12:00:00.125Z"
    assert [report["document"] for report in shown["reports"]] == ["26NLA1"]
    text = imsoc("customs", "show", CHED).stdout
    assert "399.999" in text
    assert "Reported by customs" in text


def test_who_is_told_of_changes_is_shown_with_the_ledger(imsoc, ledgers, stored):
    assert imsoc.json("customs", "show", CHED)["told_of_changes"] == []

    def unit(connection):
        save_partner(connection, "nl-customs", {"id": "nl-customs"}, author="test", now=NOW)
        open_subscription(connection, partner="nl-customs", ched_id=ledgers, office="NL000396", at=NOW)

    stored(unit)
    assert imsoc.json("customs", "show", CHED)["told_of_changes"] == ["nl-customs"]
    assert "Told of changes: nl-customs" in imsoc("customs", "show", CHED).stdout


def test_history_tells_each_movement_with_its_message(imsoc, ledgers):
    entries = imsoc.json("customs", "history", CHED)["entries"]
    assert [(entry["kind"], entry["line"], entry["quantity"], entry["unit"]) for entry in entries] == [
        ("certified", 1, "1000", "KGM"),
        ("certified", 2, "2", "H87"),
        ("reserved", 1, "1", "GRM"),
        ("consumed", 1, "1", "GRM"),
        ("reserved", 1, "600", "KGM"),
    ]
    assert entries[2]["message_id"] == "m-reserved"
    assert entries[2]["who"] == "nl-customs"
    assert len(entries[2]["exchange_id"]) == 26
    only = imsoc.json("customs", "history", CHED, "--declaration", "L1")["entries"]
    assert [entry["declaration"] for entry in only] == ["LRN L1"]
    assert "certified" in imsoc("customs", "history", CHED).stdout


def test_history_tells_who_froze_and_thawed_it_and_why(imsoc, ledgers):
    imsoc("customs", "freeze", CHED, "--reason", "does not add up")
    imsoc("customs", "freeze", CHED, "--off", "--reason", "counted again")
    told = imsoc.json("customs", "history", CHED)["entries"]
    standing = [each for each in told if each["kind"] in {"frozen", "thawed"}]
    assert [(each["kind"], each["reason"]) for each in standing] == [
        ("frozen", "does not add up"),
        ("thawed", "counted again"),
    ]
    assert all(each["who"].startswith("operator:") and each["recorded_at"] for each in standing)
    assert [each["recorded_at"] for each in told] == sorted(each["recorded_at"] for each in told)
    assert {frozenset(each) for each in told} == {frozenset(told[0])}
    assert "counted again" in imsoc("customs", "history", CHED).stdout
    only = imsoc.json("customs", "history", CHED, "--declaration", "L1")["entries"]
    assert [each["kind"] for each in only] == ["reserved"]


def test_long_histories_are_told_to_the_end(imsoc, ledgers, monkeypatch):
    monkeypatch.setattr("gateway.cli.customs._PORTION", 2)
    assert len(imsoc.json("customs", "history", CHED)["entries"]) == 5


def test_the_cheds_behind_a_declaration(imsoc, ledgers):
    found = imsoc.json("customs", "declaration", "L1", "--lrn")
    assert [(row["ched"], row["quantity"]) for row in found["stands"]] == [(CHED, "600"), (OTHER, "1")]
    assert found["reports"] == []
    found = imsoc.json("customs", "declaration", "26NLA1")
    assert [row["ched"] for row in found["stands"]] == [CHED]
    assert [(row["ched"], row["ched_code"]) for row in found["reports"]] == [(CHED, "N853")]
    assert "N853" in imsoc("customs", "declaration", "26NLA1").stdout
    assert found["more"] is False


@pytest.mark.parametrize(("most", "more"), [(1, True), (2, False)])
def test_a_list_of_a_declaration_that_is_cut_says_so(imsoc, stored, monkeypatch, most, more):
    monkeypatch.setattr("gateway.cli.customs._MOST", most)

    def both(connection):
        for reference in (CHED, OTHER):
            a_ched(connection, reference)
            move(connection, reference, EntryKind.RESERVED, Declaration(MRN, "26NLMANY"))

    stored(both)
    found = imsoc.json("customs", "declaration", "26NLMANY")
    assert (len(found["stands"]), found["more"]) == (most, more)
    assert ("There are more" in imsoc("customs", "declaration", "26NLMANY").stdout) is more


def test_an_lrn_is_no_mrn(imsoc, ledgers):
    assert imsoc.json("customs", "declaration", "L1", code=1)["error"]["code"] == "IMG-7413"


def test_the_entries_are_added_up(imsoc, ledgers, monkeypatch):
    assert imsoc.json("customs", "check", CHED) == {"ok": True, "checked": 1, "code": "", "troubles": []}
    monkeypatch.setattr("gateway.cli.customs._PORTION", 1)
    assert imsoc.json("customs", "check", "--all")["checked"] == 2
    assert "each is the sum of its entries" in imsoc("customs", "check", "--all").stdout


def test_a_position_that_is_not_the_sum_is_told_and_refused(imsoc, ledgers, trial):
    connection = sqlite3.connect(trial / "imsoc.db")
    connection.execute("UPDATE ledger_allocations SET quanta = 5 WHERE declaration = 'L1' AND quanta > 1000000")
    connection.commit()
    connection.close()
    for which in (CHED, "--all"):
        told = imsoc.json("customs", "check", which, code=1)
        assert (told["ok"], told["code"]) == (False, "IMG-7412")
        (trouble,) = told["troubles"]
        assert (trouble["ched"], trouble["declaration"]) == (CHED, "LRN L1")
        assert (trouble["found"], trouble["expected"]) == ("reserved 5", f"reserved {600_000 * GRAM}")
    refused = imsoc("customs", "check", "--all", code=1)
    assert "IMG-7412" in refused.stderr
    assert imsoc.json("customs", "check", OTHER)["ok"]


@pytest.mark.parametrize("arguments", [[], [CHED, "--all"]])
def test_one_ched_or_all_are_checked(imsoc, ledgers, arguments):
    assert imsoc.json("customs", "check", *arguments, code=2)["error"]["code"] == "IMG-0106"


def test_a_hold_is_given_back_for_a_reason_and_audited(imsoc, ledgers, stored):
    released = imsoc.json("customs", "release", CHED, "--lrn", "L1", "--reason", "Withdrawn, by letter")["released"]
    assert [(row["declaration"], row["quantity"], row["unit"]) for row in released] == [("LRN L1", "600", "KGM")]
    shown = imsoc.json("customs", "show", CHED)
    assert shown["lines"][0]["available"] == "999.999"
    assert [row["declaration"] for row in shown["declarations"]] == ["MRN 26NLA1"]
    last = imsoc.json("customs", "history", CHED)["entries"][-1]
    assert (last["kind"], last["reason"]) == ("returned", "Withdrawn, by letter")
    assert last["who"].startswith("operator:")
    assert imsoc.json("customs", "check", CHED)["ok"]
    (entry,) = [
        each for each in stored(lambda connection: find_audit(connection, ledgers)) if each.action == "customs release"
    ]
    assert entry.actor.startswith("operator:")
    assert entry.detail["declaration"] == "LRN L1"
    assert imsoc.json("customs", "show", OTHER)["declarations"], "only on that CHED"


def test_what_was_consumed_is_not_given_back(imsoc, ledgers):
    error = imsoc.json("customs", "release", CHED, "--mrn", "26NLA1", "--reason", "x", code=1)["error"]
    assert (error["code"], error["found"]) == ("IMG-7413", "its goods are consumed")
    assert imsoc.json("customs", "show", CHED)["lines"][0]["consumed"] == "0.001"


@pytest.mark.parametrize("option", ["--mrn", "--lrn"])
def test_who_holds_nothing_gives_nothing_back(imsoc, ledgers, option):
    number = {"--mrn": "L1", "--lrn": "26NLA1"}[option]
    error = imsoc.json("customs", "release", CHED, option, number, "--reason", "x", code=1)["error"]
    assert (error["code"], error["found"]) == ("IMG-7413", "nothing stands for it")


@pytest.mark.parametrize(
    "options", [["--reason", "x"], ["--reason", "x", "--mrn", "A", "--lrn", "B"], ["--reason", " ", "--mrn", "A"]]
)
def test_a_release_names_one_declaration_and_a_reason(imsoc, ledgers, options):
    assert imsoc.json("customs", "release", CHED, *options, code=2)["error"]["code"] == "IMG-0106"


def test_a_ched_is_frozen_and_thawed(imsoc, ledgers, stored):
    assert imsoc.json("customs", "freeze", CHED, "--reason", "does not add up") == {
        "reference": CHED,
        "frozen": "does not add up",
        "was": "",
    }
    assert imsoc.json("customs", "show", CHED)["frozen"] == "does not add up"
    assert "does not add up" in imsoc("customs", "show", CHED).stdout
    assert imsoc.json("customs", "freeze", CHED, "--off", "--reason", "counted")["was"] == "does not add up"
    assert imsoc.json("customs", "show", CHED)["frozen"] == ""
    audited = [
        (each.action, each.detail)
        for each in stored(lambda connection: find_audit(connection, ledgers))
        if each.action.startswith("ledger ")
    ]
    assert audited == [("ledger frozen", {"why": "does not add up"}), ("ledger thawed", {"why": "counted"})]
    assert imsoc.json("customs", "freeze", CHED, "--off", code=1)["error"]["code"] == "IMG-7413"


@pytest.mark.parametrize("options", [[], ["--reason", " "]])
def test_freezing_needs_a_reason_thawing_none(imsoc, ledgers, options):
    assert imsoc.json("customs", "freeze", CHED, *options, code=2)["error"]["code"] == "IMG-0106"


@pytest.mark.parametrize(
    "command",
    [
        ["show"],
        ["history"],
        ["check"],
        ["release", "--lrn", "L1", "--reason", "x"],
        ["freeze", "--reason", "x"],
    ],
)
def test_what_is_not_there_is_said(imsoc, stored, command):
    name, *options = command
    error = imsoc.json("customs", name, CHED, *options, code=1)["error"]
    assert (error["code"], error["where"]) == ("IMG-7413", CHED)
    stored(lambda connection: a_ched(connection, CHED, ledger=False))
    error = imsoc.json("customs", name, CHED, *options, code=1)["error"]
    assert (error["code"], error["found"]) == ("IMG-7413", "no ledger yet")


def test_what_partners_wrote_does_not_steer_the_terminal(imsoc, stored):
    def unit(connection):
        a_ched(connection, CHED)
        move(connection, CHED, EntryKind.RESERVED, Declaration(MRN, "26\x1b[2J"))

    stored(unit)
    for command in ("show", "history"):
        assert "\x1b" not in imsoc("customs", command, CHED).stdout
        assert "\x1b" not in json.dumps(imsoc("customs", command, CHED, "--json").stdout)
