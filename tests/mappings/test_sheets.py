"""Spreadsheets as operators and attackers write them: every fault is named with its place, nothing is guessed."""

import zipfile
from datetime import date

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font

from gateway.errors import ConfigurationError
from gateway.store import RowKind, TableKey
from mappings import sheet_csv, sheet_xlsx, sheets
from mappings.sheet_rows import SheetRow, guarded
from mappings.sheets import MAX_PROBLEMS, open_sheet

pytestmark = pytest.mark.short

UNITS = TableKey(RowKind.MAP, "national-b", "unit")
HEAD = "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence"


@pytest.fixture
def write(tmp_path):
    def write(content, name="units.csv"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


@pytest.fixture
def book(tmp_path):
    def book(*rows, name="units.xlsx", formats=None):
        workbook = Workbook()
        for row in rows:
            workbook.active.append(row)
        for place, number_format in (formats or {}).items():
            workbook.active[place].number_format = number_format
        file = tmp_path / name
        workbook.save(file)
        return file

    return book


def units(file, **options):
    return open_sheet(file, **{"system": "national-b", "name": "unit"} | options)


def refused(file, **options):
    with pytest.raises(ConfigurationError) as caught:
        list(units(file, **options).rows())
    return caught.value


def test_a_csv_file_says_itself_which_table_it_is_for(write):
    sheet = open_sheet(write(f"# system: national-b\n# list: unit\n# grade: seen\n{HEAD}\nKG,KGM,,both,none,,,,kilo\n"))
    assert sheet.table == UNITS
    assert list(sheet.rows()) == [SheetRow(5, "KG", "KGM", grade="seen", text="kilo")]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_marks_separators_and_line_ends_make_no_difference(write, mark, separator, end):
    text = end.join(["code,canonical,evidence", 'NA,045,"a, b; c"']).replace(",", separator)
    text = text.replace(f'"a{separator} b; c"', '"a, b; c"')
    [row] = units(write(mark + text.encode())).rows()
    assert (row.line, row.code, row.canonical, row.text) == (2, "NA", "045", "a, b; c")


def test_columns_come_in_any_order_and_few_of_them_are_enough(write):
    [row] = units(write("Canonical , CODE\nKGM,KG\n")).rows()
    assert row == SheetRow(2, "KG", "KGM")


def test_header_lines_as_a_spreadsheet_saves_them(write):
    text = '"# system: national-b";;\n# list: unit;;\n"# source: a ""b"", c";;\ncode;canonical;evidence\nKG;KGM;\n'
    sheet = open_sheet(write(text))
    assert sheet.table == UNITS
    assert sheet.header["source"] == 'a "b", c'
    assert [row.line for row in sheet.rows()] == [5]


def test_a_list_has_names_in_languages_and_a_hierarchy(write):
    sheet = open_sheet(write("# list: plants\ncode,name,parent,name:fr\nA,apple,,pomme\nB,pear,A,\n"))
    assert sheet.table == TableKey(RowKind.CODE, "traces", "plants")
    assert [(row.name, row.parent, row.labels) for row in sheet.rows()] == [
        ("apple", "", '{"fr": "pomme"}'),
        ("pear", "A", ""),
    ]


def test_empty_lines_are_passed_over_and_the_count_stays_right(write):
    assert [row.line for row in units(write("code,canonical\n\n,\nKG,KGM\n")).rows()] == [4]


def test_a_row_over_several_lines_has_the_number_of_its_first(write):
    rows = list(units(write('code,canonical,evidence\nKG,KGM,"two\nlines"\nTON,TNE,\n')).rows())
    assert [(row.line, row.text) for row in rows] == [(2, "two\nlines"), (4, "")]


@pytest.mark.parametrize(
    ("content", "line", "byte"),
    [
        (b"code,canonical\nKG,KGM\nSt\xfcck,H87\n", "line 3, byte 25 ", "byte 0xFC"),
        (b"code,canonical\nKG,KGM\nSt\xc3", "line 3, byte 25 ", "byte 0xC3"),
        (b"code,canonical\nK\0G,KGM\n", "line 2, byte 17 ", "byte 0x00"),
    ],
)
def test_another_encoding_is_refused_with_the_byte(write, content, line, byte):
    error = refused(write(content))
    assert (error.code, error.found) == ("IMG-0133", byte)
    assert line in error.where


def test_letters_across_the_chunks_in_which_a_file_is_read_are_whole(write, monkeypatch):
    monkeypatch.setattr(sheet_csv, "_CHUNK", 5)
    [row] = units(write("code,canonical\n€€€€é,KGM\n")).rows()
    assert row.code == "€€€€é"
    assert "line 2, byte 28 " in refused(write("code,canonical\n€€€€".encode() + b"\x80,K\n")).where


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused_by_its_name(write, codec):
    mark = b"" if codec == "utf-16" else b"\xfe\xff"
    error = refused(write(mark + "code,canonical\n".encode(codec)))
    assert (error.code, error.found) == ("IMG-0133", "UTF-16")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t"])
def test_a_cell_that_begins_a_formula_is_refused(write, begin):
    error = refused(write(f'code,canonical,evidence\nKG,KGM,"{begin}cmd|/C calc!A0"\n'))
    assert error.code == "IMG-0136"
    assert error.where.endswith("line 2 column evidence")


def test_text_that_must_begin_so_has_an_apostrophe(write):
    for text in ("- - Other", "=1", "'=1", "'t Zand", "plain"):
        [row] = units(write(f"code,canonical,evidence\nKG,KGM,{guarded(text)}\n")).rows()
        assert row.text == text


def test_all_faults_are_told_with_line_column_found_and_expected(write):
    text = f"""{HEAD}
KG,KGM,,sideways,none,,,,
TON,TNE,,both,some,2026-13-01,,,
 STK,H87,,both,none,2026-1-1,,good,
A,B,636//P,both,none,,,,
A,,,both,none,,,,
A,,,in,none,,,,
,,,none,none,,,,
A,B,,both,none,2026-02-02,2026-01-01,,
A,B,,both
"""
    error = refused(write(text))
    assert error.code == "IMG-0135"
    assert error.message == "12 cells of units.csv are wrong"
    assert [(each.path.removeprefix("units.csv line "), each.found) for each in error.findings] == [
        ("2 column direction", "'sideways'"),
        ("3 column loss", "'some'"),
        ("3 column valid_from", "'2026-13-01'"),
        ("4 column code", "' STK'"),
        ("4 column valid_from", "'2026-1-1'"),
        ("4 column grade", "'good'"),
        ("5 column context", "'636//P'"),
        ("6 column direction", "both"),
        ("7 column loss", "none"),
        ("8 column code", "nothing"),
        ("9 column valid_to", "2026-01-01"),
        ("10 column evidence", "4 cells"),
    ]
    assert error.findings[0].expected == "both | in | none | out"


def test_only_so_many_faults_are_told(write):
    error = refused(write("code,canonical,loss\n" + "A,B,x\n" * (MAX_PROBLEMS + 50)))
    assert len(error.findings) == MAX_PROBLEMS
    assert "100 or more" in error.message


def test_whoever_uses_the_rows_can_find_fault_with_them(write):
    sheet = units(write("code,canonical,loss\nKG,KGX,none\nTON,TNE,bad\n"))

    def use():
        for row in sheet.rows():
            sheet.fault(row.line, "canonical", row.canonical, "a code of unit")

    with pytest.raises(ConfigurationError) as caught:
        use()
    assert [each.path for each in caught.value.findings] == [
        "units.csv line 2 column canonical",
        "units.csv line 3 column loss",
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "no line with the names of columns"),
        ("# list: unit\n", "no line with the names of columns"),
        ("KG,KGM\n", "column kg"),
        ("code,canonical,colour\n", "column colour"),
        ("code,canonical,code\n", "column code"),
        ("canonical,context\n", "canonical,context"),
        ("code,note\n", "code,note"),
        ("# system: national-c\ncode,canonical\n", "# system: national-c"),
        ("# grade: fine\ncode,canonical\n", "# grade: fine"),
        ('code,canonical\nKG,"KGM\n', "unexpected end of data"),
        ("code,canonical\n" + "," * 99 + "\n", "100 cells"),
        ("code,canonical\n" + "x" * 70_000 + "\n", "a longer line"),
        ('code,canonical\nKG,"KGM\n' + "TON,TNE\n" * 300, "a quote of line 2 that is not closed"),
    ],
)
def test_what_is_no_sheet_is_refused(write, content, found):
    error = refused(write(content))
    assert (error.code, error.found) == ("IMG-0134", found)


