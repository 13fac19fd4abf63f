"""X.509 signatures over the Body of a message: made, verified, rearranged by attackers, judged by strangers."""

from __future__ import annotations

import base64
import copy
import functools
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import GatewayError, SealRefused, SoapRefused, Unavailable
from gateway.sandbox.pki import Authority
from gateway.soap import SoapVersion
from gateway.soap.envelope import read_envelope, version_of, write_envelope
from gateway.soap.security import read_security, write_security
from gateway.trust import (
    BODY_POLICY,
    BodySealer,
    Indication,
    Level,
    Sealer,
    TrustStore,
    der,
    sign_body,
    verify_body_signature,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise, serialise
from gateway.xml.names import DS, SOAP11, WSSE, WSU, XADES132, qn

XMLSEC1 = shutil.which("xmlsec1")
BODY, HEADER, SECURITY = qn(SOAP11, "Body"), qn(SOAP11, "Header"), qn(WSSE, "Security")
SIGNATURE, TIMESTAMP, ID = qn(DS, "Signature"), qn(WSU, "Timestamp"), qn(WSU, "Id")
SIGNED = (f"{SOAP11}:Body", f"{WSU}:Timestamp", f"{WSSE}:BinarySecurityToken")
IDENTIFIERS = [word for name in SIGNED for word in ("--id-attr:Id", name)]
"""What xmlsec1 needs to be told: where identifiers are."""
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""The ``now`` of this folder."""
REQUEST = (
    b'<s:Submit xmlns:s="urn:s" xmlns:unused="urn:u">\n  <s:Weight unit=\'KGM\'>120</s:Weight> caf\xc3\xa9</s:Submit>'
)


def envelope(now, version=SoapVersion.SOAP11, body=REQUEST):
    header = write_security("user", "secret", now=now, nonce=b"n" * 16, lifetime=timedelta(minutes=2))
    return write_envelope(body, version, headers=header + b'<c xmlns="urn:c">client</c>')


@pytest.fixture(scope="session")
def signed(world) -> bytes:
    return sign_body(envelope(AT), world.sealer(), at=AT)


def judged(message, world, now, *, trust=None, policy=BODY_POLICY):
    """As the server does it: one tree, read strictly, its Body's child handed on."""
    root = parse(message).root if isinstance(message, bytes) else message
    read = read_envelope(root, version_of(root), frozenset())
    security = read_security(read.headers, signed=True)
    if security is None or security.body_signature is None:
        raise SealRefused("IMG-4001")
    verdict = verify_body_signature(
        security.body_signature, read.body, trust=trust or world.trust(), at=now, policy=policy
    )
    return verdict, read.body


def refusal(message, world, now, **options):
    with pytest.raises((SealRefused, SoapRefused)) as caught:
        judged(message, world, now, **options)
    return caught.value.code


@pytest.mark.parametrize("version", SoapVersion)
def test_what_is_signed_is_what_is_read(version, world, now):
    verdict, body = judged(sign_body(envelope(now, version), world.sealer(), at=now), world, now)
    assert (verdict.indication, verdict.level) == (Indication.TOTAL_PASSED, Level.ADVANCED)
    assert verdict.signer_der == world.signer.certificate_der
    assert verdict.chain_der[-1] == world.root.certificate_der
    assert verdict.signing_time == now
    assert verdict.timestamp is None
    assert etree.QName(body).localname == "Submit"


def test_the_request_keeps_its_bytes(signed):
    root = parse(signed).root
    assert serialise(root.find(BODY)[0]).replace(b' xmlns:soap="%s"' % SOAP11.encode(), b"").count(b"caf\xc3\xa9") == 1
    assert b"KGM" in signed
    assert signed.count(b"unused") == 1


def test_header_security_and_timestamp_are_made_where_there_are_none(world, now):
    verdict, _ = judged(sign_body(write_envelope(REQUEST, SoapVersion.SOAP11), world.sealer(), at=now), world, now)
    assert verdict.signing_time == now


def test_a_certificate_right_below_the_anchor_travels_alone(world, now):
    near = world.root.seal("Near the root")
    message = sign_body(envelope(now), Sealer(near.key, near.certificate_der), at=now)
    assert b"#X509v3" in message
    assert judged(message, world, now)[0].signer_der == near.certificate_der


def test_rsa_signs_too(world, now):
    credential = world.issuing.seal("By RSA", key=rsa.generate_private_key(65537, 2048))
    message = sign_body(envelope(now), world.sealer(credential), at=now)
    assert judged(message, world, now)[0].algorithm.endswith("rsa-sha256")


def test_a_stamp_over_the_signature_value_dates_it(world, now):
    message = sign_body(envelope(now), world.sealer(stamped=True), at=now)
    stamp = judged(message, world, now)[0].timestamp
    assert (stamp.time, stamp.level) == (now, Level.QUALIFIED)
    years_later = now + timedelta(days=400)
    with pytest.raises(SealRefused):
        judged(sign_body(envelope(now), world.sealer(), at=now), world, years_later + timedelta(days=4000))
    assert judged(message, world, years_later)[0].timestamp.time == now


def test_a_policy_may_ask_for_a_stamp(world, now, signed):
    asking = replace(BODY_POLICY, timestamp_required=True)
    assert refusal(signed, world, now, policy=asking) == "IMG-4030"
    assert judged(sign_body(envelope(now), world.sealer(stamped=True), at=now), world, now, policy=asking)


def test_a_stamp_of_something_else_does_not_hold(world, now):
    root = parse(sign_body(envelope(now), world.sealer(stamped=True), at=now)).root
    other = parse(sign_body(envelope(now), world.sealer(stamped=True), at=now)).root
    name = f".//{qn(XADES132, 'EncapsulatedTimeStamp')}"
    root.find(name).text = other.find(name).text
    assert refusal(serialise(root), world, now) == "IMG-4032"


def test_no_authority_of_time_no_signature(world, now):
    class Away:
        def stamp(self, _data, _at):
            raise Unavailable("IMG-9003")

    signer = world.signer
    needed = Sealer(signer.key, signer.certificate_der, signer.chain_der, Away())
    with pytest.raises(Unavailable):
        sign_body(envelope(now), needed, at=now)
    lenient = Sealer(signer.key, signer.certificate_der, signer.chain_der, Away(), stamp_required=False)
    assert judged(sign_body(envelope(now), lenient, at=now), world, now)[0].timestamp is None


def test_a_stranger_is_not_trusted(world, now):
    stranger = world.stranger.seal("A stranger")
    message = sign_body(envelope(now), Sealer(stranger.key, stranger.certificate_der), at=now)
    assert refusal(message, world, now) == "IMG-4020"
    assert refusal(sign_body(envelope(now), world.sealer(), at=now), world, now, trust=TrustStore([])) == "IMG-4020"


def test_time_is_judged(world, now, signed):
    assert refusal(sign_body(envelope(now + timedelta(minutes=6)), world.sealer(), at=now), world, now) == "IMG-4034"
    assert refusal(signed, world, now, policy=replace(BODY_POLICY, minimum_level=Level.QUALIFIED)) == "IMG-4026"
    signed_later = sign_body(envelope(now + timedelta(minutes=6)), world.sealer(stamped=True), at=now)
    assert refusal(signed_later, world, now + timedelta(minutes=6)) == "IMG-4033"


@pytest.mark.parametrize("content", [REQUEST + REQUEST, b"<!-- c -->" + REQUEST])
def test_what_would_be_refused_is_not_signed(content, world, now):
    if b"<!--" in content:
        with pytest.raises(SealRefused, match="IMG-4006"):
            sign_body(write_envelope(content, SoapVersion.SOAP11), world.sealer(), at=now)
    twice = envelope(now).replace(b"</soap:Envelope>", b"<soap:Body/></soap:Envelope>")
    with pytest.raises(SealRefused, match="IMG-4002"):
        sign_body(twice, world.sealer(), at=now)
    with pytest.raises(SealRefused, match="IMG-4002"):
        sign_body(sign_body(envelope(now), world.sealer(), at=now), world.sealer(), at=now)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b">120<", b">121<", "IMG-4009"),
        (b"KGM", b"TNE", "IMG-4009"),
        (
            b"<wsu:Created>2026-03-01T12:00:00.000Z</wsu:Created><wsu:Expires>",
            b"<wsu:Created>2026-03-01T11:59:00.000Z</wsu:Created><wsu:Expires>",
            "IMG-4009",
        ),
        (b"<ds:DigestValue>", b"<ds:DigestValue>AA", "IMG-4003"),
        (b"120</s:Weight>", b"1<!-- -->20</s:Weight>", "IMG-4006"),
        (b"120</s:Weight>", b"120<?x y?></s:Weight>", "IMG-4006"),
        (b"xmlenc#sha256", b"xmldsig#sha1", "IMG-4005"),
        (b"ecdsa-sha256", b"ecdsa-sha1", "IMG-4005"),
        (b"xml-exc-c14n#", b"xml-exc-c14n#WithComments", "IMG-4005"),
        (b"2001/10/xml-exc-c14n#", b"2000/09/xmldsig#enveloped-signature", "IMG-4005"),
        (b"<ds:KeyInfo>", b"<ds:KeyInfo><ds:KeyName>x</ds:KeyName>", "IMG-4003"),
        (b"<ds:SignatureValue>", b"<ds:SignatureValue>!", "IMG-4003"),
        (b"<ds:SignedInfo>", b"<ds:SignedInfo Id='x'>", "IMG-4010"),
    ],
)
def test_no_change_goes_unnoticed(old, new, code, signed, world, now):
    assert old in signed
    assert refusal(signed.replace(old, new), world, now) == code


