"""Reading back: the sender its bytes, national systems the original, others outside a masked copy."""

import base64
import codecs
import hashlib
import itertools
import re
from datetime import timedelta

import pytest
from lxml import etree

from gateway.sandbox.samples import Example, certificate, example
from gateway.store import find_audit
from gateway.trust import (
    INLINE_POLICY,
    SEALED_DOCUMENT_POLICY,
    Anchor,
    Level,
    Purpose,
    TrustStore,
    verify_sealed,
)
from gateway.xml.boundary import parse

CX = "urn:imsoc:gateway:certificate-exchange:1"
PREFIXES = {
    "cx": CX,
    "sps": "urn:un:unece:uncefact:data:standard:SPSCertificate:17",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
FORMS = {
    "as it is": lambda sealed: sealed,
    "with a declaration": lambda sealed: DECLARATION + sealed + b"\n",
    "with Windows line ends": lambda sealed: DECLARATION.replace(b"\n", b"\r\n") + sealed + b"\r\n\r\n",
    "with a byte order mark": lambda sealed: codecs.BOM_UTF8 + DECLARATION + sealed,
    "in UTF-16": lambda sealed: ('<?xml version="1.0" encoding="UTF-16"?>' + sealed.decode()).encode("utf-16"),
    "in UTF-16, big end first": lambda sealed: codecs.BOM_UTF16_BE + sealed.decode().encode("utf-16-be"),
    "with comments around": lambda sealed: b"<!-- from system 7 -->" + sealed + b"<!-- end -->",
    "with character references": lambda sealed: sealed.replace("í".encode(), b"&#xED;"),
}
OPERATORS = ("Consignor", "Consignee", "Carrier", "Despatch", "Delivery", "CustomsTransitAgent", "Operator")
_numbers = itertools.count(1)


def number_of(kind):
    return f"AR-READ-{kind}-{next(_numbers)}"


def numbered(document, number):
    root = etree.fromstring(document)
    root.find("sps:SPSExchangedDocument/ram:ID", PREFIXES).text = number
    return etree.tostring(root)


def c14n(element):
    return etree.tostring(element, method="c14n", exclusive=True, with_tail=False)


def file_in(answer):
    return base64.b64decode(answer.text("cx:SealedDocument"))


def judged(world, element, policy=SEALED_DOCUMENT_POLICY, content=None):
    """The verdict over an element that stands alone, by the anchors of the country, the clock and this gateway."""
    anchors = [
        Anchor("third", world.third.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED),
        Anchor("own", world.own.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED),
        Anchor("tsa", world.tsa_root.certificate_der, frozenset({Purpose.TIMESTAMP}), Level.QUALIFIED),
    ]
    return verify_sealed(element, policy=policy, trust=TrustStore(anchors), at=world.now, content=content)


@pytest.mark.parametrize("form", FORMS)
def test_a_sealed_document_comes_back_byte_for_byte(house, form):
    number = number_of("file")
    content = FORMS[form](house.world.sealed(number=number))
    caller = house.caller()
    assert caller.submit(content).status == 200
    for reader in (caller, house.caller("nl"), house.caller("hub-r93")):
        answer = reader.about("GetCertificate", number)
        assert file_in(answer) == content
        assert (answer.text("cx:Masked"), answer.text("cx:Representation")) == ("false", "ORIGINAL")
    given = file_in(answer)
    assert judged(house.world, parse(given).root, content=given).content == content


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize("prefixes", ["", ' xmlns:ram="urn:a" xmlns:sps="urn:b" xmlns:ds="urn:c" xmlns="urn:d"'])
def test_an_inline_document_comes_back_equal_and_its_seal_still_holds(house, version, prefixes):
    number = number_of("inline")
    world, caller = house.world, house.caller()
    sealed = world.sealed(numbered(example(Example.EPHYTO), number))
    envelope = caller.envelope(caller.request("SubmitCertificate", sealed, inline=True), version=version)
    assert caller.post(envelope.replace(b"<s:Body>", f"<s:Body{prefixes}>".encode()), version=version).status == 200
    for reader in (caller, house.caller("nl")):
        answer = reader.about("GetCertificate", number)
        given = answer.body.find("sps:SPSCertificate", PREFIXES)
        assert c14n(given) == c14n(etree.fromstring(sealed))
        assert judged(world, given, INLINE_POLICY).digest == judged(world, etree.fromstring(sealed)).digest
        alone = etree.fromstring(etree.tostring(given, with_tail=False))
        assert "Organisation" in judged(world, alone).seal.signer_subject


def test_each_version_can_be_read_and_the_latest_is_given_when_none_is_named(house):
    number = number_of("versions")
    world, caller = house.world, house.caller()
    issued, withdrawn = (world.sealed(number=number, status=status) for status in ("70", "40"))
    for document in (issued, withdrawn):
        assert caller.submit(document).status == 200
    assert file_in(caller.about("GetCertificate", number)) == withdrawn
    for status, document in (("70", issued), ("40", withdrawn)):
        answer = caller.about("GetCertificate", number, more=f"<cx:StatusCode>{status}</cx:StatusCode>")
        assert (file_in(answer), answer.text("cx:StatusCode")) == (document, status)
    assert caller.about("GetCertificate", number, more="<cx:StatusCode>44</cx:StatusCode>").code == "IMG-7004"


def personal(root):
    """Every text that says who or where somebody is: persons, contacts, and operators with their addresses."""
    places = [
        "//ram:SpecifiedSPSPerson//text()",
        "//ram:DefinedSPSContact//text()",
        *(
            f"//ram:{party}SPSParty/{part}//text()"
            for party in OPERATORS
            for part in ("ram:ID", "ram:Name", "ram:SpecifiedSPSAddress/ram:PostcodeCode",
                         "ram:SpecifiedSPSAddress/*[starts-with(local-name(), 'Line')]",
                         "ram:SpecifiedSPSAddress/ram:CityName")
        ),
    ]  # fmt: skip
    found = {str(text).strip() for place in places for text in root.xpath(place, namespaces=PREFIXES)}
    kept = "//ram:IssuerSPSParty//text() | //*[contains(local-name(), 'Country')]//text()"
    public = root.xpath(kept, namespaces=PREFIXES)
    return {text for text in found if len(text) > 1} - {str(text).strip() for text in public}


@pytest.mark.parametrize("which", [*Example, None], ids=str)
@pytest.mark.parametrize("representation", ["ORIGINAL", "TRANSLATED"])
@pytest.mark.parametrize("inline", [True, False], ids=["inline", "file"])
def test_an_outside_partner_reads_a_copy_without_personal_data_and_without_a_seal(house, which, representation, inline):
    number = number_of("masked")
    document = numbered(example(which) if which else certificate(lines=2), number)
    caller, hub = house.caller(), house.caller("hub")
    sealed = house.world.sealed(document)
    assert caller.submit(sealed, inline=inline).status == 200
    root = etree.fromstring(document)
    type_code = root.findtext("sps:SPSExchangedDocument/ram:TypeCode", "", PREFIXES)
    identity = {"type_code": type_code, "issuer": issuer_of(root)}
    names = personal(root)
    assert len(names) > 3
    asked = f"<cx:Representation>{representation}</cx:Representation>"
    answer = hub.about("GetCertificate", number, more=asked, **identity)
    assert (answer.text("cx:Masked"), answer.text("cx:Representation")) == ("true", representation)
    masked = answer.body.find("sps:SPSCertificate", PREFIXES)
    assert not masked.findall(".//ds:*", PREFIXES)
    texts = {text.strip() for text in masked.itertext()} | set(masked.xpath("//@*"))
    assert not names & texts
    long = [name for name in names if len(name) > 5]
    assert not [name for name in long if name in answer.raw.decode()]
    assert masked.findtext(".//ram:ID", "", PREFIXES) == number
    unmasked = caller.about("GetCertificate", number, **identity)
    assert unmasked.text("cx:Masked") == "false"
    given = unmasked.body.find("sps:SPSCertificate", PREFIXES)
    assert c14n(given) == c14n(etree.fromstring(sealed)) if inline else file_in(unmasked) == sealed


def issuer_of(root):
    of_issuer = root.findtext(".//ram:IssuerSPSParty/ram:SpecifiedSPSAddress/ram:CountryID", "", PREFIXES)
    return of_issuer or root.findtext(".//ram:ExportSPSCountry/ram:ID", "", PREFIXES)


def test_a_legal_basis_for_personal_data_lifts_the_mask(house):
    number = number_of("basis")
    sealed = house.world.sealed(number=number)
    assert house.caller().submit(sealed).status == 200
    answer = house.caller("hub-r93").about("GetCertificate", number)
    assert (answer.text("cx:Masked"), file_in(answer)) == ("false", sealed)


@pytest.mark.parametrize("reader", ["ar", "nl", "hub-r93"])
def test_the_translation_is_sealed_by_this_gateway_and_verifies(house, reader):
    number = number_of("translated")
    world = house.world
    sealed = world.sealed(number=number)
    assert house.caller().submit(sealed).status == 200
    asked = "<cx:Representation>TRANSLATED</cx:Representation>"
    answer = house.caller(reader).about("GetCertificate", number, more=asked)
    assert (answer.text("cx:Masked"), answer.text("cx:Representation")) == ("false", "TRANSLATED")
    translated = answer.body.find("sps:SPSCertificate", PREFIXES)
    verdict = judged(world, translated, INLINE_POLICY)
    assert "Gateway seal" in verdict.seal.signer_subject
    assert verdict.digest != judged(world, etree.fromstring(sealed)).digest
    assert translated.findtext(".//ram:ApplicableSPSClassification/ram:SystemID", "", PREFIXES) == "CN"
    assert translated.find("sps:SPSExchangedDocument/ram:StatusCode", PREFIXES).get("name")


def without_ids(answer, number):
    """A fault without the two values that are each call's own."""
    return answer.raw.replace((answer.fault("ExchangeID") or "-").encode(), b"*").replace(number.encode(), b"*")


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_what_may_not_be_seen_cannot_be_told_from_what_is_not_there(house, version):
    number, missing = number_of("there"), number_of("gone!").replace("!", "-")
    caller = house.caller()
    acknowledged = caller.submit(house.world.sealed(number=number), message_id=number)
    assert acknowledged.status == 200
    exchange = re.search(rb"<ram:ID>(01[0-9A-Z]{24})</ram:ID>", acknowledged.raw)[1].decode()
    absent = exchange[:-4] + "ZZZZ"
    outsiders = [house.caller(name) for name in ("elsewhere", "other-type", "other-pair")]
    document = (
        "<cx:Document><cx:IssuerCountry>AR</cx:IssuerCountry><cx:TypeCode>851</cx:TypeCode>"
        "<cx:ID>{}</cx:ID></cx:Document>"
    )
    questions = {
        "GetCertificate": document,
        "GetCertificate 70": document + "<cx:StatusCode>70</cx:StatusCode>",
        "GetCertificate translated": document + "<cx:Representation>TRANSLATED</cx:Representation>",
        "GetCertificateStatus": document,
        "GetCertificateStatus by message": "<cx:MessageID>{}</cx:MessageID>",
        "GetEvidence": document,
        "GetEvidence 70": document + "<cx:StatusCode>70</cx:StatusCode>",
    }
    for outsider in outsiders:
        for name, question in questions.items():
            operation = name.split()[0]
            asked = [
                outsider.call(
                    f'<cx:{operation}Request xmlns:cx="{CX}">{question.format(which)}</cx:{operation}Request>',
                    version=version,
                )
                for which in (number, missing)
            ]
            assert asked[0].code == "IMG-7004", name
            assert without_ids(asked[0], number) == without_ids(asked[1], missing), name
    ask = '<cx:GetEvidenceRequest xmlns:cx="{}"><cx:ExchangeID>{}</cx:ExchangeID></cx:GetEvidenceRequest>'
    for reader in (*outsiders, house.caller("nl")):
        there, gone = (reader.call(ask.format(CX, which), version=version) for which in (exchange, absent))
        assert there.code == "IMG-7004"
        assert without_ids(there, exchange) == without_ids(gone, absent)


def test_the_history_is_found_by_the_document_and_by_the_message_id(house):
    number = number_of("history")
    world, caller = house.world, house.caller()
    sealed = world.sealed(number=number)
    acknowledged = caller.submit(sealed, message_id=f"m-{number}")
    by_document = caller.about("GetCertificateStatus", number)
    question = f"<cx:MessageID>m-{number}</cx:MessageID>"
    by_message = caller.call(
        f'<cx:GetCertificateStatusRequest xmlns:cx="{CX}">{question}</cx:GetCertificateStatusRequest>'
    )
    assert by_document.raw == by_message.raw
    assert by_document.text("cx:MessageID") == f"m-{number}"
    assert by_document.text("cx:ExchangeID").encode() in acknowledged.raw
    document = etree.fromstring(sealed)
    document.remove(document[-1])
    assert by_document.text("cx:Version/cx:Digest") == hashlib.sha256(c14n(document)).hexdigest()
    assert by_document.text("cx:Version/cx:IssuingRoute") == "iii"
    assert by_document.text("cx:Version/cx:ReceivedAt") == f"{world.now:%Y-%m-%dT%H:%M:%S}.000Z"
    other = house.caller("nl").call(
        f'<cx:GetCertificateStatusRequest xmlns:cx="{CX}">{question}</cx:GetCertificateStatusRequest>'
    )
    assert other.code == "IMG-7004"
    assert house.caller("nl").about("GetCertificateStatus", number).text("cx:MessageID") is None


def test_each_reading_leaves_a_line_in_the_audit(house):
    number = number_of("audit")
    assert house.caller().submit(house.world.sealed(number=number)).status == 200
    assert house.caller("hub").about("GetCertificate", number).status == 200
    with house.gateway.context.store.read() as connection:
        lines = find_audit(connection, f"AR/851/{number}")
    (line,) = [line for line in lines if line.actor == "hub"]
    assert line.action.endswith("GetCertificate")
    assert line.detail["masked"] is True


def test_a_masked_reading_works_years_after_the_certificate_expired(world, opened, caller_of):
    gateway = opened(world.partner(), world.partner("nl", kind="national", document_types=["*"], country_pairs=["*>*"]))
    sealed = world.sealed(number="AR-OLD")
    assert caller_of(gateway).submit(sealed).status == 200
    world.now += timedelta(days=3650)
    assert file_in(caller_of(gateway, "nl").about("GetCertificate", "AR-OLD")) == sealed