def test_a_table_must_be_said(write):
    with pytest.raises(ConfigurationError) as caught:
        open_sheet(write("code,canonical\nKG,KGM\n"), system="national-b")
    assert (caught.value.code, caught.value.found) == ("IMG-0134", "no list")


def test_a_file_that_is_not_there_or_too_large_is_refused(write, tmp_path, monkeypatch):
    assert refused(tmp_path / "nothing.csv").code == "IMG-0134"
    monkeypatch.setattr(sheet_csv, "MAX_CSV_BYTES", 10)
    assert refused(write("code,canonical\nKG,KGM\n")).expected == "at most 10"
    monkeypatch.undo()
    monkeypatch.setattr(sheets, "MAX_ROWS", 2)
    assert refused(write("code,canonical\n" + "A,B\n" * 3)).found == "more rows"


def test_a_workbook_is_read_as_text(book):
    file = book(["# system: national-b"], ["# list: unit"], ["code", "canonical", "evidence"], ["NA", "045", None])
    sheet = open_sheet(file)
    assert sheet.table == UNITS
    assert list(sheet.rows()) == [SheetRow(4, "NA", "045")]


def test_cells_that_are_no_text_are_refused_row_by_row_with_what_to_do(book):
    file = book(
        ["code", "canonical", "valid_from", "evidence"],
        [45, "KGM", None, None],
        ["KG", "KGM", date(2026, 12, 1), True],
        ["KG", "KGM", None, "=1+1"],
    )
    error = refused(file)
    assert error.code == "IMG-0136"
    assert [(each.rule, each.path.partition(" line ")[2], each.found) for each in error.findings] == [
        ("IMG-0135", "2 column code", "the number 45"),
        ("IMG-0135", "3 column valid_from", "a date cell (2026-12-01)"),
        ("IMG-0135", "3 column evidence", "the truth value True"),
        ("IMG-0136", "4 column evidence", "a formula"),
    ]
    assert "format the column as Text" in error.findings[0].expected


