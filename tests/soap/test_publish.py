"""What cannot be published is named at start."""

import pytest

from gateway.errors import ConfigurationError
from gateway.soap.publish import Publication
from gateway.xml.boundary import parse
from gateway.xml.names import WSDL_SOAP11, WSDL_SOAP12, qn

pytestmark = pytest.mark.short


def test_a_missing_description_is_named():
    with pytest.raises(ConfigurationError) as caught:
        Publication("Missing.wsdl")
    assert caught.value.where == "wsdl/Missing.wsdl"


@pytest.mark.parametrize("location", ["../../setup.cfg", "../wsdl/Other.wsdl", "http://192.0.2.1/a.xsd", "/etc/passwd"])
def test_an_import_that_leaves_the_schemas_is_named(monkeypatch, tmp_path, location):
    (tmp_path / "A.wsdl").write_text(
        f'<a xmlns:x="http://www.w3.org/2001/XMLSchema"><x:import schemaLocation="{location}"/></a>'
    )
    monkeypatch.setattr("gateway.soap.publish.resources.files", lambda _package: tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        Publication("A.wsdl")
    assert caught.value.found == location


def test_an_address_is_escaped():
    address = "http://h/?a&\"b'<c>"
    root = parse(Publication("CertificateExchange.wsdl").wsdl(address)).root
    assert {port.get("location") for port in root.iter(qn(WSDL_SOAP11, "address"), qn(WSDL_SOAP12, "address"))} == {
        address
    }
