"""The XAdES files of the EU's DSS project: a listed verdict with its reason for each.

Most are laid out in ways that the policy refuses by name. The two that fit are judged fully: without anchors, content
and seal agree; with the issuing authority as anchor, one passes.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from gateway.trust import Anchor, Indication, Purpose, TrustStore, verify_file

CONTRACTS = os.environ.get("IMSOC_CONTRACTS", "")
VECTORS = Path(CONTRACTS).parent / "vectors" / "dss-xades" if CONTRACTS else Path("absent")
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="IMSOC_CONTRACTS does not name the reference folder")

AT = {"xades-valid-reference.xml": datetime(2023, 6, 1, tzinfo=UTC)}
IN_2019 = datetime(2019, 6, 1, tzinfo=UTC)

VERDICTS = {
    # RSA with SHA-1 throughout, and canonicalisation with comments
    "Signature-X-BG-1.xml": ("IMG-4005", "rsa-sha1"),
    # an Office document's signature: the root itself is ds:Signature, enveloping five objects
    "Signature-X-CY-1.xml": ("IMG-4002", "last child"),
    # Slovak XAdES_ZEP: manifests in several ds:Object
    "Signature-X-SK_DIT-1.xml": ("IMG-4003", "ds:Object, ds:Object"),
    # enveloping: the signed data are in a second ds:Object
    "Signature-X-UK_ELD-4.xml": ("IMG-4003", "ds:Object, ds:Object"),
    # two parallel signatures, each excluding the other by XPath
    "doubleSignedTest.xml": ("IMG-4002", "2 signatures"),
    # the reference to the document was cut out
    "dss-signed-altered-refRemoved.xml": ("IMG-4004", "a reference to the document"),
    # the reference to the signed properties was cut out
    "dss-signed-altered-signedPropsRemoved.xml": ("IMG-4004", "a reference to the properties"),
    # an enveloped baseline B signature with exclusive canonicalisation
    "dss-signed.xml": ("IMG-4020", "Content and seal agree"),
    # a detached signature over a file that is not there
    "simple-test-signed-xades-baseline-b.xml": ("IMG-4002", "last child"),
    # an enveloped signature; its properties have the implied inclusive canonicalisation
    "xades-valid-reference.xml": ("IMG-4020", "Content and seal agree"),
}


def test_every_vector_has_a_listed_verdict():
    assert {path.name for path in VECTORS.glob("*.xml")} == set(VERDICTS)


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_and_its_reason(name):
    code, reason = VERDICTS[name]
    report = verify_file((VECTORS / name).read_bytes(), at=AT.get(name, IN_2019))
    assert {seal.code for seal in report.seals} == {code}
    assert all(reason in seal.message for seal in report.seals)
    assert not report.passed


@pytest.mark.parametrize("name", ["dss-signed.xml", "xades-valid-reference.xml"])
def test_a_changed_letter_in_a_vector_that_holds_is_found(name):
    tree = etree.fromstring((VECTORS / name).read_bytes())
    next(element for element in tree.iter() if (element.text or "").strip()).text += "x"
    assert verify_file(etree.tostring(tree), at=AT.get(name, IN_2019)).seals[0].code == "IMG-4009"


def test_a_vector_passes_with_its_authority_as_anchor():
    content = (VECTORS / "dss-signed.xml").read_bytes()
    presented = verify_file(content, at=IN_2019).seals[0].seal
    import base64  # noqa: PLC0415 - only here

    issuing = [base64.b64decode(element.text) for element in etree.fromstring(content).iter("{*}X509Certificate")]
    anchor = next(der for der in issuing if der != presented.signer_der)
    trust = TrustStore([Anchor("Nowina test authority", anchor, frozenset({Purpose.SEAL}))])
    seal = verify_file(content, at=IN_2019, trust=trust).seals[0]
    assert seal.indication is Indication.TOTAL_PASSED
    assert "CN=good-user" in seal.seal.signer_subject
    later = verify_file(content, at=datetime(2026, 1, 1, tzinfo=UTC), trust=trust).seals[0]
    assert later.code == "IMG-4021"
