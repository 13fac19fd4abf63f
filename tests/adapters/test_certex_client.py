"""The client of CERTEX against a server that loses, delays and falsifies its answers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fake_certex import AFTER, BEFORE, CHED, LATE, NOW, OFFICE, Hold, certex, client_of, envelope, fault, port_at

from adapters.certex import (
    AnswerMismatch,
    CertexBroken,
    CertexClient,
    CertexForbidden,
    CertexRefused,
    Clear,
    ClearanceWord,
    Intervene,
    OutcomeUnknown,
    ReservationWord,
    Reserve,
    holding_of,
)
from gateway.certex.models import DeclarationReference, Declared, GoodsClearance, Intervention, Item
from gateway.errors import DeliveryError

A = DeclarationReference("MRN", "26GB1669CAPTUREA01")
LONG = timedelta(minutes=16)


@pytest.fixture
def fake():
    with certex() as server:
        yield server
    assert not server.problems


@pytest.fixture
def client(fake):
    return client_of(fake)


def order(quantity="0.001", unit="KGM", code="040100", line=1, declaration=A, **changes):
    item = Item(goods_item=1, line=line, class_code=code, weight=Declared(quantity, unit))
    values = {"reference": CHED, "declaration": declaration, "office": OFFICE, "items": (item,), **changes}
    return Reserve(**values)


def clear(information=GoodsClearance.RELEASED, number=A.number, reference=CHED):
    return Clear(reference=reference, document=number, office=OFFICE, information=information)


def intervene(kind, quantity="2"):
    items = order(quantity).items if kind is not Intervention.DELETE else ()
    return Intervene(
        reference=CHED, document=A.number, office=OFFICE, intervention=kind, taric_document="N853", items=items
    )


def hold(quantity="0.001", unit="KGM", event=NOW - timedelta(hours=1), code="040100", office=OFFICE):
    return [Hold(1, 1, code, unit, quantity, office, event)]


KEY = ("MRN", A.number)


def test_a_read_brings_the_ched_with_its_ledger(fake, client):
    fake.held[KEY] = hold()
    answer = client.read(CHED, OFFICE)
    assert CHED.encode() in answer.certificate
    assert [each.quantity for each in answer.summary.available] == ["999.999"]
    assert holding_of(answer.summary, A).reserved[0].quantity == "0.001"
    assert not holding_of(answer.summary, DeclarationReference("LRN", A.number))


def test_a_ched_that_is_not_known_is_an_answer_with_nothing_in_it(client):
    answer = client.read("CHEDP.XI.2026.9999999", OFFICE)
    assert answer.certificate is None
    assert answer.summary is None


@pytest.mark.parametrize("what", ["reset-before", "reset-after", "proxy-before", "garbage", "truncated", "broken"])
def test_a_read_is_tried_again(fake, client, what):
    fake.script.extend([what, what])
    assert client.read(CHED, OFFICE).summary is not None
    assert len(fake.requests) == 3
    ids = {each.findtext(".//{*}MessageId") for each in fake.requests}
    assert len(ids) == 3
    assert timedelta() < fake.now - NOW < timedelta(seconds=2)


def test_reads_end(fake, client):
    fake.script.extend(["reset-after"] * 9)
    with pytest.raises(DeliveryError, match="IMG-8002"):
        client.read(CHED, OFFICE)
    assert len(fake.requests) == 3


def test_reads_end_in_time(fake):
    fake.script.extend(["broken"] * 9)
    with pytest.raises(CertexBroken, match="IMG-8021"):
        client_of(fake, attempts=9, pause=2.0, within=5.0).read(CHED, OFFICE)
    assert len(fake.requests) == 2


@pytest.mark.parametrize("what", ["wrong-id", "no-header", "other-ched", "failed-operation", "twice", "other-fault"])
def test_a_read_that_is_answered_with_something_else_is_an_error(fake, client, what):
    fake.script.append(what)
    with pytest.raises(AnswerMismatch, match="IMG-8032"):
        client.read(CHED, OFFICE)
    assert len(fake.requests) == 1


def test_a_client_that_is_not_let_in_is_told_so(fake, client):
    fake.script.append("proxy-after")
    with pytest.raises(CertexForbidden, match="IMG-8020"):
        client.read(CHED, OFFICE)


def test_a_reservation_is_answered(fake, client):
    fake.now = NOW
    found = client.reserve(order())
    assert found.stands
    assert found.word is ReservationWord.RESERVED
    assert not found.by_read
    assert found.by_this_message
    assert fake.held[KEY][0].quantity == "0.001"
    assert fake.count("ProcessedChedRequest") == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": "99999999"}, "05"),
        ({"code": "99999999"}, "03"),
        ({"line": 999}, "07"),
        ({"unit": "H87"}, "10"),
    ],
)
def test_a_refusal_is_an_answer_with_a_reason(fake, client, changes, reason):
    fake.held[KEY] = hold("2")
    found = client.reserve(order(**changes))
    assert found.word is ReservationWord.REFUSED
    assert not found.stands
    assert found.answer.reason == reason
    assert bool(found.holding.reserved) is (reason != "05")  # 05 gives the old hold away


def test_a_refusal_may_name_no_item(fake, client):
    fake.status = "1"
    assert client.reserve(order()).answer.reason == "04"
    fake.consumed[KEY] = hold()
    fake.status = "70"
    assert client.reserve(order()).answer.reason == "06"


def test_a_reservation_on_an_unknown_ched_is_no_success(fake, client):
    found = client.reserve(order(reference="CHEDP.XI.2026.9999999"))
    assert found.word is ReservationWord.NO_CHED
    assert not found.stands


@pytest.mark.parametrize("what", [*AFTER, "not-validated", "old-holds"])
def test_a_reservation_whose_reply_tells_nothing_is_found_by_a_read_and_sent_once(fake, client, what):
    fake.script.append(what)
    found = client.reserve(order())
    assert found.stands
    assert found.by_read
    assert found.by_this_message
    assert [each.findtext(".//{*}QuantityManagementIndication") for each in fake.requests] == ["1", "0"]


def test_a_hold_on_a_ched_that_is_not_validated_is_no_success(fake, client):
    sent = []
    client.reserve(order(), note=sent.append)
    fake.status = "41"
    with pytest.raises(OutcomeUnknown, match="IMG-8030") as caught:
        client.resolve_reservation(sent[0])
    assert "status 41" in caught.value.why
    fake.status = "70"
    assert client.resolve_reservation(sent[0]).stands


@pytest.mark.parametrize(("document", "stands"), [("C640", False), ("N853", True), ("", True), ("Y930", True)])
def test_a_hold_on_a_ched_of_another_type_is_no_success(fake, client, document, stands):
    if stands:
        assert client.reserve(order(document=document)).stands
        return
    with pytest.raises(OutcomeUnknown, match="IMG-8030") as caught:
        client.reserve(order(document=document))
    assert "CHED-P" in caught.value.why


def test_a_success_without_a_certificate_says_nothing_of_its_status(fake, client):
    fake.script.append("no-certificate")
    found = client.reserve(order())
    assert (found.word, found.by_read, found.answer.certificate) == (ReservationWord.RESERVED, False, None)


@pytest.mark.parametrize("what", [*BEFORE, LATE])
def test_a_reservation_that_may_still_come_is_unknown(fake, client, what):
    fake.script.append(what)
    with pytest.raises(OutcomeUnknown, match="IMG-8030") as caught:
        client.reserve(order())
    unknown = caught.value
    assert unknown.ask_at == unknown.sent.left + timedelta(minutes=15)
    assert unknown.lost_by in {"IMG-8002", "IMG-8003"}
    assert unknown.seen is not None
    fake.now += LONG
    fake.arrive()
    found = client.resolve_reservation(unknown.sent)
    assert found.word is ReservationWord.NOT_RESERVED
    assert not fake.held


def test_a_message_that_comes_late_is_found(fake, client):
    fake.script.append(LATE)
    with pytest.raises(OutcomeUnknown) as caught:
        client.reserve(order())
    fake.now += timedelta(minutes=4)
    fake.arrive()
    assert client.resolve_reservation(caught.value.sent).stands


def test_patience_waits_for_what_comes_late(fake):
    client = client_of(fake, resolving=20.0, pause=2.0)
    fake.script.append(LATE)
    asked = fake.take

    def take(request):
        if fake.now > NOW + timedelta(seconds=3):
            waiting, fake.waiting = fake.waiting, []
            for each in waiting:
                asked(each)
        return asked(request)

    fake.take = take
    assert client.reserve(order()).stands
    assert fake.now < NOW + timedelta(seconds=10)


def test_an_identical_earlier_hold_stands_and_is_not_said_to_be_this_messages(fake, client):
    fake.held[KEY] = hold()
    fake.script.append("reset-before")
    found = client.reserve(order())
    assert found.stands
    assert found.by_this_message is False


def test_a_replacement_that_was_refused_for_quantity_lost_the_old_hold(fake, client):
    fake.held[KEY] = hold("2")
    before = holding_of(client.read(CHED, OFFICE).summary, A)
    fake.script.append("reset-after")
    with pytest.raises(OutcomeUnknown) as caught:
        client.reserve(order("99999999"), before=before)
    fake.now += LONG
    found = client.resolve_reservation(caught.value.sent)
    assert found.word is ReservationWord.NOT_RESERVED
    assert not found.holding
    assert "nor what it may have held before" in found.why


@pytest.mark.parametrize("knows", [True, False])
def test_a_replacement_that_had_no_effect_leaves_the_old_hold(fake, client, knows):
    fake.held[KEY] = hold("2")
    before = holding_of(client.read(CHED, OFFICE).summary, A) if knows else None
    fake.script.append("reset-before")
    with pytest.raises(OutcomeUnknown) as caught:
        client.reserve(order(), before=before)
    fake.now += LONG
    found = client.resolve_reservation(caught.value.sent)
    assert found.word is ReservationWord.NOT_RESERVED
    assert found.holding.reserved[0].quantity == "2"


def test_what_somebody_else_moved_stays_unknown(fake, client):
    before = holding_of(client.read(CHED, OFFICE).summary, A)
    fake.script.append("reset-before")
    with pytest.raises(OutcomeUnknown) as caught:
        client.reserve(order(), before=before)
    fake.now += LONG
    fake.held[KEY] = hold("7", event=fake.now)
    with pytest.raises(OutcomeUnknown, match="IMG-8030") as still:
        client.resolve_reservation(caught.value.sent)
    assert "somebody else" in still.value.why
    assert still.value.ask_at <= fake.now  # reading again does not help


def test_what_was_cleared_meanwhile_is_not_reserved(fake, client):
    fake.script.append("reset-after")
    take = fake.take

    def cleared_at_once(request):
        answer = take(request)
        if KEY in fake.held:
            fake.consumed[KEY] = fake.held.pop(KEY)
            return take(request)
        return answer

    fake.take = cleared_at_once
    found = client.reserve(order())
    assert found.word is ReservationWord.CONSUMED
    assert not found.stands


@pytest.mark.parametrize(
    "other",
    [
        {"quantity": "0.0011"},
        {"quantity": "1", "unit": "GRM"},
        {"code": "040110"},
        {"office": "XI000003"},
    ],
)
def test_what_is_not_exactly_what_was_asked_is_no_success(fake, client, other):
    fake.script.append("reset-before")
    with pytest.raises(OutcomeUnknown) as caught:
        client.reserve(order())
    fake.held[KEY] = hold(event=fake.now + timedelta(seconds=5), **other)
    fake.now += LONG
    with pytest.raises(OutcomeUnknown):
        client.resolve_reservation(caught.value.sent)


def test_a_read_that_fails_leaves_it_unknown(fake, client):
    fake.script.extend(["reset-after"] * 4)
    with pytest.raises(OutcomeUnknown, match="IMG-8030") as caught:
        client.reserve(order())
    assert caught.value.seen is None
    assert len(fake.requests) == 4
    assert client.resolve_reservation(caught.value.sent).stands


def test_a_partner_that_is_not_there_got_nothing(fake, client):
    gone = CertexClient(port_at("http://127.0.0.1:1/tracesnt/ws"))
    with pytest.raises(DeliveryError, match="IMG-8001"):
        gone.reserve(order())
    with pytest.raises(DeliveryError, match="IMG-8001"):
        gone.clear(clear())


def test_a_message_is_noted_before_it_leaves(fake, client):
    noted = []
    client.reserve(order(), note=lambda sent: noted.append((sent, len(fake.requests))))
    ((sent, requests),) = noted
    assert requests == 0
    assert sent.header.message_id == fake.requests[0].findtext(".//{*}MessageId")


@pytest.mark.parametrize("information", list(GoodsClearance))
def test_a_clearance_is_answered(fake, client, information):
    fake.held[KEY] = hold()
    found = client.clear(clear(information))
    assert found.done
    assert found.outcome == "01"
    assert (KEY in fake.consumed) is (information is GoodsClearance.RELEASED)
    again = client.clear(clear(information))
    assert again.word is (ClearanceWord.ALREADY if information is GoodsClearance.RELEASED else ClearanceWord.NO_RECORD)
    assert not again.done


@pytest.mark.parametrize("what", AFTER)
def test_a_release_whose_reply_tells_nothing_is_found_by_a_read_and_sent_once(fake, client, what):
    fake.held[KEY] = hold()
    fake.script.append(what)
    found = client.clear(clear())
    assert found.done
    assert found.by_read
    assert found.by_this_message
    assert fake.count("ChedClearanceRequest") == 1


@pytest.mark.parametrize("information", list(GoodsClearance))
def test_a_clearance_that_may_still_come_is_unknown_and_then_not_done(fake, client, information):
    fake.held[KEY] = hold()
    fake.script.append("reset-before")
    with pytest.raises(OutcomeUnknown) as caught:
        client.clear(clear(information))
    fake.now += LONG
    found = client.resolve_clearance(caught.value.sent)
    assert found.word is ClearanceWord.NOT_DONE
    assert fake.held


@pytest.mark.parametrize("knows", [True, False])
def test_goods_that_were_given_back_are_found_when_nothing_can_come_any_more(fake, client, knows):
    fake.held[KEY] = hold()
    before = holding_of(client.read(CHED, OFFICE).summary, A) if knows else None
    fake.script.append("reset-after")
    with pytest.raises(OutcomeUnknown) as caught:
        client.clear(clear(GoodsClearance.NOT_RELEASED), before=before)
    fake.now += LONG
    assert client.resolve_clearance(caught.value.sent).done


def test_nothing_was_there_to_give_back(fake, client):
    before = holding_of(client.read(CHED, OFFICE).summary, A)
    fake.script.append("reset-after")
    with pytest.raises(OutcomeUnknown) as caught:
        client.clear(clear(GoodsClearance.NOT_RELEASED), before=before)
    fake.now += LONG
    assert client.resolve_clearance(caught.value.sent).word is ClearanceWord.NO_RECORD


def test_a_hold_that_is_gone_was_not_released(fake, client):
    fake.script.append("reset-after")
    with pytest.raises(OutcomeUnknown) as caught:
        client.clear(clear())
    fake.now += LONG
    found = client.resolve_clearance(caught.value.sent)
    assert found.word is ClearanceWord.NO_RECORD
    assert not found.done


def test_what_was_written_off_before_is_not_this_messages(fake, client):
    fake.consumed[KEY] = hold()
    fake.script.extend(["reset-after", "answered", "reset-after"])
    found = client.clear(clear())
    assert found.word is ClearanceWord.ALREADY
    assert found.by_this_message is False
    assert client.clear(clear(GoodsClearance.NOT_RELEASED)).word is ClearanceWord.ALREADY


@pytest.mark.parametrize("kind", [Intervention.FORCE, Intervention.AMEND])
@pytest.mark.parametrize("what", ["answered", "reset-after", "hollow"])
def test_an_intervention_is_answered_or_found(fake, client, kind, what):
    fake.consumed[KEY] = hold("1") if kind is Intervention.AMEND else []
    fake.script.append(what)
    found = client.clear(intervene(kind))
    if what == "hollow":  # 05 in its place: an active reservation, which is an answer
        assert found.word is ClearanceWord.NOT_DONE
    else:
        assert found.done
        assert found.by_read is (what == "reset-after")
    assert fake.consumed[KEY][0].quantity == "2"
    assert fake.count("ChedInterventionRequest") == 1


def test_a_deletion_is_found_when_nothing_can_come_any_more(fake, client):
    fake.consumed[KEY] = hold()
    fake.script.append("reset-after")
    with pytest.raises(OutcomeUnknown) as caught:
        client.clear(intervene(Intervention.DELETE))
    fake.now += LONG
    assert client.resolve_clearance(caught.value.sent).done


@pytest.mark.parametrize("knows", [True, False])
def test_a_correction_that_had_no_effect_is_not_done(fake, client, knows):
    fake.consumed[KEY] = hold("1")
    before = holding_of(client.read(CHED, OFFICE).summary, A) if knows else None
    fake.script.append("reset-before")
    with pytest.raises(OutcomeUnknown) as caught:
        client.clear(intervene(Intervention.AMEND), before=before)
    fake.now += LONG
    assert client.resolve_clearance(caught.value.sent).word is ClearanceWord.NOT_DONE
    fake.consumed[KEY] = hold("3", event=fake.now)
    with pytest.raises(OutcomeUnknown):
        client.resolve_clearance(caught.value.sent)


def test_a_refusal_by_a_fault_is_final_and_says_only_our_own_code(fake, client):
    fake.falsified = lambda *_: (500, envelope(fault("Client", "IMG-7404 Stale, dear <b>you</b>."), ""), None)
    for attempt in (lambda: client.reserve(order()), lambda: client.clear(clear()), lambda: client.read(CHED, OFFICE)):
        with pytest.raises(CertexRefused, match=r"IMG-8031 CERTEX refused the message: IMG-7404 ") as caught:
            attempt()
        assert "dear" not in f"{caught.value.message} {caught.value.found} {caught.value.where}"
    assert len(fake.requests) == 3


def test_a_gateway_in_between_that_passed_nothing_on_is_believed(fake, client):
    fake.reply = lambda _: (
        500,
        envelope(fault("Server", "IMG-9012 Nothing of the message stands at TRACES."), ""),
        None,
    )
    for attempt in (lambda: client.reserve(order()), lambda: client.clear(clear())):
        with pytest.raises(CertexBroken, match="IMG-8021 TRACES cannot do it now: IMG-9012 "):
            attempt()
    assert len(fake.requests) == 2


def test_an_account_that_is_not_known_moves_nothing(fake, client):
    told = "<S:Fault><faultcode>S:Client</faultcode><faultstring>UnauthenticatedException</faultstring></S:Fault>"
    fake.reply = lambda _: (500, envelope(told, ""), None)
    with pytest.raises(CertexForbidden, match="IMG-8020"):
        client.reserve(order())
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        order(unit=""),
        order(quantity="1e3"),
        order(quantity="a lot"),
        order(code=" "),
        order(reference=""),
        order(office=""),
        order(items=()),
        order(items=order().items * 2),
        order(items=tuple(replace(order().items[0], goods_item=number) for number in range(1, 1001))),
        order(items=(Item(goods_item=1, line=1, class_code="0401"),)),
        order(declaration=DeclarationReference("", A.number)),
        order(declaration=DeclarationReference("MRN", " ")),
        clear(number=""),
        intervene(Intervention.FORCE, quantity=""),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_order_that_leaves_something_open_is_not_sent(fake, client, wrong):
    send = client.reserve if isinstance(wrong, Reserve) else client.clear
    with pytest.raises(DeliveryError, match="IMG-8033"):
        send(wrong)
    assert not fake.requests
