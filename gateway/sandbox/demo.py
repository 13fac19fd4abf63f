"""``imsoc demo``: a third country's sealed certificate travels through two gateways, and what must not pass is refused.

Every part is the real one (see ``instances``); the story is told by calling the gateways as their clients would.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from gateway.sandbox.client import Client, Refused
from gateway.sandbox.instances import Sandbox
from gateway.sandbox.samples import Example, example
from gateway.trust import (
    SEALED_DOCUMENT_POLICY,
    Anchor,
    Level,
    Purpose,
    Sealer,
    TimestampClient,
    TrustStore,
    load_certificates,
    verify_sealed,
)
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.names import CX1, PREFIXES, qn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element
    from rich.console import Console

__all__ = ["run_demo"]

DELIVERY_SECONDS: Final = 20.0
"""How long A may take to deliver to B; it takes a fraction of a second."""
SHOWN_ROWS: Final = 12
"""Translated places on the screen; ``--json`` and the evidence have all."""

_NUMBER: Final = "AR-SANDBOX-2026-0000001"
_IDENTITY: Final = ("AR", "851", _NUMBER)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, and whether it was what should happen."""

    title: str
    ok: bool
    facts: tuple[tuple[str, str], ...] = ()


def run_demo(*, once: bool, json_output: bool, folder: Path | None, console: Console) -> int:
    """Walk the journey.

    Args:
        once: end after it; otherwise both gateways run on until Ctrl-C.
        json_output: one JSON document on standard output instead of text.
        folder: where keys, settings and databases are kept; a temporary folder, removed afterwards, when None.
        console: for text.

    Returns:
        0 when every step went as it should, 1 otherwise.
    """
    place = folder or Path(tempfile.mkdtemp(prefix="imsoc-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(place.resolve())
    started = time.monotonic()
    steps: list[Step] = []
    try:
        _prepare(sandbox, console, quiet=json_output)
        for step in _journey(sandbox):
            steps.append(step)
            if not json_output:
                _show(step, console)
        seconds = time.monotonic() - started
        good = all(step.ok for step in steps)
        if json_output:
            document = {"ok": good, "seconds": round(seconds, 2), "steps": [asdict(step) for step in steps]}
            console.print_json(json.dumps(document))
        else:
            _conclude(sandbox, console, good=good, seconds=seconds, kept=folder is not None, once=once)
        if not once:
            with suppress(KeyboardInterrupt):
                while True:
                    time.sleep(3600)
        return 0 if good else 1
    finally:
        sandbox.stop()
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def _prepare(sandbox: Sandbox, console: Console, *, quiet: bool) -> None:
    if quiet:
        sandbox.prepare()
        sandbox.start()
        return
    with console.status("Making keys, settings and databases"):
        sandbox.prepare()
    with console.status("Starting gateway A (role traces) and gateway B (role national)"):
        sandbox.start()
    console.print(f"Gateway A (traces)   {sandbox.a.address}/CertificateExchange?wsdl", highlight=False)
    console.print(f"Gateway B (national) {sandbox.b.address}/CertificateExchange?wsdl", highlight=False)
    console.print(f"Time stamps          {sandbox.tsa_address}\n", highlight=False)


def _journey(sandbox: Sandbox) -> Iterator[Step]:
    sender = Client(sandbox.a.address, "third-country", sandbox.secrets["third-country"])
    sealer = _sealer(sandbox, "third-country-seal")
    sealed = sealer.seal(_numbered(example(Example.EPHYTO), _NUMBER), at=datetime.now(UTC))
    acknowledgement = sender.submit(sealed, message_id="sandbox-1")
    first_request = sender.last_request
    yield _received(sandbox, sealed, acknowledgement)
    evidence = sender.evidence(*_IDENTITY)
    yield _verified(sender.status(*_IDENTITY), evidence)
    yield _translated(evidence)
    yield _stored(sender, sealed)
    yield _delivered(sender)
    national = Client(sandbox.b.address, "national", sandbox.secrets["national"])
    yield _read_back(national)
    yield _repeated(sender, sealed, acknowledgement)
    yield from _refusals(sandbox, sender, sealer, sealed, first_request)


def _received(sandbox: Sandbox, sealed: bytes, acknowledgement: bytes) -> Step:
    root = parse(acknowledgement).root
    trust = _trust(sandbox, "traces-root")
    verdict = verify_sealed(root, policy=SEALED_DOCUMENT_POLICY, trust=trust, at=datetime.now(UTC)).seal
    return Step(
        "The third country submits to gateway A and gets a sealed acknowledgement",
        ok=verdict.indication.value == "TOTAL-PASSED",
        facts=(
            ("certificate", f"{'/'.join(_IDENTITY)}, {len(sealed):,} bytes, sealed XAdES-B-T"),
            ("exchange", _reference(root, "CAW")),
            ("acknowledged by", verdict.signer_subject),
            ("time stamp", verdict.timestamp.time.isoformat() if verdict.timestamp else "none"),
        ),
    )


def _verified(status: _Element, evidence: dict[str, bytes]) -> Step:
    verdict = json.loads(next(content for name, content in evidence.items() if name.endswith("seal-verdict.json")))
    route = status.findtext(f"{qn(CX1, 'Version')}/{qn(CX1, 'IssuingRoute')}", "")
    return Step(
        "Gateway A verified the seal and its time stamp (Art 39)",
        ok=verdict["indication"] == "TOTAL-PASSED" and route == "iii",
        facts=(
            ("verdict", verdict["indication"]),
            ("signer", verdict["signer"]),
            ("level", f"{verdict['level']} ({verdict['level_reason']})"),
            ("time stamp", f"{verdict['timestamp']['time']}, {verdict['timestamp']['level']}"),
            ("route", f"{route}: a third country's system exchanging with TRACES"),
        ),
    )


def _translated(evidence: dict[str, bytes]) -> Step:
    name = next(name for name in evidence if name.endswith("report.json"))
    rows = json.loads(evidence[name])
    facts = [
        (
            row["path"].rsplit("/sps:", 1)[-1],
            f"{row['list']}: {row['source_code']} → {row['target_code']}  [{row['row_id']}]",
        )
        for row in rows
        if row["source_code"] != row["target_code"]
    ]
    more = [("…", f"{len(facts) - SHOWN_ROWS} more rows in the evidence")] if len(facts) > SHOWN_ROWS else []
    return Step(
        f"Translated from the ePhyto form to the TRACES form: {len(rows)} places by table rows",
        ok=bool(rows),
        facts=(*facts[:SHOWN_ROWS], *more),
    )


def _short(path: str) -> str:
    """The last two steps of an XPath, without prefixes: enough to recognise the place on a screen."""
    return "/".join(step.split(":")[-1] for step in path.split("/")[-2:])


def _stored(sender: Client, sealed: bytes) -> Step:
    reply = sender.get(*_IDENTITY)
    given = base64.b64decode(reply.findtext(qn(CX1, "SealedDocument"), ""))
    return Step(
        "Stored as received: the sender reads its own document back",
        ok=given == sealed,
        facts=(("bytes", f"{len(given):,}, equal to what was sent: {given == sealed}"),),
    )


def _delivered(sender: Client) -> Step:
    deadline = time.monotonic() + DELIVERY_SECONDS
    state, attempts = "", ""
    while time.monotonic() < deadline and state not in ("delivered", "refused", "failed"):
        delivery = sender.status(*_IDENTITY).find(qn(CX1, "Delivery"))
        if delivery is not None:
            state = delivery.findtext(qn(CX1, "State"), "")
            attempts = delivery.findtext(qn(CX1, "Attempts"), "")
        else:
            state = "not visible to the sender"
            break
        time.sleep(0.05)
    return Step(
        "Gateway A delivered it to gateway B in B's codes, under A's seal, and B acknowledged",
        ok=state == "delivered",
        facts=(("state", state), ("attempts", attempts)),
    )


def _read_back(national: Client) -> Step:
    original = national.get(*_IDENTITY)
    translated = national.get(*_IDENTITY, representation="TRANSLATED")
    packages = "//ram:PhysicalSPSPackage/ram:TypeCode/text()"
    own = _distinct(original, packages)
    canonical = _distinct(translated, packages)
    return Step(
        "A national inspector reads it at gateway B",
        ok=bool(own) and own != canonical,
        facts=(
            ("package codes in B's own form", ", ".join(own)),
            ("package codes in TRACES form", ", ".join(canonical)),
            ("status", original.findtext(qn(CX1, "StatusCode"), "")),
        ),
    )


def _repeated(sender: Client, sealed: bytes, acknowledgement: bytes) -> Step:
    again = sender.submit(sealed, message_id="sandbox-1")
    return Step(
        "The same document again, freshly authenticated: one effect, the same answer",
        ok=again == acknowledgement,
        facts=(("answer", "equal byte for byte" if again == acknowledgement else "another one"),),
    )


def _refusals(sandbox: Sandbox, sender: Client, sealer: Sealer, sealed: bytes, first_request: bytes) -> Iterator[Step]:
    def fresh(number: str, change: Callable[[bytes], bytes] = lambda text: text) -> bytes:
        document = change(_numbered(example(Example.EPHYTO), number))
        return sealer.seal(document, at=datetime.now(UTC))

    tampered = sealed.replace(b">KGM<", b">TNE<").replace(b'unitCode="KGM"', b'unitCode="TNE"')
    yield _refused(
        "A tampered copy: kilograms became tonnes after sealing", "IMG-4009", lambda: sender.submit(tampered)
    )
    yield _refused(
        "A replay: an eavesdropper sends the first request again", "IMG-2003", lambda: sender.send_again(first_request)
    )
    yield _refused(
        "A code without a mapping row",
        "IMG-6001",
        lambda: sender.submit(fresh("AR-SANDBOX-2026-0000002", _unmapped)),
    )
    stranger = _sealer(sandbox, "stranger-seal")
    yield _refused(
        "A seal of an authority that is not this partner's",
        "IMG-4020",
        lambda: sender.submit(stranger.seal(_numbered(example(Example.EPHYTO), "AR-X-3"), at=datetime.now(UTC))),
    )
    direct = Client(sandbox.b.address, "third-country-at-b", sandbox.secrets["third-country-at-b"])
    yield _refused(
        "A phytosanitary certificate straight to the national system: route iv (R-39-5)",
        "IMG-4102",
        lambda: direct.submit(fresh("AR-SANDBOX-2026-0000004")),
    )
    veterinary = Client(sandbox.b.address, "vet-third-country-at-b", sandbox.secrets["vet-third-country-at-b"])
    document = sealer.seal(example(Example.VETERINARY), at=datetime.now(UTC))
    yield _refused(
        "A veterinary certificate by route iv, and the Commission was not informed (R-39-4)",
        "IMG-4101",
        lambda: veterinary.submit(document),
    )


def _refused(title: str, expected: str, attempt: Callable[[], object]) -> Step:
    try:
        attempt()
    except Refused as refusal:
        found = (("found", refusal.found),) if refusal.found else ()
        where = (("where", refusal.where),) if refusal.where else ()
        facts = (("refused", f"{refusal.code} {refusal.message}"), *where, *found, ("retry", refusal.retry))
        return Step(title, ok=refusal.code == expected, facts=facts)
    return Step(title, ok=False, facts=(("refused", f"no, though {expected} was expected"),))


def _sealer(sandbox: Sandbox, name: str) -> Sealer:
    pki = sandbox.folder / "pki"
    timestamper = TimestampClient([sandbox.tsa_address], _trust(sandbox))
    return Sealer.from_pem(
        (pki / f"{name}.key").read_bytes(), (pki / f"{name}.pem").read_bytes(), timestamper=timestamper
    )


def _trust(sandbox: Sandbox, *seal_roots: str) -> TrustStore:
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


def _show(step: Step, console: Console) -> None:
    console.print(Text("ok   " if step.ok else "FAIL ", style="green" if step.ok else "red") + Text(step.title, "bold"))
    facts = Table.grid(padding=(0, 2))
    for name, value in step.facts:
        facts.add_row(Text(f"     {name}"), Text(value))
    console.print(facts)


def _conclude(sandbox: Sandbox, console: Console, *, good: bool, seconds: float, kept: bool, once: bool) -> None:
    word = Text("Everything went as it should", "green") if good else Text("Something went wrong", "red")
    console.print(Text("\n") + word + Text(f" ({seconds:.1f} s)."))
    if kept or not once:
        console.print(f"Keys, settings, databases, logs: {sandbox.folder}", highlight=False)
    if not once:
        _invite(sandbox, console)


def _invite(sandbox: Sandbox, console: Console) -> None:
    """What to try while both gateways run; each line can be pasted into another terminal."""
    own = sandbox.folder / "third-country"
    account = sandbox.folder / "secrets" / "third-country.txt"
    imsoc = Path(sys.executable).with_name("imsoc")
    lines = (
        "Both gateways go on running; Ctrl-C ends them. From another terminal, as the third country:",
        f"  {imsoc} -c {own}/imsoc.toml seal {own}/certificate.xml --out sealed.xml",
        f"  {sys.executable} examples/integrator.py {sandbox.a.address} third-country {account} sealed.xml",
        "and as the operator of gateway A:",
        f"  {imsoc} -c {sandbox.a.config} messages list",
        f"  {imsoc} -c {sandbox.a.config} deliveries list",
    )
    for line in lines:
        console.print(Text(line), soft_wrap=True)
