"""Lists in their publishers' own formats: what is read out of them, and what is refused, with its place."""

import io
import zipfile
from datetime import date
from itertools import islice

import pytest
from openpyxl import Workbook

from gateway.errors import TranslationRefused, XmlRefused
from mappings import sheet_xlsx, synthetic
from mappings.publishers import (
    Nomenclature,
    PublishedCode,
    read_eppo,
    read_harmonized,
    read_locode,
    read_taric,
)
from mappings.publishers import files as limits

TARIC = "Goods code,Start date,End date,Language,Hier. pos.,Indent,Description,Descr. start date\n"
LINE = "{code} {suffix},{first},{last},{language},{level},{indent},{text},{described}\n"
EPPO = (
    "identifier,datatype,code,lang,langno,preferred,status,creation,modification,country,fullname,authority,shortname\n"
)
NAME = "{n},PFL,{code},{lang},1,{preferred},{status},2000-01-01,2020-01-01,,{name},{authority},\n"


def goods(code, level, indent="", text="Goods", **cells):
    first = cells.get("first", "01-01-2020")
    more = {"suffix": "80", "first": first, "last": "", "language": "EN", "described": first} | cells
    return LINE.format(code=code, level=level, indent=indent, text=text, **more)


LIVE = (
    goods("0100000000", 2, text="Live animals")
    + goods("0101000000", 4, text="Horses")
    + goods("0101210000", 6, "- -", "Pure-bred", suffix="80")
    + goods("0101290000", 6, "- -", "Other", suffix="10")
    + goods("0101290000", 6, "- - -", "Other horses")
    + goods("0101291000", 8, "- - - -", "For slaughter", last="31-12-2026")
    + goods("0101291010", 10, "- - - - -", "Wild")
)


def name(code="AAAAA", lang="la", text="Zus zus", preferred=1, status="A", authority="", n=1):
    return NAME.format(n=n, code=code, lang=lang, preferred=preferred, status=status, name=text, authority=authority)


@pytest.fixture
def file(tmp_path):
    def file(name, content):
        made = tmp_path / name
        made.write_bytes(content if isinstance(content, bytes) else content.encode())
        return made

    return file


@pytest.fixture
def archive(tmp_path):
    def archive(name="bayer.zip", compression=zipfile.ZIP_DEFLATED, **members):
        made = tmp_path / name
        with zipfile.ZipFile(made, "w", compression) as out:
            for member, text in members.items():
                out.writestr(member.replace("_", "."), text)
        return made

    return archive


def refusal(read, *arguments, error=TranslationRefused):
    with pytest.raises(error) as refused:
        list(read(*arguments))
    return refused.value.code, refused.value.where


# --- the nomenclature


def test_the_order_of_lines_and_the_dashes_are_the_tree(file):
    found = {each.code: each for each in read_taric([file("n.csv", TARIC + LIVE)])}
    parents = {code: each.parent for code, each in found.items()}
    assert parents == {
        "0100000000": "",
        "0101000000": "0100000000",
        "0101210000": "0101000000",
        "0101290000-10": "0101000000",
        "0101290000": "0101290000-10",
        "0101291000": "0101290000",
        "0101291010": "0101291000",
    }
    assert found["0101290000-10"].note == "a heading: not declared"
    assert (found["0101291000"].valid_from, found["0101291000"].valid_to) == (date(2020, 1, 1), date(2026, 12, 31))


def test_the_combined_nomenclature_has_eight_digits_where_it_ends(file):
    found = list(read_taric([file("n.csv", TARIC + LIVE)], Nomenclature.CN))
    assert [(each.code, each.parent) for each in found] == [
        ("01", ""),
        ("0101", "01"),
        ("010121", "0101"),
        ("01012100", "010121"),
        ("010129", "0101"),
        ("01012910", "010129"),
    ]
    assert found[3].name == "Pure-bred"


def test_other_languages_become_labels_from_the_same_or_another_file(file):
    french = goods("0100000000", 2, text="Animaux vivants", language="FR")
    german = goods("0100000000", 2, text="Lebende Tiere", language="DE")
    one = list(read_taric([file("all.csv", TARIC + french + LIVE)]))
    two = list(
        read_taric([file("n.csv", TARIC + LIVE), file("fr.csv", TARIC + french), file("de.csv", TARIC + german)])
    )
    assert (one[0].name, one[0].labels) == ("Live animals", {"fr": "Animaux vivants"})
    assert two[0].labels == {"fr": "Animaux vivants", "de": "Lebende Tiere"}
    (only,) = read_taric([file("fr.csv", TARIC + french)])
    assert (only.name, only.labels) == ("Animaux vivants", {})


