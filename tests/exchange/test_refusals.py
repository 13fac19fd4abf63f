"""What an authenticated partner is refused: by code, with a reason that helps, and recorded under its ExchangeID."""

import base64
import copy
import re
from dataclasses import dataclass
from datetime import timedelta

import pytest
from lxml import etree

from gateway.errors import Fault, Retry, catalogue
from gateway.exchange.journal import WITHOUT_BYTES
from gateway.sandbox.samples import Example, certificate, example
from gateway.sandbox.tsa import TimestampAuthority
from gateway.store import Outcome, find_exchange, find_exchange_by_message_id
from gateway.trust import Sealer, TimestampClient

CX = "urn:imsoc:gateway:certificate-exchange:1"
DS = "http://www.w3.org/2000/09/xmldsig#"
BOTH = pytest.mark.parametrize("version", ["1.1", "1.2"])
ASK = f'<cx:GetCertificateStatusRequest xmlns:cx="{CX}"><cx:MessageID>m</cx:MessageID></cx:GetCertificateStatusRequest>'
DAY = timedelta(days=1)


def replaced(world, old, new, **arguments):
    """A document changed before it is sealed."""
    document = certificate(lines=1, **arguments)
    assert old.encode() in document
    return world.sealed(document.replace(old.encode(), new.encode()))


def altered(world, old, new):
    """A document changed after it was sealed."""
    sealed = world.sealed()
    changed = re.sub(old.encode(), new.encode(), sealed, count=1, flags=re.DOTALL)
    assert changed != sealed
    return changed


def sealed_by(world, credential, *, at=None):
    return world.sealer_of(credential).seal(certificate(lines=1), at=at or world.now)


def rebuilt(world, change):
    root = etree.fromstring(world.sealed())
    change(root)
    return etree.tostring(root)


def slow_clock(world):
    slow = TimestampAuthority(world.tsa_root.timestamping("slow"), clock=lambda: world.now - timedelta(minutes=20))
    return stamped_by(world, slow)


def stamped_by(world, authority):
    stamper = TimestampClient(["memory:"], world.stamper._trust, transport=lambda _, query: authority.answer(query))
    credential = world.credential
    return Sealer(credential.key, credential.certificate_der, credential.chain_der, stamper).seal(
        certificate(lines=1), at=world.now
    )


def token_of_another(root, world):
    donor = etree.fromstring(world.sealed())
    place = ".//{*}EncapsulatedTimeStamp"
    root.find(place).text = donor.find(place).text


def broken_token(root):
    token = root.find(".//{*}EncapsulatedTimeStamp")
    content = bytearray(base64.b64decode(token.text))
    content[-3] ^= 1
    token.text = base64.b64encode(content).decode()


def twice(root):
    signature = root[-1]
    signature.find(f"{{{DS}}}Object").append(copy.deepcopy(signature))


def no_certificate(root):
    for certificate_element in root.findall(".//{*}X509Certificate")[:1]:
        certificate_element.text = base64.b64encode(b"garbage").decode()


SEALS = {
    "no seal": (lambda world: certificate(lines=1), "IMG-4001"),
    "a second signature": (lambda world: rebuilt(world, twice), "IMG-4002"),
    "a manifest beside the properties": (lambda world: altered(world, "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"),
                                         "IMG-4003"),
    "a reference to a part": (lambda world: altered(world, 'URI=""', 'URI="#part"'), "IMG-4004"),
    "SHA-1": (lambda world: altered(world, "http://www.w3.org/2001/04/xmlenc#sha256",
                                    "http://www.w3.org/2000/09/xmldsig#sha1"), "IMG-4005"),
    "a comment": (lambda world: altered(world, "Lemon<", "Le<!-- -->mon<"), "IMG-4006"),
    "no signing time zone": (lambda world: altered(world, "(SigningTime>[^<]*)Z<", r"\1<"), "IMG-4007"),
    "no usable certificate": (lambda world: rebuilt(world, no_certificate), "IMG-4008"),
    "altered content": (lambda world: altered(world, "Rotterdam", "Vlissingen"), "IMG-4009"),
    "another algorithm": (lambda world: altered(world, "#ecdsa-sha256", "#ecdsa-sha384"), "IMG-4010"),
    "a malformed Id": (lambda world: altered(world, ' Id="properties-', ' Id="1properties-'), "IMG-4011"),
    "an authority of its own": (lambda world: sealed_by(world, world.own.seal("x")), "IMG-4020"),
    "an expired certificate": (lambda world: sealed_by(
        world, world.third.seal("old", not_before=world.now - 9 * DAY, not_after=world.now - DAY)), "IMG-4021"),
    "a certificate of tomorrow": (lambda world: sealed_by(
        world, world.third.seal("young", not_before=world.now + DAY)), "IMG-4022"),
    "a certificate for web servers": (lambda world: sealed_by(world, world.third.timestamping("x")), "IMG-4024"),
    "no time stamp": (lambda world: world.sealer_of(world.credential, stamped=False).seal(
        certificate(lines=1), at=world.now), "IMG-4030"),
    "a time stamp that is none": (lambda world: altered(
        world, "(EncapsulatedTimeStamp[^>]*>)[^<]*", r"\1AAAA"), "IMG-4031"),
    "the time stamp of another seal": (lambda world: rebuilt(
        world, lambda root: token_of_another(root, world)), "IMG-4032"),
    "a time stamp before the signing time": (slow_clock, "IMG-4033"),
    "a signing time of tomorrow": (lambda world: world.sealer.seal(
        certificate(lines=1), at=world.now + DAY), "IMG-4034"),
    "a broken time stamp": (lambda world: rebuilt(world, broken_token), "IMG-4035"),
}  # fmt: skip

