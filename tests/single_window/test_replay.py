"""The captured sequence, step by step (DIGEST 7.5): each answer, and the position after each.

Two forms of the same facts: `STEPS` has them as rows of our own with invented numbers, and always runs; the published
list is read where IMSOC_CONTRACTS names its folder, and where a step's messages were published too, the request goes in
as it was captured and the reply is the captured one, but for ids, moments of the security header, prefixes and the
certificate, which the publisher removed.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from typing import NamedTuple

import pytest
from certex_harness import CLIENT, CX6, MRN, SECRET, Answer, Goods, line, wsse_security
from lxml import etree

MILK, NEW, ANIMALS = "CHEDP.XI.2026.0004711", "CHEDP.XI.2026.0004712", "CHEDA.XI.2026.0000815"
GONE, A, B, C, D, E = (f"26XI00000000{letter}00001" for letter in "ZABCDE")
NOBODYS = "CHEDP.XI.2026.8888888"

SEEDS = {
    MILK: ("P", "70", [line(1, "0401", "1000")]),
    NEW: ("P", "1", [line(1, "0401", "1100")]),
    ANIMALS: ("A", "70", [line(1, "0102", pieces="2"), line(2, "0103", pieces="1")]),
}
SIX_HUNDRED = (GONE, "1", "1", "600", "KGM")
RELEASED = (A, "1", "1", "0.002", "KGM")


class Step(NamedTuple):
    number: str
    operation: str
    """read, reserve, release, delete."""
    ched: str
    declaration: str
    goods: Goods | None
    said: str
    available: list[str]
    reserved: list[tuple]
    consumed: list[tuple]


def _step(*fields):
    """Without reserved and consumed quantities where none are given."""
    return Step(*fields, *([] for _ in range(len(Step._fields) - len(fields))))


def _held(declaration, quantity, unit="KGM"):
    return (declaration, "1", "1", quantity, unit)


def _h87(line_="1", code="0102", unit="H87"):
    return Goods("1", unit, code, line=line_, volume=unit == "H87")


FIRST, BOTH = [SIX_HUNDRED], [SIX_HUNDRED, RELEASED]
MILLI = Goods("0.001")

STEPS = [
    _step("01", "read", MILK, "", None, "read", ["400"], [], FIRST),
    _step("02", "reserve", MILK, A, MILLI, "reserved", ["399.999"], [_held(A, "0.001")], FIRST),
    _step("03", "read", MILK, "", None, "read", ["399.999"], [_held(A, "0.001")], FIRST),
    _step("04", "reserve", MILK, A, Goods("0.002"), "reserved", ["399.998"], [_held(A, "0.002")], FIRST),
    _step("05", "release", MILK, A, None, "outcome 01", ["399.998"], [], BOTH),
    _step("06", "read", MILK, "", None, "read", ["399.998"], [], BOTH),
    _step("07", "release", MILK, A, None, "outcome 03", ["399.998"], [], BOTH),
    _step("08", "reserve", MILK, B, MILLI, "reserved", ["399.997"], [_held(B, "0.001")], BOTH),
    _step("09", "delete", MILK, B, None, "outcome 01", ["399.998"], [], BOTH),
    _step("10", "read", MILK, "", None, "read", ["399.998"], [], BOTH),
    _step("11", "delete", MILK, B, None, "outcome 02", ["399.998"], [], BOTH),
    _step("12", "release", MILK, B, None, "outcome 02", ["399.998"], [], BOTH),
    _step("13", "reserve", MILK, B, Goods("99999999"), "05 1/1", ["399.998"], [], BOTH),
    _step("14", "reserve", MILK, B, Goods("0.001", code="99999999"), "03 1/1", ["399.998"], [], BOTH),
    _step("15", "reserve", MILK, B, Goods("0.001", line="999"), "07 1/-", ["399.998"], [], BOTH),
    _step("16", "read", NOBODYS, "", None, "unknown", []),
    _step("17", "reserve", NEW, B, MILLI, "04", ["1100"]),
    _step("18", "read", NEW, "", None, "read", ["1100"]),
    _step("19", "reserve", MILK, GONE, MILLI, "06", ["399.998"], [], BOTH),
    _step("20", "delete", MILK, GONE, None, "outcome 03", ["399.998"], [], BOTH),
    _step("21", "reserve", MILK, C, MILLI, "reserved", ["399.997"], [_held(C, "0.001")], BOTH),
    _step("22", "reserve", MILK, C, Goods("99999999"), "05 1/1", ["399.998"], [], BOTH),
    _step("23", "read", MILK, "", None, "read", ["399.998"], [], BOTH),
    _step("24", "reserve", MILK, D, Goods("1", "GRM"), "reserved", ["399.997"], [_held(D, "1", "GRM")], BOTH),
    _step("25", "read", MILK, "", None, "read", ["399.997"], [_held(D, "1", "GRM")], BOTH),
    _step("26", "reserve", MILK, D, Goods("0.000002", "TNE"), "reserved", ["399.996"], [_held(D, "0.000002", "TNE")],
          BOTH),
    _step("27", "delete", MILK, D, None, "outcome 01", ["399.998"], [], BOTH),
    _step("28", "read", ANIMALS, "", None, "read", ["2", "1"]),
    _step("29", "reserve", ANIMALS, E, _h87(), "reserved", ["1", "1"], [_held(E, "1", "H87")]),
    _step("30", "reserve", ANIMALS, E, _h87(unit="KGM"), "10 1/1", ["1", "1"], [_held(E, "1", "H87")]),
    _step("31", "read", ANIMALS, "", None, "read", ["1", "1"], [_held(E, "1", "H87")]),
    _step("32", "reserve", ANIMALS, E, _h87(code="99999999"), "03 1/1", ["1", "1"], [_held(E, "1", "H87")]),
    _step("33", "reserve", ANIMALS, E, _h87(line_="999"), "07 1/-", ["1", "1"], [_held(E, "1", "H87")]),
    _step("34", "delete", ANIMALS, E, None, "outcome 01", ["2", "1"]),
]  # fmt: skip

MOMENTS = {
    "01": "2026-09-29T14:10:42.090741Z", "02": "2026-09-29T14:12:02.966105Z", "03": "2026-09-29T14:12:25.503117Z",
    "04": "2026-09-29T14:12:40.118002Z", "05": "2026-09-29T14:12:53.330665Z", "13": "2026-09-29T14:20:44.871330Z",
    "16": "2026-09-29T14:21:27.640021Z",
}  # fmt: skip
"""SendingDate where one was captured (01, 02, 05), and moments near those at which the replies were written."""


def moment(number):
    """Of the step: those between two known ones follow each other by seconds."""
    if number in MOMENTS:
        return MOMENTS[number]
    count = int(number)
    minute, second, start = (14, 30, 5) if count < 13 else (20, 44, 13) if count < 16 else (22, 30, 16)
    return f"2026-09-29T14:{minute}:{(count - start) + second:02}.500250Z"


def seed(world, chedp=MILK, new=NEW, animals=ANIMALS, gone=GONE):
    """The three CHEDs, and the 600 KGM that a declaration consumed the day before: by the service itself."""
    world.at("2026-09-28T09:00:00Z")
    for known, reference in ((MILK, chedp), (NEW, new), (ANIMALS, animals)):
        kind, status, lines = SEEDS[known]
        world.ched(*lines, reference=reference, type_=kind, status=status)
    xi = world.caller()
    world.at("2026-09-28T14:27:55.001Z")
    assert xi.reserve(chedp, MRN(gone), Goods("600")).said == "reserved"
    world.at("2026-09-28T14:28:40.772Z")
    assert xi.release(chedp, gone).said == "outcome 01"
    return xi


def act(xi, operation, ched, declaration, goods):
    match operation:
        case "read":
            return xi.read(ched)
        case "reserve":
            return xi.reserve(ched, MRN(declaration), goods)
        case "release":
            return xi.release(ched, declaration)
    return xi.delete(ched, declaration)


def test_the_sequence_with_numbers_of_our_own(certex):
    xi = seed(certex)
    for step in STEPS:
        certex.at(moment(step.number))
        answer = act(xi, step.operation, step.ched, step.declaration, step.goods)
        expected = (step.available, step.reserved, step.consumed)
        assert answer.said == step.said, step.number
        if step.operation in ("read", "reserve"):
            assert answer.ledger == expected, step.number
        for _ in range(2):
            assert xi.read(step.ched).ledger == expected, step.number


def test_codes_offices_and_times_of_the_sequence(certex):
    """What `Answer.ledger` leaves out, at the end of the steps with milk: everything in order and in full."""
    xi = seed(certex)
    for step in STEPS[:24]:
        certex.at(moment(step.number))
        answer = act(xi, step.operation, step.ched, step.declaration, step.goods)
    assert [(a.code, a.unit, a.quantity, a.line) for a in answer.available] == [("0401", "KGM", "399.997", "1")]
    assert [tuple(a) for a in answer.reserved] == [
        ("1", "040100", "GRM", "1", "1", f"{moment('24')[:-4]}Z", "XI000002", "MRN", D),
    ]
    assert [tuple(a) for a in answer.consumed] == [
        ("1", "040100", "KGM", "600", "1", "2026-09-28T16:28:40.000+02:00", "XI000002", "MRN", GONE),
        ("1", "040100", "KGM", "0.002", "1", "2026-09-29T16:12:53.000+02:00", "XI000002", "MRN", A),
    ]


# The published list


def published(captured):
    rows = list(csv.DictReader(io.StringIO(captured("steps.csv").decode("utf-8"))))
    steps = [row for row in rows if row["step"] != "seed"]
    assert [row["step"] for row in steps] == [f"{number:02}" for number in range(1, 35)]
    return rows[:3], steps


def expected_answer(text):
    """``ReservationResult 0, reason 05, item 1 line 1`` as `Answer.said` puts it."""
    for start, said in (
        ("ledger", "read"),
        ("served", "read"),
        ("unknown", "unknown"),
        ("ReservationResult 1", "reserved"),
    ):
        if text.startswith(start):
            return said
    if outcome := re.match(r"outcome (\d\d)", text):
        return f"outcome {outcome[1]}"
    reason = re.match(r"ReservationResult 0, reason (\d\d)", text)[1]
    return reason + {"04": "", "06": "", "07": " 1/-"}.get(reason, " 1/1")


def check_position(text, answer, names, before):
    """Whatever the list says of the position holds in the ledger of ``answer``."""
    if text == "unchanged":
        assert answer.ledger == before.ledger
        return
    known = 0
    if found := re.search(r"available ((?:[\d.]+(?: KGM| H87)?(?: and )?)+)", text):
        assert answer.ledger[0] == re.findall(r"(?<![\w.])[\d.]+", found[1])
        known += 1
    for letter, quantity, unit in re.findall(r"\b([A-E]) (?:holds )?(nothing|[\d.]+)(?: (GRM|TNE|H87))?", text):
        held = answer.held_by(names[letter])
        assert list(held.values()) == ([] if quantity == "nothing" else [(quantity, unit or "KGM")])
        known += 1
    for letter, quantity in re.findall(r"\b([A-E]) consumed ([\d.]+)", text):
        assert list(answer.consumed_by(names[letter]).values()) == [(quantity, "KGM")]
        known += 1
    assert known or not text, text


def goods_of(row):
    volume = row["unit"] == "H87"
    return Goods(row["quantity"], row["unit"], row["class_code"], line=row["line"], volume=volume)


def requests_of(captured, number):
    """The captured request of a step, or None."""
    name = {"01": "01-read", "02": "02-reserveA", "05": "05-releaseA"}.get(number)
    return captured(f"{name}.request.xml") if name else None


REPLIES = {"02": "02-reserveA", "03": "03-read", "05": "05-releaseA", "13": "13-over", "16": "16-unknown-ched"}
MESSAGE_ID = f".//{{{CX6}}}CertexHeader/{{*}}MessageId"


def with_security(envelope, now):
    """A captured request as it was sent: the removed wsse:Security and client id are put in again."""
    root = etree.fromstring(envelope)
    header = root.find("{*}Header")
    header.remove(header.find("Security"))
    header.append(etree.fromstring(wsse_security("customs-xi", SECRET, now)))
    header.find("{*}WebServiceClientId").text = CLIENT
    return etree.tostring(root)


def send_step(world, xi, row, captured):
    """Step ``row``: as captured where the request was published, with the captured message id where the reply was."""
    world.at(moment(row["step"]))
    operation = {"clear 01 (release)": "release", "clear 02 (delete)": "delete"}.get(row["operation"], row["operation"])
    request = {"read": "ProcessedChedRequest", "reserve": "ProcessedChedRequest"}.get(operation, "ChedClearanceRequest")
    envelope = requests_of(captured, row["step"])
    if envelope is not None:
        sent = etree.fromstring(envelope).findtext(".//{*}SendingDate")
        assert sent == MOMENTS[row["step"]]
        return xi.post(with_security(envelope, world.now), request)
    options = {}
    if row["step"] in REPLIES:
        reply = etree.fromstring(captured(f"{REPLIES[row['step']]}.response.xml"))
        options["message_id"] = reply.find(MESSAGE_ID).text
    if operation == "read":
        return xi.read(row["ched"], **options)
    if operation == "reserve":
        return xi.reserve(row["ched"], MRN(row["declaration"]), goods_of(row), **options)
    return getattr(xi, operation)(row["ched"], row["declaration"], **options)


def test_the_published_sequence(certex, captured):
    seeds, rows = published(captured)
    xi = seed(certex, *(row["ched"] for row in seeds), gone=seeds[0]["declaration"])
    names = {number[15]: number for number in {row["declaration"] for row in rows} if "CAPTURE" in number}
    assert sorted(names) == ["A", "B", "C", "D", "E"]
    compared = []
    for row in rows:
        before = xi.read(row["ched"])
        answer = send_step(certex, xi, row, captured)
        after = xi.read(row["ched"])
        assert (answer.status, answer.said) == (200, expected_answer(row["answer"])), row
        assert (answer.certificate is not None) == answer.has_ledger, row
        if answer.has_ledger:
            assert answer.certificate.find(SPS) is not None, row
            assert answer.ledger == after.ledger, row
        check_position(row["position_after"], after, names, before)
        if row["step"] in REPLIES:
            name = f"{REPLIES[row['step']]}.response.xml"
            assert outline(answer) == outline(Answer(200, captured(name))), row
            compared.append(row["step"])
    assert compared == sorted(REPLIES)


CERTIFICATE = f"{{{CX6}}}ChedCertificate"
REMOVED = "ChedCertificate removed"
"""How the comment begins that the publisher left in the place of the certificate."""
SPS = "{urn:un:unece:uncefact:data:standard:SPSCertificate:17}SPSCertificate"


def outline(answer):
    """HTTP status and envelope, as nested (name, attributes, text, children).

    Of what differs from call to call there is the form. A certificate is there by its name and place alone.
    """
    root = etree.fromstring(answer.raw)
    for removed in root.xpath("//comment()"):
        if removed.text.strip().startswith(REMOVED):
            removed.getparent().replace(removed, etree.Element(CERTIFICATE))
        else:
            removed.getparent().remove(removed)
    for certificate in root.iter(CERTIFICATE):
        assert [child.tag for child in certificate] in ([], [SPS])
        del certificate[:]
    for number in root.iterfind(".//{*}Message/{*}Message"):
        number.text = re.sub("[0-9a-f]", "0", number.text)
    for stamp in root.iterfind(".//{*}Timestamp"):
        created, expires = (datetime.fromisoformat(each.text) for each in stamp)
        for each in stamp:
            each.text = re.sub(r"[+-]\d\d:\d\d$", "+00:00", re.sub(r"\d", "0", each.text))
        stamp.set("seconds", str((expires - created).total_seconds()))
    return answer.status, _outline(root)


def _outline(element):
    children = [_outline(child) for child in element]
    text = (element.text or "").strip() if children else element.text or ""
    return (element.tag, sorted(element.attrib.items()), text, children)


REPLY = (
    f'<S:Envelope xmlns:S="s"><S:Body><r:R xmlns:r="{CX6}">%s<r:QuantityManagementSummary/>%s<r:OperationCode>0'
    "</r:OperationCode></r:R></S:Body></S:Envelope>"
)
FILLED = f'<r:ChedCertificate><c:SPSCertificate xmlns:c="{SPS[1:-15]}"/></r:ChedCertificate>'


@pytest.mark.short
def test_a_reply_without_its_certificate_or_with_it_elsewhere_is_another_one():
    published = outline(Answer(200, (REPLY % ("<!-- ChedCertificate removed: real data -->", "")).encode()))
    assert outline(Answer(200, (REPLY % (FILLED, "")).encode())) == published
    for other in (REPLY % ("", ""), REPLY % ("", FILLED), REPLY % (FILLED, FILLED)):
        assert outline(Answer(200, other.encode())) != published
    assert outline(Answer(500, (REPLY % (FILLED, "")).encode())) != published


@pytest.mark.short
def test_every_published_answer_and_position_is_understood():
    """The reading of the published list is checked on words of its kind, so that a step cannot pass unread."""
    said = {
        "ledger with every declaration's allocations": "read",
        "served normally": "read",
        "unknown: no certificate": "unknown",
        "outcome 03": "outcome 03",
        "ReservationResult 1 (replaces, does not add)": "reserved",
        "ReservationResult 0, reason 05, item 1 line 1": "05 1/1",
        "ReservationResult 0, reason 07, item 1, no line number": "07 1/-",
        "ReservationResult 0, reason 10, item 1 line 1; hold stays": "10 1/1",
        "ReservationResult 0, reason 04, no item": "04",
    }
    assert {text: expected_answer(text) for text in said} == said
