"""The demo's third journey: CHEDs between a national system, its gateway and TRACES, in the codes of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.documents.ched import ChedType, Coded, read_ched
from gateway.sandbox.hub_return import operator, until
from gateway.sandbox.journey import seal_of, trust_of
from gateway.sandbox.telling import Step
from gateway.sandbox.traces_away import away, strangers
from gateway.sandbox.traces_client import Face, TracesClient, TracesRefusal, wire
from gateway.sandbox.traces_instances import IMPORTER, NATIONAL, PORT, POST
from gateway.sandbox.traces_samples import ANIMAL, FIVE_RULES, animals, broken, decision, plants
from gateway.traces.contracts import CONTRACTS
from gateway.trust import SEALED_DOCUMENT_POLICY, verify_sealed
from gateway.xml.boundary import parse

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from gateway.documents.ched import Ched, Decision
    from gateway.sandbox.instances import Sandbox
    from gateway.sandbox.processes import Instance

__all__ = ["ched_journey", "decided"]

REPORT: Final = b"%PDF-1.4\n% An invented inspection report of the exporting country.\n%%EOF\n"
_REPORT_NAME: Final = "report.pdf"
_VALIDATED: Final = "70"
_IN_TRACES: Final = {
    "G-IM": "ACCEPTABLE_FOR_INTERNAL_MARKET",
    "OK": "SATISFACTORY",
    "VOL": "FULL_CHECK",
}
"""The codes of TRACES for those that `decision` is written in: officers who work in TRACES use these."""


@dataclass(frozen=True, slots=True)
class _Callers:
    """Who calls whom in this journey."""

    importer: TracesClient
    """The national system at gateway B, for an importer."""
    post: TracesClient
    """The national system at gateway B, for its border control post."""
    port: TracesClient
    """Officers of that post who work in TRACES, which gateway A plays."""


def ched_journey(sandbox: Sandbox) -> Iterator[Step]:
    """A CHED-PP decided in TRACES, a CHED-A decided in the national system, five findings, TRACES away, strangers.

    Args:
        sandbox: the gateways A and B are started; A is stopped and started again on the way.
    """
    secrets = sandbox.secrets
    national, traces = Face(sandbox.b.address), Face(sandbox.a.address)
    callers = _Callers(
        TracesClient(national, NATIONAL, secrets[NATIONAL], IMPORTER),
        TracesClient(national, NATIONAL, secrets[NATIONAL], POST),
        TracesClient(traces, PORT, secrets[PORT], POST),
    )
    yield _met(national)
    reference = yield from _entered(callers)
    yield from _decided_in_traces(sandbox, callers, reference)
    yield _read_back(callers, reference)
    yield _printed(sandbox, callers, reference)
    yield _sealed_by_traces(sandbox, callers, reference)
    yield from _animal(sandbox, callers)
    yield _five_findings(callers)
    yield from away(sandbox, callers.importer, callers.port)
    yield from strangers(sandbox, traces, callers.port, reference)


def _met(national: Face) -> Step:
    services = {contract.name: len(national.operations(contract)) for contract in CONTRACTS}
    return Step(
        "A national system's client is made of the descriptions that gateway B publishes: the faces of TRACES NT",
        ok=set(services) == {contract.name for contract in CONTRACTS} and all(services.values()),
        why="A system that calls TRACES NT today changes one base URL and keeps its code.",
        facts=(
            ("base URL", f"{national.address}/tracesnt/ws/…"),
            ("operations", ", ".join(f"{name} {count}" for name, count in services.items())),
        ),
    )


def _entered(callers: _Callers) -> Generator[Step, None, str]:
    now = datetime.now(UTC)
    uri = callers.importer.attach(_REPORT_NAME, REPORT, "application/pdf")
    sent = plants(now, local="NL-DEMO-1", report=(_REPORT_NAME, uri))
    receipt = callers.importer.submit(wire(sent))
    yield Step(
        "It hands in a file and a CHED-PP of oranges, for an importer, in its own codes",
        ok=receipt.reference.startswith("CHEDPP.NL.") and receipt.status.code == "1",
        why="The answer is TRACES' own, in the same call (Art 37(1)): B translates, A judges by the rules and stores.",
        facts=(
            ("I.2", receipt.reference or "NONE"),
            ("status", f"{receipt.status.code} {receipt.status.label}"),
            ("electronic", receipt.url),
        ),
    )
    there = callers.port.get(receipt.reference)
    file = callers.port.attachment(_REPORT_NAME, there.documents[0].attachment)
    same = hashlib.sha256(file).digest() == hashlib.sha256(REPORT).digest()
    codes = tuple(zip(_codes(sent), _codes(there), strict=True))
    changed = [f"{ours} → {theirs}" for ours, theirs in codes if ours != theirs]
    yield Step(
        "The border control post finds it in TRACES, in the codes of TRACES, and opens the file",
        ok=len(changed) == len(codes) and same,
        why="TRACES exchanges use TRACES reference data (Art 37(2)); what no row of the tables knows is refused.",
        facts=(
            ("codes", ", ".join(changed) or "UNCHANGED"),
            ("file", f"{_REPORT_NAME}, {'equal to' if same else 'NOT'} what was handed in, by its sha-256"),
        ),
    )
    return receipt.reference


def _codes(ched: Ched) -> tuple[str, ...]:
    """Of the purpose, the unit of weight, the packages and the mode of transport."""
    line = ched.lines[0]
    unit = line.net_weight.unit if line.net_weight is not None else ""
    return (ched.purposes[0].code.code, unit, line.packages[0].type.code, ched.transports_before[0].mode.code)


def _decided_in_traces(sandbox: Sandbox, callers: _Callers, reference: str) -> Iterator[Step]:
    part_two = _as_in_traces(decision(datetime.now(UTC)))
    document = wire(replace(callers.port.get(reference), decision=part_two))
    told: TracesRefusal | None = None
    try:
        callers.port.decide(document)
    except TracesRefusal as refusal:
        told = refusal
    yield Step(
        "It decides without signing",
        ok=told is not None and {rule for rule, _, _ in told.errors} == {"R-41-1"},
        why="A decision bears the officer's signature and the authority's seal, each with a qualified stamp (Art 41).",
        facts=(
            ("fault", told.kind if told else "NONE: IT WAS TAKEN"),
            ("missing", " ".join(message.partition(" | ")[0] for _, message, _ in told.errors) if told else ""),
        ),
    )
    receipt = callers.port.decide(document, _signatures(sandbox, document))
    yield Step(
        "It decides with the certifying officer's signature and the post's seal, both stamped",
        ok=receipt.status == _VALIDATED,
        why="Each signed copy stands alone: anybody can verify it without the others and without us.",
        facts=(("status", f"{receipt.status} at TRACES"), ("II.12", part_two.conclusion[0].code)),
    )


def decided(sandbox: Sandbox, port: TracesClient, reference: str) -> str:
    """The status of a CHED that officers who work in TRACES have decided: everything in order, signed and sealed."""
    part_two = _as_in_traces(decision(datetime.now(UTC)))
    document = wire(replace(port.get(reference), decision=part_two))
    return port.decide(document, _signatures(sandbox, document)).status


def _as_in_traces(part: Decision) -> Decision:
    def coded(code: Coded) -> Coded:
        return replace(code, code=_IN_TRACES.get(code.code, code.code))

    return replace(
        part,
        conclusion=tuple(coded(each) for each in part.conclusion),
        documentary_result=coded(part.documentary_result),
        identity_check_type=coded(part.identity_check_type),
        identity_result=coded(part.identity_result),
        physical_result=coded(part.physical_result),
    )


def _signatures(sandbox: Sandbox, document: bytes) -> list[tuple[str, bytes]]:
    """The officer's signature and the authority's seal over the same document, by role."""
    keys = {"officer": "officer-seal", "authority": "border-post-seal"}
    return [(role, seal_of(sandbox, key).seal(document, at=datetime.now(UTC))) for role, key in keys.items()]


def _read_back(callers: _Callers, reference: str) -> Step:
    status = callers.importer.status(reference)
    part = callers.importer.get(reference).decision
    conclusion = [each.code for each in part.conclusion] if part is not None else []
    results = [part.documentary_result.code, part.identity_result.code, part.physical_result.code] if part else []
    return Step(
        "The national system asks for the status and reads the decision, in its own codes",
        ok=status.status.code == _VALIDATED and conclusion == ["G-IM"] and set(results) == {"OK"},
        why="It never learns the codes of TRACES: its gateway says everything as the system says it.",
        facts=(
            ("status", f"{status.status.code} {status.status.label}"),
            ("decision", ", ".join(conclusion) or "NONE"),
            ("II.3 to II.5", ", ".join(results) or "NONE"),
        ),
    )


def _printed(sandbox: Sandbox, callers: _Callers, reference: str) -> Step:
    file = sandbox.folder / f"{reference}.pdf"
    file.write_bytes(callers.importer.pdf(reference))
    signed = callers.importer.pdf(reference, signed=True)
    file.with_suffix(".signed.pdf").write_bytes(signed)
    content = file.read_bytes()
    return Step(
        "It fetches the printable CHED, plain and signed",
        ok=content.startswith(b"%PDF-") and b"/ByteRange" in signed and b"/ByteRange" not in content,
        why="Laid out by parts and boxes as in Annex II, with a QR label that leads to the electronic version.",
        facts=(
            ("file", f"{file.name}, {len(content):,} bytes"),
            ("signed", f"{file.stem}.signed.pdf, {len(signed):,} bytes, a PAdES signature in it"),
        ),
    )


def _sealed_by_traces(sandbox: Sandbox, callers: _Callers, reference: str) -> Step:
    file = sandbox.folder / f"{reference}.sealed.xml"
    content = callers.importer.signed_xml(reference)
    file.write_bytes(content)
    verified = verify_sealed(
        parse(content).root,
        policy=SEALED_DOCUMENT_POLICY,
        trust=trust_of(sandbox, "traces-root"),
        at=datetime.now(UTC),
        content=content,
    )
    stamp = verified.seal.timestamp
    return Step(
        "It fetches the CHED under the seal of TRACES, and verifies that",
        ok=stamp is not None and read_ched(verified.root).reference == reference,
        why="The seal of TRACES says what it has and since when (Art 41(1)(a)); `imsoc verify` needs nothing of us.",
        facts=(
            ("signed by", verified.seal.signer_subject),
            ("stamped", f"{stamp.time:%Y-%m-%dT%H:%M:%SZ}" if stamp is not None else "NO"),
            ("file", file.name),
        ),
    )


def _animal(sandbox: Sandbox, callers: _Callers) -> Iterator[Step]:
    receipt = callers.importer.submit(wire(animals(datetime.now(UTC), local="NL-DEMO-2")))
    there = callers.port.get(receipt.reference)
    notes = {note.subject.code: note.text for line in there.lines for note in line.notes}
    identified = notes.get("INDIVIDUAL_IDENTIFICATION_NUMBER", "")
    yield Step(
        "A CHED-A for one registered horse, named by its transponder",
        ok=there.type is ChedType.A and identified == ANIMAL,
        why="Which details a commodity needs comes from reference data (its …_ACCESS attributes), not from code.",
        facts=(
            ("I.2", receipt.reference),
            ("I.31", f"{there.lines[0].scientific_name}, {identified or 'NOT IDENTIFIED'}"),
            ("I.18", f"PAARD → {there.certified_as[0].code}"),
        ),
    )
    document = wire(replace(callers.post.get(receipt.reference), decision=decision(datetime.now(UTC))))
    decided = callers.post.decide(document, _signatures(sandbox, document))
    shown: dict[str, dict[str, Any]] = {}

    def sealed() -> bool:
        shown.update(_shown((sandbox.b, sandbox.a), receipt.reference))
        return not shown[sandbox.b.name].get("pending", "unknown")

    until(sealed)
    here, there_too = (_roles(shown[instance.name]) for instance in (sandbox.b, sandbox.a))
    pending = shown[sandbox.b.name].get("pending", "unknown")
    yield Step(
        "The border control post decides it in the national system; B transmits it, TRACES counter-seals",
        ok=decided.status == _VALIDATED and not pending and "traces" in here and "transmission" in there_too,
        why="Transmitted under the authority's seal; accepted for good when TRACES' seal is verified (Art 41(2)).",
        facts=(
            ("status", f"{decided.status}; TRACES has {callers.port.status(receipt.reference).status.code}"),
            ("at gateway B", f"{', '.join(here) or 'NO SIGNATURE'}; imsoc ched show {receipt.reference}"),
            ("at TRACES", ", ".join(there_too) or "NO SIGNATURE"),
            ("counter-seal", pending or "fetched and verified against the root of TRACES"),
        ),
    )


def _shown(instances: tuple[Instance, ...], reference: str) -> dict[str, dict[str, Any]]:
    """What the operators of these gateways see of a CHED, by the gateway's name."""
    asked = [(instance.name, operator(instance, "ched", "show", reference, "--json")) for instance in instances]
    answers = [(name, process.communicate()[0], process.returncode) for name, process in asked]
    return {name: json.loads(out) if code == 0 else {} for name, out, code in answers}


def _roles(shown: dict[str, Any]) -> list[str]:
    """Whose signatures and seals are kept."""
    return sorted(str(each["role"]) for each in shown.get("seals", ()))


def _five_findings(callers: _Callers) -> Step:
    told: TracesRefusal | None = None
    try:
        callers.importer.submit(wire(broken(datetime.now(UTC), local="NL-DEMO-3")))
    except TracesRefusal as refusal:
        told = refusal
    errors = told.errors if told else ()
    return Step(
        "A CHED that breaks five rules comes back with five findings",
        ok=sorted(rule for rule, _, _ in errors) == sorted(FIVE_RULES),
        why="All of them at once, each with its box and what to do: nobody has to try again and again.",
        facts=(
            ("fault", told.kind if told else "NONE: IT WAS TAKEN"),
            *((rule, message.partition(" | ")[0]) for rule, message, _ in errors),
        ),
    )
