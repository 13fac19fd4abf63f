"""gateway.xml.schemas: libxml2 decides, xmlschema explains, nothing is fetched."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import pytest
import xmlschema
from lxml import etree

from gateway.errors import SchemaInvalid
from gateway.sandbox.samples import certificate
from gateway.xml import schemas
from gateway.xml.names import CX1, SOAP11, qn
from gateway.xml.schema_files import _Compiled, schema_folder
from gateway.xml.schemas import SchemaName, explain, is_valid, schema_source, validate

ENVELOPE = (
    f'<soap:Envelope xmlns:soap="{SOAP11}" xmlns:cx="{CX1}"><soap:Body><cx:SubmitCertificateRequest>%s'
    "</cx:SubmitCertificateRequest></soap:Body></soap:Envelope>"
)
CERTIFICATE = certificate(lines=1).decode()


def body(content: str = CERTIFICATE) -> etree._Element:
    return etree.fromstring(ENVELOPE % content)[0][0]


@pytest.mark.parametrize("name", SchemaName)
def test_every_schema_compiles_under_both_processors(name):
    assert not is_valid(name, etree.Element("nothing"))
    assert xmlschema.XMLSchema10(str(resources.files("xsd").joinpath(name))).maps.elements


def test_a_body_is_checked_where_it_stands_and_left_as_it_was():
    element = body()
    before = etree.tostring(element.getroottree(), method="c14n")
    validate(SchemaName.CERTIFICATE_EXCHANGE, element)
    validate(SchemaName.SPS_STRICT, element[0])
    assert etree.tostring(element.getroottree(), method="c14n") == before
    assert element[0].getparent() is element


def test_what_stands_beside_the_element_does_not_matter_to_its_verdict():
    element = body()
    element.getparent().append(etree.Element("beside"))
    assert is_valid(SchemaName.CERTIFICATE_EXCHANGE, element)


def test_a_type_attribute_may_use_a_prefix_of_the_envelope():
    element = body()
    element.set("{http://www.w3.org/2001/XMLSchema-instance}type", "cx:SubmitCertificateRequestType")
    assert is_valid(SchemaName.CERTIFICATE_EXCHANGE, element)


BREACHES = [
    # replaced, by, end of the path, found, expected
    ("<ram:TypeCode>851<", "<ram:TypeCode>phyto<", "sps:SPSExchangedDocument/ram:TypeCode", "phyto", "[0-9]{1,3}"),
    ("<ram:StatusCode>70</ram:StatusCode>", "", "ram:IssueDateTime", "ram:IssueDateTime", "ram:StatusCode"),
    ("<ram:SequenceNumeric>1<", "<ram:SequenceNumeric>one<", "ram:SequenceNumeric", "one", "decimal"),
    ("<ram:ModeCode>1<", '<ram:ModeCode hue="red">1<', "ram:ModeCode/@hue", "hue", ""),
    ("<sps:SPSConsignment>", "<sps:SPSConsignment>words", "sps:SPSConsignment", "Character content", ""),
    ("<sps:SPSConsignment>", "<sps:SPSConsignment><ram:Owner/>", "ram:Owner", "ram:Owner", "ram:ConsignorSPSParty"),
    ("<ram:IncludedSPSClause><ram:ID>1</ram:ID>", "<ram:IncludedSPSClause>", "ram:IncludedSPSClause", "", "ram:ID"),
]


@pytest.mark.parametrize("slow", [False, True], ids=["libxml2", "xmlschema"])
@pytest.mark.parametrize(("old", "new", "where", "found", "expected"), BREACHES)
def test_a_refusal_says_where_what_was_found_and_what_was_expected(old, new, where, found, expected, slow):
    element = body(CERTIFICATE.replace(old, new, 1))
    with pytest.raises(SchemaInvalid) as refused:
        validate(SchemaName.CERTIFICATE_EXCHANGE, element, explained=slow)
    error = refused.value
    assert error.code == "IMG-3001"
    assert error.where.startswith("/soap:Envelope/soap:Body/cx:SubmitCertificateRequest/sps:SPSCertificate/")
    assert error.where.endswith(where)
    assert found in error.found
    assert expected in error.expected


def test_an_attribute_out_of_range_and_a_value_off_its_list_are_named():
    element = etree.fromstring(f'<cx:FindCertificatesRequest xmlns:cx="{CX1}" pageSize="500"/>')
    finding = explain(SchemaName.CERTIFICATE_EXCHANGE, element, allow_slow=False)
    assert (finding.path, finding.found) == ("/cx:FindCertificatesRequest/@pageSize", "500")
    assert "200" in finding.expected
    element = body(f"<cx:IssuingRoute>v</cx:IssuingRoute>{CERTIFICATE}")
    finding = explain(SchemaName.CERTIFICATE_EXCHANGE, element, allow_slow=False)
    assert (finding.found, finding.expected) == ("v", "'i', 'ii', 'iii', 'iv'")


def test_the_path_is_right_in_a_default_namespace_and_among_equal_siblings():
    sps, ram = (
        "urn:un:unece:uncefact:data:standard:SPSCertificate:17",
        CERTIFICATE.split('xmlns:ram="')[1].split('"')[0],
    )
    text = certificate(lines=3).decode().replace("<ram:", "<").replace("</ram:", "</")
    text = text.replace("xmlns:ram=", "xmlns=").replace("<SequenceNumeric>2<", "<SequenceNumeric>two<")
    root = etree.fromstring(text)
    assert root.nsmap[None] == ram
    finding = explain(SchemaName.SPS_STRICT, root, allow_slow=False)
    assert finding.path.endswith("ram:IncludedSPSTradeLineItem[2]/ram:SequenceNumeric")
    assert root.tag == qn(sps, "SPSCertificate")


def test_a_wrong_root_is_named():
    finding = explain(SchemaName.SPS_STRICT, etree.Element("{urn:x}Nothing"), allow_slow=False)
    assert finding.path == "/{urn:x}Nothing"
    assert "root" in finding.message


def test_a_valid_element_has_nothing_to_explain():
    with pytest.raises(ValueError, match="valid"):
        explain(SchemaName.CERTIFICATE_EXCHANGE, body(), allow_slow=True)


def test_found_and_expected_are_capped():
    element = body(CERTIFICATE.replace("<ram:TypeCode>851", "<ram:TypeCode>" + "8" * 5000, 1))
    finding = explain(SchemaName.CERTIFICATE_EXCHANGE, element, allow_slow=False)
    assert len(finding.found) <= 200
    assert len(finding.expected) <= 200


@pytest.mark.parametrize(("size", "asked", "times"), [(8192, True, 1), (8192, False, 0), (70_000, True, 0)])
def test_xmlschema_is_asked_only_for_authenticated_partners_and_small_messages(monkeypatch, size, asked, times):
    calls = []
    real = schemas._slow_breach
    monkeypatch.setattr(schemas, "_slow_breach", lambda *args: calls.append(1) or real(*args))
    element = etree.fromstring(certificate(size_hint=size))
    element[0].remove(element[0][1])
    explain(SchemaName.SPS_STRICT, element, allow_slow=asked)
    assert len(calls) == times


def test_a_schema_location_in_a_message_is_not_followed(tmp_path):
    grants = tmp_path / "grants.xsd"
    grants.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:evil">'
        '<xs:element name="a"/></xs:schema>'
    )
    evil = etree.fromstring(
        '<e:a xmlns:e="urn:evil" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="urn:evil {grants.as_uri()}"/>'
    )
    assert not is_valid(SchemaName.CERTIFICATE_EXCHANGE, evil)
    assert "not an element" in explain(SchemaName.CERTIFICATE_EXCHANGE, evil, allow_slow=True).message
    inside = body(CERTIFICATE.replace("<sps:SPSConsignment>", f"<sps:SPSConsignment>{etree.tostring(evil).decode()}"))
    assert not is_valid(SchemaName.CERTIFICATE_EXCHANGE, inside)


def test_every_import_of_a_schema_is_another_file_of_the_package():
    folder = schema_folder().resolve()
    for file in folder.rglob("*.xsd"):
        for imported in etree.parse(file).iter("{*}import", "{*}include", "{*}redefine"):
            target = (file.parent / imported.get("schemaLocation")).resolve()
            assert target.is_file()
            assert target.is_relative_to(folder)


def test_threads_that_parse_do_not_disturb_threads_that_compile():
    stop = threading.Event()

    def parse() -> None:
        while not stop.is_set():
            etree.fromstring(CERTIFICATE)

    with ThreadPoolExecutor(8) as pool:
        parsers = [pool.submit(parse) for _ in range(3)]
        compiled = [pool.submit(lambda: _Compiled().get(SchemaName.CERTIFICATE_EXCHANGE)) for _ in range(60)]
        try:
            assert all(is_ready.result() for is_ready in compiled)
        finally:
            stop.set()
        assert [parser.result() for parser in parsers] == [None] * 3


@pytest.mark.parametrize("path", ["../setup.cfg", "/etc/passwd", "__init__.py", "uncefact/../../setup.xsd", "no.xsd"])
def test_only_schema_files_can_be_read(path):
    with pytest.raises(FileNotFoundError):
        schema_source(path)


def test_threads_do_not_mix_their_errors():
    names = [f"Odd{index}" for index in range(8)]

    def explained(name: str) -> list[str]:
        element = body(CERTIFICATE.replace("<sps:SPSConsignment>", f"<sps:SPSConsignment><ram:{name}/>"))
        return [explain(SchemaName.CERTIFICATE_EXCHANGE, element, allow_slow=False).found for _ in range(50)]

    with ThreadPoolExecutor(len(names)) as pool:
        for name, found in zip(names, pool.map(explained, names), strict=True):
            assert set(found) == {f"ram:{name}"}


def test_the_schemas_work_from_a_zip_file(tmp_path):
    archive = tmp_path / "packages.zip"
    root = Path(str(resources.files("xsd"))).parent
    with zipfile.ZipFile(archive, "w") as packed:
        for package, pattern in (("xsd", "*"), ("gateway", "*.py"), ("gateway", "*.toml")):
            for file in (root / package).rglob(pattern):
                if file.is_file() and "__pycache__" not in file.parts:
                    packed.write(file, file.relative_to(root))
    program = (
        "from lxml import etree; import gateway.xml.schemas as s; assert '.zip' in s.__file__; "
        "print(s.explain(s.SchemaName.SPS_STRICT, etree.Element('a'), allow_slow=True).message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(archive)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "not an element of the schema" in done.stdout, done.stderr
