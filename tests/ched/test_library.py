"""INTRA certificates and DOCOMs of an instance: taken over, kept by version, read by who may (DIGEST 5.3, 5.4)."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from ched_harness import PORTAL, World, ched_pp, party

from gateway.ched.library import CertificateKind, CertificateLibrary
from gateway.documents.ched import Coded, Country, read_ched, write_ched
from gateway.errors import AccessDenied, ChedRefused, SchemaInvalid, TranslationRefused
from gateway.store import ChedQuery, ChedVisibility, Cursors, ched_versions, open_store
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import INTRA1, SPS17, qn

INTRA = CertificateKind.INTRA
NUMBER = "INTRA.EU.NL.2026.0000012"


@pytest.fixture
def shelf(sqlite_url):
    with open_store(sqlite_url, exclusive=True) as opened:
        world = World(opened)
        printed = []

        def render(root, *, language, url, signed):
            printed.append(SimpleNamespace(root=root, language=language, url=url, signed=signed))
            return b"%PDF-invented"

        library = CertificateLibrary(world.context, Cursors(), portal=PORTAL, render=render)
        yield SimpleNamespace(world=world, library=library, printed=printed)


def certificate(**changes):
    """From the Netherlands to Germany; type 856 as TRACES writes it."""
    made = ched_pp(
        reference=NUMBER,
        type=None,
        type_code="856",
        purposes=(),
        post=None,
        transport_conditions=Coded(""),
        title="INTRA",
    )
    made = replace(made, consignor=party("NL-4711", "Invented importer", "NL", role="EX"), **changes)
    root = write_ched(made)
    root.tag = qn(INTRA1, "SPSCertificate")
    return parse(serialise(root)).root


def take(shelf, root, **changes):
    options = {"partner": "register", "country": "NL", "actor": "somebody", "now": shelf.world.now, **changes}
    return shelf.library.take(root, **options)


def versions(shelf, row):
    with shelf.world.store.read() as connection:
        return len(ched_versions(connection, row.id))


def test_the_same_again_changes_nothing_and_another_takes_its_place(shelf):
    row = take(shelf, certificate())
    take(shelf, certificate())
    assert versions(shelf, row) == 1
    again = take(shelf, certificate(dispatch_country=Country("NL")))
    assert (again.id, versions(shelf, row)) == (row.id, 2)
    assert again.dispatch_country == "NL"


def test_a_number_that_another_partner_brought_stays_its(shelf):
    take(shelf, certificate())
    with pytest.raises(ChedRefused) as refused:
        take(shelf, certificate(dispatch_country=Country("NL")), partner="be-system")
    assert (refused.value.code, refused.value.found) == ("IMG-7209", NUMBER)
    assert b"SPSCertificate" in shelf.library.read(shelf.world.actor("commission"), INTRA, NUMBER).content


@pytest.mark.parametrize("number", ["", "CHEDPP.NL.2026.0000001", "DOCO.NL.2026.1"])
def test_a_number_of_neither_kind_is_not_taken(shelf, number):
    with pytest.raises(ChedRefused, match="IMG-7201"):
        take(shelf, certificate(reference=number))


def test_what_is_no_certificate_is_not_taken(shelf):
    with pytest.raises(SchemaInvalid, match="IMG-3001"):
        take(shelf, parse(f'<i:SPSCertificate xmlns:i="{INTRA1}"><i:Other/></i:SPSCertificate>'.encode()).root)


def test_laboratory_tests_stay_with_their_version(shelf):
    """A version that came without any has none, whatever the one before had."""
    take(shelf, certificate(), laboratory_tests=b"<tests/>")
    commission = shelf.world.actor("commission")
    assert shelf.library.read(commission, INTRA, NUMBER).laboratory_tests == b"<tests/>"
    take(shelf, certificate(dispatch_country=Country("NL")))
    assert shelf.library.read(commission, INTRA, NUMBER).laboratory_tests == b""


def test_it_is_read_by_its_kind_and_by_who_may(shelf):
    take(shelf, certificate())
    content = shelf.library.read(shelf.world.actor("importer"), INTRA, NUMBER).content
    root = parse(content).root
    assert (root.tag, read_ched(root).reference) == (qn(SPS17, "SPSCertificate"), NUMBER)
    with pytest.raises(ChedRefused, match="IMG-7201"):
        shelf.library.read(shelf.world.actor("importer"), CertificateKind.DOCOM, NUMBER)
    with pytest.raises(AccessDenied, match="IMG-2110"):
        shelf.library.read(shelf.world.actor("stranger"), INTRA, NUMBER)


class TestOwnCodes:
    """A system with codes of its own gets them here too (R-37-2)."""

    @pytest.fixture
    def actor(self, shelf):
        record = next(each for each in shelf.world.records if each["id"] == "nl-system")
        record["code_system"] = "national-b"
        return shelf.world.actor("importer")

    def test_documents_searches_and_status(self, shelf, actor):
        take(shelf, certificate(dispatch_country=Country("GR")))
        content = shelf.library.read(actor, INTRA, NUMBER).content
        assert b'unitCode="KG"' in content
        assert b">EL<" in content
        query = ChedQuery(visibility=ChedVisibility(), dispatch_country="EL")
        (row,) = shelf.library.find(actor, INTRA, query)
        assert (row.reference, row.dispatch_country) == (NUMBER, "EL")
        assert shelf.library.row(actor, INTRA, NUMBER).reference == NUMBER
        with pytest.raises(TranslationRefused):
            shelf.library.find(actor, INTRA, replace(query, dispatch_country="??"))

    def test_what_is_printed_is_in_canonical_codes(self, shelf, actor):
        take(shelf, certificate())
        assert shelf.library.pdf(actor, INTRA, NUMBER, signed=False) == b"%PDF-invented"
        (printed,) = shelf.printed
        assert b'unitCode="KGM"' in serialise(printed.root)
        assert printed.url == f"{PORTAL}/certificate/eu-intra/{NUMBER}"
