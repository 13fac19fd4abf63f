"""Client toolkits of other languages digest the contract; skipped, saying so, where they are not installed.

The live conversations with them are in tests/interop; here they only read the files and build a typed message.
"""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from lxml import etree

from gateway.certex.models import ProcessedChedRequest
from gateway.certex.wire import read_processed_request
from gateway.xml.names import CERTEX6, CX1, SOAP11, qn
from gateway.xml.schemas import SchemaName, is_valid

ROOT = Path(str(resources.files("wsdl"))).parent
PHP_SUBMITS = """
ini_set('soap.wsdl_cache_enabled', 0);
$client = new SoapClient($argv[1], ['trace' => 1, 'location' => 'http://127.0.0.1:9/', 'soap_version' => SOAP_1_1]);
$moment = ['DateTimeString' => '2026-09-14T10:32:00-03:00'];
$line = ['SequenceNumeric' => 1, 'Description' => ['_' => 'Lemons', 'languageID' => 'en'],
         'NetWeightMeasure' => ['_' => '21600.5', 'unitCode' => 'KGM']];
$certificate = [
  'SPSExchangedDocument' => [
    'ID' => 'AR-EX-2026-0000009', 'TypeCode' => '851', 'StatusCode' => '70', 'IssueDateTime' => $moment,
    'IssuerSPSParty' => ['Name' => 'Servicio'],
    'SignatorySPSAuthentication' => [['IncludedSPSClause' => ['ID' => '1']]]],
  'SPSConsignment' => [
    'ConsignorSPSParty' => ['Name' => 'A'],
    'ConsigneeSPSParty' => ['Name' => 'B'],
    'ExportSPSCountry' => ['ID' => 'AR'], 'ImportSPSCountry' => ['ID' => 'NL'],
    'ExaminationSPSEvent' => ['OccurrenceSPSLocation' => ['Name' => 'C']],
    'IncludedSPSConsignmentItem' => ['IncludedSPSTradeLineItem' => $line]]];
try { $client->SubmitCertificate(['MessageID' => 'm-1', 'SPSCertificate' => $certificate]); }
catch (SoapFault $fault) {}
echo $client->__getLastRequest();
"""
PHP_READS = """
ini_set('soap.wsdl_cache_enabled', 0);
$client = new SoapClient($argv[1], ['trace' => 1, 'location' => 'http://127.0.0.1:9/', 'soap_version' => SOAP_1_1]);
$asked = [
  'SendingDate' => '2026-09-29T14:10:42.090Z', 'ChedCertificateId' => 'CHEDP.XI.2026.0000875',
  'CustomsDeclarationReferenceNumber' => new stdClass(),
  'CompetentCustomsOffice' => ['ReferenceNumber' => 'XI000002'],
  'Language' => 'en', 'QuantityManagementIndication' => 0];
try { $client->processedChedRequest($asked); }
catch (SoapFault $fault) {}
echo $client->__getLastRequest();
"""


def has_php_soap() -> bool:
    php = shutil.which("php")
    if php is None:
        return False
    modules = subprocess.run([php, "-m"], capture_output=True, text=True, check=False, timeout=30).stdout
    return "soap" in modules.split()


@pytest.mark.skipif(not has_php_soap(), reason="php with its soap extension is not installed")
def test_php_builds_a_typed_certificate_that_is_valid():
    done = subprocess.run(
        ["php", "-r", PHP_SUBMITS, "--", str(ROOT / "wsdl/CertificateExchange.wsdl")],
        capture_output=True,
        check=True,
        timeout=60,
    )
    body = etree.fromstring(done.stdout).find(qn(SOAP11, "Body"))[0]
    assert body.tag == qn(CX1, "SubmitCertificateRequest")
    assert is_valid(SchemaName.CERTIFICATE_EXCHANGE, body)
    assert body.findtext(".//{*}NetWeightMeasure[@unitCode='KGM']") == "21600.5"


@pytest.mark.skipif(not has_php_soap(), reason="php with its soap extension is not installed")
def test_php_builds_a_read_of_certex_with_the_empty_declaration():
    done = subprocess.run(
        ["php", "-r", PHP_READS, "--", str(ROOT / "wsdl/CustomsCertexChedServiceV06.wsdl")],
        capture_output=True,
        check=True,
        timeout=60,
    )
    body = etree.fromstring(done.stdout).find(qn(SOAP11, "Body"))[0]
    assert is_valid(SchemaName.CERTEX, body)
    assert body.find(qn(CERTEX6, "CustomsDeclarationReferenceNumber")) is not None
    assert read_processed_request(body) == ProcessedChedRequest(
        sending_date=datetime(2026, 9, 29, 14, 10, 42, 90_000, tzinfo=UTC),
        reference="CHEDP.XI.2026.0000875",
        office="XI000002",
    )


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wsimport") is None, reason="wsimport (JAX-WS) is not installed")
@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        (
            "CertificateExchange",
            {
                "CertificateExchange": "",
                "SubmitCertificateRequestType": "",
                "SPSCertificateType": "",
                "SPSTradeLineItemType": "",
            },
        ),
        (
            "CustomsCertexChedServiceV06",
            {
                "CustomsCertexChedPort": "processedChedRequest(",
                "PushIndicationType": "getPushMarker()",
                "CommodityCodeType": "getHarmonizedSystemSubheadingcode",
            },
        ),
    ],
)
def test_wsimport_generates_typed_classes(tmp_path, contract, expected):
    done = subprocess.run(
        ["wsimport", "-Xnocompile", "-keep", "-d", str(tmp_path), str(ROOT / f"wsdl/{contract}.wsdl")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sources = {file.stem: file.read_text("utf-8") for file in tmp_path.rglob("*.java")}
    for name, words in expected.items():
        assert words in sources[name]
