"""The published schema files: read from the package, compiled once per thread.

Nothing is fetched: imports are answered from the ``xsd`` package and from nowhere else.
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
from typing import TYPE_CHECKING, Final

from lxml import etree

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["SchemaName", "compiled", "schema_folder", "schema_source"]

_BASE: Final = "imsoc-xsd:///"


class SchemaName(StrEnum):
    """The root schemas, by their place in the ``xsd`` package."""

    CERTIFICATE_EXCHANGE = "CertificateExchange_1.xsd"
    """Bodies of our own contract, whole, with the strict certificate inside."""
    SPS_STRICT = "uncefact/strict/SPSCertificate_17.xsd"
    SPS_TOLERANT = "uncefact/tolerant/SPSCertificate_17.xsd"
    """For documents that ``gateway.documents.normalise_order`` has brought into UN order."""
    ACK = "uncefact/strict/SPSAcknowledgement_17.xsd"
    ACK_TOLERANT = "uncefact/tolerant/SPSAcknowledgement_17.xsd"


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


class _PackageResolver(etree.Resolver):
    """Answers every import from the package; anything else is an error, never a fetch."""

    def resolve(  # type: ignore[override]  # the stubs forget the context that lxml passes
        self, system_url: str, public_id: str, context: object
    ) -> object:
        del public_id
        if not system_url.startswith(_BASE):
            raise FileNotFoundError(system_url)
        source = schema_source(system_url.removeprefix(_BASE))
        return self.resolve_string(source, context, base_url=system_url)


class _Compiled(threading.local):
    """One compiled schema per name and thread: lxml keeps the error log on the schema, where threads would mix it."""

    def __init__(self) -> None:
        self._schemas: dict[SchemaName, etree.XMLSchema] = {}

    def get(self, name: SchemaName) -> etree.XMLSchema:
        schema = self._schemas.get(name)
        if schema is None:
            parser = etree.XMLParser(no_network=True, load_dtd=False)
            parser.resolvers.add(_PackageResolver())
            root = etree.fromstring(schema_source(name), parser, base_url=_BASE + name)
            schema = self._schemas[name] = etree.XMLSchema(root)
        return schema


_per_thread = _Compiled()


def compiled(name: SchemaName) -> etree.XMLSchema:
    """The compiled schema that belongs to this thread."""
    return _per_thread.get(name)


_files = ExitStack()
atexit.register(_files.close)


@cache
def schema_folder() -> Path:
    """The ``xsd`` package as a folder of the file system; unpacked first when it lies in a zip file."""
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
