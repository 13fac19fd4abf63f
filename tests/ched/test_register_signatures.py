"""The signatures, seals and stamps of Article 41 at the register (R-41-1, R-41-2, R-41-3, R-41-4)."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from ched_harness import BODIES, World, arrival, ched_pp, decision, element, party
from lxml import etree

from gateway.ched.models import SealedCopy, SealRole, SubmissionKind
from gateway.ched.sealing import SealKeeper
from gateway.documents.ched import Coded, ControlPost, Purpose, read_ched, write_ched
from gateway.errors import ChedRefused, ExchangeRefused, GatewayError, SealRefused, XmlRefused
from gateway.sandbox.pki import Authority
from gateway.soap import SoapVersion
from gateway.soap.envelope import read_envelope, write_envelope
from gateway.soap.security import read_security
from gateway.store import ched_by_reference, ched_seals, open_store
from gateway.trust import (
    SEALED_DOCUMENT_POLICY,
    Anchor,
    Level,
    TrustStore,
    sign_body,
    verify_sealed,
)
from gateway.trust import (
    Purpose as AnchorPurpose,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise

OPERATOR, OFFICER, AUTHORITY, TRACES = SealRole.OPERATOR, SealRole.OFFICER, SealRole.AUTHORITY, SealRole.TRACES


@pytest.fixture
def strict(sqlite_url):
    """A register that refuses decisions without the signatures."""
    with open_store(sqlite_url, exclusive=True) as store:
        yield World(store, part_signatures="required")


@pytest.fixture
def reference(strict):
    return strict.submit(ched_pp()).reference


def refusal(world, reference, *seals, **changes):
    with pytest.raises(GatewayError) as refused:
        world.decide(reference, seals=seals, **changes)
    assert world.register.row(world.actor("commission"), reference).status_code == "1"
    return refused.value


def roles(world, reference):
    with world.store.read() as connection:
        found = ched_seals(connection, ched_by_reference(connection, reference).id)
    return [seal.role for _, seal in found]


def own_trust(world):
    """What a national gateway has of the register's: its own anchors."""
    anchors = [
        Anchor("register", world.own.certificate_der, frozenset({AnchorPurpose.SEAL}), Level.ADVANCED),
        Anchor("tsa", world.clock_root.certificate_der, frozenset({AnchorPurpose.TIMESTAMP}), Level.QUALIFIED),
    ]
    return TrustStore(anchors)


