"""A certificate is the same in whatever it is carried."""

import pytest
from lxml import etree

from gateway.errors import SchemaInvalid, XmlRefused
from gateway.sandbox.samples import certificate
from gateway.xml.boundary import parse
from gateway.xml.limits import Limits
from gateway.xml.names import DOCOM1, HUB, HUBENT, INTRA1, SPS17, qn
from mappings.differences import find_differences
from mappings.wrappers import Wrapper, unwrap, wrap

pytestmark = pytest.mark.short


@pytest.fixture
def root():
    return parse(certificate(lines=1)).root


@pytest.mark.parametrize("wrapper", Wrapper)
def test_what_was_wrapped_is_found_again(root, wrapper):
    before = etree.tostring(root)
    carried = parse(etree.tostring(wrap(root, wrapper))).root
    found = unwrap(carried)
    assert found.wrapper is wrapper
    assert found.certificate.tag == qn(SPS17, "SPSCertificate")
    assert find_differences(root, found.certificate) == ()
    assert etree.tostring(root) == before


@pytest.mark.parametrize(
    ("wrapper", "tag"),
    [
        (Wrapper.INTRA, qn(INTRA1, "SPSCertificate")),
        (Wrapper.DOCOM, qn(DOCOM1, "SPSCertificate")),
        (Wrapper.CONTENT, qn(HUBENT, "Content")),
        (Wrapper.ENVELOPE, qn(HUB, "ePhytoEnvelope")),
    ],
)
def test_each_wrapper_has_its_own_root(root, wrapper, tag):
    made = wrap(root, wrapper)
    assert made.tag == tag
    assert bool(made.text) is (wrapper is Wrapper.CONTENT)


def test_it_is_found_inside_a_message(root):
    body = etree.Element("{urn:x}Envelope")
    etree.SubElement(body, qn(HUBENT, "Content")).text = "no document"
    etree.SubElement(body, qn(HUBENT, "Content")).text = "<x/>"
    reply = etree.SubElement(body, qn(INTRA1, "GetEuIntraCertificateResponse"))
    reply.append(wrap(root, Wrapper.INTRA))
    assert unwrap(body).wrapper is Wrapper.INTRA


def test_what_has_no_certificate_is_refused():
    with pytest.raises(SchemaInvalid, match="IMG-3001"):
        unwrap(etree.Element("{urn:x}Envelope"))


def test_a_content_is_read_within_the_limits(root):
    content = wrap(root, Wrapper.CONTENT)
    with pytest.raises(XmlRefused):
        unwrap(content, limits=Limits(max_bytes=100))
