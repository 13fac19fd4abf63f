"""The hub's contract as a client sees it: every operation, every refusal in the contract's own way."""

import base64
import hashlib
import os
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hub_callers import HUB, NAMES, SOAP12, HubCaller, client_cert, envelope, header
from lxml import etree
from sqlalchemy import func, select

from gateway.config import HubSettings
from gateway.endpoints.hub_journal import AGAIN_AFTER
from gateway.ippc import Forwarding, wire
from gateway.ippc.content import decode_content
from gateway.sandbox.samples import certificate, example, with_reference
from gateway.store.tables import audit, exchanges
from gateway.xml.limits import Limits
from mappings.hub_lists import LISTS, load_hub_lists, rows_from_xml

ACTIONS = f"{HUB}IDeliveryService/"
ACKNOWLEDGEMENTS = {
    "AcknowledgeEnvelopeReceipt": (wire.acknowledge, (), "Delivered"),
    "AdvancedAcknowledgeEnvelopeReceipt": (wire.acknowledge_with_warning, ("odd",), "DeliveredWithWarnings"),
    "AcknowledgeFailedEnvelopeReceipt": (wire.acknowledge_failed, ("blank",), "DeliveredNotReadable"),
}
EMPTY = [
    "GetActiveNppos",
    "GetProfile",
    "GetAvailableChannels",
    "GetUnderDeliveryEnvelope",
    "PULLImportEnvelope",
    *(spec.operation for spec in LISTS),
]


def pull(number):
    return wire.single("PULLSingleImportEnvelope", number)


def track(number):
    return wire.single("GetEnvelopeTrackingInfo", number)


def delivered(caller, **arguments):
    """A number: what the hub gave to an envelope that it took."""
    answer = caller(wire.deliver_envelope(envelope(**arguments)))
    assert answer.state == "PendingDelivery"
    return answer.number


def rows(gateway, table):
    with gateway.context.store.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


# --- the way of an envelope -----------------------------------------------------------------------------------------


def test_an_envelope_waits_until_it_is_acknowledged(calling):
    sender, receiver = calling(), calling("be-nppo")
    content = '<?xml version="1.0" encoding="UTF-16"?><a>&amp; \r\n]]> €</a>'
    number = delivered(sender, content=content)
    for _ in range(2):
        assert receiver(wire.import_headers()).texts(".//hubent:hubDeliveryNumber") == [number]
        assert receiver(pull(number)).text(".//hubent:Content") == content
        assert receiver(wire.request("PULLImportEnvelope")).texts(".//hubent:Content") == [content]
    assert sender(wire.request("GetUnderDeliveryEnvelope")).number == number
    answer = receiver(wire.acknowledge(number))
    assert len(answer.body) == 0
    assert receiver(wire.import_headers()).number is None
    assert sender(wire.request("GetUnderDeliveryEnvelope")).number is None
    assert sender(track(number)).state == "Delivered"


@pytest.mark.parametrize("operation", ACKNOWLEDGEMENTS)
def test_each_acknowledgement_says_what_became_of_it(calling, operation):
    request, said, state = ACKNOWLEDGEMENTS[operation]
    number = delivered(calling())
    answer = calling("be-nppo")(request(number, *said))
    assert answer.text("hub:return") == (None if operation == "AcknowledgeEnvelopeReceipt" else state)
    told = calling()(track(number))
    assert told.state == state
    assert told.text(".//hubent:hubDeliveryErrorMessage") == (said[0] if said else None)


@pytest.mark.parametrize("second", ACKNOWLEDGEMENTS)
def test_a_second_acknowledgement_is_refused_and_changes_nothing(calling, second):
    number = delivered(calling())
    calling("be-nppo")(wire.acknowledge_with_warning(number, "odd"))
    request, said, _ = ACKNOWLEDGEMENTS[second]
    answer = calling("be-nppo")(request(number, *said))
    assert (answer.status, answer.code) == (500, "IMG-7102")
    assert calling("be-nppo")(pull(number)).code == "IMG-7102"
    assert calling()(track(number)).state == "DeliveredWithWarnings"