class TestInTraces:
    """Article 41(1)(a): by ChedControl, with sealed copies."""

    def test_officer_and_authority_sign_and_traces_seals(self, strict, reference):
        receipt = strict.decide(reference, seals=strict.signed())
        assert (receipt.status_code, receipt.pending) == ("70", "")
        assert roles(strict, reference) == ["officer", "authority", "traces"]
        row = strict.register.row(strict.actor("post"), reference)
        assert (row.signed, row.pending) == (True, "")
        with strict.store.read() as connection:
            seals = ched_seals(connection, row.id)
        assert [bool(seal.verdict) for _, seal in seals] == [True, True, False]
        assert '"level":"advanced"' in seals[0][1].verdict

    def test_the_seal_of_traces_is_over_the_ched_as_it_stands(self, strict, reference):
        strict.decide(reference, seals=strict.signed())
        file = strict.register.sealed_xml(strict.actor("importer"), reference)
        policy = replace(SEALED_DOCUMENT_POLICY, timestamp_required=True, minimum_timestamp_level=Level.QUALIFIED)
        verified = verify_sealed(parse(file).root, policy=policy, trust=own_trust(strict), at=strict.now)
        assert verified.seal.timestamp is not None
        assert read_ched(verified.root) == strict.stored(reference)
        assert strict.register.sealed_xml(strict.actor("importer"), reference) == file

    @pytest.mark.parametrize(
        ("given", "missing"),
        [((), ["officer's", "authority's"]), ((OFFICER,), ["authority's"]), ((AUTHORITY, OPERATOR), ["officer's"])],
    )
    def test_what_is_missing_is_named(self, strict, reference, given, missing):
        refused = refusal(strict, reference, *map(strict.copy, given))
        assert (refused.code, len(refused.findings)) == ("IMG-4201", len(missing))
        assert {finding.rule for finding in refused.findings} == {"R-41-1"}
        assert all(word in finding.message for word, finding in zip(missing, refused.findings, strict=True))

    def test_each_needs_a_qualified_stamp(self, strict, reference):
        bare = strict.copy(OFFICER, stamped=False)
        refused = refusal(strict, reference, bare, strict.copy(AUTHORITY))
        assert (refused.code, refused.where) == ("IMG-4030", "Seal[@role='officer']")
        bare = strict.copy(AUTHORITY, stamped=False)
        assert refusal(strict, reference, strict.copy(OFFICER), bare).where == "Seal[@role='authority']"

    def test_one_certificate_is_not_two_signatories(self, strict, reference):
        both = strict.member.seal("both")
        refused = refusal(strict, reference, strict.copy(OFFICER, both), strict.copy(AUTHORITY, both))
        assert refused.code == "IMG-4204"

    def test_a_strangers_certificate_is_refused(self, strict, reference):
        stranger = Authority("Stranger", now=strict.now).seal("officer")
        refused = refusal(strict, reference, strict.copy(OFFICER, stranger), strict.copy(AUTHORITY))
        assert isinstance(refused, SealRefused)
        assert refused.code.startswith("IMG-40")

    def test_an_officer_needs_an_advanced_signature_and_an_operator_any(self, strict, reference):
        simple = Authority("Simple", now=strict.now)
        anchor = {"name": "simple", "certificate_pem": simple.certificate_pem.decode(), "purposes": ["seal"],
                  "level": "simple"}  # fmt: skip
        strict.records[0]["anchors"].append(anchor)
        strict.records.append(strict.record("more", "national", "NL", ()))
        strict.context = replace(strict.context, trust=type(strict.context.trust)(strict.directory))
        strict.register = strict.open()
        weak = simple.seal("somebody")
        assert refusal(strict, reference, strict.copy(OFFICER, weak), strict.copy(AUTHORITY)).code == "IMG-4026"
        assert strict.decide(reference, seals=(strict.copy(OPERATOR, weak), *strict.signed())).status_code == "70"
        assert roles(strict, reference)[0] == "operator"

    @pytest.mark.parametrize("role", [OFFICER, AUTHORITY])
    def test_another_document_is_not_this_ched(self, strict, reference, role):
        other = replace(strict.stored(reference), decision=decision("NOT_ACCEPTABLE"))
        wrong = strict.copy(role, of=other)
        rest = strict.copy(AUTHORITY if role is OFFICER else OFFICER)
        refused = refusal(strict, reference, wrong, rest)
        assert (refused.code, refused.where) == ("IMG-4202", f"Seal[@role='{role.value}']")
        assert " at /sps:SPSCertificate/sps:SPSExchangedDocument/ram:" in refused.found

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda text: text.replace(b"<ram:", b"<r:").replace(b"</ram:", b"</r:").replace(b":ram=", b":r="),
             "prefix r instead of ram at /sps:SPSCertificate/sps:SPSExchangedDocument/ram:"),
            (lambda text: text.replace(b' listID="ched_type"', b"", 1), "other attributes at "),
            (lambda text: text.replace(b"</sps:SPSExchangedDocument>", b" </sps:SPSExchangedDocument>", 1),
             "other white space between elements"),
            (lambda text: text.replace(b"ConsignorSPSParty", b"OtherSPSParty"), "another element at "),
        ],
        ids=["prefix", "attribute", "space", "element"],
    )  # fmt: skip
    def test_what_the_signed_file_says_otherwise_is_told(self, strict, reference, change, told):
        def otherwise(document):
            changed = change(etree.tostring(document))
            assert changed != etree.tostring(document)
            return strict.copy(OFFICER)(etree.fromstring(changed))

        refused = refusal(strict, reference, otherwise, strict.copy(AUTHORITY))
        assert (refused.code, refused.found.startswith(told)) == ("IMG-4202", True), refused.found

    def test_the_operator_signs_part_one(self, strict, reference):
        part_one = strict.copy(OPERATOR, of=strict.stored(reference))
        strict.decide(reference, seals=(part_one, *strict.signed()))
        assert roles(strict, reference) == ["operator", "officer", "authority", "traces"]

    def test_the_operators_signature_over_another_part_one_is_refused(self, strict, reference):
        other = replace(strict.stored(reference), consignor=party("ZA-2", "Other", "ZA"))
        assert refusal(strict, reference, strict.copy(OPERATOR, of=other), *strict.signed()).code == "IMG-4202"

    @pytest.mark.parametrize("role", [TRACES, SealRole.TRANSMISSION])
    def test_nobody_signs_in_the_registers_role(self, strict, reference, role):
        assert refusal(strict, reference, strict.copy(role), *strict.signed()).code == "IMG-4203"

    def test_a_role_comes_once(self, strict, reference):
        assert refusal(strict, reference, strict.copy(OFFICER), *strict.signed()).code == "IMG-4203"

    def test_a_changed_file_does_not_hold(self, strict, reference):
        def spoiled(document):
            copy = strict.copy(OFFICER)(document)
            return SealedCopy(OFFICER, copy.content.replace(b"Invented exporter", b"Invented importer", 1))

        assert refusal(strict, reference, spoiled, strict.copy(AUTHORITY)).code == "IMG-4009"

    def test_a_file_that_is_none_is_refused(self, strict, reference):
        refused = refusal(strict, reference, lambda _: SealedCopy(OFFICER, b"%PDF-1.7"))
        assert isinstance(refused, XmlRefused)
        assert refused.where.startswith("Seal[@role='officer'] ")

    def test_a_signature_that_came_from_another_partner_is_refused(self, strict, reference):
        strict.records.append(strict.record("second", "national", "NL", [BODIES["post"]]))
        twin = strict.submit(ched_pp(), "post").reference
        kept = strict.copy(OPERATOR)(element(strict.stored(reference)))
        strict.decide(reference, seals=(lambda _: kept, *strict.signed()))
        document = element(replace(strict.stored(twin), decision=decision()))
        copies = [kept, *(seal(document) for seal in strict.signed())]
        second = strict.actor("post", "second")
        with pytest.raises(ExchangeRefused, match="IMG-7007"):
            strict.register.decide(second, document, copies, strict.call(document, "SubmitDecision"))
        assert strict.stored(twin).status_code == "1"


