"""zeep with no code of ours: a client made from the WSDL over HTTP, in both SOAP versions (part of `make test`)."""

from __future__ import annotations

import runpy
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zeep
from lxml import etree
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU

if TYPE_CHECKING:
    from conftest import RunningGateway, World

pytestmark = [pytest.mark.interop]

SPS = "urn:un:unece:uncefact:data:standard:SPSCertificate:17"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21"


class FreshTimestamp(UsernameToken):
    """zeep's own token takes one timestamp for all calls; each of ours is made for its call."""

    def apply(self, envelope: Any, headers: Any) -> Any:
        now = datetime.now(UTC)
        self.timestamp_token = WSU.Timestamp(
            WSU.Created(now.isoformat()), WSU.Expires((now + timedelta(seconds=60)).isoformat())
        )
        return super().apply(envelope, headers)


@pytest.fixture(scope="module")
def client(gateway: RunningGateway) -> zeep.Client:
    return zeep.Client(gateway.wsdl, wsse=FreshTimestamp(gateway.username, gateway.secret, use_digest=True))


@pytest.fixture(params=["CertificateExchangeSoap11", "CertificateExchangeSoap12"])
def service(request: pytest.FixtureRequest, client: zeep.Client) -> Any:
    return client.bind("CertificateExchangeService", request.param)


def typed_certificate(number: str) -> dict[str, Any]:
    moment = {"DateTimeString": "2026-09-14T10:32:00-03:00"}
    authority = {"Name": "Servicio Fitosanitario de Ejemplo"}
    line = {
        "SequenceNumeric": 1,
        "Description": ["Fresh lemons & limes"],
        "ScientificName": ["Citrus limon"],
        "NetWeightMeasure": {"_value_1": Decimal("1250.5"), "unitCode": "KGM"},
        "PhysicalSPSPackage": [{"LevelCode": "4", "TypeCode": "CT", "ItemQuantity": 100}],
    }
    return {
        "SPSExchangedDocument": {
            "Name": [{"_value_1": "Phytosanitary certificate", "languageID": "en"}],
            "ID": number,
            "TypeCode": "851",
            "StatusCode": "70",
            "IssueDateTime": moment,
            "IssuerSPSParty": authority,
            "SignatorySPSAuthentication": [
                {
                    "ActualDateTime": moment,
                    "IssueSPSLocation": {"Name": ["Puerto Ejemplo"]},
                    "ProviderSPSParty": authority,
                }
            ],
        },
        "SPSConsignment": {
            "ConsignorSPSParty": {"Name": "Frutas Inventadas S.A."},
            "ConsigneeSPSParty": {"Name": "Voorbeeld Fruit B.V."},
            "ExportSPSCountry": {"ID": "AR", "Name": ["Argentina"]},
            "ImportSPSCountry": {"ID": "NL", "Name": ["Netherlands"]},
            "ExaminationSPSEvent": {"OccurrenceSPSLocation": {"Name": ["Puerto Ejemplo"]}},
            "MainCarriageSPSTransportMovement": [
                {"ModeCode": "1", "UsedSPSTransportMeans": {"Name": "MV Inventada"}},
            ],
            "IncludedSPSConsignmentItem": [{"IncludedSPSTradeLineItem": [line]}],
        },
    }


def text(value: Any) -> Any:
    """zeep gives simple content with attributes as an object, here with its value."""
    return value["_value_1"]


def test_sees_the_fields_of_a_certificate(client: zeep.Client) -> None:
    certificate = client.get_element(f"{{{SPS}}}SPSCertificate").type
    document = dict(certificate.elements)["SPSExchangedDocument"].type
    assert document.qname == etree.QName(RAM, "SPSExchangedDocumentType")
    fields = [name for name, _ in document.elements]
    assert fields[:2] == ["Name", "ID"]
    assert {"TypeCode", "StatusCode", "IssueDateTime", "SignatorySPSAuthentication"} <= set(fields)


def test_validates_a_typed_certificate(service: Any) -> None:
    answer = service.ValidateCertificate(SPSCertificate=typed_certificate("AR-IT-ZEEP-TYPED"))
    assert answer.Acceptable is False
    assert "IMG-4001" in [finding.Rule for finding in answer.Finding], "a typed certificate has no seal"
    translated = answer.Translation.SPSCertificate
    assert text(translated.SPSExchangedDocument.ID) == "AR-IT-ZEEP-TYPED"
    assert text(translated.SPSConsignment.ImportSPSCountry.ID) == "NL"
    lines = [
        line
        for item in translated.SPSConsignment.IncludedSPSConsignmentItem
        for line in item.IncludedSPSTradeLineItem
        if text(line.SequenceNumeric) == 1
    ]
    assert text(lines[0].Description[0]) == "Fresh lemons & limes"
    assert (text(lines[0].NetWeightMeasure), lines[0].NetWeightMeasure.unitCode) == (Decimal("1250.5"), "KGM")


