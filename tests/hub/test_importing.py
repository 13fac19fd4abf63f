"""What an envelope becomes: a document with honest evidence, something held, something unreadable, an answer."""

import base64
import hashlib
import io
import json
import zipfile
from dataclasses import replace

import pytest
from polling_harness import HUB_RECORD, House, MemoryHub, envelope

from gateway.documents import SpsCertificate
from gateway.exchange import evidence_of
from gateway.hub.importing import Importer
from gateway.hub.responses import response_to
from gateway.hub.sources import RemoteSource, Waiting
from gateway.hub.wording import MAX_MESSAGE
from gateway.ippc import Envelope
from gateway.sandbox.samples import certificate
from gateway.store import DocumentKey, find_audit, find_document, find_exchange, find_version_parts, find_versions
from gateway.trust import Anchor, Level, Purpose, Sealer, TrustStore, verify_file
from gateway.xml.boundary import parse
from gateway.xml.canonical import C14n, canonicalise

DELIVERY = {"adapter": "certificate-exchange", "address": "http://127.0.0.1:9/x", "username": "a", "secret": "env:S"}
ONWARD = {
    "id": "traces",
    "name": "invented",
    "kind": "traces",
    "country": "EU",
    "contracts": ["certificate-exchange"],
    "document_types": ["*"],
    "country_pairs": ["*>*"],
    "delivery": DELIVERY,
}
OTHER_HUB = {
    **HUB_RECORD,
    "id": "other-hub",
    "country_pairs": ["*>*"],
    "delivery": {**HUB_RECORD["delivery"], "address": "http://127.0.0.1:8/hub/DeliveryService"},
}


def waiting(house, hub, number, partner_id="the-hub"):
    return Waiting(hub.envelopes[number].header, house.partner(partner_id))


def take(house, hub, number, partner_id="the-hub"):
    source = RemoteSource(house.partner(partner_id), hub)
    return Importer(house.context, source, validate=house.validate).take(waiting(house, hub, number, partner_id))


@pytest.fixture
def house(store):
    return House(store)


@pytest.fixture
def hub():
    return MemoryHub()


def test_an_envelope_becomes_a_document_and_the_hub_hears_that_it_was_delivered(house, hub):
    sent = envelope()
    row = take(house, hub, hub.put(sent))
    assert (row.state, row.verdict, row.code, row.message) == ("imported", "delivered", "", "")
    assert row.acknowledged_at == house.now
    assert hub.states[row.hub_number] == "Delivered"
    with house.store.read() as connection:
        document = find_document(connection, DocumentKey("AR", "851", sent.header.certificate_number))
        (version,) = find_versions(connection, document.id)
        parts = find_version_parts(connection, version.exchange_id)
        exchange = find_exchange(connection, version.exchange_id)
    assert (document.owner_partner, document.import_country) == ("the-hub", "NL")
    assert (version.form, version.route, version.exchange_id) == ("envelope", None, row.exchange_id)
    assert parts.content == sent.content
    assert version.digest == hashlib.sha256(canonicalise(parse(parts.content).root, algorithm=C14n.EXCLUSIVE)).digest()
    assert parts.translated is not None
    assert (exchange.contract, exchange.operation, exchange.sender_message_id) == (
        "ippc-hub", "PULLSingleImportEnvelope", row.hub_number,
    )  # fmt: skip
    verdict = json.loads(parts.seal_verdict)
    assert verdict["level"] == "none"
    assert verdict["authenticated_by"].startswith("mutual TLS")
    assert verdict["route"].startswith("none: IMG-4101")


@pytest.mark.parametrize("form", ["text", "base64", "declared in another encoding"])
def test_each_form_of_the_content_is_the_same_document(house, hub, form):
    plain = envelope()
    content = {
        "text": plain.content,
        "base64": base64.b64encode(plain.content),
        "declared in another encoding": b'<?xml version="1.0" encoding="ISO-8859-1"?>\n' + plain.content,
    }[form]
    first = take(house, hub, hub.put(plain))
    row = take(house, hub, hub.put(Envelope(plain.header, content)))
    assert (row.state, row.exchange_id) == ("imported", first.exchange_id)
    assert house.one("SELECT count(*) FROM document_versions") == 1


