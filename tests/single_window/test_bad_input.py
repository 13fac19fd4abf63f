"""docs/customs-answers.md says what is answered when something is wrong; here each of its rows is sent and compared."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from certex_harness import CX6, CXB3, LRN, MRN, NAMES, SECRET, Goods
from ched_harness import decision
from lxml import etree

from gateway.store import ched_by_reference, freeze_ledger

PAGE = Path(__file__).parents[2] / "docs" / "customs-answers.md"
SOURCES = {"observed", "stated", "ours"}
UNKNOWN = "CHEDP.XI.2026.9999999"


def rows():
    text = PAGE.read_text("utf-8")
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line] for line in lines]
    return [row for row in cells if row[0] != "Message"]


ROWS = rows()


class Case:
    """A CHED of which OWN holds 5 KGM and GONE has consumed 600, and who asks."""

    OWN, GONE = MRN("26XIOWN0000000001"), MRN("26XIGONE000000001")

    def __init__(self, world):
        self.world = world
        self.xi = world.caller()
        self.neighbour = world.caller(office="XI000014")
        """Another office of the same customs system."""
        self.tonnes = world.caller("customs-xi-tonnes")
        self.other = world.caller("customs-xi-other")
        self.mrns = world.caller("customs-xi-mrns")
        self.held_by(self.xi)

    def hold(self, caller):
        assert caller.reserve(self.ched, self.OWN, Goods("5"), message_id=f"hold-{self.ched[-7:]}").said == "reserved"

    def held_by(self, caller):
        """The hold is this system's."""
        self.ched = self.world.ched()
        self.world.later(seconds=2)
        assert self.xi.reserve(self.ched, self.GONE, Goods("600")).said == "reserved"
        assert self.xi.release(self.ched, self.GONE).said == "outcome 01"
        self.hold(caller)
        self.world.later(seconds=2)

    def given_back(self):
        assert self.xi.delete(self.ched, self.OWN).said == "outcome 01"
        self.world.later(seconds=1)

    def reserve(self, *goods, by=None, to=None, **options):
        return (by or self.xi).reserve(to or self.ched, self.OWN, *goods, **options)

    def ago(self, **past):
        return f"{self.world.now - timedelta(**past):%Y-%m-%dT%H:%M:%S}Z"

    def with_lrn(self, number=OWN):
        assert self.xi.reserve(self.ched, LRN(number), Goods("1")).said == "reserved"

    def with_lrn_alone(self):
        """The LRN holds, and the MRN of the same characters nothing."""
        assert self.xi.delete(self.ched, self.OWN).said == "outcome 01"
        self.with_lrn()

    def with_lrn_of_the_other(self):
        assert self.other.reserve(self.ched, LRN(self.OWN), Goods("1")).said == "reserved"

    def ahead(self):
        """The system's clock was four minutes ahead when it reserved."""
        assert self.reserve(Goods("5"), at=self.ago(minutes=-4)).said == "reserved"

    def invalid(self):
        self.world.set_status(self.ched, "64")

    def decided(self, conclusion):
        """Another CHED that is validated, its goods accepted for this."""
        return self.world.ched(decision=decision(f"ACCEPTABLE_FOR_{conclusion}"))

    def refused(self):
        self.world.set_status(self.ched, "41")

    def replaced(self):
        self.world.set_status(self.ched, "44")

    def frozen(self):
        def freeze(connection):
            row = ched_by_reference(connection, self.ched)
            return freeze_ledger(connection, row.id, "counted", at=self.world.now, actor="a test")

        assert self.world.store.write(freeze)

    @staticmethod
    def said(answer, expected):
        assert answer.said == expected

    def elsewhere(self):
        return self.world.ched(country="FR")

    def intervene(self, kind, document, *goods, **options):
        return self.xi.intervene(self.ched, document, kind, *goods, **options)


ONE = Goods("1")
TWO = Goods("1", item="2")


def twice(volume):
    """A weight of 1 KGM, and a volume in the same unit beside it."""
    fields = (("NetVolumeQuantity", volume), ("NetVolumeUnitOfMeasure", "KGM"))
    return Goods("1", more="".join(f'<{name} xmlns="{CXB3}">{value}</{name}>' for name, value in fields))