def test_the_newest_description_of_a_code_counts(file):
    old = goods("0100000000", 2, text="Beasts", described="01-01-2021")
    new = goods("0100000000", 2, text="Live animals", described="01-01-2024")
    assert [each.name for each in read_taric([file("n.csv", TARIC + new + old)])] == ["Live animals"]


def test_a_workbook_is_read_as_its_csv(tmp_path):
    for form in ("csv", "xlsx"):
        synthetic.write("taric", tmp_path / f"n.{form}", 300, ("en", "fr"))
    first, second = (
        [(each.code, each.name, each.parent, each.labels) for each in read_taric([tmp_path / f"n.{form}"])]
        for form in ("csv", "xlsx")
    )
    assert first == second
    assert len(first) == 300


def test_a_workbook_of_a_spreadsheet_is_read(tmp_path):
    """Shared strings, numbers for days, empty cells that are left out: as a spreadsheet saves it."""
    book = Workbook()
    book.active.append([*TARIC.strip().split(",")])
    book.active.append(["0100000000 80", date(1971, 12, 31), None, "EN", 2, None, "LIVE ANIMALS", date(1971, 12, 31)])
    book.active.append([])
    book.active.append(["0101000000 80", "01-01-1972", "31-12-2030", "EN", "4", "", "Live horses"])
    book.save(tmp_path / "Nomenclature EN.xlsx")
    found = list(read_taric([tmp_path / "Nomenclature EN.xlsx"]))
    assert [(each.code, each.name, each.valid_from) for each in found] == [
        ("0100000000", "LIVE ANIMALS", date(1971, 12, 31)),
        ("0101000000", "Live horses", date(1972, 1, 1)),
    ]
    assert found[1].where == "Nomenclature EN.xlsx row 4"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (goods("01000000", 2), "Goods code"),
        (goods("010000000x", 2), "Goods code"),
        (goods("0100000000", 3), "Hier. Pos."),
        (goods("0100000000", 2, "x"), "Indent"),
        (goods("0100000000", 2, language="E1"), "Language"),
        (goods("0100000000", 2, first="31-02-2020"), "Start date"),
        (goods("0100000000", 2, last="01-01-2019"), "End date"),
        (goods("0100000000", 2, text="a\x1b[2J"), "Description"),
        (goods("0100000000", 2, text="x" * 4001), "Description"),
    ],
)
def test_a_cell_that_the_commission_does_not_write_is_named(file, line, column):
    content = TARIC + goods("0200000000", 2) + line
    assert refusal(read_taric, [file("n.csv", content)]) == ("IMG-6031", f"n.csv line 3 {column}")


def test_a_formula_in_a_workbook_is_refused(tmp_path):
    book = Workbook()
    book.active.append([*TARIC.strip().split(",")])
    book.active.append(["0100000000 80", "", "", "EN", "2", "", '=HYPERLINK("http://x")', ""])
    book.save(tmp_path / "n.xlsx")
    assert refusal(read_taric, [tmp_path / "n.xlsx"]) == ("IMG-6031", "n.xlsx row 2 G2")


def test_a_code_twice_for_a_day_is_refused_and_one_after_the_other_is_not(file):
    again = goods("0101000000", 4, first="01-01-2027")
    content = TARIC + LIVE.replace(goods("0101000000", 4, text="Horses"), goods("0101000000", 4, last="31-12-2026"))
    assert len(list(read_taric([file("n.csv", content + again)]))) == 8
    assert refusal(read_taric, [file("n.csv", TARIC + LIVE + again)]) == ("IMG-6033", "n.csv line 9")


# --- EPPO codes


def test_the_preferred_name_is_the_name_and_others_are_labels(archive):
    pfl = EPPO + name(text="Zus zus", authority="L.") + name(lang="en", text="zus", preferred=0)
    pfl += name(lang="en", text="other zus", preferred=0) + name(code="BBBBB", text="Old", status="N")
    gaf = EPPO + name("CCCCCC", "la", "Fungus", 0) + name("CCCCCC", "fr", "Champignon")
    made = archive(pflname_txt="\ufeff" + pfl, gafname_txt=gaf, pfllink_txt="x", repco_txt="y")
    codes = {each.code: each for each in read_eppo(made)}
    assert set(codes) == {"AAAAA", "CCCCCC"}
    assert (codes["AAAAA"].name, codes["AAAAA"].note, codes["AAAAA"].labels) == ("Zus zus", "L.", {"en": "zus"})
    assert (codes["CCCCCC"].name, codes["CCCCCC"].labels) == ("Champignon", {"fr": "Champignon", "la": "Fungus"})


