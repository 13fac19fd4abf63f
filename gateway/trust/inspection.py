"""``imsoc verify``: judges a sealed file or an evidence container offline and lays it out for other verifiers."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import GatewayError
from gateway.trust import der
from gateway.trust.anchors import TrustStore
from gateway.trust.elements import SIGNATURE
from gateway.trust.evidence import FORMAT, MANIFEST
from gateway.trust.layout import read_layout
from gateway.trust.models import Anchor, Indication, Level, Purpose, SubIndication, indications_of
from gateway.trust.policy import INLINE_POLICY, SEALED_DOCUMENT_POLICY
from gateway.trust.seals import stamped_octets, verify_sealed
from gateway.trust.tokens import agrees, certificates_of
from gateway.trust.unsealed import unsealed_document
from gateway.xml.boundary import parse
from gateway.xml.canonical import serialise
from gateway.xml.limits import KEPT_LIMITS
from gateway.xml.names import path_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from lxml.etree import _Element

    from gateway.trust.models import SealVerdict
    from gateway.trust.policy import SignaturePolicy

__all__ = ["FileReport", "SealReport", "verify_file"]

MAX_ENTRY_BYTES = 64 * 1024 * 1024
MAX_ENTRIES = 200
"""Bounds on a container from a stranger: an honest one has a dozen files."""

_XMLSEC1 = (
    "xmlsec1 --verify --enabled-key-data x509 --trusted-pem anchor.pem --untrusted-pem certificates.pem"
    " --id-attr:Id http://uri.etsi.org/01903/v1.3.2#:SignedProperties element.xml"
)


@dataclass(frozen=True, slots=True)
class SealReport:
    """One sealed element and what was found."""

    file: str
    path: str
    """XPath of the sealed element in its file."""
    indication: Indication
    sub_indication: SubIndication | None
    code: str
    """IMG-40xx of the refusal; empty when it passed."""
    message: str
    seal: SealVerdict | None
    """The verdict; without anchors, what the seal says about itself."""
    token_second_opinion: bool | None = None
    """Whether rfc3161-client accepts the time stamp too; None without one, or where it cannot read it."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What ``imsoc verify FILE`` found."""

    kind: str
    """``xml`` or ``evidence``."""
    seals: tuple[SealReport, ...]
    altered: tuple[str, ...] = ()
    """Files of a container that are not what its manifest says, each with how."""
    unsealed: str = ""
    """About a document that came by the ePhyto hub: what is known about it instead of a seal. Our sealed
    acknowledgement names the digests of its content and of the envelope that it came in."""

    @property
    def passed(self) -> bool:
        """At least one seal, every one of them TOTAL-PASSED, and nothing altered."""
        return (
            bool(self.seals)
            and not self.altered
            and all(seal.indication is Indication.TOTAL_PASSED for seal in self.seals)
        )


def verify_file(
    content: bytes,
    *,
    at: datetime,
    trust: TrustStore | None = None,
    policy: SignaturePolicy | None = None,
    extract_to: Path | None = None,
) -> FileReport:
    """Judges every sealed element of an XML file, or of the files in an evidence container.

    Args:
        content: the file.
        at: the time to judge seals without time stamp at, aware.
        trust: anchors; without them the report says whether content and seal agree, never that it passed.
        policy: overrides the policy of sealed documents, for a partner's exceptions.
        extract_to: a folder for the parts that xmlsec1 and openssl need; made when absent.

    Raises:
        XmlRefused: the file is neither a container nor XML that may become a tree.
    """
    if content.startswith(b"PK"):
        return _verify_container(content, at, trust, policy, extract_to)
    seals = _verify_xml("", content, at, trust, policy, extract_to)
    return FileReport("xml", seals)


def _verify_container(
    content: bytes, at: datetime, trust: TrustStore | None, policy: SignaturePolicy | None, extract_to: Path | None
) -> FileReport:
    try:
        files = _unpack(content)
        manifest = json.loads(files.pop(MANIFEST))
        listed = {str(name): str(entry["sha256"]) for name, entry in manifest["files"].items()}
        if manifest["format"] != FORMAT:
            return FileReport("evidence", (), (f"{MANIFEST}: another format",))
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError, NotImplementedError, OSError) as error:
        return FileReport("evidence", (), (f"the container cannot be read: {type(error).__name__}",))
    altered = [f"{name}: missing" for name in listed if name not in files]
    for name, data in files.items():
        if name not in listed:
            altered.append(f"{name}: not in the manifest")
        elif hashlib.sha256(data).hexdigest() != listed[name]:
            altered.append(f"{name}: altered")
    seals: list[SealReport] = []
    unsealed = "" if altered else unsealed_document(files)
    for name in ("acknowledgement.xml",) if unsealed else ("document.xml", "acknowledgement.xml"):
        if name in files:
            folder = extract_to / name.removesuffix(".xml") if extract_to is not None else None
            try:
                seals.extend(_verify_xml(name, files[name], at, trust, policy, folder))
            except GatewayError as error:
                altered.append(f"{name}: {error.code}")
    return FileReport("evidence", tuple(seals), tuple(altered), unsealed)