def held_by(name):
    """Prepares: the hold is that system's."""
    return lambda case: case.held_by(getattr(case, name))


def without_certex_header(case):
    envelope = case.xi.send("ProcessedChedRequest", case.xi.question(case.ched), raw=True)
    less = re.sub(rb"<h:CertexHeader.*</h:CertexHeader>", b"", envelope)
    assert less != envelope
    return case.xi.post(less, "ProcessedChedRequest")


# What each row sends: the message of a case, or a pair of what is done before and the message

MESSAGES = {
    "More than is available": lambda c: c.reserve(Goods("400.001")),
    "More than is available, in sum over two goods items": lambda c: c.reserve(
        Goods("300"), Goods("100.001", item="2")
    ),
    "No unit, and the partner's record refuses that": lambda c: c.reserve(Goods("0.2", "")),
    "No unit, and the partner's record says tonnes": (
        held_by("tonnes"),
        lambda c: c.reserve(Goods("0.2", ""), by=c.tonnes),
    ),
    "No unit for a volume, and the partner's record says tonnes": (
        held_by("tonnes"),
        lambda c: c.reserve(Goods("0.2", "", volume=True), by=c.tonnes),
    ),
    "Unit of another dimension (pieces of a weight)": lambda c: c.reserve(Goods("1", "H87", volume=True)),
    "Unknown unit": lambda c: c.reserve(Goods("1", "QQQ")),
    "A unit of another form than two to four capital letters or digits (`kg`)": lambda c: c.reserve(Goods("1", "kg")),
    "No quantity at all": lambda c: c.reserve(Goods("", "")),
    "Zero": lambda c: c.reserve(Goods("0.000")),
    "Negative": lambda c: c.reserve(Goods("-1")),
    "12 digits": lambda c: c.reserve(Goods("9" * 12)),
    "40 digits": lambda c: c.reserve(Goods("1234567890" * 4)),
    "40 digits after the point": lambda c: c.reserve(Goods("0." + "0" * 39 + "1")),
    "Finer than a millionth of a gram": lambda c: c.reserve(Goods("0.0000001", "GRM")),
    "An exponent": lambda c: c.reserve(Goods("1E-3")),
    "No number": lambda c: c.reserve(Goods("many")),
    "A weight and a volume of the line's kind that differ": lambda c: c.reserve(twice("900")),
    "A weight and a volume of the line's kind that are the same": lambda c: c.reserve(twice("1.000")),
    "A line that does not exist": lambda c: c.reserve(Goods(line="999")),
    "Line 0": lambda c: c.reserve(Goods(line="0")),
    "A code of other goods": lambda c: c.reserve(Goods(code="99999999")),
    "A code shorter than the line's": lambda c: c.reserve(Goods(code="04")),
    "A longer code that begins with the line's": lambda c: c.reserve(Goods(code="040100")),
    "A code of more than six digits, which is shown cut": lambda c: c.reserve(Goods(code="0401209910")),
    "The second of two goods items is wrong": lambda c: c.reserve(ONE, Goods(code="99999999", item="2")),
    "The same goods item and line twice": lambda c: c.reserve(ONE, TWO, ONE),
    "More goods items than a declaration has": lambda c: c.reserve(*(Goods(item=str(i)) for i in range(1, 1001))),
    "ForceWriteOff of more goods items than a declaration has": lambda c: c.intervene(
        "ForceWriteOff", "26XINEW", *(Goods(item=str(i)) for i in range(1, 1001))
    ),
    "Reservation without a declaration": lambda c: c.xi.reserve(c.ched, None, ONE),
    "Reservation without goods": lambda c: c.reserve(),
    "Read without CustomsDeclarationReferenceNumber": lambda c: c.xi.read(c.ched, declaration_element=None),
    "Reservation for a declaration that has consumed": lambda c: c.xi.reserve(c.ched, c.GONE, ONE),
    "Reservation for an LRN with the characters of the MRN": lambda c: c.xi.reserve(c.ched, LRN(c.OWN), ONE),
    "Release of characters that an LRN has too": (Case.with_lrn, lambda c: c.xi.release(c.ched, c.OWN)),
    "Deletion of characters that an LRN has too": (Case.with_lrn, lambda c: c.xi.delete(c.ched, c.OWN)),
    "Release of characters that an LRN has in lower case": (
        lambda c: c.with_lrn(c.OWN.lower()),
        lambda c: c.xi.release(c.ched, c.OWN),
    ),
    "Release of characters that an LRN of another customs system has": (
        Case.with_lrn_of_the_other,
        lambda c: c.xi.release(c.ched, c.OWN),
    ),
    "Deletion of what an LRN holds": (Case.with_lrn_alone, lambda c: c.xi.delete(c.ched, c.OWN)),
    "DeleteWriteOff of what an LRN holds": (Case.with_lrn_alone, lambda c: c.intervene("DeleteWriteOff", c.OWN)),
    "Reservation for an LRN without goods": (Case.with_lrn_alone, lambda c: c.xi.reserve(c.ched, LRN(c.OWN))),
    "Reservation for an LRN of zero": (Case.with_lrn_alone, lambda c: c.xi.reserve(c.ched, LRN(c.OWN), Goods("0"))),
    "Reservation for an LRN of more than is available": (
        Case.with_lrn_alone,
        lambda c: c.xi.reserve(c.ched, LRN(c.OWN), Goods("400.001")),
    ),
    "Reservation for a declaration of another office of the system": lambda c: c.reserve(ONE, by=c.neighbour),
    "Release of a declaration of another office of the system": lambda c: c.neighbour.release(c.ched, c.OWN),
    "Deletion of a declaration of another office of the system": lambda c: c.neighbour.delete(c.ched, c.OWN),
    "Reservation for an MRN in lower case": lambda c: c.xi.reserve(c.ched, MRN(c.OWN.lower()), ONE),
    "Reservation for an MRN with a character that is not seen": lambda c: c.xi.reserve(
        c.ched, MRN(f"{c.OWN}\u200b"), ONE
    ),
    "Reservation for an MRN with digits of another script": lambda c: c.xi.reserve(c.ched, MRN(f"{c.OWN}\u0661"), ONE),
    "Reservation for an LRN with a character that is not seen": lambda c: c.xi.reserve(c.ched, LRN("L1\u202e"), ONE),
    "Release of an MRN in lower case": lambda c: c.xi.release(c.ched, c.OWN.lower()),
    "DeleteWriteOff of an MRN in lower case": lambda c: c.intervene("DeleteWriteOff", c.GONE.lower()),
    "Reservation for an MRN of another country than the record's": lambda c: c.reserve(ONE, by=c.mrns),
    "Release of an MRN of another country than the record's": lambda c: c.mrns.release(c.ched, c.OWN),
    "An office that is not the partner's": lambda c: c.reserve(ONE, office="XI000077"),
    "An office that begins as one of the partner's and is none": lambda c: c.reserve(
        ONE, by=c.tonnes, office="XI0001\u200b1"
    ),
    "An office in the header that is not the partner's": lambda c: c.reserve(ONE, header_office="XI000077"),
    "Clearance by an office that is not the partner's": lambda c: c.xi.release(c.ched, c.OWN, office="XI000077"),
    "Reservation for a declaration of another customs system": (held_by("other"), lambda c: c.reserve(ONE)),
    "Release of a declaration of another customs system": (held_by("other"), lambda c: c.xi.release(c.ched, c.OWN)),
    "Deletion of a declaration of another customs system": (held_by("other"), lambda c: c.xi.delete(c.ched, c.OWN)),
    "Reservation for a declaration that another customs system gave back": (
        Case.given_back,
        lambda c: c.reserve(ONE, by=c.other),
    ),
    "Release of a declaration that another customs system gave back": (
        Case.given_back,
        lambda c: c.other.release(c.ched, c.OWN),
    ),
    "A partner whose record has no customs table": lambda c: c.reserve(ONE, by=c.world.caller("no-offices")),
    "Read of an unknown CHED": lambda c: c.xi.read(UNKNOWN),
    "Reservation on an unknown CHED": lambda c: c.reserve(ONE, to=UNKNOWN),
    "Clearance on an unknown CHED": lambda c: c.xi.release(UNKNOWN, c.OWN),
    "Reservation on a CHED that is not validated": lambda c: c.reserve(ONE, to=c.world.ched(status="1")),
    "Reservation on a CHED accepted for transit that has left": lambda c: c.reserve(ONE, to=c.decided("TRANSIT")),
    "Reservation on a CHED accepted for transhipment that has left": lambda c: c.reserve(
        ONE, to=c.decided("TRANSHIPMENT")
    ),
    "Reservation on a CHED accepted for transfer that has arrived": lambda c: c.reserve(ONE, to=c.decided("TRANSFER")),
    "Reservation on a CHED for goods that do not conform": lambda c: c.reserve(
        ONE, to=c.decided("NON_FREE_CIRCULATION")
    ),
    "Reservation on a CHED with an unknown conclusion": lambda c: c.reserve(ONE, to=c.decided("WHATEVER_COMES")),
    "Replacement on a CHED that is not validated any more": (Case.invalid, lambda c: c.reserve(ONE)),
    "Release on a CHED that is not validated any more": (Case.invalid, lambda c: c.xi.release(c.ched, c.OWN)),
    "Deletion on a CHED that is not validated any more": (Case.invalid, lambda c: c.xi.delete(c.ched, c.OWN)),
    "Read of a CHED of other countries": lambda c: c.xi.read(c.elsewhere()),
    "Reservation on a CHED of other countries": lambda c: c.reserve(ONE, to=c.elsewhere()),
    "Clearance on a CHED of other countries": lambda c: c.xi.release(c.elsewhere(), c.OWN),
    "A document code of another type of CHED": lambda c: c.reserve(ONE, taric="C640"),
    "A document code that is no CHED's": lambda c: c.reserve(ONE, taric="N851"),
    "Release of nothing": lambda c: c.xi.release(c.ched, "26XINOTHING000001"),
    "Deletion of nothing": lambda c: c.xi.delete(c.ched, "26XINOTHING000001"),
    "Release of what is consumed": lambda c: c.xi.release(c.ched, c.GONE),
    "Deletion of what is consumed": lambda c: c.xi.delete(c.ched, c.GONE),
    "Unknown GoodsClearanceInformation": lambda c: c.xi.clear(c.ched, c.OWN, "03"),
    "SendingDate too old": lambda c: c.reserve(ONE, at=c.ago(minutes=11)),
    "SendingDate up to five minutes ahead": lambda c: c.reserve(ONE, at=c.ago(minutes=-4)),
    "Clearance in time after a reservation that was ahead": (Case.ahead, lambda c: c.xi.release(c.ched, c.OWN)),
    "Clearance as far ahead as the reservation was": (
        Case.ahead,
        lambda c: c.xi.release(c.ched, c.OWN, at=c.ago(minutes=-4)),
    ),
    "SendingDate in the future": lambda c: c.reserve(ONE, at=c.ago(minutes=-11)),
    "SendingDate before the last movement of the declaration": lambda c: c.reserve(ONE, at=c.ago(seconds=10)),
    "Clearance older than the reservation": lambda c: c.xi.release(c.ched, c.OWN, at=c.ago(seconds=10)),
    "Reservation overtaken by a deletion that found nothing": (
        lambda c: c.said(c.xi.delete(c.ched, "26XILATE"), "outcome 02"),
        lambda c: c.xi.reserve(c.ched, MRN("26XILATE"), ONE, at=c.ago(seconds=1)),
    ),
    "Reservation overtaken by one that was refused": (
        lambda c: c.said(c.xi.reserve(c.ched, MRN("26XILATE"), Goods("5000")), "05 1/1"),
        lambda c: c.xi.reserve(c.ched, MRN("26XILATE"), ONE, at=c.ago(seconds=1)),
    ),
    "Reservation overtaken by a release that found nothing": (
        lambda c: c.said(c.xi.release(c.ched, "26XILATE"), "outcome 02"),
        lambda c: c.xi.reserve(c.ched, MRN("26XILATE"), ONE, at=c.ago(seconds=1)),
    ),
    "Reservation for an LRN, older than the last message for the MRN of these characters": (
        lambda c: c.said(c.reserve(Goods("5")), "reserved"),
        lambda c: c.xi.reserve(c.ched, LRN(c.OWN), ONE, at=c.ago(seconds=1)),
    ),
    "SendingDate without an offset, which is read as UTC": lambda c: c.reserve(ONE, at=c.ago(seconds=0).rstrip("Z")),
    "Reservation with a MessageId that was used": lambda c: c.reserve(ONE, message_id=f"hold-{c.ched[-7:]}"),
    "Clearance with a MessageId that was used": lambda c: c.xi.release(c.ched, c.OWN, message_id=f"hold-{c.ched[-7:]}"),
    "Unknown QuantityManagementIndication": lambda c: c.reserve(ONE, indication="2"),
    "TransformationIndiction IM": lambda c: c.reserve(ONE, transformation="IM"),
    "Unknown TransformationIndiction": lambda c: c.reserve(ONE, transformation="1"),
    "ChedCRFLRequest": lambda c: c.xi.send("ChedCRFLRequest", ""),
    "No CertexHeader": without_certex_header,
    "Wrong password": lambda c: c.reserve(ONE, by=c.world.caller(secret=f"not {SECRET}")),
    "Unknown InterventionType": lambda c: c.intervene("UndoWriteOff", c.OWN, ONE),
    "ForceWriteOff while a reservation stands": lambda c: c.intervene("ForceWriteOff", c.OWN, ONE),
    "ForceWriteOff of what is consumed": lambda c: c.intervene("ForceWriteOff", c.GONE, ONE),
    "ForceWriteOff of more than is available": lambda c: c.intervene("ForceWriteOff", "26XINEW", Goods("395.001")),
    "ForceWriteOff without goods": lambda c: c.intervene("ForceWriteOff", "26XINEW"),
    "ForceWriteOff with a unit that does not convert": lambda c: c.intervene(
        "ForceWriteOff", "26XINEW", Goods("1", "H87")
    ),
    "ForceWriteOff on a CHED that was refused since": (
        Case.refused,
        lambda c: c.intervene("ForceWriteOff", "26XINEW", ONE),
    ),
    "ForceWriteOff on a CHED accepted for transit": lambda c: c.xi.intervene(
        c.decided("TRANSIT"), "26XINEW", "ForceWriteOff", ONE
    ),
    "ForceWriteOff on a CHED that was replaced, before its successor is released": (
        Case.replaced,
        lambda c: c.intervene("ForceWriteOff", "26XINEW", ONE),
    ),
    "ForceWriteOff on a ledger that is frozen": (Case.frozen, lambda c: c.intervene("ForceWriteOff", "26XINEW", ONE)),
    "AmendWriteOff upwards on a CHED that was refused since": (
        Case.refused,
        lambda c: c.intervene("AmendWriteOff", c.GONE, Goods("601")),
    ),
    "AmendWriteOff upwards on a ledger that is frozen": (
        Case.frozen,
        lambda c: c.intervene("AmendWriteOff", c.GONE, Goods("601")),
    ),
    "AmendWriteOff of nothing": lambda c: c.intervene("AmendWriteOff", "26XINEW", ONE),
    "AmendWriteOff to more than there is": lambda c: c.intervene("AmendWriteOff", c.GONE, Goods("995.001")),
    "DeleteWriteOff of nothing": lambda c: c.intervene("DeleteWriteOff", "26XINEW"),
    "DeleteWriteOff while a reservation stands": lambda c: c.intervene("DeleteWriteOff", c.OWN),
}