def test_the_three_forms_of_eppo_codes_say_the_same(tmp_path):
    for form in ("zip", "xml", "txt"):
        synthetic.write("eppo", tmp_path / f"e.{form}", 500)
    forms = [
        sorted((each.code, each.name, tuple(sorted(each.labels.items()))) for each in read_eppo(tmp_path / f"e.{form}"))
        for form in ("zip", "xml", "txt")
    ]
    assert forms[0] == forms[1] == forms[2]
    assert len(forms[0]) == 500
    with zipfile.ZipFile(tmp_path / "full.zip", "w") as out:
        out.write(tmp_path / "e.xml", "fullcodes.xml")
    assert len(list(read_eppo(tmp_path / "full.zip"))) == 500


def test_inactive_codes_and_names_are_left_out(file):
    xml = (
        '<codes><code isactive="false"><eppocode>AAAAA</eppocode><names/></code>'
        '<code isactive="true"><eppocode>BBBBB</eppocode><names>'
        '<name isactive="false" ispreferred="true"><fullname>Old</fullname><lang>la</lang></name>'
        '<name isactive="true" ispreferred="false"><fullname>New</fullname><lang>la</lang></name></names></code>'
        "</codes>"
    )
    assert list(read_eppo(file("fullcodes.xml", xml))) == [
        PublishedCode("BBBBB", "New", where="fullcodes.xml code 2"),
    ]


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<!DOCTYPE codes [<!ENTITY a 'b'>]><codes><code>&a;</code></codes>", "IMG-1002"),
        ("<!--" + "x" * 70_000 + "--><!DOCTYPE codes [<!ENTITY a 'b'>]><codes><code/></codes>", "IMG-1002"),
        ("<codes><code></codes>", "IMG-1001"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><codes/>", "IMG-1009"),
        ("<codes/>".encode("utf-16"), "IMG-1009"),
        ("<codes>" + "<x/>" * 1_100_000 + "</codes>", "IMG-1003"),
    ],
)
def test_hostile_xml_is_refused_at_the_boundary(file, xml, code):
    found, where = refusal(read_eppo, file("fullcodes.xml", xml), error=XmlRefused)
    assert found == code
    assert "fullcodes.xml" in where or found == "IMG-1003"


def test_a_file_without_codes_is_not_the_publishers(file, archive):
    assert refusal(read_eppo, file("fullcodes.xml", "<names/>"))[0] == "IMG-6030"
    assert refusal(read_eppo, archive(readme_txt="x")) == ("IMG-6030", "bayer.zip")


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (name(code="A?"), "code"),
        (name(lang="english"), "lang"),
        (name(text="x\x00"), "fullname"),
    ],
)
def test_a_name_that_eppo_does_not_write_is_named(file, line, column):
    code, where = refusal(read_eppo, file("pflname.txt", EPPO + name() + line))
    assert code == "IMG-6031"
    assert where == f"pflname.txt line 3 {column}"


def test_a_code_in_two_groups_is_refused(file):
    content = EPPO + name() + name("BBBBB") + name(lang="en")
    assert refusal(read_eppo, file("pflname.txt", content)) == ("IMG-6033", "pflname.txt line 4")


# --- the Harmonized System and UN/LOCODE


def test_the_harmonized_system_grows_by_two_digits(file):
    content = 'section,hscode,description,parent,level\nI,01,Animals; live,TOTAL,2\nI,0101,"Horses, asses",01,4\n'
    found = list(read_harmonized(file("hs.csv", content)))
    assert [(each.code, each.name, each.parent, each.note) for each in found] == [
        ("01", "Animals; live", "", "section I"),
        ("0101", "Horses, asses", "01", "section I"),
    ]
    assert refusal(read_harmonized, file("hs.csv", content + "I,0202,Beef,01,4\n")) == (
        "IMG-6031",
        "hs.csv line 4 parent",
    )
    assert refusal(read_harmonized, file("hs.csv", content + "I,1,Beef,TOTAL,4\n")) == (
        "IMG-6031",
        "hs.csv line 4 hscode",
    )


