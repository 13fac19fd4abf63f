"""The printable INTRA certificate and DOCOM."""

from __future__ import annotations

from dataclasses import replace

import pytest
import zxingcpp
from ched_values import full

from gateway.documents.ched import ChedType, write_ched
from gateway.pdf import CertificatePdf, render_certificate

URL = "https://traces.example/certificate/eu-intra/INTRA.EU.FR.2026.0000041"


def test_a_captured_intra_certificate_prints_whole(captured, printed, now):
    root = captured("intra/GetEuIntraCertificateResponse.xml")
    document = printed(render_certificate(root, language="en", url=URL, now=now))
    for shown in (
        "INTRA.EU.FR.2026.0000041",
        "EQUI-INTRA-IND",
        "Place of dispatch Test Quarantaine",
        "Transporter Test type I",
        "Departure 2026-03-24 00:00 (UTC+01:00)",
        "Road vehicle: R5434FGD, United Kingdom (GB)",
        "0101 LIVE ANIMALS > Live horses, asses, mules and hinnies",
        "Identification system: Tattoo; Identification number: NEW",
        "For transit through Member State(s)",
        "Certified as or for: Further keeping",
        "blank.pdf",
    ):
        assert shown in document.text, shown
    assert [code.text for code in zxingcpp.read_barcodes(document.picture(scale=3))] == [URL]


@pytest.mark.parametrize(
    ("reference", "title"),
    [
        ("INTRA.EU.FR.2026.1", "Certificat pour les échanges entre États membres (INTRA)"),
        ("DOCOM.FR.2026.1", "Document commercial (DOCOM)"),
        ("OTHER.1", "Certificat OTHER.1"),
    ],
)
def test_the_number_says_which_document_it_is(reference, title, printed, now):
    root = write_ched(replace(full(ChedType.A), reference=reference, type_code="856"))
    assert title in printed(render_certificate(root, language="fr", url="", now=now)).text


def test_what_is_not_there_is_left_out(printed, now):
    ched = replace(full(ChedType.P), reference="DOCOM.NL.2026.1", transporter=None, containers=())
    text = printed(render_certificate(write_ched(ched), language="en", url="", now=now)).text
    assert "Consignor Consignor Q. Invented" in text
    assert "Transporter" not in text
    assert "Containers" not in text


def test_the_renderer_of_the_library_prints_at_its_clock(printed, now):
    root = write_ched(replace(full(ChedType.P), reference="DOCOM.NL.2026.1"))
    render = CertificatePdf(lambda: now)
    data = render(root, language="en", url="", signed=False)
    assert data == render_certificate(root, language="en", url="", now=now)
    assert "Printed 2026-11-22 11:00 (UTC)" in printed(data).text