def test_what_has_an_unknown_code_is_held_and_its_sender_reads_so(service: Any, world: World) -> None:
    sealed = world.sealed(package="X0")
    with pytest.raises(zeep.exceptions.Fault) as held:
        service.SubmitCertificate(SealedDocument=sealed.content, MessageID=f"held-{sealed.number}")
    told = held.value.detail.find(".//{*}GatewayFault")
    assert (told.findtext("{*}Code"), told.findtext("{*}Retry")) == ("IMG-6010", "later")
    for question in (
        {"Document": {"IssuerCountry": "AR", "TypeCode": "851", "ID": sealed.number}},
        {"MessageID": f"held-{sealed.number}"},
    ):
        status = service.GetCertificateStatus(**question)
        assert (status.StatusCode, status.Version, status.Delivery) == ("HELD", [], [])
        (entry,) = status.Quarantine
        assert (entry.ID, entry.State, entry.StatusCode) == (told.findtext("{*}Found"), "held", "70")
        assert [(each.Rule, each.Found) for each in entry.Finding] == [("IMG-6001", "X0")]


def test_submits_a_sealed_file_and_reads_the_same_bytes_back(service: Any, world: World) -> None:
    sealed = world.sealed()
    acknowledgement = service.SubmitCertificate(SealedDocument=sealed.content)
    document = acknowledgement.SPSAcknowledgementDocument
    assert text(document.StatusCode) == "70"
    assert text(document.ReferenceSPSReferencedDocument[0].ID) == sealed.number

    read = service.GetCertificate(Document={"IssuerCountry": "AR", "TypeCode": "851", "ID": sealed.number})
    assert read.Masked is False
    assert read.SealedDocument == sealed.content
    sent, back = (etree.fromstring(content) for content in (sealed.content, read.SealedDocument))
    assert etree.tostring(back, method="c14n") == etree.tostring(sent, method="c14n")


def test_gets_a_typed_fault(client: zeep.Client, service: Any) -> None:
    with pytest.raises(zeep.exceptions.Fault) as refusal:
        service.GetCertificate(Document={"IssuerCountry": "AR", "TypeCode": "851", "ID": "AR-IT-NOWHERE"})
    detail = refusal.value.detail[0]
    fault = client.get_element("{urn:imsoc:gateway:certificate-exchange:1}GatewayFault").parse(
        detail, client.wsdl.types
    )
    assert fault.Code == "IMG-7004"
    assert fault.Retry == "after-change"


def test_is_refused_with_a_wrong_secret(gateway: RunningGateway) -> None:
    stranger = zeep.Client(gateway.wsdl, wsse=FreshTimestamp(gateway.username, gateway.secret + "!", use_digest=True))
    with pytest.raises(zeep.exceptions.Fault, match="IMG-2001"):
        stranger.service.GetCertificate(Document={"IssuerCountry": "AR", "TypeCode": "851", "ID": "AR-IT-NOWHERE"})


def test_the_example_of_the_readme_runs_as_it_stands(gateway: RunningGateway, world: World, tmp_path: Path) -> None:
    sealed, secret = tmp_path / "sealed.xml", tmp_path / "secret.txt"
    sealed.write_bytes(world.sealed().content)
    secret.write_text(gateway.secret, "utf-8")
    program = Path(__file__).parents[2] / "examples" / "integrator.py"
    address = gateway.service.removesuffix("/CertificateExchange")
    for message in ("acceptable: True", "read back, equal: True"):
        run = subprocess.run(
            [sys.executable, program, address, gateway.username, secret, sealed],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        assert message in run.stdout
    sealed.write_bytes(sealed.read_bytes().replace(b"KGM", b"TNE", 1))
    run = subprocess.run(
        [sys.executable, program, address, gateway.username, secret, sealed],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "refused: IMG-4009" in run.stdout


def test_the_example_tells_each_finding_of_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = Path(__file__).parents[2] / "examples" / "integrator.py"
    example = runpy.run_path(str(program))
    detail = etree.fromstring(
        "<detail><GatewayFault><Code>IMG-6010</Code><Message>held</Message><Finding><Rule>IMG-6001</Rule>"
        "<Path>/a/b</Path><Found>X0</Found><Expected>map.csv: X0,?</Expected></Finding></GatewayFault></detail>"
    )

    class Refusing:
        def ValidateCertificate(self, **_: Any) -> None:  # noqa: N802 - the contract's word
            raise zeep.exceptions.Fault("held", detail=detail)

    for name in ("secret", "sealed"):
        (tmp_path / name).write_text("x", "utf-8")
    main = example["main"]
    monkeypatch.setitem(main.__globals__, "client_for", lambda *_: Refusing())
    assert main("http://127.0.0.1", "me", tmp_path / "secret", tmp_path / "sealed") == 1
    assert "- IMG-6001; /a/b; X0; map.csv: X0,?" in capsys.readouterr().out
