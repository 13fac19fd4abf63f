"""``imsoc mappings load`` as an operator uses it."""

import pytest

from gateway.cli.desk import ExitCode
from mappings import synthetic

HEADER = "# list: posts\n# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
POSTS = HEADER + (
    "code,name,country,city,locode,address,categories,types,active,kind,valid_from,valid_to,grade\n"
    "NLNEW1,New post,NL,Delft,NLDFT,Quay,HC,PP,true,bcp,,,\n"
)
REF = "http://ec.europa.eu/tracesnt/referencedata/v1"
METADATA = (
    '<r:GetMetadatasResponse xmlns:r="{ns}">'
    '<r:MetadataCode listID="ACCOMPANYING_DOCUMENT_TYPE" active="true" languageID="en" name="{name}">AIRWAY_BILL'
    "</r:MetadataCode></r:GetMetadatasResponse>"
)


@pytest.fixture
def nomenclature(trial):
    synthetic.write("taric", trial / "Nomenclature EN.xlsx", 300)
    return trial / "Nomenclature EN.xlsx"


def test_a_nomenclature_is_loaded_and_again_nothing_changes(imsoc, nomenclature):
    said = imsoc.json("mappings", "load", "taric", nomenclature, "--reason", "January edition")
    assert (said["list"], said["added"], said["ended"], said["edition"]) == ("taric", 300, 0, 1)
    assert said["result"] == "loaded"
    again = imsoc.json("mappings", "load", "taric", nomenclature)
    assert (again["added"], again["unchanged"], again["edition"], again["result"]) == (0, 300, None, "nothing changed")
    shown = imsoc.json("mappings", "show", "traces", "taric", "--code", "0101000000")
    (code,) = shown["codes"]
    assert (code["grade"], code["added"]["reason"]) == ("official", "January edition")


def test_a_dry_run_loads_nothing(imsoc, nomenclature):
    said = imsoc.json("mappings", "load", "cn", nomenclature, "--dry-run")
    assert said["added"] > 100
    assert (said["edition"], said["result"]) == (None, "dry run: nothing was loaded")
    assert imsoc.json("mappings", "history")["editions"] == []


def test_what_is_no_longer_published_ends_the_day_before(imsoc, trial):
    def load(*codes, day):
        lines = "".join(f"I,{code},Goods,{code[:-2] or 'TOTAL'},{len(code)}\n" for code in codes)
        (trial / "hs.csv").write_text("section,hscode,description,parent,level\n" + lines)
        return imsoc.json("mappings", "load", "hs", "hs.csv", "--effective-on", day)

    load("01", "0101", "0102", day="2026-01-01")
    assert load("01", "0102", "0103", day="2027-01-01") | {"source": ""} == {
        "list": "hs",
        "source": "",
        "effective_on": "2027-01-01",
        "added": 1,
        "ended": 1,
        "unchanged": 2,
        "edition": 2,
        "result": "loaded",
    }
    codes = imsoc.json("mappings", "show", "traces", "hs", "--code", "0101", "--all")["codes"]
    assert [code["valid_to"] for code in codes] == ["2026-12-31"]


def test_hostile_files_are_refused_and_nothing_is_loaded(imsoc, trial):
    (trial / "bad.xlsx").write_bytes(b"PK nothing")
    (trial / "hs.csv").write_text("section,hscode,description,parent,level\nI,01,A,TOTAL,2\nI,=1,B,TOTAL,2\n")
    said = imsoc.json("mappings", "load", "taric", "bad.xlsx", code=ExitCode.REFUSED)
    assert said["error"]["code"] == "IMG-6030"
    said = imsoc.json("mappings", "load", "hs", "hs.csv", code=ExitCode.REFUSED)
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
    error = imsoc.json("mappings", "load", *arguments, code=ExitCode.USAGE)["error"]
    assert error["code"] == "IMG-0106"


def test_a_list_of_our_own_form_is_checked_against_the_others(imsoc, trial):
    (trial / "posts.csv").write_text(POSTS)
    assert imsoc.json("mappings", "load", "reference", "posts.csv", "--list", "posts")["lists"] == ["reference/posts"]
    again = imsoc.json("mappings", "load", "reference", "posts.csv", "--list", "posts")
    assert (again["lists"], again["result"]) == ([], "nothing changed")
    columns = "tree,path,cn,name,selectable,model,changed,valid_from,valid_to,grade\n"
    (trial / "nodes.csv").write_text(HEADER.replace("posts", "nodes") + columns + "nowhere,R/N-1,01,A,true,,,,,\n")
    error = imsoc.json("mappings", "load", "reference", "nodes.csv", "--list", "nodes", code=ExitCode.USAGE)["error"]
    assert (error["code"], error["found"]) == ("IMG-0131", "nowhere")
    assert len(imsoc.json("mappings", "history")["editions"]) == 1


def test_a_list_of_the_hub_is_loaded_from_its_file(imsoc, trial):
    head = "".join(f"# {key}: x\n" for key in ("authority", "source", "version", "licence"))
    (trial / "pesticides.csv").write_text(f"# list: Pesticide\n{head}active,code,description\ntrue,X1,New\n")
    assert imsoc.json("mappings", "load", "hub", "pesticides.csv")["lists"] == ["hub/Pesticide"]
    (trial / "pesticides.csv").write_text(f"# list: Pesticide\n{head}active,code,description\nmaybe,X1,New\n")
    assert imsoc.json("mappings", "load", "hub", "pesticides.csv", code=ExitCode.USAGE)["error"]["code"] == "IMG-0130"
