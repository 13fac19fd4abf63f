"""Changing tables at the command line: a preview first, then a question, then the next edition."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from gateway.cli import mappings_publishing
from gateway.cli.application import app
from gateway.cli.desk import ExitCode
from gateway.sandbox.samples import certificate
from gateway.store import DocumentKey, Form, Submission, list_editions, open_store, record_submission
from gateway.xml.boundary import parse
from mappings import load_tables, report_to_json, translate

NOW = datetime.now(UTC)
TODAY = NOW.date()
YES = ("--reason", "letter 12 of the authority", "--yes")


@pytest.fixture
def store(trial):
    with open_store(f"sqlite:///{trial}/imsoc.db", exclusive=False) as store:
        yield store


def exported(imsoc, *arguments):
    return imsoc("mappings", "export", *arguments).stdout


def test_a_row_is_added_with_author_reason_and_day(imsoc, trial, store):
    answer = imsoc.json(
        "mappings", "add", "national-b", "unit", "DOOS", "MTR", "--evidence", "seen", "--author", "Ada", *YES
    )
    assert (answer["added"], answer["closed"], answer["edition"], answer["published"]) == (1, 0, 1, True)
    with store.read() as connection:
        (edition,) = list_editions(connection, limit=9)
    assert (edition.author, edition.reason, edition.kind) == ("Ada", "letter 12 of the authority", "change")
    assert edition.effective_on == TODAY.isoformat()
    assert f"DOOS,MTR,,both,none,{TODAY},,own,seen" in exported(imsoc, "national-b", "unit")


def test_what_was_confirmed_for_the_quarantine_is_kept_with_the_change(imsoc, trial, store):
    answer = imsoc.json("mappings", "add", "national-b", "unit", "DOOS", "MTR", "--release", "3", *YES)
    assert (answer["releasable"], answer["release"]) == (0, 3)
    with store.read() as connection:
        assert list_editions(connection, limit=1)[0].release_limit == 3


def test_the_preview_says_what_becomes_of_a_planned_row(imsoc, trial):
    first = datetime.now(UTC).date() + timedelta(days=60)
    imsoc("mappings", "add", "national-b", "unit", "DOOS", "MTR", "--effective", f"{first}", *YES)
    add = ("mappings", "add", "national-b", "unit", "DOOS", "LTR", *YES)
    (said,) = imsoc.json(*add, "--dry-run")["planned"]
    last = first - timedelta(days=1)
    assert said.startswith(f"DOOS=LTR ends on {last}: national-b/unit/DOOS")
    row = said.partition("imsoc mappings close ")[2].partition(" ")[0]
    assert imsoc.json("mappings", "close", row.strip("'"), "--last", f"{last}", *YES)["planned"][0].endswith(
        "is withdrawn before it begins"
    )
    assert imsoc.json(*add)["planned"] == []


def test_a_partners_own_row_is_for_nobody_else(imsoc, trial):
    own = ("--partner", "third-country")
    row = ("KG", "TNE", "--direction", "in", "--loss", "widens")
    answer = imsoc.json("mappings", "add", "national-b", "unit", *row, *own, *YES)
    assert answer["table"]["partner"] == "third-country"
    asked = ("mappings", "export", "national-b", "unit")
    assert "KG,TNE,," in exported(imsoc, "national-b", "unit", *own)
    assert "KG,TNE,," not in imsoc(*asked).stdout


def test_without_an_author_it_is_the_account(imsoc, trial, store):
    imsoc("mappings", "add", "national-b", "unit", "DOOS", "MTR", *YES)
    with store.read() as connection:
        assert list_editions(connection, limit=1)[0].author.startswith("operator:")


def test_a_reason_is_asked_for(imsoc, trial):
    error = imsoc.json("mappings", "add", "national-b", "unit", "DOOS", "MTR", "--yes", code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"]) == ("IMG-0106", "--reason")


def test_without_a_terminal_a_yes_has_to_be_said(imsoc, trial):
    arguments = ("mappings", "add", "national-b", "unit", "DOOS", "MTR", "--reason", "x")
    assert imsoc.json(*arguments, code=ExitCode.USAGE)["error"]["code"] == "IMG-0139"
    assert imsoc.json("mappings", "history")["editions"] == []


@pytest.mark.parametrize(("answer", "editions"), [("y\n", 1), ("n\n", 0)])
def test_on_a_terminal_the_preview_comes_before_the_question(imsoc, trial, store, monkeypatch, answer, editions):
    monkeypatch.setattr(mappings_publishing, "_is_terminal", lambda: True)
    command = [
        "mappings",
        "add",
        "national-b",
        "unit",
        "KG",
        "MTR",
        "--reason",
        "x",
        "--direction",
        "in",
        "--loss",
        "widens",
    ]
    result = CliRunner().invoke(app, command, input=answer, env={"COLUMNS": "200"})
    assert "national-b/unit/KG" in result.stdout
    assert "unmapped" in result.stdout
    assert result.exit_code == (ExitCode.OK if editions else ExitCode.USAGE)
    with store.read() as connection:
        assert len(list_editions(connection, limit=9)) == editions


def test_the_row_that_a_refusal_printed_is_added_as_it_is(imsoc, trial):
    refused = imsoc.json("mappings", "lookup", "DOOS", "--list", "unit", "--from", "national-b", code=ExitCode.REFUSED)[
        "error"
    ]
    row = refused["expected"]
    assert re.fullmatch(r"map-national-b-unit\.csv: DOOS,\?,,in,widens,\d{4}-\d\d-\d\d,,,", row)
    error = imsoc.json("mappings", "add", "--row", row, *YES, code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"]) == ("IMG-0135", "--row")
    answer = imsoc.json("mappings", "add", "--row", row.replace("?", "MTR"), *YES)
    assert answer["rows_added"][0]["canonical"] == "MTR"
    assert imsoc.json("mappings", "lookup", "DOOS", "--list", "unit", "--from", "national-b")


def test_the_row_printed_for_a_code_of_tomorrow_leaves_that_row_and_its_way_back(imsoc, trial):
    tomorrow = TODAY + timedelta(days=1)
    imsoc("mappings", "add", "national-b", "unit", "DOOS", "MTR", "--from", tomorrow, *YES)
    asked = ("mappings", "lookup", "DOOS", "--list", "unit", "--from", "national-b")
    error = imsoc.json(*asked, code=ExitCode.REFUSED)["error"]
    assert error["code"] == "IMG-6003"
    assert error["expected"] == f"map-national-b-unit.csv: DOOS,?,,both,none,{TODAY},{TODAY},,"
    answer = imsoc.json("mappings", "add", "--row", error["expected"].replace("?", "MTR"), *YES)
    assert (answer["added"], answer["closed"]) == (1, 0)
    back = ("mappings", "lookup", "MTR", "--list", "unit", "--from", "traces", "--to", "national-b", "--on")
    for day in (TODAY, tomorrow):
        assert imsoc.json(*asked, "--on", day)["becomes"] == "MTR"
        assert imsoc.json(*back, day)["becomes"] == "DOOS"


def test_for_a_code_without_equivalent_no_row_is_printed(imsoc, trial):
    row = ("DOOS", "--direction", "none", "--evidence", "their letter of May")
    imsoc("mappings", "add", "national-b", "unit", *row, *YES)
    asked = ("mappings", "lookup", "DOOS", "--list", "unit", "--from", "national-b")
    error = imsoc.json(*asked, code=ExitCode.REFUSED)["error"]
    assert (error["code"], "their letter of May" in error["message"]) == ("IMG-6007", True)
    assert error["expected"].startswith("no row while national-b/unit/DOOS")
    assert "?" not in error["expected"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("national-b", "unit", "DOOS", "NOTHING"), "IMG-0135"),
        (("national-b", "unit", "=1+1", "MTR"), "IMG-0136"),
        (("national-b", "unit", "KILO", "KGM"), "IMG-0137"),
        (
            ("national-b", "unit", "KG", "MTR", "--direction", "out", "--loss", "widens"),
            "IMG-0137",
        ),  # KG is read as KGM
        (("national-b", "unit", "KG", "MTR", "--direction", "sideways"), "IMG-0135"),
        (("national-b",), "IMG-0135"),
        (("--row", "map-nothing.csv: A,B,,both,none,,,,"), "IMG-0105"),
        (("national-b", "unit", "A", "MTR", "--effective", "tomorrow"), "IMG-0101"),
    ],
)
def test_a_wrong_row_changes_nothing(imsoc, trial, arguments, code):
    assert imsoc.json("mappings", "add", *arguments, *YES, code=ExitCode.USAGE)["error"]["code"] == code


def test_an_unknown_list_or_system_is_refused(imsoc, trial):
    for arguments, code in ((("national-b", "colours"), "IMG-6009"), (("nobody", "unit"), "IMG-6005")):
        error = imsoc.json("mappings", "add", *arguments, "A", "B", *YES, code=ExitCode.REFUSED)["error"]
        assert error["code"] == code


def test_a_dry_run_changes_nothing(imsoc, trial):
    (trial / "units.csv").write_text("# system: national-b\n# list: unit\ncode,canonical\nDOOS,MTR\n", "utf-8")
    answer = imsoc.json("mappings", "import", "units.csv", "--reason", "x", "--dry-run")
    assert (answer["added"], answer["published"]) == (1, False)
    told = [(each["what"], each["code"], each["before"], each["after"]) for each in answer["consequences"]]
    assert told == [
        ("unmapped", "MTR", "MTR", "refused"),  # it was the same on both sides as long as no row named it
        ("changed", "MTR", "MTR", "DOOS"),
        ("mapped", "DOOS", "refused", "MTR"),
    ]
    assert imsoc.json("mappings", "history")["editions"] == []


def test_an_import_is_an_edition_and_the_same_again_is_none(imsoc, trial):
    (trial / "units.csv").write_text("code;canonical\nDOOS;MTR\nZAK;LTR\n", "utf-8")
    arguments = ("mappings", "import", "units.csv", "--system", "national-b", "--list", "unit", *YES)
    assert imsoc.json(*arguments)["edition"] == 1
    again = imsoc.json(*arguments)
    assert (again["added"], again["closed"], again["unchanged"], again["published"]) == (0, 0, 2, False)
    assert "Nothing changes" in imsoc(*arguments).stdout
    (edition,) = imsoc.json("mappings", "history")["editions"]
    assert (edition["kind"], edition["source"], edition["added"]) == ("import", "units.csv", 2)


def test_every_fault_of_a_file_is_told(imsoc, trial):
    (trial / "units.csv").write_text(
        "# system: national-b\n# list: unit\ncode,canonical\nA,NO\nB,MTR,x\n=C,MTR\n", "utf-8"
    )
    error = imsoc.json("mappings", "import", "units.csv", *YES, code=ExitCode.USAGE)["error"]
    assert error["code"] == "IMG-0136"
    assert [each["path"].partition(" line ")[2] for each in error["findings"]] == [
        "4 column canonical", "5 column canonical", "6 column code",
    ]  # fmt: skip


def test_another_encoding_is_refused(imsoc, trial):
    (trial / "units.csv").write_bytes("code,canonical\nSTÜCK,H87\n".encode("latin-1"))
    arguments = ("mappings", "import", "units.csv", "--system", "national-b", "--list", "unit", *YES)
    assert imsoc.json(*arguments, code=ExitCode.USAGE)["error"]["code"] == "IMG-0133"


@pytest.mark.parametrize("name", ["units.csv", "units.xlsx"])
def test_what_is_exported_imports_as_no_change(imsoc, trial, name):
    imsoc("mappings", "add", "national-b", "unit", "045", "MTR", "--evidence", "NA", *YES)
    assert imsoc.json("mappings", "export", "national-b", "unit", "-o", name)["rows"] == 4
    answer = imsoc.json("mappings", "import", name, "--replace", *YES)
    assert (answer["added"], answer["closed"], answer["unchanged"]) == (0, 0, 4)
    if name.endswith(".xlsx"):
        cells = list(load_workbook(name).active.iter_rows())[-1]
        assert [cells[0].value, cells[0].number_format, cells[-1].value] == ["045", "@", "NA"]


def test_an_export_of_a_day_or_of_the_past_has_what_held_then(imsoc, trial):
    before = imsoc.json("mappings", "list")["version"]
    imsoc("mappings", "add", "national-b", "unit", "DOOS", "MTR", "--effective", "2030-01-01", *YES)
    assert "DOOS" in exported(imsoc, "national-b", "unit")
    assert "DOOS" not in exported(imsoc, "national-b", "unit", "--on", "2029-12-31")
    assert "DOOS" in exported(imsoc, "national-b", "unit", "--on", "2030-01-01")
    assert "DOOS" not in exported(imsoc, "national-b", "unit", "--tables", before)
    rows = imsoc.json("mappings", "export", "traces", "unit")["rows"]
    assert {"code": "KGM", "name": "kilogram"}.items() <= next(row for row in rows if row["code"] == "KGM").items()
    error = imsoc.json("mappings", "export", "national-b", "colours", code=ExitCode.REFUSED)["error"]
    assert error["code"] == "IMG-6009"
    error = imsoc.json("mappings", "export", "national-b", "unit", "-o", "no/such/folder.csv", code=ExitCode.USAGE)
    assert error["error"]["code"] == "IMG-0104"


def test_versions_are_compared_row_by_row(imsoc, trial):
    imsoc("mappings", "add", "national-b", "unit", "KG", "MTR", "--effective", "2030-01-01", *YES)
    found = imsoc.json("mappings", "diff", "0")["differences"]
    assert [(each["table"], each["what"], each["code"], each["after"]) for each in found] == [
        ("national-b/unit", "changed", "KG", "… to 2029-12-31, own"),
        ("national-b/unit", "added", "KG", "2030-01-01 to …, own"),
    ]
    assert [each["what"] for each in imsoc.json("mappings", "diff", "1", "0")["differences"]] == ["changed", "gone"]
    assert imsoc.json("mappings", "diff", "1")["differences"] == []
    assert imsoc.json("mappings", "diff", "0", "--list", "package")["differences"] == []
    error = imsoc.json("mappings", "diff", "7", code=ExitCode.REFUSED)["error"]
    assert error["code"] == "IMG-6012"


def test_a_file_is_compared_with_the_tables_of_now(imsoc, trial):
    imsoc("mappings", "export", "national-b", "unit", "-o", "units.csv")
    assert imsoc.json("mappings", "diff", "units.csv")["differences"] == []
    text = (trial / "units.csv").read_text("utf-8").replace("STK,H87", "STUK,H87")
    (trial / "units.csv").write_text(text, "utf-8")
    found = imsoc.json("mappings", "diff", "units.csv")["differences"]
    assert [(each["what"], each["row"], each["code"]) for each in found] == [
        ("closed", "national-b/unit/STK", "STK"),
        ("added", found[1]["row"], "STUK"),
    ]


def test_a_row_is_closed_and_its_code_is_refused_from_then_on(imsoc, trial):
    last = TODAY + timedelta(days=3)
    answer = imsoc.json("mappings", "close", "national-b/unit/KG", "--last", last, *YES)
    assert (answer["added"], answer["closed"], answer["effective_on"]) == (0, 1, str(last + timedelta(days=1)))
    assert {(each["what"], each["code"]) for each in answer["consequences"]} >= {("unmapped", "KG")}
    imsoc("mappings", "lookup", "KG", "--list", "unit", "--from", "national-b", "--on", last)
    after = ("mappings", "lookup", "KG", "--list", "unit", "--from", "national-b", "--on", last + timedelta(days=1))
    assert imsoc.json(*after, code=ExitCode.REFUSED)["error"]["code"] == "IMG-6003"
    again = ("mappings", "close", "national-b/unit/KG", "--last", last, *YES)
    assert imsoc.json(*again, code=ExitCode.USAGE)["error"]["code"] == "IMG-0106"
    missing = ("mappings", "close", "national-b/unit/NOTHING", "--last", last, *YES)
    assert imsoc.json(*missing, code=ExitCode.USAGE)["error"]["code"] == "IMG-0105"


def test_a_day_of_the_past_is_said_loudly(imsoc, trial):
    arguments = ("mappings", "close", "national-b/unit/KG", "--reason", "x", "--dry-run", "--last")
    shown = imsoc(*arguments, "2020-01-01").stdout
    assert "ATTENTION: 2020-01-02 IS IN THE PAST" in shown
    assert f"on 2020-01-02, {TODAY} (today))" in shown
    assert "PAST" not in imsoc(*arguments, TODAY).stdout
    told = imsoc.json(*arguments, "2020-01-01")
    assert told["in_the_past"]
    assert told["consequences"][0]["days"] == ["2020-01-02", str(TODAY)]


def test_a_code_of_a_list_is_closed(imsoc, trial):
    answer = imsoc.json("mappings", "close", "traces/unit=KGM", "--last", TODAY, *YES)
    assert (answer["table"]["kind"], answer["closed"]) == ("code", 1)


def test_an_unverified_row_is_confirmed_by_a_row_that_says_who_and_why(imsoc, trial):
    imsoc(
        "mappings", "add", "national-b", "unit", "DOOS", "MTR", "--grade", "unverified", "--evidence", "a rumour", *YES
    )
    asked = ("mappings", "lookup", "DOOS", "--list", "unit", "--from", "national-b")
    assert imsoc.json(*asked, code=ExitCode.REFUSED)["error"]["code"] == "IMG-6004"
    (row,) = imsoc.json("mappings", "show", "national-b", "unit", "--code", "DOOS", "--all")["rows"]
    confirm = ("mappings", "confirm", row["id"], "--source", "their table of 2026", "--author", "Ada", *YES)
    answer = imsoc.json(*confirm)
    said = f"a rumour; confirmed by Ada on {TODAY}: letter 12 of the authority (their table of 2026)"
    assert (answer["rows_added"][0]["grade"], answer["rows_added"][0]["text"]) == ("own", said)
    imsoc(*asked)
    error = imsoc.json("mappings", "confirm", "national-b/unit/KG", "--source", "x", *YES, code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"], error["found"]) == ("IMG-0106", "ROW", "own")


def test_who_is_overtaken_between_preview_and_yes_is_told(imsoc, trial, monkeypatch):
    ask = mappings_publishing.ask

    def meanwhile(desk, view, *, yes):
        monkeypatch.setattr(mappings_publishing, "ask", ask)
        imsoc("mappings", "add", "national-b", "unit", "ZAK", "LTR", *YES)
        desk.as_json = True

    monkeypatch.setattr(mappings_publishing, "ask", meanwhile)
    error = imsoc.json("mappings", "add", "national-b", "unit", "DOOS", "MTR", *YES, code=ExitCode.USAGE)["error"]
    assert (error["code"], error["retry"]) == ("IMG-0138", "later")
    assert "letter 12" in error["found"]
    assert "DOOS" not in exported(imsoc, "national-b", "unit")


def test_the_preview_names_stored_messages_that_would_say_something_else(imsoc, trial, store):
    content = certificate(lines=1)
    index = load_tables().compile(TODAY)
    root = parse(content).root
    done = translate(root, source="ephyto", target="traces", index=index)
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
        form=Form.INLINE,
        translation_report=report_to_json(done.report),
    )
    store.write(lambda connection: record_submission(connection, submission))
    answer = imsoc.json(
        "mappings",
        "add",
        "ephyto",
        "package",
        "BX",
        "CT",
        "--loss",
        "widens",
        "--direction",
        "in",
        "--reason",
        "x",
        "--dry-run",
    )
    assert (answer["messages_looked_at"], answer["messages_different"]) == (1, 1)
    (told,) = answer["messages"]
    assert (told["message"], told["code"], told["before"], told["after"]) == ("01TESTACCEPTED", "BX", "BX", "CT")


# --- systems, lists and headers that there are not


def test_a_header_line_that_counts_in_the_folder_only_is_refused(imsoc, trial):
    for line in ("# otherwise: refuse", "# transform: adm-ched-number"):
        (trial / "units.csv").write_text(f"# system: national-b\n# list: unit\n{line}\ncode,canonical\nDOOS,MTR\n")
        error = imsoc.json("mappings", "import", "units.csv", *YES, code=ExitCode.USAGE)["error"]
        assert (error["code"], error["where"], error["found"]) == ("IMG-0134", "units.csv header", line)
        assert "folder of translation.tables" in error["expected"]


def test_a_system_that_no_table_knows_is_made_only_when_it_is_said(imsoc, trial):
    (trial / "units.csv").write_text("# system: nationalb\n# list: unit\ncode,canonical\nDOOS,MTR\n")
    error = imsoc.json("mappings", "import", "units.csv", *YES, code=ExitCode.REFUSED)["error"]
    assert (error["code"], error["found"]) == ("IMG-6005", "nationalb")
    assert error["expected"].startswith("national-b")
    assert "--new-system" in error["expected"]
    assert "nationalb IS A NEW SYSTEM" in imsoc("mappings", "import", "units.csv", "--new-system", *YES).stdout
    assert imsoc.json("mappings", "import", "units.csv", *YES)["new_system"] is False


def test_a_system_that_no_table_knows_is_refused_where_it_is_asked_about(imsoc, trial):
    for arguments in (("check", "--from", "nlz"), ("history", "nlz")):
        error = imsoc.json("mappings", *arguments, code=ExitCode.REFUSED)["error"]
        assert (error["code"], error["found"]) == ("IMG-6005", "nlz")


def test_a_row_to_close_that_is_not_there_is_looked_for_in_its_list(imsoc, trial):
    close = ("mappings", "close", "national-b/unit/NOTHING", "--last", TODAY, *YES)
    error = imsoc.json(*close, code=ExitCode.USAGE)["error"]
    assert error["expected"] == "an id of imsoc mappings show national-b unit --json"


def test_a_partner_of_a_system_that_no_table_knows_is_refused(imsoc, trial):
    text = (trial / "partner.toml").read_text().replace('code_system = "ephyto"', 'code_system = "ephito"')
    (trial / "wrong.toml").write_text(text)
    error = imsoc.json("partners", "add", "wrong.toml", code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"], error["found"]) == ("IMG-0120", "partner.code_system", "ephito")
    assert error["expected"].startswith("ephyto")


def test_a_system_of_the_store_is_known_to_partners_and_doctor(imsoc, trial):
    (trial / "units.csv").write_text("# system: harbours\n# list: unit\ncode,canonical\nDOOS,MTR\n")
    imsoc("mappings", "import", "units.csv", "--new-system", *YES)
    text = (trial / "partner.toml").read_text().replace('code_system = "ephyto"', 'code_system = "harbours"')
    (trial / "other.toml").write_text(text)
    imsoc("partners", "add", "other.toml")
    assert "codes third-country" not in {each["name"] for each in imsoc.json("doctor", "--offline")["checks"]}


def test_the_doctor_names_a_partner_whose_system_no_table_knows_any_more(imsoc, trial):
    folder = trial / "tables"
    folder.mkdir()
    table = folder / "map-harbours-unit.csv"
    head = "# list: unit\n# system: harbours\n# otherwise: refuse\n# authority: a\n# source: s\n# version: 1\n"
    columns = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"
    table.write_text(f"{head}# licence: l\n# grade: own\n{columns}DOOS,MTR,,both,none,,,,\n")
    with (trial / "imsoc.toml").open("a", encoding="utf-8") as file:
        file.write('\n[translation]\ntables = "tables"\n')
    text = (trial / "partner.toml").read_text().replace('code_system = "ephyto"', 'code_system = "harbours"')
    (trial / "other.toml").write_text(text)
    imsoc("partners", "add", "other.toml")
    table.unlink()
    checks = {each["name"]: each for each in imsoc.json("doctor", "--offline")["checks"]}
    assert checks["codes third-country"]["state"] == "warn"
    assert "harbours" in checks["codes third-country"]["detail"]


def test_a_context_that_no_place_of_the_list_has_is_refused_with_those_that_there_are(imsoc, trial):
    row = ("mappings", "add", "national-b", "unit", "DOOS", "MTR", "--context")
    error = imsoc.json(*row, "CHED-P", *YES, code=ExitCode.USAGE)["error"]
    assert (error["code"], error["found"]) == ("IMG-0135", "CHED-P")
    assert "636/P" in error["expected"]
    imsoc(*row, "636/P", *YES)
    scope = ("mappings", "add", "traces-reference", "scoped-section")
    imsoc(*scope, "--context", "EFTA", "MINE", "--direction", "none", *YES)