class TestRecorded:
    """``part_signatures = "recorded"``: test systems."""

    def test_a_decision_without_signatures_is_taken_with_warnings_and_without_the_seal(self, quick):
        reference = quick.submit(ched_pp()).reference
        receipt = quick.decide(reference)
        warned = [finding for finding in receipt.findings if finding.rule == "R-41-1"]
        assert [finding.severity for finding in warned] == ["WARNING", "WARNING"]
        assert not quick.register.row(quick.actor("post"), reference).signed
        with pytest.raises(ChedRefused) as refused:
            quick.register.sealed_xml(quick.actor("post"), reference)
        assert refused.value.code == "IMG-7207"

    def test_what_comes_has_to_hold_all_the_same(self, quick):
        reference = quick.submit(ched_pp()).reference
        stranger = Authority("Stranger", now=quick.now).seal("officer")
        with pytest.raises(SealRefused):
            quick.decide(reference, seals=(quick.copy(OFFICER, stranger),))


class TestTransmission:
    """Article 41(1)(b): a national e-CHED under the authority's seal on the transmission."""

    def send(self, world, ched, *, sealer=None, document=None):
        request = etree.Element("{urn:t}Request")
        request.append(write_ched(ched))
        raw = write_envelope(serialise(request), SoapVersion.SOAP11)
        if sealer is not None:
            raw = sign_body(raw, sealer, at=world.now)
        root = parse(raw).root
        read = read_envelope(root, SoapVersion.SOAP11, frozenset())
        call = world.call(read.body, "createAndSubmitDecisionAsInProgress")
        call = replace(call, security=read_security(read.headers, signed=True), raw=raw)
        kind = SubmissionKind.DECISION_IN_PROGRESS
        sent = read.body[0] if document is None else document
        return world.register.submit(world.actor("post"), sent, kind, call)

    def test_a_sealed_transmission_decides_and_is_counter_sealed(self, strict):
        sealer = strict.sealer(strict.member.seal("authority"))
        receipt = self.send(strict, ched_pp(decision=decision()), sealer=sealer)
        assert (receipt.status_code, receipt.pending) == ("70", "")
        assert roles(strict, receipt.reference) == ["transmission", "traces"]
        assert strict.register.sealed_xml(strict.actor("post"), receipt.reference)

    def test_without_the_seal_the_decision_is_refused(self, strict):
        with pytest.raises(SealRefused) as refused:
            self.send(strict, ched_pp(decision=decision()))
        assert (refused.value.code, refused.value.findings[0].rule) == ("IMG-4201", "R-41-2")

    def test_without_a_stamp_it_is_refused(self, strict):
        sealer = strict.sealer(strict.member.seal("authority"), stamped=False)
        with pytest.raises(SealRefused, match="IMG-4030"):
            self.send(strict, ched_pp(decision=decision()), sealer=sealer)

    def test_in_progress_needs_no_seal_yet(self, strict):
        receipt = self.send(strict, ched_pp(decision=decision(conclusion=())))
        assert (receipt.status_code, receipt.pending) == ("42", "")

    def test_a_stranger_does_not_transmit(self, strict):
        stranger = strict.sealer(Authority("Stranger", now=strict.now).seal("authority"))
        with pytest.raises(SealRefused):
            self.send(strict, ched_pp(decision=decision()), sealer=stranger)

    def test_the_signed_body_is_the_ched_that_is_read(self, strict):
        sealer = strict.sealer(strict.member.seal("authority"))
        other = element(ched_pp(decision=decision("NOT_ACCEPTABLE")))
        with pytest.raises(SealRefused, match="IMG-4202"):
            self.send(strict, ched_pp(decision=decision()), sealer=sealer, document=other)