def test_the_same_certificate_under_a_new_number_is_imported_once_and_acknowledged_twice(house, hub):
    sent = envelope()
    first, again = take(house, hub, hub.put(sent)), take(house, hub, hub.put(sent))
    assert (first.state, again.state) == ("imported", "imported")
    assert first.exchange_id == again.exchange_id
    assert hub.acknowledged == [first.hub_number, again.hub_number]
    assert house.one("SELECT count(*) FROM documents") == 1
    assert house.one("SELECT count(*) FROM exchanges WHERE outcome = 'repeat'") == 1


def test_other_content_under_the_same_number_is_held_and_the_hub_hears_why(house, hub):
    number = take(house, hub, hub.put(envelope())).certificate_number
    other = envelope(certificate(number=number, lines=2).decode(), certificate_number=number)
    row = take(house, hub, hub.put(other))
    assert (row.state, row.verdict, row.code) == ("held", "warnings", "IMG-7001")
    assert hub.states[row.hub_number] == "DeliveredWithWarnings"
    assert "IMG-7001" in hub.messages[row.hub_number]
    assert house.one("SELECT count(*) FROM document_versions") == 1
    assert house.one("SELECT count(*) FROM exchanges") == 1


def test_a_withdrawal_follows_even_when_only_its_envelope_says_so(house, hub):
    sent = envelope()
    take(house, hub, hub.put(sent))
    house.later(minutes=1)
    withdrawn = envelope(sent.content, certificate_number=sent.header.certificate_number, certificate_status=40)
    row = take(house, hub, hub.put(withdrawn))
    assert (row.state, row.verdict) == ("imported", "warnings")
    assert "The envelope withdraws the certificate" in hub.messages[row.hub_number]
    with house.store.read() as connection:
        document = find_document(connection, DocumentKey("AR", "851", sent.header.certificate_number))
        parts = find_version_parts(connection, row.exchange_id)
    assert document.status_code == "40"
    assert parts.content == sent.content
    assert SpsCertificate(parse(parts.translated).root).status_code == "40"


def replacing(old, number, **changes):
    """As the ePhyto hub has a replacement: an issue with a number of its own, and the note ADRPN with the old one."""
    begin, end = "<ram:IncludedSPSNote>", "</ram:IncludedSPSNote>"
    note = f"{begin}<ram:Subject>ADRPN</ram:Subject><ram:Content>{old}</ram:Content>{end}{begin}"
    content = certificate(number=number, lines=1, **changes).replace(begin.encode(), note.encode(), 1)
    return envelope(content, certificate_number=number)


def statuses(house):
    """Status of each number, and by what its version was replaced."""
    return house.rows(
        "SELECT d.number, d.status_code, n.number FROM documents d "
        "JOIN document_versions v ON v.document_id = d.id "
        "LEFT JOIN document_versions r ON r.exchange_id = v.replaced_by "
        "LEFT JOIN documents n ON n.id = r.document_id ORDER BY v.received_at, d.number"
    )


def test_a_replacement_that_is_an_issue_ends_what_it_names(house, hub):
    old = take(house, hub, hub.put(envelope())).certificate_number
    house.later(minutes=1)
    number = hub.put(replacing(old, "AR-NEW-1"))
    row = take(house, hub, number)
    assert (row.state, row.verdict) == ("imported", "delivered")
    assert statuses(house) == [(old, "44", "AR-NEW-1"), ("AR-NEW-1", "70", None)]
    again = take(house, hub, hub.put(replacing(old, "AR-NEW-1")))
    assert (again.state, again.exchange_id) == ("imported", row.exchange_id)
    other = take(house, hub, hub.put(replacing(old, "AR-NEW-1", issued=house.now)))
    assert (other.state, other.code) == ("held", "IMG-7001")
    house.later(minutes=1)
    withdrawal = envelope(certificate_number=old, certificate_status=40)
    assert take(house, hub, hub.put(withdrawal)).state == "imported"
    assert statuses(house)[-1][:2] == (old, "40")


