"""The published schemas as the plain libraries load them: from the folder of the ``xsd`` package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import xmlschema
from lxml import etree

__all__ = ["strict_schema", "strict_xmlschema"]


def _path() -> str:
    return str(Path(str(resources.files("xsd"))) / "uncefact" / "strict" / "SPSCertificate_17.xsd")


def strict_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_path()))


def strict_xmlschema() -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(_path())
