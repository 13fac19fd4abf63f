"""Reading what one may not, at the faces of TRACES: outside partners, whatever body they name and however they ask."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "ched"))  # importlib mode does not

from ched_harness import BODIES, World, arrival, ched_pp, decision, element, party
from relay_harness import GRANTS, National, Traces

from gateway.ched.library import CertificateKind, CertificateLibrary
from gateway.ched.projection import refusal, without_personal_data
from gateway.errors import AccessDenied, ChedRefused
from gateway.store import ChedQuery, ChedVisibility, Cursors, open_store
from gateway.traces.models import AttachmentReference
from gateway.xml.canonical import serialise

EVERYTHING = ChedQuery(visibility=ChedVisibility(everything=True))
TESTS = b"<lab>Inspector Zq</lab>"


@pytest.fixture
def quick(sqlite_url):
    with open_store(sqlite_url, exclusive=True) as opened:
        yield World(opened)


# --- INTRA and DOCOM -------------------------------------------------------------------------------------------------


@pytest.fixture
def library(quick):
    made = CertificateLibrary(
        quick.context, Cursors(), portal="https://x.invalid", render=lambda root, **_: b"".join(root.itertext("*"))
    )
    ched = ched_pp(reference="INTRA.EU.ZA.2026.0000001", consignor=party("ZA-1", "Zq exporter", "ZA"),
                   consignee=party("NL-4711", "Zq importer", "NL"),
                   destination=party("NL-7", "Zq place", "NL"))  # fmt: skip
    made.take(element(ched), partner="register", country="ZA", actor="operator", now=quick.now, laboratory_tests=TESTS)
    return made


@pytest.mark.parametrize("partner", ["xx-system"])
def test_a_third_country_gets_no_names_and_no_laboratory_tests_of_intra_certificates(quick, library, partner):
    actor = quick.actor(None, partner)
    content = library.read(actor, CertificateKind.INTRA, "INTRA.EU.ZA.2026.0000001")
    assert content.masked
    assert b"Zq" not in content.content
    assert content.laboratory_tests == b""


def test_a_third_country_finds_intra_certificates_without_names(quick, library):
    (found,) = library.find(quick.actor(None, "xx-system"), CertificateKind.INTRA, EVERYTHING)
    assert (found.consignor_name, found.consignee_name, found.operators, found.bodies) == ("***", "***", (), ())
    (own,) = library.find(quick.actor("importer"), CertificateKind.INTRA, EVERYTHING)
    assert own.consignor_name == "Zq exporter"


def test_customs_get_no_laboratory_tests_of_intra_certificates(quick, library):
    content = library.read(quick.actor("customs"), CertificateKind.INTRA, "INTRA.EU.ZA.2026.0000001")
    assert content.laboratory_tests == b""


# --- through a national instance -------------------------------------------------------------------------------------


@pytest.fixture
def traces(tmp_path, _sqlite_template, monkeypatch):
    monkeypatch.setenv("RELAY_TEST_SECRET", "a secret of the tests")
    file = tmp_path / "traces.db"
    file.write_bytes(_sqlite_template.read_bytes())
    with open_store(f"sqlite:///{file}", exclusive=True) as opened:
        upstream = Traces(opened)
        upstream.begin()
        yield upstream
        upstream.end()


@pytest.fixture
def national(sqlite_url, traces):
    """Where a third country's system names a body that TRACES knows as one of this national system."""
    with open_store(sqlite_url, exclusive=True) as opened:
        made = National(opened, traces)
        record = made.world.record("outside", "third-country", "CH", [BODIES["importer"]], contracts=GRANTS)
        made.world.records.append(record)
        yield made


def outside(national):
    return national.world.actor("importer", "outside")


def test_an_outside_partner_with_a_body_reads_a_copy_of_what_traces_gives(national):
    reference = national.world.submit(ched_pp()).reference
    whole = national.service.read(national.world.actor("importer"), reference)
    assert b"Invented importer" in whole.content
    copy = national.service.read(outside(national), reference)
    assert copy.masked
    assert b"Invented importer" not in copy.content
    assert b"A. N. Invented" not in copy.content
    (row,) = national.service.find(outside(national), EVERYTHING)
    assert row.consignee_name == "***"


def test_an_outside_partner_with_a_body_gets_no_file_of_traces(national):
    reference = national.world.submit(ched_pp()).reference
    national.world.decide(reference)
    with pytest.raises(ChedRefused, match="IMG-7207"):
        national.service.sealed_xml(outside(national), reference)
    for signed in (False, True):
        with pytest.raises(ChedRefused, match="IMG-7207"):
            national.service.pdf(outside(national), reference, signed=signed)
    with pytest.raises(AccessDenied, match="IMG-2110"):
        national.built.attachments.get(outside(national), AttachmentReference("invoice.pdf", 1))


@pytest.mark.parametrize("text", ["+31612345678", "0612345678", "0031 6 12345678", "Zq", "zq@example.org"])
def test_no_telephone_of_an_officer_is_taken_for_a_number(text):
    ched = ched_pp(decision=decision("NOT_ACCEPTABLE"), follow_up=arrival(text=text))
    assert text.encode() in serialise(element(ched))
    for copy in (without_personal_data, refusal):
        assert text.encode() not in copy(element(ched))


@pytest.mark.parametrize("mark", ["RELEASED WITHOUT CHECKS", "x" * 400_000])
def test_a_sender_prints_no_words_of_its_own_over_a_ched(sqlite_url, mark):
    """The mark of contingency documents stands in a frame on each page of an official document."""
    printed = []

    def render(ched, **given):
        printed.append(given["contingency"])
        return b"%PDF"

    with open_store(sqlite_url, exclusive=True) as opened:
        world = World(opened, render=render)
        world.register.pdf(world.actor("importer"), world.submit(ched_pp(contingency=mark)).reference, signed=False)
        genuine = ched_pp(contingency="Nooddocument", local_reference="genuine")
        world.register.pdf(world.actor("importer"), world.submit(genuine).reference, signed=False)
    assert printed == ["Contingency document", "Nooddocument"]