def test_a_replacement_stands_by_itself_when_what_it_names_is_not_here_or_ended(house, hub):
    assert take(house, hub, hub.put(replacing("AR-NEVER-SEEN", "AR-NEW-1"))).state == "imported"
    old = take(house, hub, hub.put(envelope())).certificate_number
    house.later(minutes=1)
    take(house, hub, hub.put(envelope(certificate_number=old, certificate_status=40)))
    house.later(minutes=1)
    assert take(house, hub, hub.put(replacing(old, "AR-NEW-2"))).state == "imported"
    assert {row[:2] for row in statuses(house)} == {("AR-NEW-1", "70"), (old, "40"), ("AR-NEW-2", "70")}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "nothing"),
        ("   ", "nothing"),
        ("what is this", "neither XML nor Base64"),
        ("<sps:SPSCertificate", "IMG-10"),
        ("<html/>", "html"),
    ],
)
def test_what_cannot_be_read_is_kept_and_acknowledged_as_not_readable(house, hub, content, why):
    row = take(house, hub, hub.put(Envelope(envelope().header, content and content.encode())))
    assert (row.state, row.verdict, row.code) == ("unreadable", "failed", "IMG-7110")
    assert hub.states[row.hub_number] == "DeliveredNotReadable"
    assert why in hub.messages[row.hub_number]
    assert house.one("SELECT count(*) FROM hub_import_parts") == 1
    assert house.one("SELECT count(*) FROM exchanges") == 0


def test_an_envelope_whose_own_header_cannot_be_read_is_kept_and_acknowledged_as_not_readable(house, hub):
    hub.spoil = lambda body: body.replace(b"CertificateType>851<", b"CertificateType>many<")
    row = take(house, hub, hub.put(envelope()))
    assert (row.state, row.verdict, row.code) == ("unreadable", "failed", "IMG-7190")
    assert (row.from_country, row.certificate_type) == ("AR", 851)
    assert hub.states[row.hub_number] == "DeliveredNotReadable"
    assert b"many" in house.one("SELECT envelope FROM hub_import_parts")


@pytest.mark.parametrize(
    ("header", "document", "code"),
    [
        ({"sender": "BR"}, {"export": "AR"}, "IMG-7120"),
        ({"certificate_number": "ONE"}, {"number": "OTHER"}, "IMG-7120"),
        ({"certificate_type": 657}, {"type_code": "851"}, "IMG-7120"),
        ({}, {"status": "40"}, "IMG-7120"),
        ({"certificate_status": 40}, {"status": "40"}, "IMG-7002"),
        ({"certificate_status": 41}, {"status": "41"}, "IMG-7006"),
        ({"to": "BE"}, {"import_": "BE"}, "IMG-2102"),
    ],
)
def test_what_nobody_vouches_for_or_may_not_be_is_held(house, hub, header, document, code):
    number = document.get("number", header.get("certificate_number", "AR-1"))
    content = certificate(**{"lines": 1, **document, "number": number}).decode()
    row = take(house, hub, hub.put(envelope(content, **{"certificate_number": number, **header})))
    assert (row.state, row.verdict, row.code) == ("held", "warnings", code)
    assert house.one("SELECT count(*) FROM exchanges") == 0


def test_a_code_without_a_row_is_held_with_every_gap_and_taken_over_once_there_is_one(house, hub):
    sent = envelope()
    content = sent.content.replace(b'unitCode="KGM"', b'unitCode="QQQ"')
    row = take(house, hub, hub.put(Envelope(sent.header, content)))
    assert (row.state, row.code) == ("held", "IMG-6001")
    assert "map-ephyto-unit.csv: QQQ,?" in row.message
    assert len(row.message) <= MAX_MESSAGE
    assert house.one("SELECT count(*) FROM documents") == 0
    house.save({**HUB_RECORD, "code_system": "traces"})
    house.later(seconds=2)
    importer = Importer(house.context, RemoteSource(house.partner(), hub), validate=house.validate)
    again = importer.decide_again(house.partner(), row)
    assert again.state == "imported"
    assert again.acknowledged_at == row.acknowledged_at
    assert house.one("SELECT count(*) FROM documents") == 1