def test_the_stamps_belong_to_this_signature(world, now):
    message = sign_body(envelope(now), world.sealer(stamped=True), at=now)
    assert refusal(message.replace(b'Target="#', b'Target="#x'), world, now) == "IMG-4007"
    assert refusal(message.replace(b"<ds:Signature ", b"<ds:Signature x='1' ").replace(b' Id="', b' id="'), world, now)
    root = parse(message).root
    root.find(BODY)[0].set("about", root.find(f".//{SIGNATURE}").get("Id"))
    assert refusal(serialise(root), world, now) in {"IMG-4009", "IMG-4011"}
    root = parse(message).root
    root.find(f"{HEADER}").set("about", root.find(f".//{SIGNATURE}").get("Id"))
    assert refusal(serialise(root), world, now) == "IMG-4011"
    root = parse(message).root
    root.find(f".//{SIGNATURE}").append(copy.deepcopy(root.find(f".//{qn(DS, 'Object')}")))
    assert refusal(serialise(root), world, now) == "IMG-4003"


def test_no_more_is_digested_than_may_be_signed(signed, world, now):
    root = parse(signed).root
    reference = root.find(f".//{qn(DS, 'Reference')}")
    for _ in range(1000):
        reference.addnext(copy.deepcopy(reference))
    assert refusal(serialise(root), world, now) == "IMG-4004"