def test_an_update_of_the_tracking_is_an_acknowledgement_by_the_receiver_only(calling):
    number = delivered(calling())
    update = header(hub_delivery_number=number, tracking="DeliveredWithWarnings", error_message="odd")
    assert calling()(wire.set_tracking(update)).code == "IMG-7103"
    assert calling("cl-nppo")(wire.set_tracking(update)).code == "IMG-7101"
    answer = calling("be-nppo")(wire.set_tracking(update))
    assert len(answer.body) == 0
    assert calling()(track(number)).state == "DeliveredWithWarnings"
    assert calling("be-nppo")(wire.set_tracking(replace(update, tracking="Lost"))).code == "IMG-7102"


def test_what_is_somebody_elses_is_not_there(calling):
    number = delivered(calling())
    stranger = calling("cl-nppo")
    assert stranger(wire.import_headers()).number is None
    assert stranger(pull(number)).code == "IMG-7101"
    assert stranger(wire.acknowledge(number)).code == "IMG-7101"
    told = stranger(track(number))
    assert told.state == "EnvelopeNotExists"
    assert told.raw.replace(number.encode(), b"NOWHERE") == stranger(track("NOWHERE")).raw
    assert told.text(".//hubent:From") in {None, ""}
    assert calling()(track(number)).state == "PendingDelivery"


def test_headers_can_be_asked_for_one_country(calling):
    be, ar = calling("be-nppo"), calling()
    first = be(wire.deliver_envelope(envelope("B-1", sender="BE", to="AR"))).number
    second = be(wire.deliver_envelope(envelope("B-2", sender="BE", to="UY"))).number
    assert ar(wire.import_headers()).texts(".//hubent:hubDeliveryNumber") == [first, second]
    assert ar(wire.import_headers("UY")).texts(".//hubent:hubDeliveryNumber") == [second]
    assert ar(wire.import_headers("BE")).number is None


def test_the_same_envelope_again_is_the_one_that_waits(calling):
    assert delivered(calling()) == delivered(calling())
    assert delivered(calling(), content="<other/>") != delivered(calling())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sender": "BE"}, "IMG-7111"),
        ({"to": "FR"}, "IMG-7113"),
        ({"certificate_status": 1}, "IMG-7116"),
        ({"number": " "}, "IMG-7117"),
        ({"forwardings": (Forwarding("NOBODY"),)}, "IMG-7118"),
    ],
)
@pytest.mark.parametrize("operation", ["DeliverEnvelope", "ValidateAndDeliverEnvelope"])
def test_a_refused_header_is_an_answer_and_no_fault(calling, hub, operation, changes, code):
    sent = envelope(content=certificate(number="AR-1").decode(), **changes)
    request = {"DeliverEnvelope": wire.deliver_envelope, "ValidateAndDeliverEnvelope": wire.validate_and_deliver}
    before = rows(hub, exchanges)
    answer = calling()(request[operation](sent))
    assert answer.status == 200
    assert answer.state == "FailedDelivery"
    assert answer.text(".//hubent:hubDeliveryErrorMessage").startswith(f"{code}: ")
    assert answer.number is None
    assert answer.text(".//hubent:To") == sent.header.to
    assert rows(hub, exchanges) == before + 1, "a refusal is kept"
    assert calling("be-nppo")(wire.import_headers()).number is None


def test_a_channel_gets_a_copy_that_the_header_names(calling):
    answer = calling()(wire.deliver_envelope(envelope(forwardings=(Forwarding("ARC"),))))
    (copy,) = answer.texts(".//hubent:EnvelopeForwarding/hubent:HubDeliveryNumber")
    assert copy != answer.number
    assert calling("archive")(pull(copy)).text(".//hubent:Content") == "<invented/>"
    by_rule = calling()(wire.deliver_envelope(envelope("AR-2", certificate_type=657)))
    assert by_rule.texts(".//hubent:EnvelopeForwarding/hubent:Code") == ["ARC"]