def answer_in_words(answer):
    """As the page puts it."""
    if answer.is_fault:
        return fault_in_words(answer)
    if answer.outcome:
        return f"outcome {answer.outcome}"
    if answer.result is None:
        assert not answer.has_ledger
        assert answer.certificate is None
        return "empty success"
    assert answer.has_ledger
    assert answer.certificate is not None
    if answer.result == "1":
        return "`ReservationResult` 1"
    item, line = answer.failed or (None, None)
    return f"reason {answer.reason}" + (f", item {item}" if item else "") + (f", line {line}" if line else "")


def fault_in_words(answer):
    """Each of the three kinds is whole: its fault code, its detail or none, and our code where the page says."""
    assert answer.status == 500
    code, text, detail = answer.text("faultcode"), answer.text("faultstring"), answer.body.find("detail")
    if detail is not None:
        (element,) = detail
        told = element.findtext("b:errorMessage", namespaces=NAMES)
        assert (code, etree.QName(element).namespace) == ("S:Client", CX6)
        assert told.startswith(f"{answer.error_header} ")
        return f"`{etree.QName(element).localname}` {answer.error_header}"
    if text == "UnauthenticatedException":
        assert code == "env:Client"
        return f"unauthenticated fault {answer.error_header}"
    assert code == "S:Client"
    assert text.startswith("com.sun.istack.SAXParseException2; ")
    assert text.endswith(f" [{answer.error_header}]")
    return f"schema fault {answer.error_header}"