def test_a_path_has_few_certificates(signed, world, now):
    root = parse(signed).root
    (element,) = root.iter(qn(WSSE, "BinarySecurityToken"))
    many = der.encode(der.SEQUENCE, *[world.root.certificate_der] * 9)
    element.text = base64.b64encode(many).decode()
    assert refusal(serialise(root), world, now) == "IMG-4008"


# --- rearrangements ---------------------------------------------------------------------------------------------------


def moved_body(root):
    """The classic: the signed Body into a header, another one where Bodies are read."""
    body = root.find(BODY)
    forged = copy.deepcopy(body)
    forged[0][0].text = "999999"
    del forged.attrib[ID]
    root.replace(body, forged)
    etree.SubElement(root.find(HEADER), "wrapper").append(body)


def moved_body_same_id(root):
    moved_body(root)
    root.find(BODY).set(ID, root.find(f"{HEADER}/wrapper/{BODY}").get(ID))


def moved_body_other_kind_of_id(root):
    moved_body(root)
    root.find(BODY).set("Id", root.find(f"{HEADER}/wrapper/{BODY}").get(ID))


def body_in_object(root):
    body = root.find(BODY)
    forged = copy.deepcopy(body)
    forged[0][0].text = "999999"
    root.replace(body, forged)
    etree.SubElement(root.find(f".//{SIGNATURE}"), qn(DS, "Object")).append(body)


