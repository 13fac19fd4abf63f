"""The demo's second journey: envelopes between a third country, a hub, a national system and TRACES."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.sandbox.client import Client, Refused, unpacked
from gateway.sandbox.hub_client import HubClient
from gateway.sandbox.hub_instances import COUNTRY, INSPECTORS, THIRD_COUNTRY
from gateway.sandbox.journey import seal_of, trust_of
from gateway.sandbox.processes import COMMAND
from gateway.sandbox.samples import certificate, with_reference
from gateway.sandbox.telling import Step
from gateway.trust import verify_file
from gateway.xml.boundary import parse
from gateway.xml.names import ACK17, CX1, PREFIXES, SPS17, qn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lxml.etree import _Element

    from gateway.sandbox.instances import Sandbox

__all__ = ["hub_journey"]

WAIT_SECONDS: Final = 15.0
"""How long anything may take that happens in the background; polls are a second apart."""

OPERATIONS: Final = 27
"""Of the hub's contract (DIGEST 2.2)."""

_PHYTO: Final = "AR-HUB-2026-0000001"
_REEXPORT: Final = "AR-HUB-2026-0000002"
_OUTGOING: Final = "BE-HUB-2026-0000001"
_ORIGINAL: Final = "UY-EX-2026-0041177"
_NOWHERE: Final = "ZW"
_REASON: Final = "Interception: live larvae of a quarantine pest"
_PDF: Final = b"%PDF-1.4\n% An invented laboratory report.\n%%EOF\n"


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
    writing = _operator(sandbox, "messages", "evidence", exchange, "--out", str(_proof(sandbox)))
    responding = _operator(sandbox, *_respond(numbers[_REEXPORT], _REASON))
    yield _onward(Client(sandbox.a.address, "gateway-c", sandbox.secrets["gateway-c-at-a"]))
    yield _honest(sandbox, writing)
    yield _rejected(third, responding, numbers[_REEXPORT])
    yield from _outgoing(sandbox, third, inspectors)
    yield _nobody(HubClient(world.service, pki, "somebody-else-client"), numbers[_PHYTO])


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
        certificate(number=_PHYTO, import_=COUNTRY, lines=2), "LAB-26-3301", attachment=("report.pdf", _PDF)
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
    yield _waits("And a re-export certificate (657) that refers to its original", header, len(reexport))
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

    _until(settled)
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

    _until(arrived)
    routes = {status.findtext(f"{qn(CX1, 'Version')}/{qn(CX1, 'IssuingRoute')}", "") for status in found.values()}
    read = traces.get(THIRD_COUNTRY, "657", _REEXPORT) if _REEXPORT in found else None
    original = _original(read) if read is not None else ""
    return Step(
        "Gateway C delivered both onward to gateway A, which plays TRACES, translated and under C's own seal",
        ok=routes == {"iv"} and len(found) == 2 and original == _ORIGINAL,  # noqa: PLR2004 - both
        why="It passes as an Art 39 certificate only where phyto_routes and com_informed_on say so (R-39-4, R-39-5).",
        facts=(
            ("at gateway A", ", ".join(found) or "NOTHING"),
            ("route", f"{', '.join(sorted(routes))}: a third country's system exchanging with a national one"),
            ("original", f"{original or 'LOST'}, to which the re-export certificate refers"),
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


def _operator(sandbox: Sandbox, *arguments: str) -> subprocess.Popen[str]:
    """A command of gateway C's operator, with C's settings; it runs beside the journey."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [*COMMAND, "--config", str(sandbox.hub.c.config), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _rejected(third: HubClient, responding: subprocess.Popen[str], number: str) -> Step:
    _, errors = responding.communicate()
    _until(lambda: bool(third.waiting()))
    headers = third.waiting()
    texts: list[str] = []
    status = ""
    if headers:
        answer = parse(third.pull(headers[0].hubDeliveryNumber).Content.encode()).root
        third.acknowledge(headers[0].hubDeliveryNumber)
        status = (
            answer.findtext(".//ram:StatusCode", "", PREFIXES) if answer.tag == qn(ACK17, "SPSAcknowledgement") else ""
        )
        texts = [element.text or "" for element in answer.iterfind(".//ram:ReasonInformation", PREFIXES)]
    return Step(
        "Inspectors reject the re-exported goods; the negative acknowledgement travels back through the hub",
        ok=responding.returncode == 0 and status == "41" and any(_REASON in text for text in texts),
        why="Interceptions go to the third country concerned (Art 30, R-30-1), by the way that its certificate came.",
        facts=(
            ("operator", f"imsoc {' '.join(_respond(number, '…'))}"),
            ("third country", f"status {status or 'NOT RECEIVED'}; {'; '.join(texts) or errors.strip()[-300:]}"),
        ),
    )


def _respond(number: str, reason: str) -> list[str]:
    return ["hub", "respond", number, "--status", "41", "--reason", reason]


def _outgoing(sandbox: Sandbox, third: HubClient, inspectors: Client) -> Iterator[Step]:
    digest = hashlib.sha256(_PDF).hexdigest()
    document = with_reference(
        certificate(number=_OUTGOING, export=COUNTRY, import_=THIRD_COUNTRY, lines=2, issued=datetime.now(UTC)),
        "LAB-26-9001",
        attachment=("report.pdf", _PDF),
    )
    inspectors.submit(seal_of(sandbox, f"{INSPECTORS}-seal").seal(document, at=datetime.now(UTC)))
    _until(lambda: bool(third.waiting()))
    headers = third.waiting()
    found = ""
    if headers:
        envelope = third.pull(headers[0].hubDeliveryNumber)
        root = parse(envelope.Content.encode()).root
        attachments = root.iterfind(".//ram:AttachmentBinaryObject", PREFIXES) if root.tag == _CERTIFICATE else ()
        found = ", ".join(hashlib.sha256(base64.b64decode(each.text or "")).hexdigest() for each in attachments)
        third.acknowledge(headers[0].hubDeliveryNumber)
    yield Step(
        f"A certificate for {THIRD_COUNTRY} leaves gateway C as an envelope; {THIRD_COUNTRY} pulls it",
        ok=found == digest,
        why="Out as in: the document in the codes of the ePhyto form, attachments whole, whoever reads it.",
        facts=(
            ("envelope", f"{headers[0].NPPOCertificateNumber}, {headers[0].hubDeliveryNumber}" if headers else "NONE"),
            ("attachment", f"sha-256 {found[:16]}…, {'equal to' if found == digest else 'NOT'} what was submitted"),
        ),
    )
    state = ""

    def known() -> bool:
        nonlocal state
        delivery = inspectors.status(COUNTRY, "851", _OUTGOING).find(qn(CX1, "Delivery"))
        state = "" if delivery is None else delivery.findtext(qn(CX1, "State"), "")
        return state in ("delivered", "refused", "failed")

    _until(known)
    yield Step(
        "Gateway C follows its envelope until the receiver has it",
        ok=state == "delivered",
        why="Handed to the hub is not delivered: C asks on until the hub names a final state.",
        facts=(("state at C", state or "UNKNOWN"),),
    )


_CERTIFICATE: Final = qn(SPS17, "SPSCertificate")


def _nobody(stranger: HubClient, number: str) -> Step:
    said = ""
    try:
        stranger.pull(number)
    except Refused as refusal:
        said = " ".join(part for part in (refusal.code, refusal.message) if part)
    return Step(
        "Somebody else's certificate, of the same authority, asks for the first envelope",
        ok=stranger.last_status == 403,  # noqa: PLR2004 - as the hub answers an unknown certificate
        why="The authority says that a certificate is genuine; only a partner record says whose it is.",
        facts=(("answer", f"HTTP {stranger.last_status}  {said}"),),
    )


def _until(holds: Callable[[], bool]) -> None:
    """Wait until it holds, or as long as anything may take; the step says what came of it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