class TestCounterSeal:
    """Article 41(2), while no time stamp can be had."""

    @pytest.fixture
    def pending(self, strict, reference):
        seals = strict.signed()
        document = element(replace(strict.stored(reference), decision=decision()))
        copies = [seal(document) for seal in seals]
        strict.stamping = False
        call = strict.call(document, "SubmitDecision")
        receipt = strict.register.decide(strict.actor("post"), document, copies, call)
        assert (receipt.status_code, receipt.pending) == ("70", "counter-seal")
        row = strict.register.row(strict.actor("post"), reference)
        assert (row.pending, row.signed) == ("counter-seal", False)
        return reference

    def test_it_is_made_for_who_asks(self, strict, pending):
        with pytest.raises(GatewayError, match="IMG-9003"):
            strict.register.sealed_xml(strict.actor("post"), pending)
        strict.stamping = True
        assert strict.register.sealed_xml(strict.actor("post"), pending)
        row = strict.register.row(strict.actor("post"), pending)
        assert (row.pending, row.signed) == ("", True)

    def test_it_is_made_by_itself(self, strict, pending):
        assert strict.register.complete_seals() == 0
        strict.stamping = True
        assert strict.register.complete_seals() == 1
        assert strict.register.complete_seals() == 0
        assert roles(strict, pending)[-1] == "traces"

    def test_it_is_made_in_the_background(self, strict, pending):
        """Without anybody asking; what goes wrong in one round is tried again in the next."""
        strict.stamping = True
        complete, rounds = strict.register.complete_seals, []

        def counted():
            rounds.append(1)
            if len(rounds) == 1:
                raise OSError("the store is away")
            return complete()

        keeper = SealKeeper(counted, every=timedelta(milliseconds=10))
        keeper.start()
        try:
            _wait_until(lambda: strict.register.row(strict.actor("post"), pending).pending == "")
        finally:
            assert keeper.stop()
        assert roles(strict, pending)[-1] == "traces"
        made = len(rounds)
        assert keeper.stop(), "stopping twice is nothing"
        assert len(rounds) == made >= 2

    def test_the_next_seal_that_can_be_made_brings_it_too(self, strict, pending):
        strict.stamping = True
        other = strict.submit(ched_pp(arrival="2026-11-25T08:00:00+01:00")).reference
        strict.decide(other, seals=strict.signed())
        assert strict.register.row(strict.actor("post"), pending).pending == ""

    def test_a_follow_up_gets_a_seal_of_its_own(self, strict):
        post = ControlPost(country="DE", code="DEHAM9P")
        reference = strict.submit(ched_pp(purposes=(Purpose(Coded("TRANSFER"), "I.20", post=post),))).reference
        strict.decide(reference, code="ACCEPTABLE_FOR_TRANSFER", seals=strict.signed())
        first = strict.register.sealed_xml(strict.actor("post"), reference)
        strict.now += timedelta(hours=1)
        strict.follow_up(reference, "control point", arrival())
        second = strict.register.sealed_xml(strict.actor("post"), reference)
        assert first != second
        assert b"Officer At Arrival" in second
        assert roles(strict, reference).count("traces") == 2


def _wait_until(holds, seconds=10):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)