def body_in_body(root):
    body = root.find(BODY)
    inner = copy.deepcopy(body)
    body[0][0].text = "999999"
    body[0].append(inner)


def two_bodies(root):
    forged = copy.deepcopy(root.find(BODY))
    forged[0][0].text = "999999"
    root.append(forged)


def two_bodies_forged_first(root):
    forged = copy.deepcopy(root.find(BODY))
    forged[0][0].text = "999999"
    root.find(BODY).addprevious(forged)


def two_children(root):
    extra = copy.deepcopy(root.find(BODY)[0])
    root.find(BODY).append(extra)


def whole_envelope_inside(root):
    inner = copy.deepcopy(root)
    root.find(BODY)[0][0].text = "999999"
    root.find(BODY)[0].append(inner)


def new_timestamp(root):
    security = root.find(f"{HEADER}/{SECURITY}")
    old = security.find(TIMESTAMP)
    fresh = copy.deepcopy(old)
    fresh[1].text = "2036-03-01T12:00:00Z"
    security.replace(old, fresh)
    etree.SubElement(root.find(HEADER), "wrapper").append(old)


def timestamp_not_signed(root):
    references = root.findall(f".//{qn(DS, 'Reference')}")
    references[1].getparent().remove(references[1])


def body_not_signed(root):
    reference = root.find(f".//{qn(DS, 'Reference')}")
    reference.getparent().remove(reference)


def body_signed_twice(root):
    reference = root.find(f".//{qn(DS, 'Reference')}")
    reference.addnext(copy.deepcopy(reference))


def another_reference(root):
    reference = root.find(f".//{qn(DS, 'Reference')}")
    extra = copy.deepcopy(reference)
    extra.set("URI", "http://example.invalid/")
    reference.getparent().append(extra)


def whole_document(root):
    root.find(f".//{qn(DS, 'Reference')}").set("URI", "")


def xpointer(root):
    reference = root.find(f".//{qn(DS, 'Reference')}")
    reference.set("URI", f"#xpointer(id('{reference.get('URI')[1:]}'))")


def no_uri(root):
    del root.find(f".//{qn(DS, 'Reference')}").attrib["URI"]


def xpath_transform(root):
    transform = root.find(f".//{qn(DS, 'Transform')}")
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(transform, qn(DS, "XPath")).text = "ancestor-or-self::original"


def id_also_in_content(root):
    root.find(BODY)[0].set("ID", root.find(BODY).get(ID))


def second_security(root):
    root.find(HEADER).append(copy.deepcopy(root.find(f"{HEADER}/{SECURITY}")))


def second_security_for_another(root):
    other = copy.deepcopy(root.find(f"{HEADER}/{SECURITY}"))
    other.set(qn(SOAP11, "actor"), "urn:somebody")
    root.find(HEADER).insert(0, other)


def second_signature(root):
    root.find(f".//{SIGNATURE}").addnext(copy.deepcopy(root.find(f".//{SIGNATURE}")))


def second_token(root):
    token = root.find(f".//{qn(WSSE, 'BinarySecurityToken')}")
    token.addnext(copy.deepcopy(token))