CONTENTS = {
    "no number": (lambda world: replaced(world, "<ram:ID>AR-EX-2026-0000001</ram:ID>", "<ram:ID></ram:ID>"),
                  "IMG-7005"),
    "a status of an inbox": (lambda world: replaced(world, "<ram:StatusCode>70", "<ram:StatusCode>47"), "IMG-7006"),
    "a type without the grant": (lambda world: replaced(world, "<ram:TypeCode>851", "<ram:TypeCode>852"), "IMG-2102"),
    "a country without the grant": (lambda world: world.sealed(export="BR"), "IMG-2102"),
    "no botanical name": (lambda world: replaced(
        world, "<ram:ScientificName>Citrus limon</ram:ScientificName>", ""), "IMG-5001"),
    "an unmapped code": (lambda world: replaced(world, "<ram:TypeCode>BX<", "<ram:TypeCode>X0<"), "IMG-6001"),
    "an unconfirmed code": (lambda world: replaced(world, "<ram:TypeCode>BX<", "<ram:TypeCode>NA<"), "IMG-6004"),
    "a code of letters only": (lambda world: replaced(world, ">08055010<", ">LEMON<"), "IMG-6006"),
    "a code that means something else": (lambda world: replaced(world, "<ram:TypeCode>BX<", "<ram:TypeCode>BT<"),
                                         "IMG-6007"),
    "a replacement of nothing": (lambda world: world.sealed(status="44", replaces="AR-NOT-THERE"), "IMG-7009"),
    "a withdrawal of nothing": (lambda world: world.sealed(status="40"), "IMG-7002"),
}  # fmt: skip

PARTNERS = {
    "asker": "IMG-2101",
    "uninvited": "IMG-2101",
    "other-type": "IMG-2102",
    "other-pair": "IMG-2102",
    "weak-seal": "IMG-4026",
    "weak-clock": "IMG-4026",
    "no-tables": "IMG-6005",
    "customs": "IMG-4104",
}


def assert_recorded(house, caller, answer, *, operation="SubmitCertificate", code=None):
    """The refusal is kept with the request as it came, and nothing else of it is."""
    row = house.exchange(answer.fault("ExchangeID"))
    assert (row.partner, row.operation, row.outcome) == (caller.username, operation, Outcome.REFUSED)
    assert row.error_code == answer.code == (code or answer.code)
    assert row.received_at == house.world.now
    with house.gateway.context.store.read() as connection:
        kept = connection.exec_driver_sql(
            f"SELECT request FROM exchange_parts WHERE exchange_id = '{row.id}'"
        ).scalar_one()
    assert bytes(kept) == (b"" if answer.code in WITHOUT_BYTES else caller.last)


def assert_helps(answer, code, version):
    assert answer.code == code, answer.raw[:900]
    sender = catalogue()[code].fault is Fault.SENDER
    assert answer.status == (400 if version == "1.2" and sender else 500)
    assert answer.fault("Message")
    assert answer.fault("Retry") == catalogue()[code].retry
    assert b"Traceback" not in answer.raw


