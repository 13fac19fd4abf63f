"""The way back, in the demo's second journey: a rejection, a certificate for the third country, and a stranger."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from gateway.sandbox.client import Client, Refused
from gateway.sandbox.hub_instances import COUNTRY, INSPECTORS, THIRD_COUNTRY
from gateway.sandbox.journey import seal_of
from gateway.sandbox.processes import COMMAND
from gateway.sandbox.samples import certificate, with_reference
from gateway.sandbox.telling import Step
from gateway.xml.boundary import parse
from gateway.xml.names import ACK17, CX1, PREFIXES, SPS17, qn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element

    from gateway.sandbox.hub_client import HubClient
    from gateway.sandbox.instances import Sandbox
    from gateway.sandbox.processes import Instance

__all__ = ["PDF", "REASON", "digests", "nobody", "operator", "outgoing", "rejected", "respond", "until"]

WAIT_SECONDS: Final = 15.0
"""How long anything may take that happens in the background; polls are a second apart."""

REASON: Final = "Interception: live larvae of a quarantine pest"
PDF: Final = b"%PDF-1.4\n% An invented laboratory report.\n%%EOF\n"
_OUTGOING: Final = "BE-HUB-2026-0000001"


def operator(instance: Instance, *arguments: str) -> subprocess.Popen[str]:
    """A command of a gateway's operator, with its settings; it runs beside the journey."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [*COMMAND, "--config", str(instance.config), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds, or as long as anything may take; the step says what came of it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)


def rejected(third: HubClient, responding: subprocess.Popen[str], number: str, certificate_number: str) -> Step:
    """The country response of gateway C's operator reaches the third country.

    Args:
        third: the third country's client.
        responding: the operator's command, started.
        number: the hub's, of the envelope that is answered.
        certificate_number: of the certificate in it.
    """
    _, errors = responding.communicate()
    until(lambda: bool(third.waiting()))
    headers = third.waiting()
    texts: list[str] = []
    about = status = ""
    if headers:
        about = str(headers[0].NPPOCertificateNumber)
        answer = parse(third.pull(headers[0].hubDeliveryNumber).Content.encode()).root
        third.acknowledge(headers[0].hubDeliveryNumber)
        status = (
            answer.findtext(".//ram:StatusCode", "", PREFIXES) if answer.tag == qn(ACK17, "SPSAcknowledgement") else ""
        )
        texts = [element.text or "" for element in answer.iterfind(".//ram:ReasonInformation", PREFIXES)]
    return Step(
        "Inspectors reject the re-exported goods; the negative acknowledgement travels back through the hub",
        ok=responding.returncode == 0
        and (about, status) == (certificate_number, "41")
        and any(REASON in text for text in texts),
        why="Interceptions go to the third country concerned (Art 30, R-30-1), by the way that its certificate came.",
        facts=(
            ("operator", f"imsoc {' '.join(respond(number, '…'))}"),
            ("third country", f"status {status or 'NOT RECEIVED'}; {'; '.join(texts) or errors.strip()[-300:]}"),
            ("about", about),
        ),
    )


def respond(number: str, reason: str) -> list[str]:
    """The operator's command."""
    return ["hub", "respond", number, "--status", "41", "--reason", reason]


def outgoing(sandbox: Sandbox, third: HubClient, inspectors: Client) -> Iterator[Step]:
    """A certificate that gateway C's inspectors submit goes out as an envelope and is followed to its end."""
    digest = hashlib.sha256(PDF).hexdigest()
    document = with_reference(
        certificate(number=_OUTGOING, export=COUNTRY, import_=THIRD_COUNTRY, lines=2, issued=datetime.now(UTC)),
        "LAB-26-9001",
        attachment=("report.pdf", PDF),
    )
    inspectors.submit(seal_of(sandbox, f"{INSPECTORS}-seal").seal(document, at=datetime.now(UTC)))
    until(lambda: bool(third.waiting()))
    headers = third.waiting()
    found = ""
    if headers:
        envelope = third.pull(headers[0].hubDeliveryNumber)
        root = parse(envelope.Content.encode()).root
        found = ", ".join(digests(root)) if root.tag == qn(SPS17, "SPSCertificate") else ""
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

    until(known)
    yield Step(
        "Gateway C follows its envelope until the receiver has it",
        ok=state == "delivered",
        why="Handed to the hub is not delivered: C asks on until the hub names a final state.",
        facts=(("state at C", state or "UNKNOWN"),),
    )


def nobody(stranger: HubClient, number: str) -> Step:
    """A certificate that the hub's authority issued and no partner record names."""
    said = ""
    try:
        stranger.pull(number)
    except Refused as refusal:
        said = " ".join(part for part in (refusal.code, f"{refusal.message}: {refusal.found}") if part)
    return Step(
        "Somebody else's certificate, of the same authority, asks for the first envelope",
        ok=stranger.last_status == 403,  # noqa: PLR2004 - as the hub answers an unknown certificate
        why="The authority says that a certificate is genuine; only a partner record says whose it is.",
        facts=(("answer", f"HTTP {stranger.last_status}  {said}"),),
    )


def digests(element: _Element) -> list[str]:
    """SHA-256 of the attachments below an element."""
    attachments = element.iterfind(".//ram:AttachmentBinaryObject", PREFIXES)
    return [hashlib.sha256(base64.b64decode(each.text or "")).hexdigest() for each in attachments]