def test_a_workbook_of_several_sheets_asks_which(tmp_path):
    workbook = Workbook()
    workbook.active.title = "Notes"
    worksheet = workbook.create_sheet("Units")
    worksheet.append(["code", "canonical"])
    worksheet.append(["KG", "KGM"])
    workbook.save(tmp_path / "units.xlsx")
    assert refused(tmp_path / "units.xlsx").expected == "--sheet Notes | Units"
    assert len(list(units(tmp_path / "units.xlsx", sheet="Units").rows())) == 1


def repacked(file, changes):
    """The same workbook with other content in some parts."""
    with zipfile.ZipFile(file) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts | changes).items():
            archive.writestr(name, content)
    return file


SHEET = "xl/worksheets/sheet1.xml"
MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.mark.parametrize(
    ("part", "content", "found"),
    [
        (SHEET, b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet ' + MAIN + b">&a;</worksheet>", "a DOCTYPE"),
        ("xl/sharedStrings.xml", "<?xml version='1.0'?><!DOCTYPE x><sst/>".encode("utf-16"), "a DOCTYPE or another"),
        (SHEET, b"<worksheet", "damaged"),
        (SHEET, b"<worksheet " + MAIN + b'><sheetData><row r="900000000"><c r="A900000000" t="str"><v>x</v></c></row>'
         b"</sheetData></worksheet>", "more rows"),
        (SHEET, b"<worksheet " + MAIN + b'><sheetData><row r="1"><c r="XFD1" t="str"><v>x</v></c></row></sheetData>'
         b"</worksheet>", "16384 columns"),
        ("xl/worksheets/sheet1.xml", b" " * 3_000_000, "3000000 bytes unpacked"),
        ("xl/theme/theme9.xml", b" " * 3_000_000, "3000000 bytes unpacked"),
        ("xl/workbook.xml", b"", "damaged"),
        ("xl/media/image1.png", b"\n<!DOCTYPE x []><worksheet/>", "a DOCTYPE"),
        ("xl/media/image1.png", "<!DOCTYPE x []><worksheet/>".encode("utf-16"), "a DOCTYPE or another"),
        (SHEET, b"<worksheet " + MAIN + b'><sheetData><row r="2"/><row r="1"/></sheetData></worksheet>',
         "rows or cells that are not in order"),
        (SHEET, b"<worksheet " + MAIN + b'><sheetData><row><c r="B1"/><c r="A1"/></row></sheetData></worksheet>',
         "rows or cells that are not in order"),
        (SHEET, b"<worksheet " + MAIN + b'><sheetData><row><c r="A1"/><c r="A1"/></row></sheetData></worksheet>',
         "rows or cells that are not in order"),
    ],
)  # fmt: skip
def test_bombs_and_damaged_workbooks_are_refused(book, monkeypatch, part, content, found):
    monkeypatch.setattr(sheet_xlsx, "MAX_SHEET_BYTES", 2_000_000)
    monkeypatch.setattr(sheet_xlsx, "MAX_PART_BYTES", 2_000_000)
    monkeypatch.setattr(sheet_xlsx, "MAX_XLSX_ROWS", 5_000)
    error = refused(repacked(book(["code", "canonical"]), {part: content}))
    assert error.code == "IMG-0134"
    assert error.found.startswith(found)


def test_a_strict_workbook_is_refused_and_not_read_as_empty(book):
    file = book(["code", "canonical"], ["KG", "KGM"])
    with zipfile.ZipFile(file) as archive:
        content = archive.read("xl/workbook.xml")
    strict = content.replace(
        b"http://schemas.openxmlformats.org/officeDocument/2006", b"http://purl.oclc.org/ooxml/officeDocument"
    )
    strict = strict.replace(MAIN[7:-1], b"http://purl.oclc.org/ooxml/spreadsheetml/main")
    error = refused(repacked(file, {"xl/workbook.xml": strict}))
    assert (error.code, error.found) == ("IMG-0134", "no worksheet")
    assert "Strict" in error.expected


STYLES = "xl/styles.xml"


@pytest.mark.parametrize(
    ("part", "content", "expected"),
    [
        (STYLES, b"<styleSheet><cellXfs>" + b"<xf/>" * 100_000 + b"</cellXfs></styleSheet>", "at most 200 times"),
        (STYLES, b"<styleSheet>" + "".join(f"<xf n='{number:x}'/>" for number in range(60_000)).encode(),
         "at most 524288"),
        ("xl/workbook2.bin", b"<workbook>" + "".join(f"<n{number * number}/>" for number in range(60_000)).encode(),
         "at most 524288"),
    ],
)  # fmt: skip
def test_parts_that_openpyxl_would_make_many_objects_of_are_refused_unseen(book, monkeypatch, part, content, expected):
    file = repacked(book(["code", "canonical"]), {part: content})
    seen = []
    monkeypatch.setattr(sheet_xlsx, "load_workbook", seen.append)
    error = refused(file)
    assert (error.code, error.found) == ("IMG-0134", f"{len(content)} bytes unpacked")
    assert error.expected.startswith(expected)
    assert not seen


def test_a_workbook_of_a_thousand_styles_is_read(tmp_path):
    workbook = Workbook()
    workbook.active.append(["code", "canonical"])
    workbook.active.append(["KG", "KGM"])
    for number in range(1_000):
        cell = workbook.active.cell(number % 200 + 3, 3 + number // 200)
        cell.font = Font(size=8 + number / 1_000, color=f"{number:06x}")
    workbook.save(tmp_path / "units.xlsx")
    assert [row.code for row in units(tmp_path / "units.xlsx").rows()] == ["KG"]


def test_pictures_in_a_workbook_hinder_nobody(book):
    picture = bytes.fromhex("89504e470d0a1a0a") + b"\0\0<!DOCTYPE"
    file = repacked(book(["code", "canonical"], ["KG", "KGM"]), {"xl/media/image1.png": picture})
    assert [row.code for row in units(file).rows()] == ["KG"]


def test_all_parts_of_a_workbook_together_are_limited(book, monkeypatch):
    monkeypatch.setattr(sheet_xlsx, "MAX_UNPACKED_BYTES", 2_000_000)
    parts = {f"xl/worksheets/sheet{number}.xml": b" " * 700_000 for number in range(2, 5)}
    error = refused(repacked(book(["code", "canonical"]), parts))
    assert (error.code, error.expected) == ("IMG-0134", "at most 2000000")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        next(sheet_xlsx.xlsx_lines(tmp_path / "no.xlsx"))
    assert (caught.value.code, caught.value.where) == ("IMG-0134", str(tmp_path / "no.xlsx"))


def test_other_files_in_a_zip_are_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "units.ods", "w") as archive:
        archive.writestr("content.xml", "<x/>")
    assert refused(tmp_path / "units.ods").found == "another kind of file"
    monkeypatch.setattr(sheet_xlsx, "MAX_XLSX_BYTES", 10)
    assert refused(tmp_path / "units.ods").expected == "at most 10"


def test_what_a_workbook_says_about_its_size_is_not_believed(book):
    file = book(["code", "canonical"], ["KG", "KGM"])
    with zipfile.ZipFile(file) as archive:
        content = archive.read(SHEET)
    assert b'ref="A1:B2"' in content
    assert (
        len(list(units(repacked(file, {SHEET: content.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')})).rows())) == 1
    )