def test_what_is_for_this_instance_waits_for_nobody_else(calling, hub):
    number = delivered(calling(), to="NL")
    assert calling("be-nppo")(pull(number)).code == "IMG-7101"
    assert calling()(track(number)).state == "PendingDelivery"


# --- content --------------------------------------------------------------------------------------------------------


def phyto_request(document):
    return wire.deliver_phyto(header(), document)


def cdata_request(document):
    assert b"]]>" not in document
    plain = wire.deliver_envelope(envelope(content="HERE"))
    return plain.replace(b"HERE", b"<![CDATA[<?xml version='1.0' encoding='latin-1'?>" + document + b"]]>")


def base64_request(document):
    return wire.deliver_envelope(envelope(content=base64.encodebytes(document).decode()))


def text_request(document):
    return wire.deliver_envelope(envelope(content="<?xml version='1.0'?>" + document.decode()))


@pytest.fixture(params=["small", "full", "reference"])
def document(request):
    """A certificate without declaration: one of ours, ours with all parts, and the full-feature reference ePhyto."""
    if request.param == "small":
        return certificate(lines=2, number="AR-1")
    if request.param == "full":
        return etree.tostring(etree.fromstring(example()))
    contracts = os.environ.get("IMSOC_CONTRACTS")
    if not contracts:
        pytest.skip("IMSOC_CONTRACTS is not set: the reference ePhyto is not here")
    return etree.tostring(etree.parse(str(Path(contracts) / "ippc-hub" / "ephyto-full-feature.xml")).getroot())


@pytest.mark.parametrize("request_of", [text_request, cdata_request, base64_request, phyto_request])
def test_a_certificate_comes_out_as_it_went_in_whatever_the_form(standing, request_of, document):
    number = standing()(request_of(document)).number
    answer = standing("be-nppo")(pull(number))
    assert answer.body.find(".//{*}SPSCertificate") is None, "output is always Content"
    out = decode_content(answer.text(".//hubent:Content").encode()).root
    sent = etree.fromstring(document)
    assert canonical(out) == canonical(sent)


def canonical(root):
    return etree.tostring(root, method="c14n", exclusive=True)


def test_a_document_in_disorder_with_a_nil_type_is_taken(calling):
    root = etree.fromstring(phyto_request(certificate(number="AR-1")))
    document = root.find(".//{*}SPSCertificate")
    document.insert(0, document[-1])
    ram = document[-1][0].tag.rpartition("}")[0]
    reference = etree.SubElement(document[-1], f"{ram}}}ReferenceSPSReferencedDocument")
    nil = etree.SubElement(reference, f"{ram}}}TypeCode")
    nil.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")
    assert calling()(etree.tostring(root)).state == "PendingDelivery"


def test_a_countrys_answer_travels_back(calling):
    ack = (
        '<a:SPSAcknowledgement xmlns:a="urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17"'
        ' xmlns:r="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21">'
        "<a:SPSAcknowledgementDocument><r:StatusCode>41</r:StatusCode></a:SPSAcknowledgementDocument>"
        "</a:SPSAcknowledgement>"
    )
    answer = calling("be-nppo")(
        wire.country_response(header(sender="BE", to="AR", certificate_status=41), ack.encode())
    )
    assert answer.state == "PendingDelivery"
    content = calling()(pull(answer.number)).text(".//hubent:Content")
    assert canonical(etree.fromstring(content)) == canonical(etree.fromstring(ack))


