"""spyne models of the certificate, as spyne's tutorial writes them: a class for each type, a member for each field.

Made from the structure of the published schema, because nobody would want to read 60 classes of it.
"""

from __future__ import annotations

from typing import Any

from spyne import (
    AnyXml,
    Boolean,
    ComplexModel,
    DateTime,
    Decimal,
    Unicode,
    XmlAttribute,
    XmlData,
)

from benchmarks.schemas import strict_xmlschema
from gateway.xml.names import XSD

__all__ = ["certificate_model"]

_BUILT_IN = {"decimal": Decimal, "boolean": Boolean, "dateTime": DateTime}


def certificate_model() -> Any:
    """The class of SPSCertificate."""
    schema = strict_xmlschema()
    return _Maker().model(schema.elements["SPSCertificate"].type)


class _Maker:
    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def model(self, kind: Any) -> Any:
        if kind.is_simple():
            return self._simple(kind)
        if kind.name not in self._made:
            self._made[kind.name] = None  # a type inside itself (a subdivision of a subdivision) is left out
            namespace, _, local = kind.name[1:].partition("}")
            fields: list[tuple[str, Any]] = []
            if kind.has_simple_content():
                fields.append(("value", XmlData(self._simple(kind.content))))
                fields.extend((name, XmlAttribute(Unicode)) for name in kind.attributes if name)
            else:
                fields.extend(self._children(kind))
            attributes = {"__namespace__": namespace, "__type_name__": local, "_type_info": fields}
            self._made[kind.name] = type(ComplexModel)(local, (ComplexModel,), attributes)
        return self._made[kind.name]

    def _children(self, kind: Any) -> list[tuple[str, Any]]:
        fields = []
        for element in kind.content.iter_elements():
            model = AnyXml if element.local_name == "Signature" else self.model(element.type)
            if model is None:
                continue
            most = "unbounded" if element.max_occurs is None else element.max_occurs
            fields.append((element.local_name, model.customize(min_occurs=0, max_occurs=most)))
        return fields

    @staticmethod
    def _simple(kind: Any) -> Any:
        name = kind.root_type.name or ""
        return _BUILT_IN.get(name.removeprefix(f"{{{XSD}}}"), Unicode)
