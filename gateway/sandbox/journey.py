"""The demo's journey: calls that clients of the two gateways would make, and what has to come of each."""

from __future__ import annotations

import base64
import io
import json
import re
import time
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.sandbox.client import Client, Refused, unpacked
from gateway.sandbox.samples import Example, example
from gateway.sandbox.telling import Step, translated_rows
from gateway.trust import (
    SEALED_DOCUMENT_POLICY,
    Anchor,
    Level,
    Purpose,
    Sealer,
    TimestampClient,
    TrustStore,
    load_certificates,
    verify_file,
    verify_sealed,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import CX1, PREFIXES, qn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element

    from gateway.sandbox.instances import Sandbox

__all__ = ["FIRST", "journey", "refusals", "seal_of", "trust_of"]

DELIVERY_SECONDS: Final = 20.0
"""How long A may take to deliver to B; it takes a fraction of a second."""

_NUMBER: Final = "AR-SANDBOX-2026-0000001"
FIRST: Final = ("AR", "851", _NUMBER)
"""Issuer, type and number of the certificate that this journey is about."""


def journey(sandbox: Sandbox, sender: Client, sealer: Sealer) -> Iterator[Step]:
    """What is accepted: submission, verification, translation, storage, delivery, reading, repeating, evidence.

    Args:
        sandbox: both gateways, started.
        sender: the third country's client at gateway A; afterwards ``last_request`` is the first submission.
        sealer: the third country's seal.
    """
    sealed = sealer.seal(_numbered(example(Example.EPHYTO), _NUMBER), at=datetime.now(UTC))
    acknowledgement = sender.submit(sealed, message_id="sandbox-1")
    yield _received(sandbox, sealed, acknowledgement)
    container = sender.evidence_file(*FIRST)
    evidence = unpacked(container)
    yield _verified(sender.status(*FIRST), evidence)
    yield _translated(evidence)
    yield _stored(sender, sealed)
    yield _delivered(sender)
    yield _read_back(Client(sandbox.b.address, "national", sandbox.secrets["national"]))
    yield _repeated(sender, sealed, acknowledgement)
    yield _proved(sandbox, container, evidence)


def refusals(sandbox: Sandbox, sender: Client, sealer: Sealer, first_request: bytes) -> Iterator[Step]:
    """What must not pass, each with the code that says why.

    Args:
        sandbox: both gateways, started.
        sender: the third country's client at gateway A.
        sealer: the third country's seal.
        first_request: an earlier request as an eavesdropper would have recorded it.
    """

    def fresh(number: str, change: Callable[[bytes], bytes] = lambda text: text, seal: Sealer = sealer) -> bytes:
        return seal.seal(change(_numbered(example(Example.EPHYTO), number)), at=datetime.now(UTC))

    sealed = fresh("AR-SANDBOX-2026-0000002")
    tampered = sealed.replace(b">KGM<", b">TNE<").replace(b'unitCode="KGM"', b'unitCode="TNE"')
    yield _refused(
        "A tampered copy: kilograms became tonnes after sealing",
        "IMG-4009",
        "The seal covers every character of the document; the gateway reads nothing that the seal does not cover.",
        lambda: sender.submit(tampered),
    )
    yield _refused(
        "A replay: an eavesdropper sends the first request once more",
        "IMG-2003",
        "Each message is good for one use, even after a restart; honest clients repeat with a fresh nonce.",
        lambda: sender.send_again(first_request),
    )
    yield _refused(
        "A package code that no mapping row knows",
        "IMG-6001",
        "Nothing is guessed (Art 37(2)): the refusal shows the row that the operator has to add.",
        lambda: sender.submit(fresh("AR-SANDBOX-2026-0000003", _unmapped)),
    )
    yield _refused(
        "A seal of an authority that this partner's record does not name",
        "IMG-4020",
        "A partner is trusted for the authorities that its own record names, not for everybody's.",
        lambda: sender.submit(fresh("AR-SANDBOX-2026-0000004", seal=seal_of(sandbox, "stranger-seal"))),
    )
    direct = Client(sandbox.b.address, "third-country-at-b", sandbox.secrets["third-country-at-b"])
    yield _refused(
        "A phytosanitary certificate straight to the national system, route iv",
        "IMG-4102",
        "By default phytosanitary certificates come through TRACES only (Art 39(4), R-39-5); a setting decides.",
        lambda: direct.submit(fresh("AR-SANDBOX-2026-0000005")),
    )
    veterinary = Client(sandbox.b.address, "vet-third-country-at-b", sandbox.secrets["vet-third-country-at-b"])
    document = sealer.seal(example(Example.VETERINARY), at=datetime.now(UTC))
    yield _refused(
        "A veterinary certificate by route iv, and the Commission was not informed",
        "IMG-4101",
        "Route iv opens on the day that the Commission was informed (Art 39(3), R-39-4); the record has no such day.",
        lambda: veterinary.submit(document),
    )


def _received(sandbox: Sandbox, sealed: bytes, acknowledgement: bytes) -> Step:
    root = parse(acknowledgement).root
    trust = trust_of(sandbox, "traces-root")
    verdict = verify_sealed(root, policy=SEALED_DOCUMENT_POLICY, trust=trust, at=datetime.now(UTC)).seal
    return Step(
        "The third country submits a sealed certificate; gateway A acknowledges it",
        ok=verdict.indication.value == "TOTAL-PASSED",
        why="An answer is given only for what is committed to disk, and its seal proves it to anybody.",
        facts=(
            ("certificate", f"{'/'.join(FIRST)}, {len(sealed):,} bytes, XAdES-B-T seal"),
            ("exchange", _reference(root, "CAW")),
            ("sealed by", _name(verdict.signer_subject)),
            ("time stamp", _moment(verdict.timestamp.time) if verdict.timestamp else "none"),
        ),
    )


def _verified(status: _Element, evidence: dict[str, bytes]) -> Step:
    verdict = json.loads(evidence["seal-verdict.json"])
    route = status.findtext(f"{qn(CX1, 'Version')}/{qn(CX1, 'IssuingRoute')}", "")
    stamp = verdict["timestamp"] or {"time": None, "level": "none"}
    return Step(
        "Gateway A verified the seal and its time stamp",
        ok=verdict["indication"] == "TOTAL-PASSED" and stamp["level"] == "qualified" and route == "iii",
        why="Article 39(2) asks for the authority's seal and a qualified time stamp, not for the officer's signature.",
        facts=(
            ("verdict", verdict["indication"]),
            ("sealed by", _name(verdict["signer"])),
            ("seal level", _level(verdict)),
            ("time stamp", f"{_moment(datetime.fromisoformat(stamp['time']))}, {_level(stamp)}"),
            ("route", f"{route}, recorded: a third country's system exchanging with TRACES"),
        ),
    )


def _level(verdict: dict[str, Any]) -> str:
    """The level and where it comes from, without the details that the evidence has."""
    reason = re.sub(r"\s*;.*", "", str(verdict.get("level_reason", "")), flags=re.DOTALL)
    return reason or str(verdict["level"])


def _translated(evidence: dict[str, bytes]) -> Step:
    report = json.loads(evidence["translation-report.json"])
    rows = translated_rows(report)
    changed = sum(row.times for row in rows)
    return Step(
        f"Translated from the ePhyto form to the TRACES form: {len(report)} places looked up, {changed} changed",
        ok=bool(rows),
        why="Every code goes by a row of a table that can be shown; the sealed original is not touched.",
        rows=rows,
    )


def _stored(sender: Client, sealed: bytes) -> Step:
    given = base64.b64decode(sender.get(*FIRST).findtext(qn(CX1, "SealedDocument"), ""))
    return Step(
        "Stored as received: the sender reads its own document back",
        ok=given == sealed,
        why="The original stays as it came, byte for byte, so that its seal holds for whoever checks it later.",
        facts=(("read back", f"{len(given):,} bytes, {'equal to' if given == sealed else 'NOT'} what was sent"),),
    )


def _delivered(sender: Client) -> Step:
    deadline = time.monotonic() + DELIVERY_SECONDS
    partner = state = attempts = ""
    while time.monotonic() < deadline and state not in ("delivered", "refused", "failed"):
        delivery = sender.status(*FIRST).find(qn(CX1, "Delivery"))
        if delivery is None:
            break
        partner, state, attempts = (delivery.findtext(qn(CX1, n), "") for n in ("Partner", "State", "Attempts"))
        time.sleep(0.05)
    return Step(
        "Gateway A delivered it to gateway B, in B's codes and under A's seal",
        ok=state == "delivered",
        why="What has to be delivered is committed together with the document: a crash neither loses nor doubles it.",
        facts=(("to", partner), ("state", f"{state}, attempts: {attempts}")),
    )


def _read_back(national: Client) -> Step:
    original = national.get(*FIRST)
    translated = national.get(*FIRST, representation="TRANSLATED")
    packages = "//ram:PhysicalSPSPackage/ram:TypeCode/text()"
    own, canonical = _distinct(original, packages), _distinct(translated, packages)
    return Step(
        "A national inspector reads it at gateway B",
        ok=bool(own) and own != canonical,
        why="A national system works with its own codes and has the TRACES form whenever it is asked for.",
        facts=(
            ("as delivered", f"package codes {', '.join(own)}"),
            ("TRACES form", f"package codes {', '.join(canonical)}"),
            ("status", f"{original.findtext(qn(CX1, 'StatusCode'), '')} (issued)"),
        ),
    )


def _repeated(sender: Client, sealed: bytes, acknowledgement: bytes) -> Step:
    again = sender.submit(sealed, message_id="sandbox-1")
    return Step(
        "The same document again, freshly authenticated",
        ok=again == acknowledgement,
        why="A client that lost the answer simply sends again: one effect, and the first answer once more.",
        facts=(("answer", "equal byte for byte" if again == acknowledgement else "ANOTHER ONE"),),
    )


def _proved(sandbox: Sandbox, container: bytes, evidence: dict[str, bytes]) -> Step:
    trust = trust_of(sandbox, "traces-root", "third-country-root")
    report = verify_file(container, at=datetime.now(UTC), trust=trust)
    forged = verify_file(_with_a_changed_byte(container, "request.xml"), at=datetime.now(UTC), trust=trust)
    path = sandbox.folder / "evidence.zip"
    path.write_bytes(container)
    return Step(
        "The evidence of the exchange, checked offline",
        ok=report.passed and forged.altered == ("request.xml: altered",),
        why="One file proves to a third party what came, when, under whose seal, and what was answered.",
        facts=(
            ("evidence.zip", f"{len(evidence)} files, {len(container):,} bytes: request, document, acknowledgement, …"),
            ("seals in it", ", ".join(f"{seal.file} {seal.indication}" for seal in report.seals)),
            ("a byte changed", ", ".join(forged.altered) or "NOT NOTICED"),
        ),
    )


def _with_a_changed_byte(container: bytes, name: str) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in unpacked(container).items():
            archive.writestr(entry, content[:-1] + bytes([content[-1] ^ 1]) if entry == name else content)
    return changed.getvalue()


def _refused(title: str, expected: str, why: str, attempt: Callable[[], object]) -> Step:
    try:
        attempt()
    except Refused as refusal:
        where = re.sub(r"\[\d+\]", "", refusal.where).rsplit("/", 2)[-2:]
        facts = {
            "refused": f"{refusal.code}  {refusal.message}",
            "where": "/".join(where),
            "found": re.sub(r"CN=([^,]+),O=[^,]*,C=(\w+)", r"\1 (\2)", refusal.found),
            "row to add": refusal.expected if refusal.code == "IMG-6001" else "",
            "send again": {"never": "never", "later": "later", "after-change": "after a change"}.get(refusal.retry, ""),
        }
        shown = tuple((name, value) for name, value in facts.items() if value)
        return Step(title, ok=refusal.code == expected, why=why, facts=shown)
    return Step(title, ok=False, why=why, facts=(("accepted", f"though {expected} was expected"),))


def seal_of(sandbox: Sandbox, name: str) -> Sealer:
    """A seal of the sandbox' PKI with the sandbox' time stamps."""
    pki = sandbox.folder / "pki"
    timestamper = TimestampClient([sandbox.tsa_address], trust_of(sandbox))
    return Sealer.from_pem(
        (pki / f"{name}.key").read_bytes(), (pki / f"{name}.pem").read_bytes(), timestamper=timestamper
    )


def trust_of(sandbox: Sandbox, *seal_roots: str) -> TrustStore:
    """The sandbox' time-stamping root and these roots of seals as anchors."""

    def anchor(name: str, purpose: Purpose) -> Anchor:
        certificate = load_certificates((sandbox.folder / "pki" / f"{name}.pem").read_bytes())[0]
        return Anchor(name, certificate, frozenset({purpose}), Level.QUALIFIED)

    return TrustStore([anchor("tsa-root", Purpose.TIMESTAMP), *(anchor(name, Purpose.SEAL) for name in seal_roots)])


def _numbered(document: bytes, number: str) -> bytes:
    root = parse(document).root
    identifier = root.find("sps:SPSExchangedDocument/ram:ID", PREFIXES)
    assert identifier is not None
    identifier.text = number
    return serialise(root)


def _unmapped(document: bytes) -> bytes:
    root = parse(document).root
    package = root.find(".//ram:PhysicalSPSPackage/ram:TypeCode", PREFIXES)
    assert package is not None
    package.text = "X0"
    return serialise(root)


def _reference(acknowledgement: _Element, relation: str) -> str:
    for reference in acknowledgement.iterfind(".//ram:ReferenceSPSReferencedDocument", PREFIXES):
        if reference.findtext("ram:RelationshipTypeCode", "", PREFIXES) == relation:
            return reference.findtext("ram:ID", "", PREFIXES)
    return ""


def _distinct(reply: _Element, path: str) -> list[str]:
    found = reply.xpath(f".{path}", namespaces=PREFIXES)
    assert isinstance(found, list)
    return sorted({str(value) for value in found})


def _name(subject: str) -> str:
    """Common name and country of a distinguished name in RFC 4514 form."""
    parts = dict(part.split("=", 1) for part in re.split(r"(?<!\\),", subject) if "=" in part)
    return f"{parts.get('CN', subject)} ({parts.get('C', '?')})"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