@pytest.mark.parametrize(("envelope_status", "code"), [(41, ""), (70, ""), (40, ""), (39, "IMG-7124")], ids=str)
def test_an_answer_says_one_thing(calling, envelope_status, code):
    ack = (
        '<a:SPSAcknowledgement xmlns:a="urn:un:unece:uncefact:data:standard:SPSAcknowledgement:17"'
        ' xmlns:r="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:21">'
        "<a:SPSAcknowledgementDocument><r:StatusCode> 41 </r:StatusCode></a:SPSAcknowledgementDocument>"
        "</a:SPSAcknowledgement>"
    )
    told = header(sender="BE", to="AR", certificate_status=envelope_status)
    answer = calling("be-nppo")(wire.country_response(told, ack.encode()))
    assert answer.state == ("FailedDelivery" if code else "PendingDelivery")
    assert (answer.text(".//hubent:hubDeliveryErrorMessage") or "").startswith(code)
    silent = wire.country_response(told, ack.replace(" 41 ", "").encode())
    assert calling("be-nppo")(silent).state == "PendingDelivery"


def test_a_content_beyond_ten_million_characters_is_taken_and_nothing_else_is(calling):
    content = f"<a>{'x' * 10_500_000}</a>"
    number = delivered(calling(), content=content)
    assert calling("be-nppo")(pull(number)).text(".//hubent:Content") == content
    answer = calling()(wire.deliver_envelope(envelope("x" * 10_500_000)))
    assert (answer.status, answer.code) == (500, "IMG-1008")


def test_a_file_beyond_ten_million_characters_comes_in_as_xml_too_and_no_other_text(standing):
    certified = certificate(number="AR-1", lines=1)
    attached = random.Random(1).randbytes(9_000_000)
    number = standing()(phyto_request(with_reference(certified, "PDF", attachment=("\U0001f4c4.pdf", attached)))).number
    out = decode_content(standing("be-nppo")(pull(number)).text(".//hubent:Content").encode()).root
    (found,) = out.iter("{*}AttachmentBinaryObject")
    assert found.get("filename") == "\U0001f4c4.pdf"
    assert hashlib.sha256(base64.b64decode(found.text)).digest() == hashlib.sha256(attached).digest()
    answer = standing()(phyto_request(with_reference(certified, "x" * 10_500_000)))
    assert (answer.status, answer.code) == (500, "IMG-1008")


def test_the_operators_own_limits_hold(hub_world, sqlite_url):
    gateway = hub_world.open(sqlite_url, limits=Limits(max_bytes=4_000, max_large_text=1_000))
    caller = HubCaller(hub_world, gateway)
    assert caller(wire.deliver_envelope(envelope(content="x" * 900))).state == "PendingDelivery"
    assert caller(wire.deliver_envelope(envelope(content="x" * 1_100))).code == "IMG-1008"
    assert caller(wire.deliver_envelope(envelope(content="x" * 5_000))).status == 413
    gateway.close()


# --- validation -----------------------------------------------------------------------------------------------------


def test_findings_have_area_field_level_and_message(standing):
    answer = standing()(wire.validate_phyto("no xml"))
    (result,) = answer.body
    assert [each.tag for each in result] == ["area", "field", "level", "msg"]
    assert (result.findtext("area"), result.findtext("level")) == ("Schema", "SEVERE")


def test_a_certificate_without_a_finding_has_an_empty_answer(standing):
    answer = standing()(wire.validate_phyto(certificate(number="AR-1").decode()))
    assert [each.findtext("level") for each in answer.body if each.findtext("level") == "SEVERE"] == []


def test_what_is_severe_is_not_delivered_when_validation_is_asked_for(calling):
    bad = envelope(content="<invented/>")
    answer = calling()(wire.validate_and_deliver(bad))
    assert answer.state == "FailedDelivery"
    assert answer.text(".//hubent:hubDeliveryErrorMessage").startswith("IMG-7119: ")
    assert calling()(wire.deliver_envelope(bad)).state == "PendingDelivery"
    good = envelope("AR-2", certificate(number="AR-2").decode())
    assert calling()(wire.validate_and_deliver(good)).state == "PendingDelivery"


# --- who takes part, and lists --------------------------------------------------------------------------------------