def ledger_in_words(before, after):
    """As the page puts it."""
    if after.ledger == before.ledger:
        return "unchanged"
    was, now = before.held_by(Case.OWN), after.held_by(Case.OWN)
    mrn = {key: value for key, value in was.items() if key[0] == "MRN"}
    others = [[each for each in answer.reserved if each.number != Case.OWN] for answer in (before, after)]
    assert others[0] == others[1]
    if after.consumed_by(Case.OWN):
        assert after.consumed_by(Case.OWN) == mrn
        assert now == {key: value for key, value in was.items() if key not in mrn}
        return "what it held is consumed"
    assert after.consumed == before.consumed
    if not now:
        return "its old hold is gone"
    ((kind, quantity),) = {key[0]: value for key, value in now.items() if was.get(key) != value}.items()
    if kind == "LRN":
        assert now["MRN", "1", "1"] == was["MRN", "1", "1"]
        return f"the LRN holds {' '.join(quantity)} beside it"
    return f"holds {' '.join(quantity)}"


@pytest.fixture
def case(standing):
    return Case(standing)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_page_says_what_is_answered(case, row):
    message, answer, ledger, _ = row
    send = MESSAGES[message]
    if isinstance(send, tuple):
        prepare, send = send
        prepare(case)
    before = case.xi.read(case.ched)
    sent = send(case)
    assert (answer_in_words(sent), ledger_in_words(before, case.xi.read(case.ched))) == (answer, ledger)


