"""The hub's code lists: what ships, what an operator's mistake looks like, and what drift is told."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import ConfigurationError
from mappings.hub_lists import (
    LISTS,
    compare,
    digest_of,
    list_spec,
    load_hub_lists,
    rows_from_json,
    rows_from_xml,
    rows_to_csv,
    rows_to_json,
)

XSD = "{http://www.w3.org/2001/XMLSchema}"
HUB = "http://ephyto.ippc.int/"
PROVENANCE = {"authority": "a", "source": "s", "version": "1", "licence": "l"}
ELEMENTS = [spec.element for spec in LISTS]


@pytest.fixture(scope="module")
def lists():
    return load_hub_lists()


def write(folder: Path, file: str, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    header = [f"# {name}: {value}" for name, value in {"list": "x", **PROVENANCE}.items()]
    (folder / file).write_text("\n".join([*header, *lines]) + "\n", "utf-8")
    return folder


def refusal(overlay: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load_hub_lists(overlay=overlay)
    return caught.value


def test_fields_and_their_order_are_the_hubs():
    contracts = os.environ.get("IMSOC_CONTRACTS")
    if not contracts:
        pytest.skip("IMSOC_CONTRACTS is not set: the hub's own WSDL is not here")
    wsdl = etree.parse(str(Path(contracts) / "ippc-hub" / "DeliveryService.wsdl"))
    types = {each.get("name"): each for each in wsdl.iter(f"{XSD}complexType")}
    for spec in LISTS:
        (repeated,) = types[f"{spec.operation}Response"].iter(f"{XSD}element")
        assert repeated.get("name") == spec.element
        fields = list(types[repeated.get("type").partition(":")[2]].iter(f"{XSD}element"))
        assert tuple(each.get("name") for each in fields) == spec.fields
        assert {each.get("form") for each in fields} == {"unqualified"}
        always = {each.get("name") for each in fields if each.get("minOccurs") != "0"}
        assert always <= spec.required, "what the contract demands, no row leaves out"


@pytest.mark.parametrize("element", ELEMENTS)
def test_each_list_has_rows_in_use_and_retired_ones_and_who_changed_them(lists, element):
    rows = lists.items(element)
    assert {row["active"] for row in rows} == {"true", "false"}
    assert all(row["lastModified"] and row["lastModifiedBy"] for row in rows)


@pytest.mark.parametrize("spec", [spec for spec in LISTS if "lang" in spec.fields], ids=lambda spec: spec.element)
def test_every_entry_is_there_in_two_languages(lists, spec):
    rows = lists.items(spec.element)
    assert {row["lang"] for row in rows} == {"en", "es"}
    if "code" in spec.fields:
        names = [name for name in spec.key if name != "lang"]
        english, spanish = (
            {tuple(row[name] for name in names) for row in rows if row["lang"] == lang} for lang in ("en", "es")
        )
        assert english == spanish


def test_treatments_are_a_tree_of_three_levels(lists):
    english = {row["code"]: row for row in lists.items("TreatmentType") if row["lang"] == "en"}
    assert {row["level"] for row in english.values()} == {"1", "2", "3"}
    leaf = english["FUV"]
    assert english[english[leaf["parentCode"]]["parentCode"]]["level"] == "1"


@pytest.mark.parametrize("element", ELEMENTS)
def test_what_is_served_reads_back_as_it_was(lists, element):
    response = etree.fromstring(lists.response(element))
    assert response.tag == f"{{{HUB}}}{list_spec(element).operation}Response"
    assert tuple(rows_from_xml(response)) == lists.items(element)
    assert lists.response(element) is lists.response(element)


@pytest.mark.parametrize("element", ELEMENTS)
def test_what_is_exported_loads_again(lists, element, tmp_path):
    for spec in LISTS:
        text = rows_to_csv(spec.element, lists.items(spec.element), PROVENANCE)
        (tmp_path / spec.file).write_text(text, "utf-8")
    assert load_hub_lists(tmp_path).items(element) == lists.items(element)


def test_retired_codes_are_not_in_use(lists):
    assert "238" in lists.codes("Pesticide")
    assert "190" not in lists.codes("Pesticide")
    assert "3" in lists.codes("MeanOfTransport", field="modeCode")


def test_an_overlay_replaces_in_place_and_adds_at_the_end(lists, tmp_path):
    write(
        tmp_path,
        "pesticides.csv",
        "code,description,active,lastModifiedBy",
        "101,Phosphide of aluminium,false,me",
        "900,Invented,true,",
    )
    laid = load_hub_lists(overlay=tmp_path).items("Pesticide")
    old = lists.items("Pesticide")
    assert [row["code"] for row in laid] == [*(row["code"] for row in old), "900"]
    assert (laid[0]["description"], laid[0]["active"], laid[0]["lastModifiedBy"]) == (
        "Phosphide of aluminium",
        "false",
        "me",
    )
    assert laid[1:-1] == old[1:]
    assert laid[-1]["lastModified"] == ""


def test_a_whole_list_leaves_nothing_of_the_base(lists, tmp_path):
    own = [dict(row, code="X1") for row in lists.items("Pesticide")[:1]]
    (tmp_path / "pesticides.csv").write_text(rows_to_csv("Pesticide", own, PROVENANCE), "utf-8")
    laid = load_hub_lists(overlay=tmp_path)
    assert laid.items("Pesticide") == tuple(own)
    assert laid.items("Condition") == lists.items("Condition")


@pytest.mark.parametrize(
    ("file", "lines", "code", "where", "expected"),
    [
        ("pesticide.csv", ["code"], "IMG-0130", "", "pesticides.csv"),
        ("pesticides.csv", ["code,active"], "IMG-0130", "pesticides.csv:6", "description"),
        ("pesticides.csv", ["code,active,description,colour"], "IMG-0130", "pesticides.csv:6", "code"),
        ("pesticides.csv", ["code,active,description,code"], "IMG-0130", "pesticides.csv:6", "once"),
        ("pesticides.csv", [], "IMG-0130", "pesticides.csv:6", "once"),
        ("pesticides.csv", ["code,active,description", "1,true"], "IMG-0130", "pesticides.csv:7", "3"),
        ("pesticides.csv", ["code,active,description", '1,true,"open'], "IMG-0130", "pesticides.csv:7", ""),
        ("pesticides.csv", ["code,active,description", "1,yes,a"], "IMG-0130", "pesticides.csv:7 active", "true"),
        ("pesticides.csv", ["code,active,description", ",true,a"], "IMG-0130", "pesticides.csv:7 code", "a value"),
        ("pesticides.csv", ["code,active,description", "1,true,a\x01"], "IMG-0130", ":7 description", "XML"),
        ("pesticides.csv", ["code,active,description", "1,true,a", "1,true,b"], "IMG-0131", ":8", "once"),
        (
            "pesticides.csv",
            ["active,code,description,lastModified", "true,1,a,2026-11-22"],
            "IMG-0130",
            ":7",
            "dateTime",
        ),
        ("pesticides.csv", ["# list: y", "active,code,description"], "IMG-0130", "pesticides.csv:6", "once"),
        ("conditions.csv", ["active,code,lang,name", "true,A,e,a"], "IMG-0130", ":7 lang", "pt-BR"),
        ("unit-measures.csv", ["active,code,name,type", "true,A,a,MASS"], "IMG-0130", ":7 type", "WEIGHT"),
        (
            "means-of-transport.csv",
            ["active,lang,modeCode,usedTransportMean", "true,en,x,a"],
            "IMG-0130",
            ":7 modeCode",
            "number",
        ),
        ("statements.csv", ["active,code,docTypeOnly,lang,text", "true,1,-1,en,a"], "IMG-0130", ":7", "type code"),
        (
            "treatment-types.csv",
            ["active,code,description,lang,level,parentCode", "true,X,a,en,10,"],
            "IMG-0130",
            ":7 level",
            "0 to 9",
        ),
        (
            "treatment-types.csv",
            ["active,code,description,lang,level,parentCode", "true,X,a,en,1,CHT"],
            "IMG-0131",
            ":7 parentCode",
            "above level 1 in en",
        ),
        (
            "treatment-types.csv",
            ["active,code,description,lang,level,parentCode", "true,X,a,fr,2,CHT"],
            "IMG-0131",
            ":7 parentCode",
            "above level 2 in fr",
        ),
        (
            "treatment-types.csv",
            ["active,code,description,lang,level,parentCode", "true,X,a,en,2,OP"],
            "IMG-0131",
            ":7 parentCode",
            "above level 2 in en",
        ),
    ],
)
def test_a_mistake_is_refused_naming_file_and_line(tmp_path, file, lines, code, where, expected):
    error = refusal(write(tmp_path, file, *lines))
    assert error.code == code
    assert where in error.where
    assert expected in error.expected


def test_a_file_says_where_its_rows_come_from(tmp_path):
    (tmp_path / "pesticides.csv").write_text("# list: Pesticide\nactive,code,description\n", "utf-8")
    error = refusal(tmp_path)
    assert (error.code, error.where) == ("IMG-0130", "pesticides.csv:1")
    assert "authority" in error.expected


@pytest.mark.parametrize("content", [b"\xff\xfe#", None])
def test_what_is_no_list_is_refused(tmp_path, content):
    folder = tmp_path / "lists"
    if content is not None:
        folder.mkdir()
        (folder / "pesticides.csv").write_bytes(content)
    assert refusal(folder).code == "IMG-0130"


def test_another_hubs_answer_is_read_whatever_its_forms():
    response = etree.fromstring(
        f'<h:GetPesticidesResponse xmlns:h="{HUB}"><h:Pesticide><h:code> 7 </h:code><active>1</active>'
        "<news>x</news><!-- c --><description>a &amp; b</description></h:Pesticide><h:Other/>"
        "</h:GetPesticidesResponse>"
    )
    assert rows_from_xml(response) == [
        {"active": "true", "code": "7", "description": "a & b", "lastModified": "", "lastModifiedBy": ""}
    ]


def pesticide(code, description="d", active="true", when="1"):
    return {"active": active, "code": code, "description": description, "lastModified": when, "lastModifiedBy": ""}


def test_drift_tells_what_came_went_changed_and_was_retired():
    old = [pesticide("1"), pesticide("2"), pesticide("3"), pesticide("4"), pesticide("5", active="false")]
    new = [
        pesticide("5"),
        pesticide("4", when="2"),
        pesticide("3", "other", "false"),
        pesticide("2", "other"),
        pesticide("6"),
    ]
    drift = compare("Pesticide", old, new)
    assert [row["code"] for row in drift.added] == ["6"]
    assert [row["code"] for row in drift.removed] == ["1"]
    assert [(change.new["code"], change.fields) for change in drift.changed] == [
        ("5", ("active",)),
        ("2", ("description",)),
    ]
    assert [row["code"] for row in drift.retired] == ["3"]
    assert drift
    assert not compare("Pesticide", old, [dict(row, lastModified="9", lastModifiedBy="x") for row in old])


def test_a_hub_that_sends_an_entry_twice_drifts_row_by_row():
    drift = compare("Pesticide", [pesticide("1", "a"), pesticide("1", "b")], [pesticide("1", "b"), pesticide("1", "c")])
    assert [(change.old["description"], change.new["description"]) for change in drift.changed] == [("a", "c")]
    more = compare("Pesticide", [pesticide("1", "a")], [pesticide("1", "b"), pesticide("1", "c")])
    assert [row["description"] for row in (*more.removed, *more.added)] == ["a", "b", "c"]


ROWS = st.lists(
    st.builds(pesticide, st.sampled_from("12345"), st.sampled_from("ab"), st.sampled_from(["true", "false"])),
    unique_by=lambda row: row["code"],
)


@given(ROWS, ROWS)
def test_drift_applied_to_the_old_rows_gives_the_new_ones(old, new):
    drift = compare("Pesticide", old, new)
    by_code = {row["code"]: row for row in old}
    for row in drift.removed:
        del by_code[row["code"]]
    for row in (*drift.added, *drift.retired, *(change.new for change in drift.changed)):
        by_code[row["code"]] = row
    assert by_code == {row["code"]: row for row in new}


@given(ROWS, st.randoms(use_true_random=False))
def test_what_is_kept_depends_on_the_rows_and_not_on_their_order(rows, random):
    text = rows_to_json("Pesticide", rows)
    assert sorted(rows_from_json("Pesticide", text), key=str) == sorted(rows, key=str)
    shuffled = random.sample(rows, len(rows))
    assert digest_of(rows_to_json("Pesticide", shuffled)) == digest_of(text)
    assert len(digest_of(text)) == 32
