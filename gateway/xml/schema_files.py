"""The published schema files: read from the package, compiled once per thread.

Nothing is fetched: the schemas import one another by relative places inside the ``xsd`` package, and a test holds that.
"""

from __future__ import annotations

import atexit
import tempfile
import threading
from contextlib import ExitStack
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from lxml.etree import _Element

__all__ = ["SchemaName", "compiled", "schema_folder", "schema_source", "schema_tree"]


class SchemaName(StrEnum):
    """The root schemas, by their place in the ``xsd`` package."""

    CERTIFICATE_EXCHANGE = "CertificateExchange_1.xsd"
    """Bodies of our own contract, whole, with the strict certificate inside."""
    SPS_STRICT = "uncefact/strict/SPSCertificate_17.xsd"
    SPS_TOLERANT = "uncefact/tolerant/SPSCertificate_17.xsd"
    """For documents that ``gateway.documents.normalise_order`` has brought into UN order."""
    ACK = "uncefact/strict/SPSAcknowledgement_17.xsd"
    ACK_TOLERANT = "uncefact/tolerant/SPSAcknowledgement_17.xsd"
    DELIVERY_SERVICE = "ippc/served/DeliveryService_1.xsd"
    """Bodies of the hub's contract with any document inside: its clients send more than they declare (DIGEST 2.6)."""
    DELIVERY_SERVICE_TYPED = "ippc/DeliveryService_1.xsd"
    """The same as published: a document inside must be in the hub's order."""
    HUB_PHYTO = "ippc/SPSCertificate_17.xsd"
    """The hub's subset of the certificate, in the hub's order."""
    HUB_ACK = "ippc/SPSAcknowledgement_17.xsd"
    TRACES_CHED = "traces/Ched_2.xsd"
    """Bodies of ChedCertificateServiceV2; certificates in this and the following are held to the tolerant set."""
    TRACES_CHED_SUBMISSION = "traces/ChedSubmission_2.xsd"
    TRACES_CHED_SUBMISSION_01 = "traces/ChedSubmission_01.xsd"
    TRACES_INTRA = "traces/EuIntra_1.xsd"
    TRACES_DOCOM = "traces/DocomRetrieval_1.xsd"
    TRACES_ATTACHMENTS = "traces/CertificateAttachments_1.xsd"
    TRACES_REFERENCE = "traces/ReferenceData_1.xsd"
    CERTEX = "certex/Ched_06.xsd"
    """Bodies of CustomsCertexChedService V06."""
    CHED_CONTROL = "ChedControl_1.xsd"
    """Bodies of our own contract for what TRACES lets authorities do in its web pages only."""
    CUSTOMS_LOOKUP = "CustomsLookup_1.xsd"
    """Bodies of our own contract for the lookups of customs."""
    CUSTOMS_PUSH = "CustomsPush_1.xsd"
    """Bodies of our own contract by which customs systems are told of changes of CHEDs."""


def schema_source(path: str) -> bytes:
    """The bytes of one published schema file.

    Args:
        path: its place in the ``xsd`` package, such as ``uncefact/strict/SPSCertificate_17.xsd``.

    Raises:
        FileNotFoundError: there is no such file in the package.
    """
    parts = path.split("/")
    if not parts[-1].endswith(".xsd") or any(part in {"", ".", ".."} for part in parts):
        raise FileNotFoundError(path)
    return resources.files("xsd").joinpath(*parts).read_bytes()


def schema_tree(path: str) -> _Element:
    """The root of one published schema file, for code that reads names and their order out of it."""
    return etree.fromstring(schema_source(path))


_compiling = threading.Lock()


class _Compiled(threading.local):
    """One compiled schema per name and thread: lxml keeps the error log on the schema, where threads would mix it.

    Compiled from files, not through lxml resolvers: every parse in any thread swaps libxml2's one document loader, and
    now and then a schema that another thread is compiling would lose its imports. One at a time, because libxml2 sets
    up its built-in types with the first schema of a process, without a lock: of eight threads that began together
    one process in thirty could never compile a schema again.
    """

    def __init__(self) -> None:
        self._schemas: dict[SchemaName, etree.XMLSchema] = {}

    def get(self, name: SchemaName) -> etree.XMLSchema:
        schema = self._schemas.get(name)
        if schema is None:
            path = str(schema_folder() / name)
            with _compiling:
                schema = self._schemas[name] = etree.XMLSchema(etree.parse(path))
        return schema


_per_thread = _Compiled()


def compiled(name: SchemaName) -> etree.XMLSchema:
    """The compiled schema that belongs to this thread."""
    return _per_thread.get(name)


_files = ExitStack()
atexit.register(_files.close)


_unpacking = threading.Lock()


def schema_folder() -> Path:
    """The ``xsd`` package as a folder of the file system; unpacked once when it lies in a zip file."""
    with _unpacking:
        return _folder()


@cache
def _folder() -> Path:
    package = resources.files("xsd")
    if isinstance(package, Path):
        return package
    target = Path(_files.enter_context(tempfile.TemporaryDirectory(prefix="imsoc-xsd-")))
    _unpack(package, target)
    return target


def _unpack(source: Traversable, target: Path) -> None:
    for entry in source.iterdir():
        place = target / entry.name
        if entry.is_dir():
            place.mkdir()
            _unpack(entry, place)
        else:
            place.write_bytes(entry.read_bytes())