@BOTH
@pytest.mark.parametrize("inline", [True, False], ids=["inline", "file"])
@pytest.mark.parametrize("case", SEALS)
def test_a_seal_that_does_not_hold(house, version, inline, case):
    make, code = SEALS[case]
    caller = house.caller()
    answer = caller.submit(make(house.world), inline=inline, version=version)
    assert_helps(answer, code, version)
    assert_recorded(house, caller, answer)


@BOTH
@pytest.mark.parametrize("case", CONTENTS)
def test_a_content_that_cannot_be_taken(house, version, case):
    make, code = CONTENTS[case]
    caller = house.caller()
    answer = caller.submit(make(house.world), version=version)
    assert_helps(answer, code, version)
    assert answer.fault("Where") or answer.fault("Found")
    assert_recorded(house, caller, answer)


@BOTH
@pytest.mark.parametrize("partner", PARTNERS)
def test_a_partner_that_may_not(house, version, partner):
    caller = house.caller(partner)
    answer = caller.submit(house.world.sealed(), version=version)
    assert_helps(answer, PARTNERS[partner], version)
    assert_recorded(house, caller, answer)


@BOTH
def test_a_revoked_certificate(house, version):
    caller = house.caller("with-crl")
    answer = caller.submit(sealed_by(house.world, house.world.revoked), version=version)
    assert_helps(answer, "IMG-4023", version)
    assert_recorded(house, caller, answer)
    assert caller.submit(house.world.sealed(), version=version).status == 200


@BOTH
def test_a_replay_is_recorded_without_spending_anything(house, version):
    caller = house.caller()
    security = caller.security()
    document = house.world.sealed()
    assert caller.submit(document, version=version, security=security).status == 200
    answer = caller.submit(document, version=version, security=security)
    assert_helps(answer, "IMG-2003", version)
    assert_recorded(house, caller, answer)
    assert caller.call(ASK, version=version, security=security).code == "IMG-2003"


@BOTH
def test_a_refused_message_cannot_be_replayed_either(house, version):
    caller = house.caller()
    security = caller.security()
    broken = certificate(lines=1)
    assert caller.submit(broken, version=version, security=security).code == "IMG-4001"
    assert caller.submit(broken, version=version, security=security).code == "IMG-2003"


@dataclass(frozen=True)
class Breach:
    old: str
    new: str
    where: str
    found: str
    expected: str


BREACHES = {
    "out of order": Breach(
        "(<ram:ID>[^<]*</ram:ID>)(<ram:TypeCode>851</ram:TypeCode>)", r"\2\1",
        "/sps:SPSExchangedDocument/ram:TypeCode", "ram:TypeCode", "ram:ID",
    ),
    "unknown": Breach(
        "<ram:ModeCode>1</ram:ModeCode>", "<ram:Colour>1</ram:Colour>", "/ram:Colour", "ram:Colour", "ram:ModeCode",
    ),
    "missing": Breach(
        "<sps:SPSConsignment>.*</sps:SPSConsignment>", "", "/sps:SPSCertificate", "", "sps:SPSConsignment",
    ),
    "no number": Breach(
        "<ram:SequenceNumeric>1<", "<ram:SequenceNumeric>one<", "ram:SequenceNumeric", "one", "",
    ),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("inline", [True, False], ids=["inline", "file"])
@pytest.mark.parametrize("case", BREACHES)
def test_a_breach_of_the_schema_is_explained_to_the_partner(house, version, inline, case):
    breach = BREACHES[case]
    document = certificate(lines=1).decode()
    broken = re.sub(breach.old, breach.new, document, count=1, flags=re.DOTALL)
    assert broken != document
    caller = house.caller()
    answer = caller.submit(broken.encode(), inline=inline, version=version)
    assert_helps(answer, "IMG-3001", version)
    assert breach.where in answer.fault("Where")
    assert breach.found in (answer.fault("Found") or "")
    assert breach.expected in (answer.fault("Expected") or "")
    assert_recorded(house, caller, answer)


@pytest.mark.parametrize(
    "body",
    [
        f'<cx:SubmitCertificateRequest xmlns:cx="{CX}"/>',
        f'<cx:SubmitCertificateRequest xmlns:cx="{CX}"><cx:SealedDocument/></cx:SubmitCertificateRequest>',
        f'<cx:GetEvidenceRequest xmlns:cx="{CX}"><cx:ExchangeID>{"x" * 201}</cx:ExchangeID></cx:GetEvidenceRequest>',
        f'<cx:FindCertificatesRequest xmlns:cx="{CX}" pageSize="201"/>',
        f'<cx:FindCertificatesRequest xmlns:cx="{CX}" offset="-1"/>',
        f'<cx:FindCertificatesRequest xmlns:cx="{CX}" offset="99999999999999999999"/>',
        f'<FindCertificatesRequest xmlns="{CX}"><ChangedSince>yesterday</ChangedSince></FindCertificatesRequest>',
        ASK.replace(">m<", "><"),
        ASK.replace(">m<", f">{'m' * 65}<"),
    ],
)
def test_a_breach_of_the_contract_itself(house, body):
    caller = house.caller()
    answer = caller.call(body)
    assert_helps(answer, "IMG-3001", "1.1")
    assert house.exchange(answer.fault("ExchangeID")).error_code == "IMG-3001"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("%%%", "IMG-3001"),
        ("A", "IMG-3001"),
        ("QUJD=", "IMG-3001"),
        (base64.b64encode(b"no XML").decode(), "IMG-1001"),
        (base64.b64encode(b"<!DOCTYPE a><a/>").decode(), "IMG-1002"),
        (base64.b64encode(b"<a/>").decode(), "IMG-3001"),
        (base64.b64encode(b'<SPSCertificate xmlns="urn:x"/>').decode(), "IMG-3001"),
        (base64.b64encode(b"<?xml version='1.0' encoding='latin1'?><a/>").decode(), "IMG-1009"),
        (base64.b64encode(b"<a>" * 101 + b"</a>" * 101).decode(), "IMG-1004"),
    ],
)
@BOTH
def test_a_sealed_document_that_is_none(house, version, text, code):
    caller = house.caller()
    body = f'<cx:SubmitCertificateRequest xmlns:cx="{CX}"><cx:SealedDocument>{text}</cx:SealedDocument>'
    answer = caller.call(f"{body}</cx:SubmitCertificateRequest>", version=version)
    assert_helps(answer, code, version)
    assert_recorded(house, caller, answer)


