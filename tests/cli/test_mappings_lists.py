"""``imsoc mappings load`` as an operator uses it."""

from dataclasses import replace

import pytest

from gateway.cli import list_loading
from gateway.cli.desk import ExitCode
from gateway.traces.models import Metadata, NodeAttribute, Scope, Section, TreeNode
from gateway.traces.wire_reference import metadatas_response, node_response, sections_response, tree_response
from gateway.xml.names import SOAP11
from mappings import synthetic

HEADER = "# list: posts\n# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
YES = ("--reason", "their list of 2026", "--yes")
POSTS = HEADER + (
    "code,name,country,city,locode,address,categories,types,active,kind,valid_from,valid_to,grade\n"
    "NLNEW1,New post,NL,Delft,NLDFT,Quay,HC,PP,true,bcp,,,\n"
)
LIVE = TreeNode(
    "R/N-10000",
    "nomenclature",
    selectable=False,
    description="Live animals",
    cn_code="01",
    children=(TreeNode("R/N-10000/N-10065", "nomenclature", selectable=True, description="Horses", cn_code="0101"),),
)


@pytest.fixture
def nomenclature(trial):
    synthetic.write("taric", trial / "Nomenclature EN.xlsx", 300)
    return trial / "Nomenclature EN.xlsx"


def test_a_nomenclature_is_loaded_and_again_nothing_changes(imsoc, nomenclature):
    said = imsoc.json("mappings", "load", "taric", nomenclature, "--reason", "January edition", "--yes")
    assert (said["table"]["list"], said["added"], said["closed"], said["edition"]) == ("taric", 300, 0, 1)
    again = imsoc.json("mappings", "load", *YES, "taric", nomenclature)
    assert (again["added"], again["unchanged"], again["published"]) == (0, 300, False)
    shown = imsoc.json("mappings", "show", "traces", "taric", "--code", "0101000000")
    (code,) = shown["codes"]
    assert (code["grade"], code["added"]["reason"]) == ("official", "January edition")


def test_a_dry_run_loads_nothing(imsoc, nomenclature):
    said = imsoc.json("mappings", "load", *YES, "cn", nomenclature, "--dry-run")
    assert said["added"] > 100
    assert said["published"] is False
    assert imsoc.json("mappings", "history")["editions"] == []


def test_what_is_no_longer_published_ends_the_day_before(imsoc, trial):
    def load(*codes, day):
        lines = "".join(f"I,{code},Goods,{code[:-2] or 'TOTAL'},{len(code)}\n" for code in codes)
        (trial / "hs.csv").write_text("section,hscode,description,parent,level\n" + lines)
        return imsoc.json("mappings", "load", *YES, "hs", "hs.csv", "--effective", day)

    load("01", "0101", "0102", day="2026-01-01")
    said = load("01", "0102", "0103", day="2027-01-01")
    assert (said["added"], said["closed"], said["unchanged"], said["edition"]) == (1, 1, 2, 2)
    assert said["rows_closed"][0]["code"] == "0101"
    codes = imsoc.json("mappings", "show", "traces", "hs", "--code", "0101", "--all")["codes"]
    assert [code["valid_to"] for code in codes] == ["2026-12-31"]