def _unpack(content: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_ENTRY_BYTES:
            raise ValueError("a container beyond all measure")
        for entry in entries:
            if entry.filename in files:
                raise ValueError("one name twice")
            with archive.open(entry) as stream:
                files[entry.filename] = stream.read(MAX_ENTRY_BYTES)
    return files


def _verify_xml(
    file: str,
    content: bytes,
    at: datetime,
    trust: TrustStore | None,
    policy: SignaturePolicy | None,
    extract_to: Path | None,
) -> tuple[SealReport, ...]:
    root = parse(content, limits=KEPT_LIMITS).root
    sealed = list(dict.fromkeys(_sealed_elements(root))) or [root]
    reports: list[SealReport] = []
    for number, element in enumerate(sealed, start=1):
        own = SEALED_DOCUMENT_POLICY if element is root else INLINE_POLICY
        report = _judge(file, element, policy or own, trust, at)
        reports.append(report)
        if extract_to is not None:
            folder = extract_to if len(sealed) == 1 else extract_to / str(number)
            _extract(folder, element, policy or own, at, report)
    return tuple(reports)


def _sealed_elements(root: _Element) -> list[_Element]:
    """The parents of outermost signatures; the root for a signature that is the root itself."""
    found = []
    for signature in root.iter(SIGNATURE):
        parent = signature.getparent()
        if next(signature.iterancestors(SIGNATURE), None) is None:
            found.append(parent if parent is not None else root)
    return found


def _judge(file: str, element: _Element, policy: SignaturePolicy, trust: TrustStore | None, at: datetime) -> SealReport:
    where = path_of(element)
    try:
        if trust is None:
            trust = _presented(element, policy, at)
            policy = replace(policy, minimum_level=Level.NONE, minimum_timestamp_level=Level.NONE)
            seal = verify_sealed(element, policy=policy, trust=trust, at=at).seal
            return SealReport(
                file,
                where,
                Indication.INDETERMINATE,
                SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
                "IMG-4020",
                "Content and seal agree; no anchor was given, so nothing is known about who sealed it",
                seal,
            )
        verified = verify_sealed(element, policy=policy, trust=trust, at=at)
    except GatewayError as error:
        indication, sub_indication = indications_of(error)
        text = "; ".join(part for part in (error.message, error.where, error.found, error.expected) if part)
        return SealReport(file, where, indication, sub_indication, error.code, text, None)
    opinion = None
    if verified.seal.timestamp is not None:
        layout = read_layout(element, policy, at)
        used = next(stamp for stamp in layout.stamps if stamp.token == verified.seal.timestamp.token_der)
        opinion = agrees(used.token, stamped_octets(layout, used), trust)
    return SealReport(file, where, Indication.TOTAL_PASSED, None, "", "", verified.seal, opinion)


def _presented(element: _Element, policy: SignaturePolicy, at: datetime) -> TrustStore:
    """What the seal says about itself, taken for granted: enough to tell altered from intact, not to trust."""
    layout = read_layout(element, policy, at)
    certificates = [*layout.certificates, *(item for stamp in layout.stamps for item in certificates_of(stamp.token))]
    everything = frozenset({Purpose.SEAL, Purpose.TIMESTAMP})
    return TrustStore([Anchor("presented", certificate, everything, Level.NONE) for certificate in certificates])


def _extract(folder: Path, element: _Element, policy: SignaturePolicy, at: datetime, report: SealReport) -> None:
    """The sealed element and its tokens as files, and the commands that judge them without this program."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "element.xml").write_bytes(serialise(element))
    commands = [_XMLSEC1]
    try:
        layout = read_layout(element, policy, at)
    except GatewayError:
        layout = None
    if layout is not None:
        _write_pem(folder / "certificates.pem", layout.certificates)
        for number, stamp in enumerate(layout.stamps, start=1):
            granted = der.encode(der.SEQUENCE, der.integer(0))
            (folder / f"signature-value-{number}.bin").write_bytes(stamped_octets(layout, stamp))
            (folder / f"token-{number}.tsr").write_bytes(der.encode(der.SEQUENCE, granted, stamp.token))
            _write_pem(folder / f"token-{number}.pem", certificates_of(stamp.token))
            commands.append(
                f"openssl ts -verify -data signature-value-{number}.bin -in token-{number}.tsr"
                f" -CAfile timestamp-anchor.pem -untrusted token-{number}.pem"
            )
    if report.seal is not None and report.indication is Indication.TOTAL_PASSED:
        _write_pem(folder / "anchor.pem", report.seal.chain_der[-1:])
        if report.seal.timestamp is not None:
            _write_pem(folder / "timestamp-anchor.pem", report.seal.timestamp.chain_der[-1:])
    (folder / "commands.txt").write_text("\n".join(commands) + "\n")


def _write_pem(path: Path, certificates: tuple[bytes, ...]) -> None:
    try:
        path.write_bytes(
            b"".join(x509.load_der_x509_certificate(item).public_bytes(Encoding.PEM) for item in certificates)
        )
    except ValueError:
        path.write_bytes(b"")
