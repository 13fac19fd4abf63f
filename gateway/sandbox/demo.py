"""``imsoc demo``: a certificate travels, what must not pass is refused; the hub; CHEDs; codes; customs.

Every part is the real one (see ``instances``); the story (``journey``) is told by calling the gateways as their clients
would.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import ConfigurationError
from gateway.sandbox.client import Client, Refused
from gateway.sandbox.customs_instances import AT_ENTRY
from gateway.sandbox.customs_journey import REFERENCE, customs_journey
from gateway.sandbox.hub_journey import hub_journey
from gateway.sandbox.instances import Sandbox
from gateway.sandbox.journey import journey, refusals, seal_of
from gateway.sandbox.mappings_journey import mappings_journey
from gateway.sandbox.telling import Step, Teller
from gateway.sandbox.traces_client import TracesRefusal
from gateway.sandbox.traces_instances import IMPORTER, NATIONAL
from gateway.sandbox.traces_journey import ched_journey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

__all__ = ["run_demo"]


def run_demo(*, once: bool, json_output: bool, folder: Path | None, console: Console) -> int:
    """Walk the journey.

    Args:
        once: end after it; otherwise the gateways run on until Ctrl-C.
        json_output: one JSON document on standard output instead of text.
        folder: where keys, settings, databases and evidence are kept; a temporary folder, removed afterwards, when
            None.
        console: for text.

    Returns:
        0 when every step went as it should, 1 otherwise.

    Raises:
        ConfigurationError: IMG-0104 the folder holds something: keys and databases of two runs do not mix.
    """
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            "IMG-0104", "The folder is not empty", where="--folder", found=str(folder), expected="a new or empty folder"
        )
    place = folder or Path(tempfile.mkdtemp(prefix="imsoc-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(place.resolve())
    teller = None if json_output else Teller(console)
    started = time.monotonic()
    try:
        with _ended_by_signals():
            _prepare(sandbox, teller, console)
            steps = []
            for step in _steps(sandbox, teller):
                steps.append(step)
                if teller is not None:
                    teller.step(step)
            seconds = time.monotonic() - started
            good = all(step.ok for step in steps)
            if teller is None:
                document = {"ok": good, "seconds": round(seconds, 2), "steps": [asdict(step) for step in steps]}
                console.print_json(json.dumps(document))
            else:
                _conclude(sandbox, teller, steps, seconds=seconds, kept=folder is not None, once=once)
            if not once:
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
            return 0 if good else 1
    finally:
        sandbox.stop()
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does: no gateway is left running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _prepare(sandbox: Sandbox, teller: Teller | None, console: Console) -> None:
    with nullcontext() if teller is None else console.status("Making keys, settings and databases"):
        sandbox.prepare()
    with nullcontext() if teller is None else console.status("Starting the gateways"):
        sandbox.start()
    if teller is not None:
        teller.facts(
            (
                ("gateway A", f"{sandbox.a.address}/CertificateExchange?wsdl   plays TRACES"),
                ("gateway B", f"{sandbox.b.address}/CertificateExchange?wsdl   a national gateway; hands CHEDs to A"),
                ("gateway H", f"{sandbox.hub.service}?wsdl   plays the ePhyto hub"),
                ("gateway C", f"{sandbox.hub.c.address}/CertificateExchange?wsdl   another national system; polls H"),
                ("time stamps", f"{sandbox.tsa_address}   an authority answering RFC 3161"),
                ("third country", "a SOAP client (zeep) that seals with its own key; everybody here is invented"),
            ),
            indent=0,
        )


def _steps(sandbox: Sandbox, teller: Teller | None) -> Iterator[Step]:
    sender = Client(sandbox.a.address, "third-country", sandbox.secrets["third-country"])
    sealer = seal_of(sandbox, "third-country-seal")
    first_request = b""
    try:
        if teller is not None:
            teller.heading("The journey of one certificate")
        for step in journey(sandbox, sender, sealer):
            first_request = first_request or sender.last_request
            yield step
        if teller is not None:
            teller.heading("What must not pass")
        yield from refusals(sandbox, sender, sealer, first_request)
        if teller is not None:
            teller.heading("The ePhyto hub: a third country, a hub, a national system, TRACES")
        yield from hub_journey(sandbox)
        if teller is not None:
            teller.heading("CHEDs: a national system, its gateway, TRACES")
        yield from ched_journey(sandbox)
        if teller is not None:
            teller.heading("Reference data: what no table knows, and how tables change")
        yield from mappings_journey(sandbox)
        if teller is not None:
            teller.heading("Customs: how much of a CHED is left")
        yield from customs_journey(sandbox)
    except (Refused, TracesRefusal) as refusal:
        facts = tuple((name, str(value)) for name, value in asdict(refusal).items() if value)
        yield Step("The journey broke off: a gateway refused what it should take", ok=False, facts=facts)


def _conclude(sandbox: Sandbox, teller: Teller, steps: list[Step], *, seconds: float, kept: bool, once: bool) -> None:
    failed = sum(not step.ok for step in steps)
    if failed:
        teller.verdict(f"{failed} of {len(steps)} steps did not go as they should ({seconds:.1f} s).", good=False)
    else:
        teller.verdict(f"All {len(steps)} steps went as they should ({seconds:.1f} s).", good=True)
    if kept or not once:
        teller.say(f"Keys, settings, databases, logs, evidence: {sandbox.folder}")
    if not once:
        told = [dict(step.facts).get(REFERENCE, "") for step in steps]
        _invite(sandbox, teller, next((each.partition(",")[0] for each in reversed(told) if each), "CHED"))


def _invite(sandbox: Sandbox, teller: Teller, ched: str) -> None:
    """What to try while the gateways run; each line can be pasted into another terminal.

    Args:
        sandbox: the gateways.
        teller: prints.
        ched: reference of the CHED that customs asked about.
    """
    own = sandbox.folder / "third-country"
    account = sandbox.folder / "secrets" / "third-country.txt"
    pki = sandbox.folder / "pki"
    imsoc = Path(sys.executable).with_name("imsoc")
    teller.say(
        "The gateways go on running; Ctrl-C ends them. From another terminal, as the third country:",
        f"  {imsoc} -c {own}/imsoc.toml seal {own}/certificate.xml --out sealed.xml",
        f"  {sys.executable} examples/integrator.py {sandbox.a.address} third-country {account} sealed.xml",
        f"  {imsoc} verify sealed.xml --anchor {pki}/third-country-root.pem --anchor {pki}/tsa-root.pem",
        "and as the operator of gateway A:",
        f"  {imsoc} -c {sandbox.a.config} messages list",
        f"  {imsoc} -c {sandbox.a.config} deliveries list",
        f"  {imsoc} -c {sandbox.a.config} customs check --all",
        f"  {imsoc} -c {sandbox.a.config} explain ID   # of a message in the list, or a code: explain IMG-4009",
        "the hub's contract, as the third country and as the operator of gateway C:",
        f"  {sys.executable} examples/hub_client.py {sandbox.hub.h.address} {pki}/third-country-client.pem"
        f" {pki}/third-country-client.key {pki}/hub-root.pem {own}/ephyto.xml",
        f"  {imsoc} -c {sandbox.hub.c.config} hub imports",
        "the contracts of TRACES NT, as the national system:",
        f"  {sys.executable} examples/traces_client.py {sandbox.b.address} {NATIONAL}"
        f" {sandbox.folder / 'secrets' / NATIONAL}.txt operator {IMPORTER[1]}"
        f" {sandbox.folder / 'national-system' / 'ched.xml'}",
        "the contract of customs, as the office of entry, and the ledger of the CHED, as the operator of gateway A:",
        f"  {sys.executable} examples/customs_client.py {sandbox.a.address} {AT_ENTRY.account}"
        f" {sandbox.folder / 'secrets' / AT_ENTRY.account}.txt {AT_ENTRY.number} {ched} read",
        f"  {imsoc} -c {sandbox.a.config} customs show {ched}",
        "every CHED, as the operator of gateway B:",
        f"  {imsoc} -c {sandbox.b.config} ched find",
    )