def test_another_root_in_a_sealed_document_is_named(house):
    document = example(Example.EPHYTO).replace(b"SPSCertificate", b"SPSAcknowledgement")
    answer = house.caller().submit(document)
    assert answer.code == "IMG-3001"
    assert "SPSAcknowledgement" in answer.fault("Found")
    assert "sps:SPSCertificate" in answer.fault("Expected")


def wrapped_as_sibling(body, root, forged):
    body.append(forged)
    body.getparent().getparent()[0].append(root)


def wrapped_in_object(body, root, forged):
    signature = root[-1]
    forged.append(signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(root)
    body.append(forged)


def wrapped_in_own_object(body, root, forged):
    signature = root[-1]
    forged.append(signature)
    signature.find(f"{{{DS}}}Object").append(root)
    body.append(forged)


def wrapped_in_a_foreign_header(body, root, forged):
    forged.append(root[-1])
    header = body.getparent().getparent()[0]
    etree.SubElement(header, "{urn:x}Aside").append(root)
    body.append(forged)


def referred_by_id(body, root, forged):
    signature = root[-1]
    root.set("Id", "moved")
    signature.find(f".//{{{DS}}}Reference").set("URI", "#moved")
    wrapped_in_a_foreign_header(body, root, forged)


@BOTH
@pytest.mark.parametrize(
    "arrange",
    [
        wrapped_as_sibling,
        wrapped_in_object,
        wrapped_in_own_object,
        wrapped_in_a_foreign_header,
        referred_by_id,
    ],
)
def test_a_seal_that_was_moved_aside_inside_the_envelope(house, version, arrange):
    """The original stands elsewhere in the envelope, intact; where the contract reads stands a forgery."""
    world, caller = house.world, house.caller()
    envelope = etree.fromstring(caller.envelope(f'<cx:SubmitCertificateRequest xmlns:cx="{CX}"/>', version=version))
    root = etree.fromstring(world.sealed())
    forged = etree.fromstring(etree.tostring(root).replace(b">100<", b">900<").replace(b">110<", b">990<"))
    forged.remove(forged[-1])
    arrange(envelope[1][0], root, forged)
    answer = caller.post(etree.tostring(envelope), version=version)
    assert answer.code in {"IMG-4001", "IMG-4002", "IMG-4003", "IMG-4004", "IMG-4009", "IMG-3001"}
    number = forged.findtext(".//{*}ID")
    assert caller.about("GetCertificate", number).code == "IMG-7004"


def test_what_cannot_stand_beside_what_is_stored(house):
    world, caller = house.world, house.caller()
    document = world.sealed(number="AR-ONCE")
    assert caller.submit(document, message_id="once").status == 200
    other = house.caller("with-crl")
    for sender, next_document, message_id, code in (
        (caller, world.sealed(certificate(number="AR-ONCE", lines=2)), None, "IMG-7001"),
        (caller, world.sealed(number="AR-ONCE", status="39"), None, "IMG-7002"),
        (caller, world.sealed(), "once", "IMG-7008"),
        (other, world.sealed(number="AR-ONCE", status="40"), None, "IMG-7003"),
        (other, document, None, "IMG-7007"),
    ):
        answer = sender.submit(next_document, message_id=message_id)
        assert_helps(answer, code, "1.1")
        assert_recorded(house, sender, answer)
    assert caller.submit(document, message_id="once").status == 200


def test_no_refusal_carries_personal_data_of_the_document(house):
    """The fault goes through logs and screens that the document never sees."""
    names = ("Lucía Inventada", "Ruta 14", "Voorbeeldhaven")
    for make, _ in (*SEALS.values(), *CONTENTS.values()):
        answer = house.caller().submit(make(house.world))
        assert not [name for name in names if name in answer.raw.decode()]


def test_a_refusal_says_nothing_about_other_partners(house):
    answer = house.caller().validate(house.world.sealed(), target="hub")
    unknown = house.caller().validate(house.world.sealed(), target="not-there")
    assert answer.code == unknown.code == "IMG-7011"
    assert answer.fault("Retry") == Retry.AFTER_CHANGE
    assert answer.raw.replace(b"hub", b"*").replace(answer.fault("ExchangeID").encode(), b"") == unknown.raw.replace(
        b"not-there", b"*"
    ).replace(unknown.fault("ExchangeID").encode(), b"")


def test_the_record_of_a_refusal_names_the_document_and_says_what_the_sender_was_told(house):
    caller = house.caller()
    answers = [
        caller.submit(certificate(number="AR-TOLD", lines=1)),
        caller.submit(house.world.sealed(certificate(number="AR-TOLD", import_="ZZ"))),
        caller.submit(house.world.sealed(certificate(number="AR-TOLD").replace(b">BX<", b">X0<"))),
    ]
    assert [answer.code for answer in answers] == ["IMG-4001", "IMG-5001", "IMG-6001"]
    with house.gateway.context.store.read() as connection:
        rows = [find_exchange(connection, answer.fault("ExchangeID")) for answer in answers]
    assert {row.subject for row in rows} == {"AR/851/AR-TOLD"}
    assert rows[1].error_detail["findings"][0]["rule"] == "SPS-COUNTRY-CODE"
    assert rows[2].error_detail["expected"].startswith("map-ephyto-package.csv: X0,")


def findings_of(answer):
    return {
        (each.findtext(f"{{{CX}}}Rule"), each.findtext(f"{{{CX}}}Found"))
        for each in answer.body.iter(f"{{{CX}}}Finding")
    }


def test_every_code_without_a_mapping_is_told_at_once(house):
    caller = house.caller()
    document = certificate(number="AR-MANY", lines=3).replace(b">BX<", b">X0<").replace(b'"KGM"', b'"X1"')
    gaps = {("IMG-6001", "X0"), ("IMG-6001", "X1")}
    answer = caller.submit(house.world.sealed(document))
    assert answer.code == "IMG-6001"
    assert findings_of(answer) == gaps
    assert findings_of(caller.validate(document)) == {*gaps, ("IMG-4001", None)}
    document = document.replace(b"<ram:ID>NL</ram:ID>", b"<ram:ID>ZZ</ram:ID>")
    assert findings_of(caller.validate(house.world.sealed(document))) == {
        *gaps,
        ("IMG-6001", "ZZ"),
        ("SPS-COUNTRY-CODE", "ZZ"),
    }


def test_a_refusal_is_found_by_the_operator_and_not_by_the_message_id(house):
    caller = house.caller()
    answer = caller.submit(certificate(lines=1), message_id="refused-1")
    with house.gateway.context.store.read() as connection:
        assert find_exchange(connection, answer.fault("ExchangeID")).error_code == "IMG-4001"
        assert find_exchange_by_message_id(connection, "ar", "refused-1") is None
    assert caller.submit(house.world.sealed(), message_id="refused-1").status == 200
