"""``imsoc mappings drift`` and ``load --from`` against another instance of this gateway, over loopback."""

import json
import re
import shutil
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from typer.testing import CliRunner

import adapters.ippc_hub
from gateway.app import build_application
from gateway.cli.application import app
from gateway.cli.desk import ExitCode
from gateway.config import Settings
from gateway.store import ChedCommodity, ChedRow, ChedWrite, new_id, open_store, record_ched
from gateway.traces import wire_reference as wire
from gateway.traces.models import Metadata, ReferenceTest, ReferenceTestCategory, Scope, Section
from gateway.xml.boundary import parse
from mappings import load_tables
from mappings.hub_live import LiveHubLists

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
YES = ("--reason", "as it is served", "--yes")
RECORD = """
[partner]
id = "{id}"
name = "the other instance"
kind = "{kind}"
country = "{country}"
contracts = [{contracts}]
code_system = "{system}"
{more}
"""
READER = '[partner.authentication]\nusername = "reader"\nsecret = "env:DRIFT_TEST_SECRET"'
TRACES = """[partner.delivery]
adapter = "traces-nt"
address = "http://127.0.0.1:{port}/tracesnt/ws"
username = "reader"
secret = "env:DRIFT_TEST_SECRET"
"""
HUB = '[partner.delivery]\nadapter = "ippc-hub"\naddress = "https://hub.example/hub/DeliveryService"'
NODES = (
    "# list: nodes\n# authority: us\n# source: us\n# version: 1\n# licence: none\n# grade: own\n"
    "tree,path,cn,name,selectable,model,changed,valid_from,valid_to,grade\n"
    "chedpp,R/N-908/N-99,0899,New goods,true,,,,,\n"
    "chedpp,R/N-908/N-90805,0805,Citrus fruit of another name,true,,,,,\n"
)
UNITS = (
    "# list: UnitMeasure\n# authority: us\n# source: us\n# version: 1\n# licence: none\n"
    "# lastModified: 2026-11-22T00:00:00Z\n# lastModifiedBy: us\nactive,code,name,symbol,type\n"
    "false,KGM,kilogram,kg,WEIGHT\ntrue,ZZ9,new unit,z,WEIGHT\n"
)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def serving(application):
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class Other:
    """The other instance: its folder, and commands in it."""

    def __init__(self, imsoc, folder, monkeypatch):
        self.imsoc = imsoc
        self.folder = folder
        self._monkeypatch = monkeypatch
        self.config = folder / "imsoc.toml"

    def __call__(self, *arguments):
        with self._monkeypatch.context() as here:
            here.chdir(self.folder)
            return self.imsoc.json("--config", self.config, *arguments)

    def put(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name


@pytest.fixture
def other(imsoc, template, tmp_path, monkeypatch):
    monkeypatch.setenv("DRIFT_TEST_SECRET", "secret")
    folder = tmp_path / "other"
    shutil.copytree(template, folder)
    made = Other(imsoc, folder, monkeypatch)
    text = made.config.read_text()
    made.config.write_text(re.sub("(?m)^roles = .*$", 'roles = ["traces"]', text))
    record = RECORD.format(
        id="reader", kind="national", country="NL", contracts='"reference-data"', system="traces", more=READER
    )
    made("partners", "add", made.put("reader.toml", record))
    return made


@pytest.fixture
def known(imsoc, trial, other, monkeypatch):
    """This instance knows the other one, which serves."""
    with monkeypatch.context() as there:
        there.chdir(other.folder)
        application = build_application(Settings.load(other.config))
    with serving(application) as port:
        record = RECORD.format(
            id="other", kind="traces", country="EU", contracts="", system="traces", more=TRACES.format(port=port)
        )
        (trial / "other.toml").write_text(record)
        imsoc("partners", "add", "other.toml")
        yield other
    application.close()


def kinds(report, name):
    return {each["entry"]: each["how"] for each in report["differences"] if each["list"] == name}


def drifted(imsoc, name):
    """The report as soon as the process that serves has looked for a new edition, which it does every half second."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        result = CliRunner().invoke(app, ["mappings", "drift", "other", "--list", name, "--json"])
        if result.exit_code == ExitCode.REFUSED:
            return json.loads(result.stdout)
    raise AssertionError(result.output)


def put_ched(url):
    """A CHED-PP with oranges in a store."""
    row = ChedRow(
        id=new_id(NOW),
        reference="CHEDPP.NL.2026.0000001",
        local_reference="",
        type="PP",
        status_code="1",
        partner="x",
        body="",
        created_at=NOW,
        updated_at=NOW,
        status_changed_at=NOW,
        commodities=(ChedCommodity(code="08051022"),),
    )
    write = ChedWrite(
        version_id=new_id(NOW),
        row=row,
        expected_version=None,
        at=NOW,
        operation="submit",
        partner="x",
        body="",
        part="I",
        content=b"<x/>",
        digest=b"0" * 32,
        evidence=None,
    )
    store = open_store(url, exclusive=False)
    try:
        store.write(lambda connection: record_ched(connection, write))
    finally:
        store.close()


def test_two_instances_drift_and_come_together(imsoc, known):
    put_ched("sqlite:///imsoc.db")
    report = imsoc.json("mappings", "drift", "other")
    assert report["differences"] == []
    assert {each["list"] for each in report["lists"]} >= {"tree chedpp", "sections", "tests", "metadata UNIT"}

    known("mappings", "load", *YES, "reference", known.put("nodes.csv", NODES), "--list", "nodes")
    report = drifted(imsoc, "chedpp")
    assert kinds(report, "tree chedpp") == {"R/N-908/N-99": "added", "R/N-908/N-90805": "changed"}
    (changed,) = [each for each in report["differences"] if each["how"] == "changed"]
    assert (changed["code"], changed["theirs"]) == ("0805", "name Citrus fruit of another name")
    assert report["documents"] == [{"code": "0805", "cheds": 1, "newest": ["CHEDPP.NL.2026.0000001"]}]
    assert "Citrus fruit of another name" in imsoc("mappings", "drift", "other", code=ExitCode.REFUSED).stdout

    loaded = imsoc.json("mappings", "load", *YES, "tree", "--from", "other", "--tree", "chedpp")
    assert "reference/nodes/chedpp" in loaded["lists"]
    assert imsoc.json("mappings", "drift", "other", "--list", "chedpp")["differences"] == []
    assert imsoc.json("mappings", "load", *YES, "tree", "--from", "other", "--tree", "chedpp")["published"] is False


def test_a_code_that_is_retired_there_names_our_rows(imsoc, known):
    assert imsoc.json("mappings", "drift", "other", "--list", "PACKAGE")["differences"] == []
    codes = load_tables().lists["package"].codes
    served = wire.metadatas_response(
        Metadata(code, each.name, "PACKAGE", active=code != "BX") for code, each in codes.items()
    )
    loaded = known(
        "mappings", "load", *YES, "metadata", known.put("packages.xml", served.decode()), "--list", "PACKAGE"
    )
    assert (loaded["table"]["list"], loaded["added"], loaded["closed"], loaded["unchanged"]) == (
        "package",
        0,
        1,
        len(codes) - 1,
    )
    report = drifted(imsoc, "PACKAGE")
    assert kinds(report, "metadata PACKAGE") == {"BX": "retired"}
    assert any(row["canonical"] == "BX" for row in report["rows"])


def test_sections_and_tests_are_compared_and_taken_over(imsoc, known):
    section = Section("NEW", "A section", Scope("veterinary"), scopes=(Scope("EU", "EU"),))
    served = known.put("sections.xml", wire.sections_response([section]).decode())
    known("mappings", "load", *YES, "sections", served, "--closing", "22")
    report = drifted(imsoc, "sections")
    found = kinds(report, "sections")
    assert found.pop("NEW EU") == "added"
    assert set(found.values()) == {"retired"}
    replies = (
        wire.categories_response([ReferenceTestCategory("PLANT_PESTS", "Pests")]),
        wire.tests_response([ReferenceTest("1", "A test", "PLANT_PESTS")]),
    )
    files = [known.put(f"tests-{number}.xml", reply.decode()) for number, reply in enumerate(replies)]
    known("mappings", "load", *YES, "tests", *files, "--closing", "999")
    assert kinds(drifted(imsoc, "tests"), "tests")["PLANT_PESTS 1"] == "added"
    for kind in ("sections", "tests"):
        imsoc("mappings", "load", *YES, kind, "--from", "other", "--closing", "99")
        assert imsoc.json("mappings", "drift", "other", "--list", kind)["differences"] == []


def test_a_list_that_neither_side_has_is_named(imsoc, known):
    error = imsoc.json("mappings", "drift", "other", "--list", "nothing", code=ExitCode.REFUSED)["error"]
    assert (error["code"], error["found"]) == ("IMG-6009", "nothing")


def test_a_partner_without_lists_is_a_usage_error(imsoc, trial):
    assert imsoc.json("mappings", "drift", "nosuch", code=ExitCode.USAGE)["error"]["code"] == "IMG-0105"
    assert imsoc.json("mappings", "drift", "third-country", code=ExitCode.USAGE)["error"]["code"] == "IMG-0123"


class MemoryHub:
    """Serves what another instance has in its store."""

    def __init__(self, url):
        self._url = url

    def code_list(self, which):
        store = open_store(self._url, exclusive=False)
        try:
            return parse(LiveHubLists(store).now().response(which)).root
        finally:
            store.close()


def test_a_hub_drifts_and_its_lists_are_taken_over(imsoc, trial, other, monkeypatch):
    hub = MemoryHub(f"sqlite:///{other.folder / 'imsoc.db'}")
    monkeypatch.setattr(adapters.ippc_hub.IppcHubClient, "open", lambda _target: hub)
    record = RECORD.format(id="hub", kind="hub", country="*", contracts='"ippc-hub"', system="ephyto", more=HUB)
    (trial / "hub.toml").write_text(record)
    imsoc("partners", "add", "hub.toml")
    assert imsoc.json("mappings", "drift", "hub")["differences"] == []
    other("mappings", "load", *YES, "hub", other.put("unit-measures.csv", UNITS))
    report = imsoc.json("mappings", "drift", "hub", code=ExitCode.REFUSED)
    assert kinds(report, "UnitMeasure") == {"ZZ9": "added", "KGM": "retired"}
    imsoc("mappings", "load", *YES, "hub", "--from", "hub")
    assert imsoc.json("mappings", "drift", "hub")["differences"] == []
