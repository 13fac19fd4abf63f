"""The demo's second journey: envelopes between a third country, a hub, a national system and TRACES."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.sandbox.client import Client, Refused, unpacked
from gateway.sandbox.hub_client import HubClient
from gateway.sandbox.hub_instances import COUNTRY, INSPECTORS, THIRD_COUNTRY
from gateway.sandbox.hub_return import PDF, REASON, digests, nobody, operator, outgoing, rejected, respond, until
from gateway.sandbox.journey import trust_of
from gateway.sandbox.samples import certificate, with_reference
from gateway.sandbox.telling import Step
from gateway.trust import verify_file
from gateway.xml.names import CX1, PREFIXES, qn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from lxml.etree import _Element

    from gateway.sandbox.instances import Sandbox

__all__ = ["hub_journey"]

OPERATIONS: Final = 27
"""Of the hub's contract (DIGEST 2.2)."""

_PHYTO: Final = "AR-HUB-2026-0000001"
_REEXPORT: Final = "AR-HUB-2026-0000002"
_ORIGINAL: Final = "UY-EX-2026-0041177"
_NOWHERE: Final = "ZW"


def hub_journey(sandbox: Sandbox) -> Iterator[Step]:
    """Envelopes in, onward as certificates, a rejection back, an envelope out, and one caller who is nobody here.

    Args:
        sandbox: started; the hub's part is waited for here.
    """
    world = sandbox.hub
    for instance in (world.h, world.c):
        instance.wait_until_ready()
    pki = sandbox.folder / "pki"
    third = HubClient(world.service, pki, "third-country-client")
    inspectors = Client(world.c.address, INSPECTORS, sandbox.secrets[INSPECTORS])
    yield _met(third)
    numbers: dict[str, str] = {}
    yield from _delivered(third, numbers)
    yield _polled(third, numbers)
    exchange = inspectors.status(THIRD_COUNTRY, "851", _PHYTO).findtext(qn(CX1, "ExchangeID"), "")
    writing = operator(world.c, "messages", "evidence", exchange, "--out", str(_proof(sandbox)))
    responding = operator(world.c, *respond(numbers[_REEXPORT], REASON))
    yield _onward(Client(sandbox.a.address, "gateway-c", sandbox.secrets["gateway-c-at-a"]))
    yield _honest(sandbox, writing)
    yield rejected(third, responding, numbers[_REEXPORT], _REEXPORT)
    yield from outgoing(sandbox, third, inspectors)
    yield nobody(HubClient(world.service, pki, "somebody-else-client"), numbers[_PHYTO])


def _met(third: HubClient) -> Step:
    organisations = sorted(str(nppo.Country) for nppo in third.call("GetActiveNppos") or ())
    return Step(
        "The third country's client is made of the WSDL that gateway H publishes, and comes with its TLS certificate",
        ok=len(third.operations) == OPERATIONS and {THIRD_COUNTRY, COUNTRY} <= set(organisations),
        why="The contract of the IPPC ePhyto hub as its clients know it: nobody has to change to push to us.",
        facts=(
            ("operations", f"{len(third.operations)}, SOAP 1.1, no header: TLS says who calls"),
            ("active NPPOs", ", ".join(organisations)),
        ),
    )


def _delivered(third: HubClient, numbers: dict[str, str]) -> Iterator[Step]:
    phyto = with_reference(
        certificate(number=_PHYTO, import_=COUNTRY, lines=2), "LAB-26-3301", attachment=("report.pdf", PDF)
    )
    reexport = with_reference(
        certificate(number=_REEXPORT, type_code="657", import_=COUNTRY, lines=1),
        _ORIGINAL,
        relation="AWR",
        type_code="851",
    )
    header = third.deliver(COUNTRY, phyto, number=_PHYTO)
    numbers[_PHYTO] = str(header.hubDeliveryNumber)
    yield _waits("It delivers a phytosanitary certificate (851) with a PDF inside", header, len(phyto))
    header = third.deliver(COUNTRY, reexport, number=_REEXPORT, type_code=657)
    numbers[_REEXPORT] = str(header.hubDeliveryNumber)
    yield _waits(
        "And a re-export certificate (657) that refers to its original",
        header,
        len(reexport),
        why="It stands on the certificate of the country of origin: the reference has to come through everything.",
    )
    garbled = "%PDF-1.4 scanned, and put where the certificate should be"
    header = third.deliver(COUNTRY, garbled, number="AR-HUB-2026-0000003")
    numbers["AR-HUB-2026-0000003"] = str(header.hubDeliveryNumber)
    yield _waits(
        "And something that nobody can read",
        header,
        len(garbled),
        why="The hub carries envelopes and does not judge what is in them: that is for the receiver to say.",
    )
    header = third.deliver(_NOWHERE, phyto, number="AR-HUB-2026-0000004")
    yield Step(
        f"An envelope to {_NOWHERE}, which has no organisation at this hub",
        ok=header.HUBTrackingInfo == "FailedDelivery" and bool(header.hubDeliveryErrorMessage),
        why="The contract answers a header that it cannot serve with a state, not with a fault.",
        facts=(("state", str(header.HUBTrackingInfo)), ("message", str(header.hubDeliveryErrorMessage))),
    )


