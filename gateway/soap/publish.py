"""The hand-written WSDL and the schemas that it imports, published with this instance's address (ARCHITECTURE 5).

Files are read from the packages ``wsdl`` and ``xsd`` once. Every relative import becomes ``ADDRESS?xsd=NAME``, where
NAME is the file's place in ``xsd``; nothing outside the closure of imports can be asked for.
"""

from __future__ import annotations

import posixpath
from importlib import resources
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import quoteattr

from lxml import etree

from gateway.errors import ConfigurationError
from gateway.xml.boundary import parse
from gateway.xml.names import WSDL_SOAP11, WSDL_SOAP12, XSD, qn

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["Publication"]

_ADDRESS: Final = "urn:imsoc:address-of-this-instance"
_IMPORTS: Final = tuple(qn(XSD, name) for name in ("import", "include", "redefine"))
_ADDRESSES: Final = tuple(qn(namespace, "address") for namespace in (WSDL_SOAP11, WSDL_SOAP12))


class Publication:
    """The published files of one contract.

    Args:
        wsdl: resource name in the package ``wsdl``.

    Raises:
        ConfigurationError: IMG-0101 a file is missing, or an import leaves the package ``xsd``.
    """

    def __init__(self, wsdl: str) -> None:
        self._schemas: dict[str, bytes] = {}
        self._wsdl = self._load("wsdl", wsdl)

    @property
    def schemas(self) -> frozenset[str]:
        """The names that ``schema`` knows."""
        return frozenset(self._schemas)

    def wsdl(self, address: str) -> bytes:
        """The WSDL for clients that reach this instance at ``address``."""
        return _at(self._wsdl, address)

    def schema(self, name: str, address: str) -> bytes | None:
        """One imported schema, or None when the contract has no such file."""
        content = self._schemas.get(name)
        return None if content is None else _at(content, address)

    def _load(self, package: str, name: str) -> bytes:
        try:
            raw = resources.files(package).joinpath(name).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                "IMG-0101", where=f"{package}/{name}", expected="a file of this package"
            ) from error
        root = parse(raw).root
        for reference in root.iter(*_IMPORTS):
            location = reference.get("schemaLocation")
            if location is not None:
                reference.set("schemaLocation", f"{_ADDRESS}?xsd={self._follow(package, name, location)}")
        for port in root.iter(*_ADDRESSES):
            port.set("location", _ADDRESS)
        return _serialised(root)

    def _follow(self, package: str, name: str, location: str) -> str:
        target = posixpath.normpath(posixpath.join(package, posixpath.dirname(name), location))
        if not target.startswith("xsd/"):
            raise ConfigurationError("IMG-0101", where=f"{package}/{name}", found=location, expected="a file in xsd/")
        target = target.removeprefix("xsd/")
        if target not in self._schemas:
            self._schemas[target] = b""  # known from here on, so that circles of imports end
            self._schemas[target] = self._load("xsd", target)
        return target


def _at(content: bytes, address: str) -> bytes:
    return content.replace(_ADDRESS.encode(), quoteattr(address)[1:-1].encode())


def _serialised(root: _Element) -> bytes:
    return etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True)
