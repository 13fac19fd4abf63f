"""CHEDs with a code that no row knows: told as TRACES tells business rules, and performed by itself with the row."""

import time
from datetime import UTC, datetime

import pytest
from lxml import etree
from traces_server import new_pp

from gateway.traces.contracts import SUBMISSION
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from mappings import load_tables, translate

SUBMIT = "createAndSubmitForDecision"
ERR = "{*}Error"


def own(ched, code):
    """As a system with codes of its own writes it, with a purpose that nobody has heard of."""
    from ched_harness import element  # noqa: PLC0415 - found by traces_server

    index = load_tables().compile(on=datetime.now(UTC).date())
    root = translate(element(ched), source="traces", target="national-b", index=index).root
    text = serialise(root)
    assert b">IM<" in text
    return parse(text.replace(b">IM<", f">{code}<".encode())).root


def errors(detail):
    return [(each.findtext("{*}ID"), each.findtext("{*}Message")) for each in detail.iterfind(ERR)]


def until(question):
    """Ask until there is an answer; the row takes up to two seconds to be active."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        answer = question()
        if answer is not None:
            return answer
        time.sleep(0.2)
    raise AssertionError("nothing came of it")


@pytest.mark.parametrize("where", ["traces", "national"])
def test_an_unknown_code_is_held_told_and_performed_when_its_row_arrives(pair, where):
    instance = getattr(pair, where)
    code = f"Q{where[0].upper()}9"
    caller = pair.caller(SUBMISSION, at=instance, username="own-codes")
    ched = new_pp()
    typed = caller.typed(own(ched, code))

    def submit():
        return caller(SUBMIT, SPSCertificate=typed)

    message, detail = caller.fault(SUBMIT, SPSCertificate=typed)
    assert message == "Some business rules are not met"
    assert etree.QName(detail).localname == "BusinessRulesValidationException"
    (entry,) = pair.imsoc(instance, "quarantine", "list", "--state", "held", "--code", code)["quarantine"]
    (held, told), (gap, needed) = errors(detail)
    assert (held, gap) == ("IMG-6010", "IMG-6001")
    assert entry["id"] in told
    assert f"map-national-b-ched-purpose.csv: {code},?,,in" in needed
    assert entry["document"].endswith(f"/{ched.local_reference}")
    assert errors(caller.fault(SUBMIT, SPSCertificate=typed)[1]) == errors(detail)
    shown = pair.imsoc(instance, "quarantine", "show", entry["id"])
    assert [each["code"] for each in shown["gaps"]] == [code]
    row = f"{code},INTERNAL_MARKET,,in,widens,,,,"
    add = ("mappings", "add", "national-b", "ched-purpose", "--row", row, "--reason", "a test")
    pair.imsoc(instance, *add, "--release", 1, "--yes")

    def released():
        (now,) = pair.imsoc(instance, "quarantine", "list", "--code", code)["quarantine"]
        return now if now["state"] == "released" else None

    until(released)
    submit()
    assert b"CHEDPP.NL." in caller.transport.got
    first = caller.transport.got.partition(b"CHEDPP.NL.")[2][:12]
    submit()
    assert first in caller.transport.got


def test_a_second_ched_with_the_same_local_reference_takes_the_place_of_the_first_and_its_sender_is_told(pair):
    caller = pair.caller(SUBMISSION, at=pair.traces, username="own-codes")
    ched = new_pp()

    def held():
        return pair.imsoc(pair.traces, "quarantine", "list", "--state", "held", "--document", subject)["quarantine"]

    _, detail = caller.fault(SUBMIT, SPSCertificate=caller.typed(own(ched, "QA8")))
    told = errors(detail)[0][1]
    (entry,) = pair.imsoc(pair.traces, "quarantine", "list", "--state", "held", "--code", "QA8")["quarantine"]
    subject = entry["document"]
    assert entry["id"] in told
    _, detail = caller.fault(SUBMIT, SPSCertificate=caller.typed(own(ched, "QB8")))
    assert f"It takes the place of {entry['id']} " in errors(detail)[0][1]
    (second,) = held()
    assert second["id"] != entry["id"]
    caller(SUBMIT, SPSCertificate=caller.typed(own(ched, "IM")))
    assert f"Quarantine entry {second['id']} ".encode() in caller.transport.got
    assert held() == []