def test_the_active_authorities_are_told_without_their_rules(standing):
    answer = standing()(wire.request("GetActiveNppos"))
    assert answer.texts(".//hubent:Nppo/hubent:Country") == ["AR", "BE", "BO", "CL", "NL", "PE", "UY"]
    assert answer.body.find(".//hubent:ChannelRules", NAMES) is None
    argentina = answer.body.find(".//hubent:Nppo", NAMES)
    assert argentina.findtext("hubent:Signature/dn", namespaces=NAMES) == "CN=Invented"
    documents = argentina.findall("hubent:AllowedDocument", NAMES)
    assert {(each[0].get("number"), each[1].get("number"), each.get("active")) for each in documents} == {
        ("851", "70", "true"), ("851", "40", "true"), ("657", "70", "true"), ("657", "40", "true"),
    }  # fmt: skip


def test_an_authority_sees_its_own_profile_with_rules(standing):
    answer = standing()(wire.request("GetProfile"))
    assert answer.text(".//hubent:Country") == "AR"
    (rule,) = answer.body.findall(".//hubent:ChannelRule", NAMES)
    assert dict(rule.attrib) == {
        "id": "1", "active": "true", "ruleType": "FORWARD", "certificateType": "657", "certificateStatus": "0",
        "direction": "OUT",
    }  # fmt: skip
    assert standing("no-member")(wire.request("GetProfile")).code == "IMG-7104"


def test_channels_are_told(standing):
    answer = standing()(wire.request("GetAvailableChannels"))
    (channel,) = answer.body.findall(".//hubent:Channel", NAMES)
    assert dict(channel.attrib) == {"Receive": "true", "Send": "true"}
    assert [each.text for each in channel] == ["ARC", "Archive & window"]


@pytest.mark.parametrize("spec", LISTS, ids=lambda spec: spec.operation)
def test_each_code_list_is_served(standing, spec):
    answer = standing()(wire.request(spec.operation))
    assert tuple(rows_from_xml(answer.body)) == load_hub_lists().items(spec.element)


def test_the_operators_own_list_rows_are_served(hub_world, sqlite_url, tmp_path):
    (tmp_path / "pesticides.csv").write_text(
        "# list: Pesticide\n# authority: a\n# source: s\n# version: 1\n# licence: l\n"
        "active,code,description\ntrue,900,Invented & own\n"
    )
    gateway = hub_world.open(sqlite_url, hub=HubSettings(lists=tmp_path))
    answer = HubCaller(hub_world, gateway)(wire.request("GetPesticides"))
    assert answer.body[-1].findtext("description") == "Invented & own"
    gateway.close()


# --- who is let in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "environment", "code"),
    [
        ("stranger", {}, "IMG-2010"),
        ("gone", {}, "IMG-2010"),
        ("ar-nppo", {"HTTP_CLIENT_CERT": None}, "IMG-2010"),
        ("ar-nppo", {"REMOTE_ADDR": "127.0.0.1"}, "IMG-2010"),
        ("no-grant", {}, "IMG-2101"),
        ("one-grant", {}, "IMG-2101"),
    ],
)
@pytest.mark.parametrize("body", [wire.import_headers(), wire.deliver_envelope(envelope())])
def test_who_is_not_let_in_gets_403_in_the_contracts_own_form(standing, member, environment, code, body):
    answer = standing(member)(body, **environment)
    assert (answer.status, answer.code) == (403, code)


def test_nothing_that_a_stranger_sends_is_parsed(standing):
    for body in (b"<not xml", b"<!DOCTYPE a>"):
        assert standing("stranger")(body).code == "IMG-2010"
        assert standing()(body).code in {"IMG-1001", "IMG-1002"}


def test_a_grant_may_be_for_single_operations(standing):
    assert standing("one-grant")(wire.request("GetProfile")).status == 200