def _waits(title: str, header: Any, size: int, why: str = "") -> Step:
    return Step(
        title,
        ok=header.HUBTrackingInfo == "PendingDelivery" and bool(header.hubDeliveryNumber),
        why=why or "The envelope is committed when its number is given, and kept until the receiver acknowledges it.",
        facts=(
            ("envelope", f"{header.From} to {header.To}, {header.NPPOCertificateNumber}, {size:,} bytes"),
            ("hub's number", str(header.hubDeliveryNumber)),
            ("state", str(header.HUBTrackingInfo)),
        ),
    )


def _polled(third: HubClient, numbers: dict[str, str]) -> Step:
    expected = ("Delivered", "DeliveredWithWarnings", "DeliveredNotReadable")
    headers: dict[str, Any] = {}

    def settled() -> bool:
        headers.update({certificate: third.tracked(number) for certificate, number in numbers.items()})
        return all(header.HUBTrackingInfo != "PendingDelivery" for header in headers.values())

    until(settled)
    told = {
        name: ". ".join(part for part in (header.HUBTrackingInfo, header.hubDeliveryErrorMessage) if part)
        for name, header in headers.items()
    }
    told = {name: re.sub(r"/sps:\S.*?: ", "", text) for name, text in told.items()}  # without the place, for a terminal
    return Step(
        "Gateway C polled the hub, validated, stored and then acknowledged: the sender sees what became of each",
        ok=tuple(header.HUBTrackingInfo for header in headers.values()) == expected,
        why="What is acknowledged is gone from the hub, so nothing is acknowledged before it is committed.",
        facts=tuple(told.items()),
    )


def _onward(traces: Client) -> Step:
    found: dict[str, _Element] = {}

    def arrived() -> bool:
        for type_code, number in (("851", _PHYTO), ("657", _REEXPORT)):
            if number not in found:
                try:
                    found[number] = traces.status(THIRD_COUNTRY, type_code, number)
                except Refused:  # not there yet
                    return False
        return True

    until(arrived)
    routes = {status.findtext(f"{qn(CX1, 'Version')}/{qn(CX1, 'IssuingRoute')}", "") for status in found.values()}
    original, attached = "", list[str]()
    if len(found) == 2:  # noqa: PLR2004 - both
        original = _original(traces.get(THIRD_COUNTRY, "657", _REEXPORT))
        attached = digests(traces.get(THIRD_COUNTRY, "851", _PHYTO))
    whole = attached == [hashlib.sha256(PDF).hexdigest()]
    return Step(
        "Gateway C delivered both onward to gateway A, which plays TRACES, translated and under C's own seal",
        ok=routes == {"iv"} and original == _ORIGINAL and whole,
        why="It passes as an Art 39 certificate only where phyto_routes and com_informed_on say so (R-39-4, R-39-5).",
        facts=(
            ("at gateway A", ", ".join(found) or "NOTHING"),
            ("route", f"{', '.join(sorted(routes))}: a third country's system exchanging with a national one"),
            ("original", f"{original or 'LOST'}, to which the re-export certificate refers"),
            ("attachment", f"{'equal to' if whole else 'NOT'} what was delivered, by its sha-256"),
        ),
    )


def _original(reply: _Element) -> str:
    path = ".//ram:ReferenceSPSReferencedDocument[ram:RelationshipTypeCode='AWR']/ram:ID"
    return reply.findtext(path, "", PREFIXES)


def _honest(sandbox: Sandbox, writing: subprocess.Popen[str]) -> Step:
    title = "Gateway C's evidence says what is proved: the hub's TLS, not a seal of the third country"
    why = "Hub traffic carries no XML seal; C's own seal proves what the hub delivered, and claims no more."
    _, errors = writing.communicate()
    if writing.returncode != 0:
        return Step(title, ok=False, why=why, facts=(("evidence", errors.strip()[-300:]),))
    container = _proof(sandbox).read_bytes()
    verdict = json.loads(unpacked(container)["seal-verdict.json"])
    report = verify_file(container, at=datetime.now(UTC), trust=trust_of(sandbox, "gateway-c-root"))
    seals = ", ".join(f"{seal.file} {seal.indication}" for seal in report.seals)
    return Step(
        title,
        ok=verdict["level"] == "none" and "TLS" in verdict["authenticated_by"] and report.passed,
        why=why,
        facts=(
            ("seal level", f"{verdict['level']}: {verdict['level_reason']}"),
            ("authenticated", verdict["authenticated_by"]),
            ("seals in it", seals or "NONE"),
        ),
    )


def _proof(sandbox: Sandbox) -> Path:
    return sandbox.folder / "evidence-of-the-envelope.zip"
