"""Programs that share no code with ours judge our seals and tokens, and make seals that we judge."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import SignatureConfiguration
from signxml.xades import XAdESVerifier

from gateway.errors import SealRefused
from gateway.trust import SEALED_DOCUMENT_POLICY, Indication, verify_file, verify_sealed
from gateway.trust.tokens import agrees, verify_token
from gateway.xml.canonical import C14n
from gateway.xml.names import DS, XADES132

XMLSEC1 = shutil.which("xmlsec1")
OPENSSL = shutil.which("openssl")
needs_xmlsec1 = pytest.mark.skipif(XMLSEC1 is None, reason="xmlsec1 is not installed (apt-get install xmlsec1)")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
RSA_KEY = rsa.generate_private_key(65537, 2048)


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=30)


def commands_of(folder, now):
    """The commands that the extraction wrote, at the frozen time of the tests."""
    for line in (folder / "commands.txt").read_text().splitlines():
        words = line.split()
        if words[0] == "xmlsec1":
            words[1:1] = ["--verify"]
            words = [word for n, word in enumerate(words) if n < 2 or word != "--verify"]
            words[2:2] = ["--verification-time", f"{now:%Y-%m-%d %H:%M:%S}"]
        else:
            words += ["-attime", str(int(now.timestamp()))]
        yield words


@needs_xmlsec1
@needs_openssl
def test_what_is_extracted_is_accepted_by_xmlsec1_and_openssl(stamped, world, now, tmp_path):
    report = verify_file(stamped, at=now, trust=world.trust(), extract_to=tmp_path)
    assert report.passed
    assert report.seals[0].token_second_opinion is True
    commands = list(commands_of(tmp_path, now))
    assert [command[0] for command in commands] == ["xmlsec1", "openssl"]
    for command in commands:
        done = run(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    (tmp_path / "element.xml").write_bytes((tmp_path / "element.xml").read_bytes().replace(b">120<", b">121<"))
    (tmp_path / "signature-value-1.bin").write_bytes(b"other")
    for command in commands:
        assert run(*command, cwd=tmp_path).returncode != 0


@needs_xmlsec1
def test_an_element_taken_from_an_envelope_is_accepted_by_xmlsec1(sealed, world, now, tmp_path):
    envelope = b'<E xmlns="urn:a" xmlns:sps="urn:b" xmlns:x="urn:c"><B>' + sealed + b"</B></E>"
    assert verify_file(envelope, at=now, trust=world.trust(), extract_to=tmp_path).passed
    (command,) = commands_of(tmp_path, now)
    done = run(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@needs_xmlsec1
@pytest.mark.parametrize("key", [None, RSA_KEY], ids=["P-256", "RSA"])
def test_xmlsec1_accepts_our_seals_of_each_kind(key, world, now, document, tmp_path):
    credential = world.issuing.seal("For xmlsec1", key=key)
    (tmp_path / "a.xml").write_bytes(world.sealer(credential).seal(document, at=now))
    (tmp_path / "root.pem").write_bytes(world.root.certificate_pem)
    done = run(
        XMLSEC1, "--verify", "--trusted-pem", "root.pem", "--enabled-key-data", "x509",
        "--verification-time", f"{now:%Y-%m-%d %H:%M:%S}", "--id-attr:Id", f"{XADES132}:SignedProperties", "a.xml",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_signxml_accepts_our_seals(sealed, world, now, document_digest, tmp_path):
    (tmp_path / "root.pem").write_bytes(world.root.certificate_pem)
    results = XAdESVerifier().verify(
        sealed,
        ca_pem_file=str(tmp_path / "root.pem"),
        expect_references=2,
        expect_config=SignatureConfiguration(location="./"),
        validate_schema=False,
    )
    signed = next(result.signed_xml for result in results if result.signed_xml.tag.endswith("SPSCertificate"))
    assert hashlib.sha256(etree.tostring(signed, method="c14n", exclusive=True)).digest() == document_digest


TEMPLATE = """\
<doc xmlns="urn:doc" xmlns:unused="urn:unused"><a>1</a><ds:Signature xmlns:ds="{ds}" Id="s"><ds:SignedInfo>\
<ds:CanonicalizationMethod Algorithm="{c14n}"/><ds:SignatureMethod Algorithm="{method}"/>\
<ds:Reference URI=""><ds:Transforms>\
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>{document}</ds:Transforms>\
<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference>\
<ds:Reference URI="#p" Type="http://uri.etsi.org/01903#SignedProperties">{properties}\
<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference>{key_info}</ds:SignedInfo><ds:SignatureValue/>\
<ds:KeyInfo Id="k"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
<ds:Object><xades:QualifyingProperties xmlns:xades="{xades}" Target="#s"><xades:SignedProperties Id="p">\
<xades:SignedSignatureProperties><xades:SigningTime>2026-03-01T12:00:00+01:00</xades:SigningTime>\
<xades:SigningCertificate><xades:Cert><xades:CertDigest><ds:DigestMethod Algorithm="{digest}"/>\
<ds:DigestValue>{thumb}</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificate>\
</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object></ds:Signature></doc>
"""
PREFIXED = (
    f'<ds:Transform Algorithm="{C14n.EXCLUSIVE}"><ec:InclusiveNamespaces xmlns:ec="{C14n.EXCLUSIVE}"'
    ' PrefixList="unused #default"/></ds:Transform>'
)
FORMS = {
    "implied": ("", "", C14n.INCLUSIVE),
    "inclusive": (C14n.INCLUSIVE, C14n.INCLUSIVE, C14n.INCLUSIVE),
    "inclusive 1.1": (C14n.INCLUSIVE_11, C14n.INCLUSIVE_11, C14n.INCLUSIVE_11),
    "exclusive": (C14n.EXCLUSIVE, C14n.EXCLUSIVE, C14n.EXCLUSIVE),
    "prefix list": (PREFIXED, PREFIXED, C14n.EXCLUSIVE),
}


def transform(form):
    return form if not form or form.startswith("<") else f'<ds:Transform Algorithm="{form}"/>'


def by_xmlsec1(form, world, folder, *, sha1=False, key_info=False):
    """A document sealed by xmlsec1 from a template."""
    document, properties, c14n = FORMS[form]
    credential = world.root.seal("Sealed by xmlsec1", key=RSA_KEY)
    digest = "http://www.w3.org/2000/09/xmldsig#sha1" if sha1 else "http://www.w3.org/2001/04/xmlenc#sha256"
    family = (
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1" if sha1 else "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    )
    thumb = hashlib.new("sha1" if sha1 else "sha256", credential.certificate_der).digest()
    reference = (
        f'<ds:Reference URI="#k"><ds:Transforms>{transform(C14n.EXCLUSIVE)}</ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference>'
    )
    (folder / "template.xml").write_text(
        TEMPLATE.format(
            ds=DS,
            xades=XADES132,
            c14n=c14n,
            method=family,
            digest=digest,
            document=transform(document),
            properties=f"<ds:Transforms>{transform(properties)}</ds:Transforms>" if properties else "",
            key_info=reference if key_info else "",
            certificate=base64.b64encode(credential.certificate_der).decode(),
            thumb=base64.b64encode(thumb).decode(),
        )
    )
    (folder / "key.pem").write_bytes(credential.key_pem)
    done = run(
        XMLSEC1, "--sign", "--privkey-pem", "key.pem", "--output", "out.xml",
        "--id-attr:Id", f"{XADES132}:SignedProperties", "--id-attr:Id", f"{DS}:KeyInfo", "template.xml",
        cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return (folder / "out.xml").read_bytes()


@needs_xmlsec1
@pytest.mark.parametrize("key_info", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_seals_made_by_xmlsec1_are_accepted(form, key_info, world, now, tmp_path):
    sealed = by_xmlsec1(form, world, tmp_path, key_info=key_info)
    report = verify_file(sealed, at=now, trust=world.trust())
    assert report.seals[0].indication is Indication.TOTAL_PASSED, report
    changed = sealed.replace(b"<a>1</a>", b"<a>2</a>")
    assert verify_file(changed, at=now, trust=world.trust()).seals[0].code == "IMG-4009"


@needs_xmlsec1
def test_a_changed_key_info_that_the_seal_covers_is_refused(world, now, tmp_path):
    sealed = by_xmlsec1("exclusive", world, tmp_path, key_info=True)
    changed = sealed.replace(b"</ds:KeyInfo>", b"<ds:KeyName>x</ds:KeyName></ds:KeyInfo>")
    assert verify_file(changed, at=now, trust=world.trust()).seals[0].code == "IMG-4009"


@needs_xmlsec1
def test_sha1_is_accepted_only_up_to_the_day_of_a_dated_exception(world, now, tmp_path):
    root = etree.fromstring(by_xmlsec1("inclusive", world, tmp_path, sha1=True))

    def judge(until, at=now):
        policy = replace(SEALED_DOCUMENT_POLICY, sha1_until=until)
        return verify_sealed(root, policy=policy, trust=world.trust(), at=at)

    assert judge(date(2026, 3, 1)).seal.algorithm.endswith("#rsa-sha1")
    for until in (None, date(2026, 2, 28)):
        with pytest.raises(SealRefused) as refusal:
            judge(until)
        assert refusal.value.code == "IMG-4005"


@pytest.fixture(scope="session")
def openssl_token(world, tmp_path_factory):
    """A token of ``openssl ts -reply`` that carries the issuing certificate too, and what it covers."""
    folder = tmp_path_factory.mktemp("ts")
    from datetime import UTC, datetime  # noqa: PLC0415 - openssl stamps the real time

    from gateway.sandbox.pki import Authority  # noqa: PLC0415 - one that is valid in real time

    real = datetime.now(UTC)
    root = Authority("OpenSSL time root", now=real)
    credential = Authority("OpenSSL time issuing", now=real, parent=root).timestamping("OpenSSL clock", key=RSA_KEY)
    (folder / "tsa.pem").write_bytes(credential.certificate.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(credential.key_pem)
    (folder / "chain.pem").write_bytes(b"".join(link.public_bytes(Encoding.PEM) for link in credential.chain))
    (folder / "serial").write_text("01\n")
    (folder / "data").write_bytes(b"stamped by openssl")
    (folder / "ts.cnf").write_text(
        "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_cert=tsa.pem\ncerts=chain.pem\nsigner_key=tsa.key\n"
        "signer_digest=sha256\ndefault_policy=1.2.3.4\ndigests=sha256,sha512\nordering=yes\ness_cert_id_alg=sha256\n"
        "accuracy=secs:1\nclock_precision_digits=3\n"
    )
    for command in (
        "openssl ts -query -data data -sha512 -cert -out q.tsq",
        "openssl ts -reply -config ts.cnf -queryfile q.tsq -token_out -out t.tst",
    ):
        done = run(*command.split(), cwd=folder)
        assert done.returncode == 0, done.stderr
    return (folder / "t.tst").read_bytes(), root, real


@needs_openssl
def test_a_token_of_openssl_is_accepted(openssl_token, world):
    from gateway.trust import TrustStore  # noqa: PLC0415 - only here

    token, root, real = openssl_token
    trust = TrustStore([world.stamp_anchor(certificate_der=root.certificate_der)])
    verdict = verify_token(token, b"stamped by openssl", trust, real + timedelta(minutes=1))
    assert verdict.policy == "1.2.3.4"
    assert abs(verdict.time - real) < timedelta(minutes=1)
    # rfc3161-client reads it or, where the certificates are not in DER order, abstains; it never contradicts
    assert agrees(token, b"stamped by openssl", trust) in {True, None}
    assert agrees(token, b"another", trust) in {False, None}
    with pytest.raises(SealRefused) as refusal:
        verify_token(token, b"another", trust, real)
    assert refusal.value.code == "IMG-4032"


@needs_openssl
@needs_xmlsec1
def test_the_commands_name_no_file_that_is_not_there(stamped, world, now, tmp_path):
    verify_file(stamped, at=now, trust=world.trust(), extract_to=tmp_path)
    named = re.findall(r"[\w-]+\.(?:pem|xml|bin|tsr)", (tmp_path / "commands.txt").read_text())
    assert named
    assert all((tmp_path / name).stat().st_size for name in named)