def test_a_user_name_does_not_stand_in_for_a_certificate(standing):
    wss = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-"
    security = (
        f'<w:Security xmlns:w="{wss}secext-1.0.xsd" xmlns:u="{wss}utility-1.0.xsd"><w:UsernameToken>'
        "<w:Username>ar-nppo</w:Username></w:UsernameToken></w:Security>"
    )
    answer = standing()(wire.import_headers(), headers=security, HTTP_CLIENT_CERT=None)
    assert answer.status != 200


def test_the_contract_is_not_there_without_the_role(hub_world, sqlite_url):
    gateway = hub_world.open(sqlite_url, roles=("traces",))
    answer = HubCaller(hub_world, gateway).call(wire.import_headers())
    assert answer.status == 404
    gateway.close()


def test_another_contracts_grant_is_none_for_this_one(standing):
    answer = standing("no-grant")(wire.request("GetProfile"))
    assert "ippc-hub" in answer.said


# --- the wire -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "action", "addressing"),
    [
        ("GetImportEnvelopeHeaders", "GetImportEnvelopeHeaders", "GetImportEnvelopeHeaders"),
        ("GetImportEnvelopeHeaders", "", None),
        ("AcknowledgeEnvelopeReceipt", "AcknowledgeEnvelopeReceipt", "AcknowledgeEnvelopeReceipt"),
        ("AdvancedAcknowledgeEnvelopeReceipt", "NegativeAcknowledgeEnvelopeReceipt", None),
        ("AdvancedAcknowledgeEnvelopeReceipt", "AdvancedAcknowledgeEnvelopeReceipt", None),
        ("AcknowledgeFailedEnvelopeReceipt", "AcknowledgeFailedEnvelopeReceipt", "NegativeAcknowledgeEnvelopeReceipt"),
    ],
)
def test_actions_are_the_hubs_odd_ones_included(standing, operation, action, addressing):
    if operation in ACKNOWLEDGEMENTS:
        request, said, _ = ACKNOWLEDGEMENTS[operation]
        body, member = request(delivered(standing(), number=f"AR-{operation}-{action}"), *said), "be-nppo"
    else:
        body, member = wire.import_headers(), "ar-nppo"
    headers = ""
    if addressing:
        wsa = "http://www.w3.org/2005/08/addressing"
        headers = f'<a:Action xmlns:a="{wsa}">{ACTIONS}{addressing}</a:Action>'
    answer = standing(member)(body, action=action and ACTIONS + action, headers=headers)
    assert answer.status == 200


def test_an_action_of_another_operation_is_refused(standing):
    answer = standing()(wire.import_headers(), action=f"{ACTIONS}GetProfile")
    assert (answer.status, answer.code) == (500, "IMG-1106")


def test_soap_1_2_is_not_spoken(standing):
    answer = standing().call(wire.import_headers(), version=SOAP12)
    assert b"IMG-1103" in answer.raw


@pytest.mark.parametrize(
    "body",
    [
        f'<h:DeliverEnvelope xmlns:h="{HUB}"/>',
        f'<h:DeliverEnvelope xmlns:h="{HUB}"><h:env><h:From>AR</h:From></h:env></h:DeliverEnvelope>',
        f'<h:PULLSingleImportEnvelope xmlns:h="{HUB}"/>',
        f'<h:GetProfile xmlns:h="{HUB}"><h:more/></h:GetProfile>',
    ],
)
def test_what_breaks_the_schema_is_refused(standing, body):
    answer = standing()(body.encode())
    assert (answer.status, answer.code) == (500, "IMG-3001")


def test_a_type_that_is_no_number_is_refused(standing):
    body = wire.deliver_envelope(envelope()).replace(b">851<", b">eight<")
    assert standing()(body).code == "IMG-3001"


@pytest.mark.parametrize("query", ["wsdl", "xsd=ippc/DeliveryService_1.xsd"])
def test_the_description_is_published_to_everybody(calling, hub, query):
    answer = calling().call(b"", REQUEST_METHOD="GET", QUERY_STRING=query, HTTP_CLIENT_CERT=None)
    assert answer.status == 200
    etree.fromstring(answer.raw)


