"""Printable CHEDs, and what happens between the judgement and the commit."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ched_harness import World, ched_pp

from gateway.ched.rows import row_of
from gateway.documents.ched import ChedLink, read_ched
from gateway.errors import ChedRefused
from gateway.store import ChedWrite, new_id, open_store, record_ched
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise
from gateway.xml.names import SPS17, qn


@pytest.fixture
def printing(sqlite_url):
    """A register with something that writes down what it was asked to print."""
    asked = []

    def render(ched, *, language, url, contingency, signed):
        asked.append((ched, language, url, contingency, signed))
        return b"%PDF"

    with open_store(sqlite_url, exclusive=True) as store:
        world = World(store, render=render)
        world.asked = asked
        yield world


def test_a_pdf_is_made_of_what_the_reader_sees(printing):
    reference = printing.submit(ched_pp()).reference
    importer = printing.actor("importer", language="nl")
    assert printing.register.pdf(importer, reference, signed=False) == b"%PDF"
    ched, language, url, contingency, signed = printing.asked[-1]
    assert (ched.consignee.name, language, contingency, signed) == ("Invented importer", "nl", "", False)
    assert url.endswith(reference)
    assert printing.register.pdf(printing.actor(None, "xx-system"), reference, signed=False) == b"%PDF"
    assert printing.asked[-1][0].consignee.name == "***"


def test_a_signed_pdf_is_for_decided_cheds_and_who_sees_all(printing):
    reference = printing.submit(ched_pp()).reference
    with pytest.raises(ChedRefused, match="IMG-7207"):
        printing.register.pdf(printing.actor("importer"), reference, signed=True)
    printing.decide(reference)
    printing.register.pdf(printing.actor("importer"), reference, signed=True)
    assert printing.asked[-1][-1] is True
    with pytest.raises(ChedRefused, match="IMG-7207"):
        printing.register.pdf(printing.actor("customs"), reference, signed=True)


def test_without_a_printer_there_is_no_pdf(quick):
    reference = quick.submit(ched_pp()).reference
    with pytest.raises(ChedRefused, match="IMG-7203"):
        quick.register.pdf(quick.actor("importer"), reference, signed=False)


def test_a_change_that_was_judged_for_an_older_version_is_refused(world, monkeypatch):
    reference = world.submit(ched_pp()).reference
    judge = world.register._judge.rules

    def slowly(*arguments, **options):
        findings = judge(*arguments, **options)
        monkeypatch.setattr(world.register._judge, "rules", judge)
        world.cancel(reference)
        return findings

    monkeypatch.setattr(world.register._judge, "rules", slowly)
    with pytest.raises(ChedRefused) as refused:
        world.decide(reference)
    assert refused.value.code == "IMG-7206"
    assert world.register.row(world.actor("post"), reference).status_code == "64"


def test_a_predecessor_that_changes_meanwhile_undoes_the_whole(world, monkeypatch):
    old = world.submit(ched_pp()).reference
    judge = world.register._judge.rules

    def slowly(*arguments, **options):
        findings = judge(*arguments, **options)
        monkeypatch.setattr(world.register._judge, "rules", judge)
        world.cancel(old)
        return findings

    monkeypatch.setattr(world.register._judge, "rules", slowly)
    with pytest.raises(ChedRefused, match="IMG-7206"):
        world.submit(ched_pp(previous=(ChedLink(old, "ACW"),)))
    assert world.register.row(world.actor("post"), old).status_code == "64"
    assert world.submit(ched_pp()).reference == "CHEDPP.NL.2026.0000002"


CAPTURES = {
    "PP": "GetChedResponse_CHEDPP.XI.2026.0000064.xml",
    "A": "GetChedResponse_CHEDA.template.xml",
}


@pytest.mark.parametrize("name", CAPTURES)
def test_a_captured_ched_is_served_as_it_was_captured(world, name):
    folder = os.environ.get("IMSOC_CONTRACTS")
    if not folder:
        pytest.skip("IMSOC_CONTRACTS names no folder with the published captures")
    captured = parse((Path(folder) / "traces-nt" / "ched" / CAPTURES[name]).read_bytes()).root
    document = captured.find(f".//{qn(SPS17, 'SPSCertificate')}")
    ched, actor, at = read_ched(document), world.actor("commission"), world.now
    row = row_of(replace(ched, reference="CHEDX-1"), actor, chid=new_id(at), before=None, at=at)
    write = ChedWrite(
        version_id=new_id(at),
        row=row,
        expected_version=None,
        at=at,
        operation="take",
        partner="register",
        content=serialise(document),
    )
    world.store.write(lambda connection: record_ched(connection, write))
    served = world.register.read(actor, "CHEDX-1")
    before = canonicalise(document, algorithm=C14n.EXCLUSIVE)
    assert canonicalise(parse(served.content).root, algorithm=C14n.EXCLUSIVE) == before
    assert served.status_code == ched.status_code