EXAMPLES = {
    "A reason": lambda c, **fixed: c.reserve(Goods("400.001"), **fixed),
    "An outcome": lambda c, **fixed: c.xi.delete(c.ched, "26XINOTHING000001", **fixed),
    "An element": lambda c, **fixed: c.reserve(ONE, transformation="IM", **fixed),
    "A schema fault": lambda c, **fixed: c.xi.clear(c.ched, c.OWN, "03", **fixed),
    "An unauthenticated fault": lambda c, **fixed: c.reserve(ONE, by=c.world.caller(secret="wrong"), **fixed),
}
"""By the words with which the page begins to tell of a kind of answer."""
MOMENT = "2026-09-29T18:00:00.000Z"
"""The SendingDate of the page, which is that of the message."""


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_page_shows_what_is_sent(case, kind):
    """The content of the SOAP body; in a reply without the certificate and the ledger, which are left out there too."""
    told = PAGE.read_text("utf-8").partition(f"- **{kind}**")[2]
    shown = told.partition("```xml\n")[2].partition("```")[0].replace(MOMENT, f"{case.world.now:%FT%T}.000Z")
    number = re.search(r"MessageId>(\w+)<", shown)
    sent = EXAMPLES[kind](case, message_id=number[1] if number else f"example-{case.ched[-7:]}")
    for left_out in ("ChedCertificate", "QuantityManagementSummary"):
        for element in sent.body.findall(f"c:{left_out}", NAMES):
            sent.body.remove(element)
    parser = etree.XMLParser(remove_comments=True)
    assert outline(etree.fromstring(shown, parser)) == outline(sent.body)


def outline(element):
    """An element with what is in it, whatever its prefixes and the spaces of its lines."""
    text = " ".join((element.text or "").split())
    return element.tag, dict(element.attrib), text, [outline(each) for each in element]


@pytest.mark.short
def test_every_row_is_sent_once_and_names_its_source():
    assert [row[0] for row in ROWS] == list(MESSAGES)
    assert {row[3] for row in ROWS} == SOURCES
    assert {len(row) for row in ROWS} == {4}