def test_findings_do_not_stop_it_and_travel_back_bounded(house, hub):
    house.results = [("MandatoryElements", f"field {n}", "SEVERE", "is missing " + "x" * 40) for n in range(40)]
    row = take(house, hub, hub.put(envelope()))
    assert (row.state, row.verdict) == ("imported", "warnings")
    told = hub.messages[row.hub_number]
    assert told.startswith("SEVERE MandatoryElements field 0: is missing")
    assert len(told) <= MAX_MESSAGE
    assert told.endswith("more)")


def test_what_is_only_worth_knowing_is_no_warning(house, hub):
    house.results = [("Schema", "Name", "INFO", "is empty")]
    assert take(house, hub, hub.put(envelope())).verdict == "delivered"


def test_a_defect_of_ours_holds_the_envelope_and_not_the_hub(house, hub):
    def broken(_):
        raise ZeroDivisionError

    number = hub.put(envelope())
    source = RemoteSource(house.partner(), hub)
    row = Importer(house.context, source, validate=broken).take(waiting(house, hub, number))
    assert (row.state, row.code) == ("held", "IMG-9002")
    assert "ZeroDivisionError" in row.message


def test_without_a_route_it_goes_to_no_partner_that_wants_article_39_and_says_so(store, hub):
    house = House(store, HUB_RECORD, ONWARD, OTHER_HUB)
    row = take(house, hub, hub.put(envelope()))
    assert house.rows("SELECT lane FROM deliveries") == [("other-hub",)]
    findings = json.loads(house.one(f"SELECT findings FROM exchange_parts WHERE exchange_id = '{row.exchange_id}'"))
    (kept_back,) = [each for each in findings if each["rule"] == "HUB-ROUTE"]
    assert "Not delivered to traces" in kept_back["message"]
    assert "IMG-4101" in kept_back["message"]


def test_who_asks_for_the_country_and_lacks_the_pair_is_named_in_the_audit(store, hub):
    delivery = {**ONWARD["delivery"], "import_countries": ["NL"]}
    house = House(store, HUB_RECORD, {**ONWARD, "country_pairs": ["AR>BE"], "delivery": delivery})
    row = take(house, hub, hub.put(envelope()))
    with store.read() as connection:
        (entry,) = [each for each in find_audit(connection, row.exchange_id) if "not delivered" in each.detail]
    assert "851 AR>NL is not granted" in entry.detail["not delivered"]["traces"]


@pytest.mark.parametrize(
    ("roles", "informed", "routes", "route"),
    [
        (("national",), "2026-01-01", ("i", "iii", "iv"), "iv"),
        (("national",), "2026-01-01", ("i", "iii"), None),
        (("national",), "2027-01-01", ("i", "iii", "iv"), None),
        (("traces",), None, ("i", "iii"), "iii"),
        (("hub",), None, ("i", "iii"), "iii"),
        (("traces",), None, ("i",), None),
    ],
)
def test_the_route_is_the_settings_and_the_commissions(store, hub, roles, informed, routes, route):
    record = HUB_RECORD | ({"com_informed_on": informed} if informed else {})
    house = House(store, record, ONWARD, roles=roles, phyto_routes=routes)
    row = take(house, hub, hub.put(envelope()))
    assert house.one("SELECT route FROM document_versions") == route
    assert house.rows("SELECT lane FROM deliveries") == ([("traces",)] if route else [])
    assert house.verdict(row.exchange_id)["route"].startswith(route or "none: IMG-41")


def sealed_by(authority, document, at):
    credential = authority.seal("Organisation")
    return Sealer(credential.key, credential.certificate_der, credential.chain_der).seal(document, at=at)


def test_a_seal_that_holds_is_the_verdict_and_one_that_does_not_is_a_warning(store, hub):
    house = House(store)
    anchor = {
        "name": "root",
        "certificate_pem": house.third.certificate_pem.decode(),
        "purposes": ["seal"],
        "level": "advanced",
    }
    house.save({**HUB_RECORD, "anchors": [anchor], "timestamp": "optional"})
    house.later(seconds=2)
    good, bad = envelope(), envelope()
    good = Envelope(good.header, sealed_by(house.third, good.content, house.now))
    bad = Envelope(bad.header, sealed_by(house.own, bad.content, house.now))
    row = take(house, hub, hub.put(good))
    assert row.verdict == "delivered"
    verdict = house.verdict(row.exchange_id)
    assert (verdict["indication"], verdict["level"]) == ("TOTAL-PASSED", "advanced")
    assert verdict["authenticated_by"].startswith("mutual TLS")
    assert house.one("SELECT count(*) FROM seal_values") == 0
    row = take(house, hub, hub.put(bad))
    assert row.state == "imported"
    verdict = house.verdict(row.exchange_id)
    assert verdict["level"] == "none"
    assert "IMG-4020" in verdict["level_reason"]