def test_comments_between_and_in_the_fields_do_not_count(calling):
    number = delivered(calling())
    body = pull(number).replace(number.encode(), b" <!-- a -->" + number.encode() + b"\n")
    assert calling("be-nppo")(body).number == number
    body = wire.deliver_envelope(envelope("AR-2")).replace(b"<hub:env>", b"<!-- b --><?c d?><hub:env>", 1)
    assert calling()(body).state == "PendingDelivery"


# --- what is noted --------------------------------------------------------------------------------------------------


def test_polling_is_noted_once_an_hour_and_not_once_a_call(hub_world, sqlite_url):
    gateway = hub_world.open(sqlite_url)
    receiver = HubCaller(hub_world, gateway, "be-nppo")
    delivered(HubCaller(hub_world, gateway))
    number = receiver(wire.import_headers()).number
    receiver(pull(number))
    before = rows(gateway, audit), rows(gateway, exchanges)
    for _ in range(20):
        receiver(wire.import_headers())
        receiver(pull(number))
        receiver(track(number))
        receiver(track("NOWHERE"))
        receiver(wire.request("GetTreatmentTypes"))
        receiver(pull("NOWHERE"))
        receiver(wire.acknowledge("NOWHERE"))
    after = rows(gateway, audit), rows(gateway, exchanges)
    assert after[0] - before[0] <= 6
    assert after[1] - before[1] <= 6
    gateway.close()


def test_what_was_noted_is_noted_again_after_an_hour(hub_world, hub, monkeypatch):
    caller = HubCaller(hub_world, hub, "be-nppo")
    caller(wire.import_headers())
    before = rows(hub, audit)
    monkeypatch.setattr(hub_world, "now", hub_world.now + AGAIN_AFTER - timedelta(seconds=1))
    caller(wire.import_headers())
    assert rows(hub, audit) == before
    monkeypatch.setattr(hub_world, "now", hub_world.now + timedelta(seconds=1))
    caller(wire.import_headers())
    assert rows(hub, audit) == before + 1


def test_who_pulled_what_is_known(calling, hub):
    numbers = [delivered(calling(), number=f"AR-{each}") for each in range(3)]
    calling("be-nppo")(pull(numbers[0]))
    calling("be-nppo")(wire.request("PULLImportEnvelope"))
    with hub.context.store.read() as connection:
        noted = connection.execute(select(audit.c.subject, audit.c.detail).where(audit.c.actor == "be-nppo")).all()
    assert any(subject == numbers[0] for subject, _ in noted)
    assert all(any(number in str(detail) for _, detail in noted) for number in numbers)


def test_a_refused_delivery_is_kept_each_time_and_its_record_is_named(calling, hub):
    body = wire.deliver_envelope(envelope()).replace(b">851<", b">eight<")
    before = rows(hub, exchanges)
    first, second = calling()(body), calling()(body)
    assert rows(hub, exchanges) == before + 2
    assert first.said != second.said, "each names its own record"
    assert "recorded as " in first.said


def test_the_same_message_id_again_is_no_replay_here(standing):
    headers = '<a:MessageID xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:1</a:MessageID>'
    for _ in range(2):
        assert standing()(wire.import_headers(), headers=headers).status == 200
        assert standing()(pull("NOWHERE"), headers=headers).code == "IMG-7101"


def test_a_certificate_in_the_header_of_rfc_9440_is_believed_from_the_proxy_alone(standing, hub_world):
    own = client_cert(hub_world.clients["be-nppo"])
    assert standing()(wire.request("GetProfile"), HTTP_CLIENT_CERT=own).text(".//hubent:Country") == "BE"
    assert standing()(wire.request("GetProfile"), HTTP_CLIENT_CERT=own, REMOTE_ADDR="10.0.0.9").status == 403
