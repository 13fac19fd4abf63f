"""The commands about mapping tables: what they say, prove, translate; with changes in a store and without a store."""

from datetime import UTC, datetime

import pytest

from gateway.cli.desk import ExitCode
from gateway.sandbox.samples import certificate
from gateway.store import (
    Closing,
    DocumentKey,
    Form,
    NewRow,
    Refusal,
    RowKind,
    Submission,
    TableKey,
    add_closings,
    add_rows,
    begin_change,
    latest_edition,
    open_store,
    publish_change,
    record_refusal,
    record_submission,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings import building, load_tables, report_to_json, translate
from mappings.live import LiveTables
from mappings.wrappers import Wrapper, unwrap

NOW = datetime.now(UTC)
UNITS = TableKey(RowKind.MAP, "ephyto", "unit")
HEADER = "# authority: us\n# source: our own list\n# version: 1\n# licence: none\n# grade: own\n"
MAP = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"


@pytest.fixture
def own(imsoc, tmp_path):
    """Writes tables into the operator's own folder."""
    folder = tmp_path / "tables"
    folder.mkdir()
    (tmp_path / "imsoc.toml").write_text('[translation]\ntables = "tables"\n', "utf-8")

    def own(name, head, *lines):
        (folder / name).write_text("\n".join((f"{head}{HEADER}{lines[0]}", *lines[1:], "")), "utf-8")
        return folder / name

    return own


@pytest.fixture
def store(trial):
    with open_store(f"sqlite:///{trial}/imsoc.db", exclusive=False) as store:
        yield store


@pytest.fixture
def publish(store):
    """One change of the tables; its number."""

    def publish(*rows, closings=(), reason="as the authority wrote"):
        def unit(connection):
            change = begin_change(connection, at=NOW, author="operator:ada")
            add_rows(connection, change, rows)
            add_closings(connection, change, closings)
            return publish_change(
                connection,
                change,
                expected=latest_edition(connection),
                at=NOW,
                author="operator:ada",
                reason=reason,
                kind="change",
                effective_on="2026-01-01",
                source="letter 12",
            )

        return store.write(unit).number

    return publish


# What the tables say.


def test_tables_are_listed_without_any_settings_or_store(imsoc):
    answer = imsoc.json("mappings", "list")
    assert answer["version"].startswith("0@")
    tables = {(each["kind"], each["system"], each["list"]): each for each in answer["tables"]}
    assert tables["rows", "ephyto", "country"]["rows"] == 2
    assert tables["codes", "traces", "country"]["rows"] > 240
    assert {each["id"] for each in answer["systems"]} >= {"traces", "ephyto"}
    text = imsoc("mappings", "list", "--system", "ephyto").stdout
    assert "in memory" in text
    assert "national-b" not in text


def test_tables_are_narrowed(imsoc):
    found = imsoc.json("mappings", "list", "--list", "unit", "--system", "ephyto")["tables"]
    assert [each["table"] for each in found] == ["map-ephyto-unit"]
    assert imsoc.json("mappings", "list", "--grade", "rumour")["tables"] == []
    assert imsoc("mappings", "list", "--partner", "nobody").stdout.strip() == "none"


def test_rows_are_shown_with_their_evidence(imsoc):
    answer = imsoc.json("mappings", "show", "ephyto", "country")
    assert answer["codes_without_row"] == "the same"
    row = next(each for each in answer["rows"] if each["code"] == "EL")
    assert (row["canonical"], row["direction"], row["loss"], row["state"]) == ("GR", "in", "widens", "holds")
    assert "Annex II" in row["evidence"]
    assert row["added"] == {}
    (only,) = imsoc.json("mappings", "show", "ephyto", "country", "--code", "GB")["rows"]
    assert only["code"] == "UK"


def test_what_does_not_hold_on_the_day_is_shown_on_request(imsoc, own):
    rows = ("old,KGM,,in,widens,,2026-01-31,,", "1,KGM,,both,none,2026-02-01,,,", "2,TNE,,both,none,2027-01-01,,,")
    own("map-land-unit.csv", "# list: unit\n# system: land\n# otherwise: refuse\n", MAP.strip(), *rows)

    def states(*arguments):
        found = imsoc.json("mappings", "show", "land", "unit", *arguments)["rows"]
        return {each["code"]: each["state"] for each in found}

    assert states("--on", "2026-05-01") == {"1": "holds"}
    assert states("--on", "2026-01-31") == {"old": "holds"}
    assert states("--on", "2026-05-01", "--all") == {"old": "closed", "1": "holds", "2": "not yet"}
    assert imsoc.json("mappings", "show", "land", "unit", "--limit", "1", "--all")["more"] is True
    assert "2026-02-01 to …" in imsoc("mappings", "show", "land", "unit", "--on", "2026-05-01").stdout


def test_a_list_is_shown_as_a_hierarchy_with_labels(imsoc, own):
    columns = "code,name,valid_from,valid_to,grade,note,parent,name:fr"
    own(
        "list-goods.csv",
        "# list: goods\n",
        columns,
        "0805,Citrus fruit,,,,,08,Agrumes",
        "08,Fruit,,,,,,Fruits",
        "09,Coffee,,,unverified,,,",
    )
    answer = imsoc.json("mappings", "show", "traces", "goods")
    assert {each["code"]: (each["parent"], each["labels"]) for each in answer["codes"]} == {
        "0805": ("08", {"fr": "Agrumes"}),
        "08": ("", {"fr": "Fruits"}),
        "09": ("", {}),
    }
    lines = imsoc("mappings", "show", "traces", "goods").stdout.splitlines()
    shown = [line[:8].rstrip() for line in lines if line.startswith(("08", "  08", "09"))]
    assert shown == ["08", "  0805", "09"]
    assert "fr: Agrumes" in "".join(lines)


def test_a_table_that_is_not_there_is_said(imsoc):
    for arguments, code in (
        (("nowhere", "unit"), "IMG-6005"),
        (("ephyto", "nothing"), "IMG-6009"),
        (("ephyto", "ched-purpose"), "IMG-6005"),
        (("traces", "nothing"), "IMG-6009"),
        (("ephyto", "unit", "--codes"), "IMG-6005"),
        (("ephyto", "unit", "--partner", "nobody"), "IMG-6005"),
    ):
        answer = imsoc.json("mappings", "show", *arguments, code=ExitCode.REFUSED)
        assert answer["error"]["code"] == code, arguments


# Who changed them.


def test_a_change_is_shown_with_who_when_and_why(imsoc, publish):
    publish(NewRow(UNITS, "KILO", "KGM", direction="in", loss="widens", text="letter of the ministry"))
    publish(closings=[Closing(UNITS, "ephyto/unit/NPR", "2026-06-30")], reason="no sender uses it")
    publish(closings=[Closing(UNITS, "ephyto/unit/KTM", "")], reason="entered by mistake")
    rows = {each["code"]: each for each in imsoc.json("mappings", "show", "ephyto", "unit", "--all")["rows"]}
    assert rows["KILO"]["added"] == {
        "edition": 1,
        "by": "operator:ada",
        "at": f"{NOW:%Y-%m-%dT%H:%M:%SZ}",
        "reason": "as the authority wrote",
    }
    assert (rows["NPR"]["state"], rows["NPR"]["valid_to"]) == ("closed", "2026-06-30")
    assert rows["KTM"]["state"] == "withdrawn"
    text = imsoc("mappings", "show", "ephyto", "unit").stdout
    assert "1: operator:ada" in text
    assert "KTM" not in text
    (table,) = imsoc.json("mappings", "list", "--system", "ephyto", "--list", "unit")["tables"]
    assert (table["rows"], table["changed"]) == (2, 1)


def test_changes_are_listed_newest_first_and_narrowed(imsoc, publish):
    countries = TableKey(RowKind.MAP, "ephyto", "country")
    publish(NewRow(UNITS, "KILO", "KGM", direction="in", loss="widens"))
    publish(NewRow(countries, "UKI", "GB", direction="in", loss="widens"), reason="seen in a message")
    found = imsoc.json("mappings", "history")["editions"]
    assert [(each["edition"], each["tables"], each["added"]) for each in found] == [
        (2, ["ephyto country"], 1),
        (1, ["ephyto unit"], 1),
    ]
    assert found[0] | {"reason": "seen in a message", "source": "letter 12", "effective_on": "2026-01-01"} == found[0]
    assert [each["edition"] for each in imsoc.json("mappings", "history", "ephyto", "unit")["editions"]] == [1]
    assert imsoc.json("mappings", "history", "national-b")["editions"] == []
    assert [each["edition"] for each in imsoc.json("mappings", "history", "--limit", "1")["editions"]] == [2]


def test_without_changes_there_is_no_history(imsoc):
    assert "Nothing was changed" in imsoc("mappings", "history").stdout


# One code.


def test_a_code_is_looked_up_with_the_row_and_the_reason(imsoc):
    answer = imsoc.json("mappings", "lookup", "EL", "--from", "ephyto", "--list", "country")
    (step,) = answer["answers"]
    assert (answer["becomes"], step["row"], step["loss"], step["grade"]) == (
        "GR",
        "ephyto/country/EL",
        "widens",
        "own",
    )
    assert answer["way_back"] == {"verdict": "widens", "reason": "comes back as 'GR'"}
    assert "Annex II" in imsoc("mappings", "lookup", "EL", "--from", "ephyto", "--list", "country").stdout


def test_a_code_goes_through_the_canonical_one_and_identity_is_said(imsoc):
    answer = imsoc.json("mappings", "lookup", "KGM", "--from", "ephyto", "--to", "national-b", "--list", "unit")
    assert (answer["becomes"], [each["to"] for each in answer["answers"]]) == ("KG", ["traces", "national-b"])
    assert answer["answers"][0]["why"] == "no row names it: it is the same on both sides"
    assert answer["way_back"]["verdict"] == "bijective"


def test_a_code_without_answer_is_refused_with_the_row_that_is_needed(imsoc):
    arguments = ("mappings", "lookup", "ZZZ", "--from", "ephyto", "--list", "unit", "--on", "2026-11-22")
    error = imsoc.json(*arguments, code=ExitCode.REFUSED)["error"]
    assert (error["code"], error["expected"]) == ("IMG-6001", "map-ephyto-unit.csv: ZZZ,?,,in,widens,2026-11-22,,,")
    assert "map-ephyto-unit.csv: ZZZ,?" in imsoc(*arguments, code=ExitCode.REFUSED).stderr


def test_a_context_chooses_the_row(imsoc, own):
    rows = ("1,KGM,851,both,none,,,,", "1,TNE,636/A,in,widens,,,,")
    own("map-land-unit.csv", "# list: unit\n# system: land\n# otherwise: refuse\n", MAP.strip(), *rows)
    arguments = ("mappings", "lookup", "1", "--from", "land", "--list", "unit")
    assert imsoc.json(*arguments, "--context", "851")["becomes"] == "KGM"
    assert imsoc.json(*arguments, "--context", "636/A")["becomes"] == "TNE"
    assert imsoc.json(*arguments, code=ExitCode.REFUSED)["error"]["code"] == "IMG-6008"
    assert imsoc.json(*arguments, "--context", "856", code=ExitCode.REFUSED)["error"]["code"] == "IMG-6002"


def test_a_partners_own_row_goes_first_and_names_its_author(imsoc, publish):
    of_partner = UNITS._replace(partner="third-country")
    publish(NewRow(of_partner, "NPR", "KGM", direction="in", loss="widens", text="their own abbreviation"))
    arguments = ("mappings", "lookup", "NPR", "--from", "ephyto", "--list", "unit")
    assert imsoc.json(*arguments)["becomes"] == "PR"
    (step,) = imsoc.json(*arguments, "--partner", "third-country")["answers"]
    assert (step["becomes"], step["why"], step["added"]["edition"]) == ("KGM", "their own abbreviation", 1)


def test_a_day_that_is_none_is_refused(imsoc):
    arguments = ("mappings", "lookup", "KGM", "--from", "ephyto", "--list", "unit", "--on", "tomorrow")
    assert imsoc.json(*arguments, code=ExitCode.USAGE)["error"]["where"] == "--on"


# Documents.


@pytest.fixture
def document(tmp_path):
    file = tmp_path / "certificate.xml"
    file.write_bytes(certificate(lines=1))
    return file


def test_a_document_is_translated_and_each_touched_place_reported(imsoc, document, tmp_path):
    result = imsoc("mappings", "translate", document, "--from", "ephyto", "--report", tmp_path / "report.json")
    index = LiveTables(load_tables()).on(NOW.date())
    expected = translate(parse(document.read_bytes()).root, source="ephyto", target="traces", index=index)
    assert result.stdout_bytes == serialise(expected.root)
    assert (tmp_path / "report.json").read_text("utf-8") == report_to_json(expected.report)
    assert "classification-system" in result.stderr
    assert index.version in result.stderr


def test_a_translation_is_one_json_document_on_request(imsoc, document, tmp_path):
    answer = imsoc.json("mappings", "translate", document, "--from", "ephyto", "--to", "national-b")
    assert "<sps:SPSCertificate" in answer["document"]
    assert {each["list"] for each in answer["report"]} >= {"structure", "country"}
    written = imsoc.json("mappings", "translate", document, "--from", "ephyto", "-o", tmp_path / "out.xml")
    assert written["bytes"] == (tmp_path / "out.xml").stat().st_size
    assert "document" not in written


def test_every_gap_is_told_with_its_row(imsoc, document):
    document.write_bytes(document.read_bytes().replace(b">BX<", b">X0<").replace(b'unitCode="KGM"', b'unitCode="X1"'))
    arguments = ("mappings", "translate", document, "--from", "ephyto", "--on", "2026-11-22")
    error = imsoc.json(*arguments, code=ExitCode.REFUSED)["error"]
    rows = {each["expected"] for each in error["findings"]}
    assert rows == {
        "map-ephyto-package.csv: X0,?,,in,widens,2026-11-22,,,",
        "map-ephyto-unit.csv: X1,?,,in,widens,2026-11-22,,,",
    }
    refused = imsoc(*arguments, code=ExitCode.REFUSED)
    assert all(row in refused.stderr for row in rows)
    assert refused.stdout == ""


def test_there_and_back_shows_what_is_lost_and_that_it_was_declared(imsoc, document):
    answer = imsoc.json("mappings", "translate", document, "--from", "ephyto", "--back")
    assert answer["back"]
    assert all(each["declared"] != "NO" for each in answer["back"])
    assert "0 of them undeclared" in imsoc("mappings", "translate", document, "--from", "ephyto", "--back").stderr


@pytest.mark.parametrize("wrapper", Wrapper)
def test_a_translation_is_carried_as_it_is_wanted(imsoc, document, tmp_path, wrapper):
    out = tmp_path / "out.xml"
    imsoc("mappings", "translate", document, "--from", "ephyto", "--as", wrapper.value, "-o", out)
    carried = unwrap(parse(out.read_bytes()).root)
    assert carried.wrapper is wrapper
    again = imsoc("mappings", "translate", out, "--from", "traces", "--to", "ephyto").stdout
    assert again.startswith("<sps:SPSCertificate")
    imsoc("mappings", "translate", document, "--from", "ephyto", "--as", "letter", code=ExitCode.USAGE)


def test_a_past_version_of_the_tables_translates_as_it_did(imsoc, document, publish, store):
    version = imsoc.json("mappings", "list")["version"]
    LiveTables(load_tables(), store).keep_base(NOW)
    before = imsoc("mappings", "translate", document, "--from", "ephyto").stdout
    publish(
        closings=[
            Closing(TableKey(RowKind.MAP, "ephyto", "classification-system"), "ephyto/classification-system/HS", "")
        ]
    )
    imsoc("mappings", "translate", document, "--from", "ephyto", code=ExitCode.REFUSED)
    assert imsoc("mappings", "translate", document, "--from", "ephyto", "--tables", version).stdout == before
    unknown = imsoc.json(
        "mappings", "translate", document, "--from", "ephyto", "--tables", "7@000000000000", code=ExitCode.REFUSED
    )
    assert unknown["error"]["code"] == "IMG-6012"


def test_a_file_that_is_not_there_is_said(imsoc):
    answer = imsoc.json("mappings", "translate", "nothing.xml", "--from", "ephyto", code=ExitCode.USAGE)
    assert answer["error"]["code"] == "IMG-0104"


@pytest.fixture
def accepted(store):
    """A message that was taken in and translated; its id."""
    index = LiveTables(load_tables(), store).on(NOW.date())
    content = certificate(lines=1)
    done = translate(parse(content).root, source="ephyto", target="traces", index=index)
    submission = Submission(
        exchange_id="01TESTACCEPTED",
        partner="third-country",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=NOW,
        request=b"<request/>",
        acknowledgement=b"<acknowledgement/>",
        document=DocumentKey("AR", "851", "AR-EX-1"),
        status_code="70",
        expected_status=None,
        digest=b"d" * 32,
        content=content,
        form=Form.SEALED,
        translated=serialise(done.root),
        translation_report=report_to_json(done.report),
        tables=done.tables,
    )
    store.write(lambda connection: record_submission(connection, submission))
    return submission.exchange_id


def test_a_stored_message_is_translated_again_to_the_same_bytes(imsoc, accepted, publish, trial):
    publish(
        closings=[
            Closing(TableKey(RowKind.MAP, "ephyto", "classification-system"), "ephyto/classification-system/HS", "")
        ]
    )
    answer = imsoc.json("mappings", "retranslate", accepted, "-o", trial / "again.xml")
    assert answer["same"] is True
    assert answer["bytes"] == answer["stored"] == (trial / "again.xml").stat().st_size
    assert "The same bytes as stored." in imsoc("mappings", "retranslate", accepted).stdout


def test_a_stored_message_that_comes_out_otherwise_says_why(imsoc, accepted, publish):
    number = publish(
        NewRow(TableKey(RowKind.MAP, "ephyto", "country"), "NL", "BE", direction="in", loss="widens"),
    )
    newest = imsoc.json("mappings", "list")["version"]
    assert newest.startswith(f"{number}@")
    answer = imsoc.json("mappings", "retranslate", accepted, "--tables", newest, code=ExitCode.REFUSED)
    assert answer["same"] is False
    assert {(each["before"], each["after"]) for each in answer["differences"]} >= {("NL", "BE")}
    assert any("another row decides" in reason for reason in answer["reasons"])


def test_a_message_without_translation_is_said(imsoc, trial):
    answer = imsoc.json("mappings", "retranslate", "nothing", code=ExitCode.REFUSED)
    assert answer["error"]["code"] == "IMG-6040"


def test_without_a_store_there_is_nothing_to_translate_again(imsoc):
    assert imsoc.json("mappings", "retranslate", "x", code=ExitCode.USAGE)["error"]["code"] == "IMG-0111"


# Proofs.


def test_the_installed_tables_are_sound(imsoc):
    answer = imsoc.json("mappings", "check")
    assert answer["sound"] is True
    country = next(each for each in answer["tables"] if (each["system"], each["list"]) == ("ephyto", "country"))
    assert (country["rows"], country["widens"], country["unreachable"], country["bijective"]) == (2, 1, 1, 0)  # EL, UK
    assert country["same"] > 240
    assert "Sound: 0 contradictions." in imsoc("mappings", "check", "--list", "country").stdout


def test_rows_of_one_word_are_listed_with_the_reason(imsoc):
    rows = imsoc.json("mappings", "check", "--from", "ephyto", "--list", "country", "--show", "widens")["rows"]
    assert {each["row"]: each["reason"] for each in rows}[
        "ephyto/country/EL"
    ] == "'EL' comes back as 'GR' (ephyto/country/=GR)"
    assert imsoc.json("mappings", "check", "--show", "nonsense", code=ExitCode.USAGE)["error"]["code"] == "IMG-0106"


def test_two_systems_are_proven_through_the_canonical_one(imsoc):
    arguments = ("--from", "ephyto", "--to", "national-b", "--list", "unit", "--show", "bijective")
    answer = imsoc.json("mappings", "check", *arguments)
    (summary,) = answer["tables"]
    assert summary["rows"] == summary["bijective"] + 2  # KTM and NPR
    kilograms = next(each for each in answer["rows"] if each["source"] == "KGM")
    assert (kilograms["target"], kilograms["row"]) == ("KG", "ephyto/unit/=KGM national-b/unit/KG")


def test_tables_that_are_kept_in_the_store_are_shown_and_proven_row_by_row(imsoc, publish, monkeypatch):
    monkeypatch.setattr(building, "LARGE", 1)
    publish(
        NewRow(UNITS, "KILO", "KGM", direction="in", loss="widens", text="letter of the ministry"),
        NewRow(UNITS, "TONS", "TNE", direction="in", loss="widens"),
    )
    publish(closings=[Closing(UNITS, "ephyto/unit/TONS#2", "2026-01-31")], reason="no sender uses it")
    (table,) = imsoc.json("mappings", "list", "--system", "ephyto", "--list", "unit")["tables"]
    assert table["kept"] == "in the store"
    only = ("--from", "ephyto", "--list", "unit")
    assert imsoc.json("mappings", "check", *only)["tables"] == []
    answer = imsoc.json("mappings", "check", *only, "--large", "--show", "all")
    assert {each["source"]: each["verdict"] for each in answer["rows"]} == {
        "NPR": "widens",
        "KTM": "widens",
        "KILO": "widens",
        "TONS": "unreachable",
    }
    assert imsoc.json("mappings", "coverage", *only)["lists"] == []
    own = imsoc.json("mappings", "coverage", *only, "--large")["lists"][1]
    assert (own["codes_of"], own["codes"], own["outwards"], own["unmapped"]) == ("ephyto", 4, 3, 1)
    (step,) = imsoc.json("mappings", "lookup", "KILO", *only)["answers"]
    assert (step["why"], step["added"]["by"]) == ("letter of the ministry", "operator:ada")
    rows = imsoc.json("mappings", "show", "ephyto", "unit", "--code", "KGM")["rows"]
    assert [each["code"] for each in rows] == ["KILO"]


def test_files_are_checked_before_they_are_installed(imsoc, tmp_path):
    good = tmp_path / "map-land-unit.csv"
    head = f"# list: unit\n# system: land\n# otherwise: refuse\n{HEADER}{MAP}"
    good.write_text(f"{head}1,KGM,,both,none,,,,\n", "utf-8")
    answer = imsoc.json("mappings", "check", good, "--from", "land")
    assert [(each["list"], each["bijective"]) for each in answer["tables"]] == [("unit", 1)]
    good.write_text(f"{head}1,KGM,,both,none,,,,\n1,TNE,,in,widens,,,,\n2,LTR,,in,none,,,,\n", "utf-8")
    wrong = imsoc.json("mappings", "check", good, code=ExitCode.REFUSED)["contradictions"]
    assert {each["code"] for each in wrong} == {"IMG-0131"}
    assert wrong[0]["found"] == "land/unit/1 (1=KGM), land/unit/1 (1=TNE)"
    assert "no row leads back" in wrong[-1]["found"]
    assert "NOT SOUND" in imsoc("mappings", "check", good, code=ExitCode.REFUSED).stdout


def test_files_that_are_no_tables_are_all_named(imsoc, tmp_path):
    broken, misnamed = tmp_path / "map-land-unit.csv", tmp_path / "units.csv"
    broken.write_text("nothing\n", "utf-8")
    misnamed.write_text("nothing\n", "utf-8")
    wrong = imsoc.json("mappings", "check", broken, misnamed, "nowhere.csv", code=ExitCode.REFUSED)["contradictions"]
    assert [each["code"] for each in wrong] == ["IMG-0130", "IMG-0130", "IMG-0104"]


def test_changes_that_contradict_the_installed_tables_are_found(imsoc, publish):
    publish(NewRow(UNITS, "NPR", "KGM", direction="in", loss="widens"))
    (wrong,) = imsoc.json("mappings", "check", code=ExitCode.REFUSED)["contradictions"]
    assert wrong["code"] == "IMG-0131"
    assert "ephyto/unit/NPR (NPR=PR)" in wrong["found"]


def test_a_change_that_ends_before_it_begins_is_found(imsoc, publish):
    publish(NewRow(UNITS, "KILO", "KGM", direction="in", loss="widens", valid_from="2026-06-01"))
    publish(closings=[Closing(UNITS, "ephyto/unit/KILO+2026-06-01#1", "2026-01-31")])
    (wrong,) = imsoc.json("mappings", "check", code=ExitCode.REFUSED)["contradictions"]
    assert wrong["found"] == "2026-06-01 to 2026-01-31"


def test_two_answers_in_a_table_that_is_kept_in_the_store_are_found_row_by_row(imsoc, publish, monkeypatch):
    monkeypatch.setattr(building, "LARGE", 1)
    publish(
        NewRow(UNITS, "KILO", "KGM", direction="in", loss="widens"),
        NewRow(UNITS, "KILO", "TNE", direction="in", loss="widens"),
    )
    only = ("--from", "ephyto", "--list", "unit")
    answer = imsoc.json("mappings", "check", *only, "--large", "--show", "contradictory", code=ExitCode.REFUSED)
    (row,) = answer["rows"]
    assert (row["row"], row["reason"]) == (
        "ephyto/unit/KILO#1",
        "ephyto/unit/KILO#2 answers for the same code, context and day",
    )


# Coverage.


def test_codes_with_and_without_rows_are_counted(imsoc):
    answer = imsoc.json("mappings", "coverage", "--from", "national-b", "--list", "package")
    traces, own = answer["lists"]
    assert (traces["codes_of"], own["codes_of"]) == ("traces", "national-b")
    assert traces["unmapped"] == len(traces["missing"]) > 0
    assert own["both"] == own["codes"]
    (between,) = imsoc.json("mappings", "coverage", "--from", "ephyto", "--to", "national-b", "--list", "status")[
        "lists"
    ]
    assert between["codes"] == between["both"] + between["unmapped"] + between["outwards"]


def test_codes_of_real_messages_are_counted(imsoc, accepted, store):
    finding = {"rule": "IMG-6001", "expected": "map-ephyto-unit.csv: KQX,?,,in,widens,2026-11-22,,,"}
    refusal = Refusal(
        exchange_id="01TESTREFUSED",
        partner="third-country",
        contract="certificate-exchange",
        operation="SubmitCertificate",
        received_at=NOW,
        request=b"<request/>",
        error_code="IMG-6001",
        error_detail={"findings": [finding, finding | {"expected": "ISO code"}]},
    )
    store.write(lambda connection: record_refusal(connection, refusal))
    answer = imsoc.json("mappings", "coverage", "--from", "ephyto")
    assert answer["messages"] == 2
    traffic = {each["list"]: each for each in answer["traffic"]}
    assert traffic["unit"]["refused"] == ["KQX (1)"]
    assert traffic["country"]["codes"] == 2
    assert traffic["country"]["uses"] > 2
    assert imsoc.json("mappings", "coverage", "--days", "0")["traffic"] == []