def test_hostile_files_are_refused_and_nothing_is_loaded(imsoc, trial):
    (trial / "bad.xlsx").write_bytes(b"PK nothing")
    (trial / "hs.csv").write_text("section,hscode,description,parent,level\nI,01,A,TOTAL,2\nI,=1,B,TOTAL,2\n")
    said = imsoc.json("mappings", "load", *YES, "taric", "bad.xlsx", code=ExitCode.REFUSED)
    assert said["error"]["code"] == "IMG-6030"
    said = imsoc.json("mappings", "load", *YES, "hs", "hs.csv", code=ExitCode.REFUSED)
    assert (said["error"]["code"], said["error"]["where"]) == ("IMG-6031", "hs.csv line 3 hscode")
    assert imsoc.json("mappings", "history")["editions"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("taric",),
        ("taric", "a.csv", "--from", "the-hub"),
        ("taric", "--from", "the-hub"),
        ("eppo", "a.zip", "b.zip"),
        ("reference", "a.csv"),
        ("reference", "a.csv", "--list", "nothing"),
        ("tree", "a.xml"),
        ("metadata", "a.xml"),
        ("hub", "strange.csv"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(imsoc, trial, arguments):
    error = imsoc.json("mappings", "load", *YES, *arguments, code=ExitCode.USAGE)["error"]
    assert error["code"] == "IMG-0106"


def test_a_list_of_our_own_form_is_checked_against_the_others(imsoc, trial):
    (trial / "posts.csv").write_text(POSTS)
    assert imsoc.json("mappings", "load", *YES, "reference", "posts.csv", "--list", "posts")["lists"] == [
        "reference/posts"
    ]
    again = imsoc.json("mappings", "load", *YES, "reference", "posts.csv", "--list", "posts")
    assert (again["lists"], again["published"]) == ([], False)
    columns = "tree,path,cn,name,selectable,model,changed,valid_from,valid_to,grade\n"
    (trial / "nodes.csv").write_text(HEADER.replace("posts", "nodes") + columns + "nowhere,R/N-1,01,A,true,,,,,\n")
    error = imsoc.json("mappings", "load", *YES, "reference", "nodes.csv", "--list", "nodes", code=ExitCode.USAGE)[
        "error"
    ]
    assert (error["code"], error["found"]) == ("IMG-0131", "nowhere")
    assert len(imsoc.json("mappings", "history")["editions"]) == 1


def test_a_list_that_another_load_overtakes_is_not_loaded(imsoc, trial, monkeypatch):
    (trial / "posts.csv").write_text(POSTS)
    (trial / "others.csv").write_text(POSTS.replace("NLNEW1", "NLNEW2"))
    whole_lists = list_loading.whole_lists

    def overtaken(*arguments):
        with monkeypatch.context() as other:
            other.setattr(list_loading, "whole_lists", whole_lists)
            imsoc("mappings", "load", *YES, "reference", "others.csv", "--list", "posts")
        return whole_lists(*arguments)

    monkeypatch.setattr(list_loading, "whole_lists", overtaken)
    error = imsoc.json("mappings", "load", *YES, "reference", "posts.csv", "--list", "posts", code=ExitCode.USAGE)[
        "error"
    ]
    assert (error["code"], error["expected"]) == ("IMG-0138", "edition 0")


def test_a_list_of_the_hub_is_loaded_from_its_file(imsoc, trial):
    head = "".join(f"# {key}: x\n" for key in ("authority", "source", "version", "licence"))
    (trial / "pesticides.csv").write_text(f"# list: Pesticide\n{head}active,code,description\ntrue,X1,New\n")
    assert imsoc.json("mappings", "load", *YES, "hub", "pesticides.csv")["lists"] == ["hub/Pesticide"]
    (trial / "pesticides.csv").write_text(f"# list: Pesticide\n{head}active,code,description\nmaybe,X1,New\n")
    assert (
        imsoc.json("mappings", "load", *YES, "hub", "pesticides.csv", code=ExitCode.USAGE)["error"]["code"]
        == "IMG-0130"
    )


# --- captured replies


def test_a_captured_tree_and_details_are_loaded_together(imsoc, trial):
    envelope = f'<s:Envelope xmlns:s="{SOAP11}"><s:Body>{tree_response([LIVE]).decode()}</s:Body></s:Envelope>'
    (trial / "tree.xml").write_text(envelope)
    access = NodeAttribute("FieldAccess", "NEW_ACCESS", "New", values=("MANDATORY",))
    (trial / "detail.xml").write_bytes(node_response(replace(LIVE, children=(), attributes=(access,))))
    said = imsoc.json("mappings", "load", *YES, "tree", "tree.xml", "detail.xml", "--tree", "cheda", "--dry-run")
    assert said["lists"] == [
        "reference/attribute-names/cheda",
        "reference/attributes/cheda",
        "reference/node-names/cheda",
        "reference/nodes/cheda",
    ]
    assert said["published"] is False
    assert imsoc.json("mappings", "load", *YES, "tree", "tree.xml", "detail.xml", "--tree", "cheda")["edition"] == 1


def test_captured_sections_and_metadata_are_loaded(imsoc, trial):
    section = Section("NEW", "A section", Scope("veterinary"), scopes=(Scope("ALL", "All"),))
    (trial / "sections.xml").write_bytes(sections_response([section]))
    said = imsoc.json("mappings", "load", *YES, "sections", "sections.xml", "--closing", "22")
    assert said["lists"] == ["reference/metadata/sections", "reference/sections"]
    (trial / "groups.xml").write_bytes(metadatas_response([Metadata("EU", "The Union", "META_COUNTRY_GROUP")]))
    arguments = ("mappings", "load", *YES, "metadata", "groups.xml", "--list")
    assert imsoc.json(*arguments, "META_COUNTRY_GROUP")["lists"] == ["reference/metadata/META_COUNTRY_GROUP"]
    assert imsoc.json(*arguments, "UNIT", code=ExitCode.REFUSED)["error"]["code"] == "IMG-6030"


def test_a_file_that_is_no_such_reply_is_refused(imsoc, trial):
    (trial / "other.xml").write_text("<x/>")
    for kind in (("sections",), ("metadata", "--list", "UNIT"), ("tree", "--tree", "cheda")):
        error = imsoc.json("mappings", "load", *YES, kind[0], "other.xml", *kind[1:], code=ExitCode.REFUSED)["error"]
        assert (error["code"], error["where"]) == ("IMG-6030", "other.xml")
    (trial / "other.xml").write_text("<!DOCTYPE x><x/>")
    assert (
        imsoc.json("mappings", "load", *YES, "sections", "other.xml", code=ExitCode.REFUSED)["error"]["code"]
        == "IMG-1002"
    )
    (trial / "empty.xml").write_bytes(tree_response([]))
    error = imsoc.json("mappings", "load", *YES, "tree", "empty.xml", "--tree", "cheda", code=ExitCode.REFUSED)["error"]
    assert error["found"] == "no node"
    gone = imsoc.json("mappings", "load", *YES, "sections", "gone.xml", code=ExitCode.USAGE)["error"]
    assert gone["code"] == "IMG-0104"


# --- what a short list must not do


def countries(trial, *codes):
    (trial / "one.xml").write_bytes(metadatas_response([Metadata(code, code, "COUNTRY") for code in codes]))
    return ("mappings", "load", "metadata", "one.xml", "--list", "COUNTRY")


def test_a_load_is_asked_about_and_has_a_reason(imsoc, trial):
    load = countries(trial, "NL")
    assert imsoc.json(*load, "--reason", "x", "--closing", "999", code=ExitCode.USAGE)["error"]["code"] == "IMG-0139"
    error = imsoc.json(*load, "--yes", code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"]) == ("IMG-0106", "--reason")
    (trial / "posts.csv").write_text(POSTS)
    posts = ("mappings", "load", "reference", "posts.csv", "--list", "posts", "--reason", "x")
    assert imsoc.json(*posts, code=ExitCode.USAGE)["error"]["code"] == "IMG-0139"
    assert imsoc.json("mappings", "history")["editions"] == []


def test_most_of_a_list_ends_only_by_a_number(imsoc, trial):
    load = countries(trial, "NL")
    error = imsoc.json(*load, *YES, code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"]) == ("IMG-0139", "--closing")
    ending = int(error["found"].partition(" ")[0])
    assert ending > 200
    assert imsoc.json(*load, *YES, "--closing", ending - 1, code=ExitCode.USAGE)["error"]["code"] == "IMG-0139"
    assert imsoc.json(*load, "--reason", "x", "--dry-run")["closed"] >= ending
    assert imsoc.json(*load, *YES, "--closing", ending)["edition"] == 1


def test_an_empty_list_is_always_refused(imsoc, trial):
    error = imsoc.json(*countries(trial), *YES, "--closing", "9999", code=ExitCode.REFUSED)["error"]
    assert (error["code"], error["found"]) == ("IMG-6030", "an empty list")
    (trial / "hs.csv").write_text("section,hscode,description,parent,level\n")
    error = imsoc.json("mappings", "load", *YES, "hs", "hs.csv", code=ExitCode.REFUSED)["error"]
    assert (error["code"], error["found"]) == ("IMG-6030", "an empty list")
    (trial / "sections.xml").write_bytes(sections_response([]))
    load = ("mappings", "load", *YES, "sections", "sections.xml", "--closing", "9999")
    assert imsoc.json(*load, code=ExitCode.REFUSED)["error"]["code"] == "IMG-6030"


@pytest.mark.parametrize(("code", "number"), [("=1+1", "IMG-0136"), ("A B\u200b", "IMG-0135"), ("X" * 201, "IMG-0135")])
def test_codes_of_a_partner_are_looked_at_as_imported_ones(imsoc, trial, code, number):
    load = countries(trial, "NL", code)
    assert imsoc.json(*load, *YES, "--closing", "999", code=ExitCode.USAGE)["error"]["code"] == number


def test_the_first_day_that_there_is_is_none_to_load_from(imsoc, trial):
    error = imsoc.json(*countries(trial, "NL"), *YES, "--effective", "0001-01-01", code=ExitCode.USAGE)["error"]
    assert (error["code"], error["where"]) == ("IMG-0101", "--effective")