def security_in_a_block(root):
    security = root.find(f"{HEADER}/{SECURITY}")
    etree.SubElement(root.find(HEADER), "wrapper").append(security)
    etree.SubElement(root.find(HEADER), SECURITY)


def token_elsewhere(root):
    token = root.find(f".//{qn(WSSE, 'BinarySecurityToken')}")
    root.find(HEADER).append(token)


def key_info_with_two(root):
    reference = root.find(f".//{qn(WSSE, 'SecurityTokenReference')}")
    reference.addnext(copy.deepcopy(reference))


def key_info_names_the_body(root):
    root.find(f".//{qn(WSSE, 'Reference')}").set("URI", f"#{root.find(BODY).get(ID)}")


def same_id_for_body_and_timestamp(root):
    root.find(f".//{TIMESTAMP}").set(ID, root.find(BODY).get(ID))


ATTACKS = [
    moved_body,
    moved_body_same_id,
    moved_body_other_kind_of_id,
    body_in_object,
    body_in_body,
    two_bodies,
    two_bodies_forged_first,
    two_children,
    whole_envelope_inside,
    new_timestamp,
    timestamp_not_signed,
    body_not_signed,
    body_signed_twice,
    another_reference,
    whole_document,
    xpointer,
    no_uri,
    xpath_transform,
    id_also_in_content,
    second_security,
    second_security_for_another,
    second_signature,
    second_token,
    security_in_a_block,
    token_elsewhere,
    key_info_with_two,
    key_info_names_the_body,
    same_id_for_body_and_timestamp,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_rearranged_message_is_refused(attack, signed, world, now):
    root = parse(signed).root
    attack(root)
    try:
        _, body = judged(serialise(root), world, now)
    except GatewayError as error:
        refused = error.code
    else:
        pytest.fail(f"accepted, and read as {serialise(body)!r}")
    assert refused in {"IMG-1102", "IMG-1108"} or refused.startswith("IMG-40")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_it_is_refused_by_the_verifier_itself_too(attack, signed, world, now):
    """Whoever calls it without the strict reader: with the first Body's first child, and the first signature."""
    root = parse(signed).root
    honest = read_security(list(root.find(HEADER)), signed=True).body_signature
    attack(root)
    signature = next(root.iter(SIGNATURE))
    with pytest.raises(GatewayError):
        verify_body_signature(replace(honest, element=signature), root.find(BODY)[0], trust=world.trust(), at=now)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_single_byte_is_free(signed, world, now, data):
    """Whatever is changed: it is refused, or the request that is read is still the one that was signed."""
    at = data.draw(st.integers(0, len(signed) - 1))
    byte = data.draw(st.integers(1, 127))
    changed = signed[:at] + bytes([byte]) + signed[at + 1 :]
    try:
        _, body = judged(changed, world, now)
    except GatewayError:
        return
    assert canonicalise(body, algorithm=C14n.EXCLUSIVE) == canonicalise(parse(REQUEST).root, algorithm=C14n.EXCLUSIVE)


def test_inclusive_prefixes_as_wss4j_lists_them_are_taken(world, now, monkeypatch):
    """WSS4J signs the prefixes in scope too: declarations of the envelope are then part of what is signed."""
    listed = f'<ec:InclusiveNamespaces xmlns:ec="{C14n.EXCLUSIVE}" PrefixList="soap p"/>'
    prefixed = functools.partial(canonicalise, inclusive_prefixes=("soap", "p"))

    class Listing(BodySealer):
        def _draft(self, token, signed):
            text = super()._draft(token, signed)
            for name in ("ds:CanonicalizationMethod", "ds:Transform"):
                text = text.replace(
                    f'<{name} Algorithm="{C14n.EXCLUSIVE}"/>', f'<{name} Algorithm="{C14n.EXCLUSIVE}">{listed}</{name}>'
                )
            return text

    monkeypatch.setattr("gateway.trust.body_sealer.canonicalise", prefixed)
    root = parse(envelope(now).replace(b"<soap:Envelope ", b'<soap:Envelope xmlns:p="urn:p" ')).root
    Listing(world.sealer()).sign(root, at=now)
    message = serialise(root)
    assert message.count(b"PrefixList") == 4
    assert judged(message, world, now)
    assert refusal(message.replace(b"urn:p", b"urn:q"), world, now) == "IMG-4010"


def test_identifiers_are_fresh_for_each_message(world, now):
    one, two = (sign_body(envelope(now), world.sealer(), at=now) for _ in range(2))
    assert parse(one).root.find(BODY).get(ID) != parse(two).root.find(BODY).get(ID)
    root = parse(envelope(now)).root
    BodySealer(world.sealer(), token=lambda: "fixed").sign(root, at=now)
    assert root.find(BODY).get(ID) == "body-fixed"


def test_a_path_that_is_none_is_refused(world, now, signed):
    root = parse(signed).root
    token = root.find(f".//{qn(WSSE, 'BinarySecurityToken')}")
    for content in ("AAAA", "MAA=", "MIA="):
        token.text = content
        assert refusal(serialise(root), world, now) == "IMG-4008"


def test_prefixes_of_the_surroundings_do_not_break_it(world, now):
    """Toolkits declare our namespaces under their own prefixes; lxml takes those over when it moves trees."""
    text = envelope(now).replace(
        b"<soap:Envelope ",
        f'<soap:Envelope xmlns:n1="{DS}" xmlns:n2="{WSSE}" xmlns:n3="{WSU}" xmlns:n4="{XADES132}" '.encode(),
    )
    for stamped in (False, True):
        assert judged(sign_body(text, world.sealer(stamped=stamped), at=now), world, now)


@pytest.mark.skipif(XMLSEC1 is None, reason="xmlsec1 is not installed (apt-get install xmlsec1)")
@pytest.mark.parametrize("stamped", [False, True])
def test_xmlsec1_agrees(stamped, world, now, tmp_path):
    message = sign_body(envelope(now), world.sealer(stamped=stamped), at=now)
    (tmp_path / "key.pem").write_bytes(
        world.signer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    command = [
        XMLSEC1,
        "--verify",
        "--pubkey-pem",
        "key.pem",
        "--enabled-key-data",
        "key-name",
        *IDENTIFIERS,
        "message.xml",
    ]
    for content, verdict in ((message, True), (message.replace(b">120<", b">121<"), False)):
        (tmp_path / "message.xml").write_bytes(content)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
        assert (done.returncode == 0) is verdict, done.stderr


@pytest.mark.skipif(XMLSEC1 is None, reason="xmlsec1 is not installed (apt-get install xmlsec1)")
def test_what_xmlsec1_signs_is_accepted(world, now, tmp_path):
    near = world.root.seal("Near the root")
    root = parse(sign_body(envelope(now), Sealer(near.key, near.certificate_der), at=now)).root
    for name in ("DigestValue", "SignatureValue"):
        for element in root.iter(qn(DS, name)):
            element.text = ""
    (tmp_path / "template.xml").write_bytes(serialise(root))
    (tmp_path / "key.pem").write_bytes(near.key_pem)
    done = subprocess.run(
        [XMLSEC1, "--sign", "--output", "signed.xml", "--privkey-pem", "key.pem", *IDENTIFIERS, "template.xml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    verdict, _ = judged((tmp_path / "signed.xml").read_bytes(), world, now)
    assert verdict.signer_der == near.certificate_der


def test_an_authority_of_another_partner_is_none(world, now):
    other = Authority("Another", now=now)
    credential = other.seal("Somebody")
    message = sign_body(envelope(now), Sealer(credential.key, credential.certificate_der), at=now)
    assert refusal(message, world, now) == "IMG-4020"