def test_places_are_read_with_and_without_a_line_of_columns(file):
    head = "Change,Country,Location,Name,NameWoDiacritics,Subdivision,Status,Function,Date,IATA,Coordinates,Remarks\n"
    body = (
        ",NL,,.NETHERLANDS,,,,,,,,\n"
        ",NL,RTM,Rotterdam,Rotterdam,ZH,AF,12345---,0401,,5155N 00430E,\n"
        "=,NL,RTM,Rotterdam = R,,,,,,,,\n"
        "X,NL,XXX,Gone,Gone,,,,,,,\n"
    )
    for content in (head + body, body, "\ufeff" + head + body):
        assert [(each.code, each.name, each.note) for each in read_locode(file("l.csv", content))] == [
            ("NLRTM", "Rotterdam", "NL-ZH"),
            ("NLXXX", "Gone", "to be taken out"),
        ]
    assert refusal(read_locode, file("l.csv", ",nl,RTM,,,,,,,,,\n")) == ("IMG-6031", "l.csv line 1 Location")


# --- what no file may be


def test_other_columns_are_another_list(file):
    for content in ("", "a,b\n", TARIC.replace("Indent", "Goods code"), TARIC.replace(",Indent", "")):
        assert refusal(read_taric, [file("n.csv", content)]) == ("IMG-6030", "n.csv line 1")
    assert refusal(read_eppo, file("pflname.txt", TARIC))[0] == "IMG-6030"


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert refusal(read_harmonized, tmp_path / "no.csv") == ("IMG-6030", str(tmp_path / "no.csv"))
    assert refusal(read_taric, [tmp_path / "no.xlsx"]) == ("IMG-6030", str(tmp_path / "no.xlsx"))


def test_wrong_encoding_is_not_guessed(file):
    latin = (TARIC + goods("0100000000", 2, text="Bétail")).encode("latin-1")
    assert refusal(read_taric, [file("n.csv", latin)])[0] == "IMG-6034"


@pytest.mark.parametrize(
    "line", ["0100000000 80,,,EN,2\n", goods("0100000000", 2, text='"unclosed'), goods("0100000000", 2) + ",,,,,,,,\n"]
)
def test_a_broken_line_is_named(file, line):
    code, where = refusal(read_taric, [file("n.csv", TARIC + line)])
    assert code == "IMG-6031"
    assert where.startswith("n.csv line")


def test_an_archive_that_grows_without_end_is_refused(archive):
    bomb = archive(pflname_txt="\0" * 3_000_000)
    code, where = refusal(read_eppo, bomb)
    assert (code, where) == ("IMG-6032", "bayer.zip: pflname.txt")


def test_what_a_file_may_be_is_limited(file, archive, monkeypatch):
    made = file("n.csv", TARIC + LIVE)
    monkeypatch.setattr(limits, "MAX_ROWS", 3)
    assert refusal(read_taric, [made])[0] == "IMG-6032"
    monkeypatch.setattr(limits, "MAX_FILE", 100)
    assert refusal(read_taric, [made]) == ("IMG-6032", "n.csv")
    monkeypatch.setattr(limits, "MAX_FILE", 300)
    assert refusal(read_eppo, archive(pflname_txt=EPPO + name() * 20))[1] == "bayer.zip: pflname.txt"
    assert refusal(read_eppo, archive(**{f"{letter}_txt": "x" * 150 for letter in "abcde"})) == (
        "IMG-6032",
        "bayer.zip",
    )
    monkeypatch.setattr(limits, "MAX_MEMBERS", 1)
    assert refusal(read_eppo, archive(a_txt="", b_txt=""))[0] == "IMG-6032"


@pytest.mark.parametrize("flag", [0x01, 0x20, 0x40])
def test_members_that_are_encrypted_or_patched_are_refused(archive, flag):
    path = archive(pflname_txt=EPPO)
    content = bytearray(path.read_bytes())
    content[6] |= flag
    content[content.index(b"PK\x01\x02") + 8] |= flag
    path.write_bytes(content)
    assert refusal(read_eppo, path)[0] == "IMG-6030"


def test_an_archive_that_is_packed_otherwise_or_damaged_is_refused(file, archive, tmp_path):
    assert refusal(read_eppo, archive(compression=zipfile.ZIP_LZMA, pflname_txt=EPPO))[0] == "IMG-6030"
    good = archive(pflname_txt=EPPO + name()).read_bytes()
    at = good.index(b"pflname.txt") + len(b"pflname.txt") + 5
    damaged = file("bayer.zip", good[:at] + b"\xff\xff\xff" + good[at + 3 :])
    assert refusal(read_eppo, damaged)[0] == "IMG-6030"
    assert refusal(read_taric, [file("n.xlsx", b"no archive")]) == ("IMG-6030", "n.xlsx")
    with zipfile.ZipFile(tmp_path / "n.xlsx", "w") as out:
        out.writestr("xl/workbook.xml", "<workbook/>")
    assert refusal(read_taric, [tmp_path / "n.xlsx"]) == ("IMG-6030", "n.xlsx")


