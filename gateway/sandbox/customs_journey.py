"""The demo's fifth journey: customs read, reserve and clear quantities of one CHED, at two offices at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from gateway.sandbox.customs_client import CustomsClient, Goods
from gateway.sandbox.customs_instances import AT_DESTINATION, AT_ENTRY
from gateway.sandbox.hub_return import operator
from gateway.sandbox.operators import answer, said
from gateway.sandbox.telling import Step
from gateway.sandbox.traces_client import Face, TracesClient, wire
from gateway.sandbox.traces_instances import IMPORTER, NATIONAL, PORT, POST
from gateway.sandbox.traces_journey import decided
from gateway.sandbox.traces_samples import meat

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from gateway.certex.models import ProcessedChedAnswer, Summary
    from gateway.sandbox.instances import Sandbox

__all__ = ["REFERENCE", "customs_journey"]

REFERENCE: Final = "I.2"
"""The fact that has the CHED which the customs of this journey ask about."""

_LOCAL: Final = "NL-DEMO-6"
_FIRST, _SECOND, _THIRD = "26NL000396DEMO0001", "26BE212000DEMO0002", "26NL000396DEMO0003"
_TOTAL: Final = 1000
"""Kilograms of the CHED."""
_VALIDATED: Final = "70"
_EARLY: Final = "04"
_DONE: Final = "01"
_NOTHING: Final = "02"
_TOO_MUCH: Final = "05"
_MOVEMENTS: Final = ["certified", "reserved", "reserved", "consumed", "returned"]


def customs_journey(sandbox: Sandbox) -> Iterator[Step]:
    """A validated CHED-P; two offices reserve at once, one asks for too much, one clears, one cancels; the sums.

    Args:
        sandbox: the gateways A and B are started.
    """
    entry, destination = (
        CustomsClient(Face(sandbox.a.address), office, sandbox.secrets[office.account])
        for office in (AT_ENTRY, AT_DESTINATION)
    )
    reference = yield from _validated(sandbox, entry)
    yield _in_parallel(reference, entry, destination)
    yield _too_much(reference, entry)
    yield _cleared(reference, entry)
    yield _cancelled(reference, destination)
    yield _checked(sandbox, reference)


def _validated(sandbox: Sandbox, customs: CustomsClient) -> Generator[Step, None, str]:
    importer = TracesClient(Face(sandbox.b.address), NATIONAL, sandbox.secrets[NATIONAL], IMPORTER)
    port = TracesClient(Face(sandbox.a.address), PORT, sandbox.secrets[PORT], POST)
    receipt = importer.submit(wire(meat(datetime.now(UTC), local=_LOCAL)))
    early = customs.reserve(receipt.reference, _FIRST, (Goods("600"),))
    status = decided(sandbox, port, receipt.reference)
    read = customs.read(receipt.reference)
    yield Step(
        "A CHED-P of frozen beef is decided at the border; customs asked too early, and ask again",
        ok=early.reason == _EARLY and status == _VALIDATED and _is(read.summary, _TOTAL),
        why="Customs see entry data, decision and what is left of each line (Art 38); only validated goods are held.",
        facts=(
            (REFERENCE, f"{receipt.reference}, for {AT_ENTRY.country} and {AT_DESTINATION.country}"),
            ("client", f"zeep, of CustomsCertexChedServiceV06?wsdl: {', '.join(customs.operations())}"),
            ("too early", f"not reserved, reason {early.reason or 'NONE'}: inappropriate status"),
            ("status", f"{status} at TRACES"),
            ("ledger", _told(read.summary)),
        ),
    )
    return receipt.reference


def _in_parallel(reference: str, entry: CustomsClient, destination: CustomsClient) -> Step:
    asked = ((entry, _FIRST, "600"), (destination, _SECOND, "300"))
    with ThreadPoolExecutor(max_workers=len(asked)) as offices:
        answers = list(offices.map(lambda each: each[0].reserve(reference, each[1], (Goods(each[2]),)), asked))
    ledger = entry.read(reference).summary
    return Step(
        "Two customs offices reserve at the same time, one in each country",
        ok=all(each.result for each in answers) and _is(ledger, 100, 600, 300),
        why="The database lets one pass after the other: no moment exists in which both could take the same kilogram.",
        facts=(
            (entry.office.number, f"600 kg for {_FIRST}: {_verdict(answers[0])}"),
            (destination.office.number, f"300 kg for {_SECOND}: {_verdict(answers[1])}"),
            ("ledger", _told(ledger)),
        ),
    )


def _too_much(reference: str, entry: CustomsClient) -> Step:
    refused = entry.reserve(reference, _THIRD, (Goods("100.001"),))
    return Step(
        "A third declaration asks for one gram more than is left",
        ok=refused.result is False and refused.reason == _TOO_MUCH and _is(refused.summary, 100, 600, 300),
        why="A refusal is an answer with its reason and the whole ledger, no fault: customs see at once what is left.",
        facts=(
            (entry.office.number, f"100.001 kg for {_THIRD}: {_verdict(refused)}"),
            ("ledger", _told(refused.summary)),
        ),
    )


def _cleared(reference: str, entry: CustomsClient) -> Step:
    cleared = entry.clear(reference, _FIRST, released=True)
    ledger = entry.read(reference).summary
    return Step(
        "The office of entry releases its goods: what was reserved is consumed",
        ok=cleared.outcome == _DONE and _is(ledger, 100, 300, consumed=(600,)),
        why="Written off for good; the customs document stands in box II.23 of the CHED from now on.",
        facts=(("outcome", cleared.outcome), ("ledger", _told(ledger))),
    )


def _cancelled(reference: str, destination: CustomsClient) -> Step:
    cleared = destination.clear(reference, _SECOND, released=False)
    again = destination.clear(reference, _SECOND, released=False)
    ledger = destination.read(reference).summary
    return Step(
        "The other declaration is cancelled: what it held is given back, once",
        ok=(cleared.outcome, again.outcome) == (_DONE, _NOTHING) and _is(ledger, 400, consumed=(600,)),
        why="What is not released goes back to its line; a second message finds nothing that it could give back.",
        facts=(
            ("outcome", f"{cleared.outcome}; asked again {again.outcome}, nothing is held"),
            ("ledger", _told(ledger)),
        ),
    )


def _checked(sandbox: Sandbox, reference: str) -> Step:
    asked = [operator(sandbox.a, "customs", *words, "--json") for words in (("check", "--all"), ("history", reference))]
    sums, history = (answer(each) for each in asked)
    entries: list[dict[str, Any]] = history.get("entries", [])
    kinds = [str(entry["kind"]) for entry in entries]
    importer = TracesClient(Face(sandbox.b.address), NATIONAL, sandbox.secrets[NATIONAL], IMPORTER)
    documents = [each.number for each in importer.get(reference).customs_documents]
    return Step(
        "Gateway A's operator adds up every movement; the importer finds the release in its CHED",
        ok=sums.get("ok") is True and kinds == _MOVEMENTS and documents == [_FIRST],
        why="Entries are never changed: the position is their sum, whoever looks, and whenever.",
        facts=(
            ("check", f"{sums['checked']} checked, each the sum of its entries" if sums.get("ok") else said(sums)),
            ("movements", ", ".join(kinds) or said(history)),
            ("II.23", ", ".join(documents) or "EMPTY"),
        ),
    )


def _is(summary: Summary | None, available: int, *reserved: int, consumed: tuple[int, ...] = ()) -> bool:
    """Whether the ledger of one line shows exactly these kilograms, in any order."""
    if summary is None:
        return False
    shown = (
        [Decimal(each.quantity) for each in summary.available],
        sorted(Decimal(each.quantity) for each in summary.reserved),
        sorted(Decimal(each.quantity) for each in summary.consumed),
    )
    return shown == ([Decimal(available)], sorted(map(Decimal, reserved)), sorted(map(Decimal, consumed)))


def _told(summary: Summary | None) -> str:
    """The ledger in one line."""
    if summary is None:
        return "NONE"
    left = [f"line {each.line} ({each.code}): {each.quantity} {each.unit} available" for each in summary.available]
    held = [f"{each.quantity} {each.unit} reserved for {each.declaration.number}" for each in summary.reserved]
    gone = [f"{each.quantity} {each.unit} consumed by {each.declaration.number}" for each in summary.consumed]
    return "; ".join((*left, *held, *gone))


def _verdict(answered: ProcessedChedAnswer) -> str:
    if answered.result:
        return "reserved"
    return f"REFUSED, reason {answered.reason or 'NONE'}"
