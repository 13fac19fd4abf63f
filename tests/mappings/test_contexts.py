"""Where a row holds: the most specific context answers; one that is too wide is told apart from a wrong one."""

import csv
from datetime import date

import pytest

from gateway.errors import TranslationRefused
from mappings import load_tables
from mappings.contexts import FORM, chain, is_below
from mappings.keeping import digest_of, from_bytes, to_bytes

pytestmark = pytest.mark.short

HEADER = "# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
LIST = f"# list: action\n{HEADER}code,name,valid_from,valid_to,grade,note,parent,name:fr\n"
MAP = (
    f"# list: action\n# system: land\n# otherwise: refuse\n{HEADER}"
    "code,canonical,context,direction,loss,valid_from,valid_to,grade,evidence\n"
)


@pytest.fixture
def lookup(tmp_path):
    (tmp_path / "list-action.csv").write_text(LIST + "BACK,,,,,,,Renvoi\nBURN,,,,,,BACK,\n", "utf-8")

    def made(*rows):
        (tmp_path / "map-land-action.csv").write_text(MAP + "".join(f"{row}\n" for row in rows), "utf-8")
        return load_tables(tmp_path).compile(date(2026, 11, 22)).lookup("land", "traces", "action")

    return made


def test_a_chain_goes_from_the_place_to_everywhere():
    assert chain("636/P/II.16") == ("636/P/II.16", "636/P", "636", "")
    assert chain("") == ("",)
    assert is_below("636/P", "636")
    assert is_below("636", "")
    assert not is_below("636", "636")
    assert not is_below("6361", "636")
    assert FORM.fullmatch("636/PP")
    assert not FORM.fullmatch("636/")


def test_the_most_specific_row_answers(lookup):
    found = lookup("r,BACK,,in,widens,,,,", "r,BURN,636/P,in,widens,,,,")
    assert found.find("r").target == "BACK"
    assert found.find("r", "636").target == "BACK"
    assert found.find("r", "636/P").target == "BURN"
    assert found.find("r", "636/P/line").target == "BURN"
    assert found.find("r", "636/PP").target == "BACK"


def test_a_context_that_is_too_wide_is_ambiguous(lookup):
    found = lookup("r,BACK,636/A,in,widens,,,,", "r,BURN,636/P,in,widens,,,,")
    for context in ("", "636"):
        with pytest.raises(TranslationRefused, match="depends on the context: 636/A, 636/P") as refused:
            found.find("r", context)
        assert refused.value.code == "IMG-6008"
    with pytest.raises(TranslationRefused) as refused:
        found.find("r", "636/D")
    assert refused.value.code == "IMG-6002"
    assert "r,?,636/D,in" in refused.value.expected


def test_an_unknown_list_is_not_a_missing_table(lookup, tmp_path):
    lookup("r,BACK,,both,none,,,,")
    index = load_tables(tmp_path).compile(date(2026, 11, 22))
    with pytest.raises(TranslationRefused) as refused:
        index.lookup("land", "traces", "nothing")
    assert refused.value.code == "IMG-6009"
    with pytest.raises(TranslationRefused) as refused:
        index.lookup("sea", "traces", "action")
    assert refused.value.code == "IMG-6005"


def test_contexts_of_strangers_do_not_pile_up(lookup):
    found = lookup("r,BACK,,both,none,,,,")
    for number in range(500):
        assert found.find("r", f"{number}").target == "BACK"
    assert len(found._under) <= 66


def test_tables_are_kept_and_had_again(lookup, tmp_path):
    lookup("r,BACK,,both,none,2026-01-01,,unverified,words é")
    tables = load_tables(tmp_path)
    again = from_bytes(to_bytes(tables))
    assert (again.lists, again.maps, again.own_lists) == (tables.lists, tables.maps, tables.own_lists)
    assert digest_of(again) == digest_of(tables)
    assert again.lists["action"].codes["BACK"].labels == {"fr": "Renvoi"}
    assert again.lists["action"].codes["BURN"].parent == "BACK"


def test_the_tables_of_this_release_are_kept_whole():
    tables = load_tables()
    again = from_bytes(to_bytes(tables))
    assert again.lists == tables.lists
    assert again.own_lists == tables.own_lists
    assert sorted(again.maps, key=lambda each: each.name) == sorted(tables.maps, key=lambda each: each.name)
    assert again.systems == tables.systems


@pytest.mark.parametrize("content", [b"", b"no tables", to_bytes(load_tables())[:-9]])
def test_bytes_that_are_no_tables_are_refused(content):
    with pytest.raises(ValueError, match="not kept tables"):
        from_bytes(content)


@pytest.mark.parametrize("code", ["A,B", 'a "b"', "a'b", "X0,BX,,in"])
def test_the_row_that_is_needed_has_its_code_in_one_cell(lookup, code):
    with pytest.raises(TranslationRefused) as refused:
        lookup().find(code)
    cells = next(csv.reader([refused.value.expected.partition(".csv: ")[2]]))
    assert cells == [code, "?", "", "in", "widens", "2026-11-22", "", "", ""]