def sheet_of(file, sheet):
    """A workbook with this sheet, beside whatever else openpyxl writes."""
    Workbook().save(file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts | {"xl/worksheets/sheet1.xml": sheet.encode()}).items():
            archive.writestr(name, content)
    return file


ROWS = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ('<row><c r="BM1"><v>1</v></c></row>', "IMG-6032"),
        ('<row><c r="1"><v>1</v></c></row>', "IMG-6030"),
        ('<row><c t="s"><v>7</v></c></row>', "IMG-6030"),
        ('<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>', "IMG-6030"),
        ('<row r="2"/><row r="1"/>', "IMG-6030"),
        ('<row><c t="b"><v>1</v></c></row>', "IMG-6031"),
        ('<row><c t="e"><v>#N/A</v></c></row>', "IMG-6031"),
        ("<row><c><f>1+1</f></c></row>", "IMG-6031"),
    ],
)
def test_a_cell_that_no_spreadsheet_writes_is_refused(tmp_path, row, code):
    assert refusal(read_taric, [sheet_of(tmp_path / "n.xlsx", ROWS.format(row))])[0] == code


def test_entities_of_a_workbook_are_never_expanded(tmp_path, file):
    """openpyxl would: its parser of worksheets knows entities that the file defines."""
    text = "".join(f'<c t="str"><v>{cell}</v></c>' for cell in TARIC.strip().split(","))
    sheet = ROWS.format(f"<row>{text}</row><row><c t='str'><v>&a;</v></c></row>")
    for doctype in (
        '<!DOCTYPE x [<!ENTITY a "b">]>',
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "{file("a.txt", "x").as_uri()}">]>',
    ):
        made = sheet_of(tmp_path / "n.xlsx", doctype + sheet)
        assert refusal(read_taric, [made]) == ("IMG-6030", "n.xlsx xl/worksheets/sheet1.xml")


def test_a_workbook_that_grows_without_end_is_refused(tmp_path, monkeypatch):
    made = sheet_of(tmp_path / "n.xlsx", ROWS.format(" " * 1_000_000))
    monkeypatch.setattr(sheet_xlsx, "MAX_SHEET_BYTES", 1_000_000)
    assert refusal(read_taric, [made]) == ("IMG-6032", "n.xlsx xl/worksheets/sheet1.xml")
    monkeypatch.setattr(sheet_xlsx, "MAX_XLSX_BYTES", 1_000)
    assert refusal(read_taric, [made]) == ("IMG-6032", "n.xlsx")


def test_the_first_codes_come_before_the_last_are_read(tmp_path):
    """A reader is a stream: a file whose end is damaged gives what stands before."""
    text = io.StringIO()
    text.write(EPPO)
    for number in range(20_000):
        text.write(name(synthetic.eppo_code(number), n=number))
    (tmp_path / "pflname.txt").write_bytes(text.getvalue().encode() + b"\xff")
    assert len(list(islice(read_eppo(tmp_path / "pflname.txt"), 10))) == 10
    assert refusal(read_eppo, tmp_path / "pflname.txt")[0] == "IMG-6034"


# --- the synthetic set


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    for kind, name in (("taric", "n.xlsx"), ("eppo", "e.zip"), ("map", "m.csv")):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir(exist_ok=True)
            synthetic.main([kind, "--rows", "200", "-o", str(tmp_path / folder / name)])
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_row_of_the_map_has_one_answer_on_each_day():
    rows = list(islice(synthetic.map_rows(300_000), 0, None, 50_000))
    assert [(row[0], row[5]) for row in rows[::2]] == [
        ("S000000", "2017-01-01"),
        ("S000000", "2018-01-01"),
        ("S000000", "2019-01-01"),
    ]
    assert len({each[1] for each in synthetic.map_rows(synthetic.MAPPED)}) == synthetic.MAPPED


def test_there_is_no_form_but_the_publishers(tmp_path):
    with pytest.raises(ValueError, match="eppo has no form"):
        synthetic.write("eppo", tmp_path / "e.xlsx")