def test_evidence_says_what_it_is_and_proves_what_the_hub_delivered(house, hub):
    row = take(house, hub, hub.put(envelope()))
    name, content = evidence_of(house.context, house.partner(), exchange_id=row.exchange_id)
    assert name == f"evidence-{row.exchange_id}.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    facts = json.loads(files["manifest.json"])["facts"]
    assert facts["issuing route (Art 39)"] == "none"
    assert facts["seal of the document"].startswith("none: no seal came with it: an ePhyto of the hub")
    assert facts["envelope"] == row.hub_number
    assert facts["mapping tables"] == house.context.index.version
    assert hashlib.sha256(files["request.xml"]).hexdigest().encode() in files["acknowledgement.xml"]
    anchor = Anchor("own", house.own.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED)
    report = verify_file(content, at=house.now, trust=TrustStore([anchor]))
    assert report.passed
    assert "without a seal" in report.unsealed
    assert [seal.file for seal in report.seals] == ["acknowledgement.xml"]


@pytest.mark.parametrize("name", ["document.xml", "request.xml"])
def test_evidence_of_another_document_or_envelope_does_not_pass(house, hub, name):
    """The manifest agrees, and still the sealed acknowledgement is about something else."""
    row = take(house, hub, hub.put(envelope()))
    _, content = evidence_of(house.context, house.partner(), exchange_id=row.exchange_id)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    files[name] = files[name].replace(b"AR-HUB", b"AR-BUH")
    manifest = json.loads(files["manifest.json"])
    manifest["files"][name] = {"sha256": hashlib.sha256(files[name]).hexdigest(), "size": len(files[name])}
    files["manifest.json"] = json.dumps(manifest).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each, data in files.items():
            archive.writestr(each, data)
    anchor = Anchor("own", house.own.certificate_der, frozenset({Purpose.SEAL}), Level.ADVANCED)
    report = verify_file(packed.getvalue(), at=house.now, trust=TrustStore([anchor]))
    assert not report.passed
    assert not report.unsealed


def test_an_answer_of_a_country_is_linked_to_what_it_answers(store, hub):
    house = House(store, {**HUB_RECORD, "country_pairs": ["*>*"]}, OTHER_HUB)
    mine = take(house, hub, hub.put(envelope()), "other-hub")
    assert house.rows("SELECT lane FROM deliveries") == [("the-hub",)]
    header, acknowledgement = response_to(mine, status=41, reason="Pest found", now=house.now)
    assert (header.sender, header.to, header.certificate_status) == ("NL", "AR", 41)
    row = take(house, hub, hub.put(Envelope(header, acknowledgement)))
    assert (row.state, row.verdict, row.exchange_id) == ("response", "delivered", mine.exchange_id)
    assert "NL answers" in row.message
    assert "status 41: Pest found" in row.message
    assert house.one("SELECT count(*) FROM audit WHERE action = 'country response'") == 1


def test_an_answer_whose_envelope_has_another_status_tells_both(store, hub):
    house = House(store)
    row = take(house, hub, hub.put(envelope()))
    header, acknowledgement = response_to(row, status=41, reason="", now=house.now)
    answer = take(house, hub, hub.put(Envelope(replace(header, certificate_status=70), acknowledgement)))
    assert "with status 41 (70 in its envelope)" in answer.message


def test_an_answer_to_nothing_of_ours_is_kept_and_says_so(house, hub):
    row = take(house, hub, hub.put(envelope()))
    header, acknowledgement = response_to(row, status=41, reason="", now=house.now)
    answer = take(house, hub, hub.put(Envelope(header, acknowledgement)))
    assert (answer.state, answer.exchange_id) == ("response", None)
    assert "nothing that was sent from here" in answer.message
