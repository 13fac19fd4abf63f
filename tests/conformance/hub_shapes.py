"""What two descriptions of the hub's contract say, in a form that can be compared: by zeep, and by their own XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zeep
from lxml import etree
from zeep import xsd

if TYPE_CHECKING:
    from pathlib import Path

W = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
X = "{http://www.w3.org/2001/XMLSchema}"
NEW_ADDRESSING = "{http://www.w3.org/2007/05/addressing/metadata}Action"
OLD_ADDRESSING = "{http://www.w3.org/2006/05/addressing/wsdl}Action"


def shape(element, path=()):
    """Every element below one, by its path: occurrence, nillable, built-in type of its text, attributes."""
    here = (*path, str(element.qname))
    kind = element.type
    text, attributes, below = built_in(kind), frozenset(), []
    if isinstance(kind, xsd.ComplexType):
        inside = [child for _, child in kind.elements]
        text = next((built_in(child.type) for child in inside if is_text(child)), "")
        below = [child for child in inside if not is_unnamed(child)]
        attributes = frozenset((str(a.qname), bool(a.required), built_in(a.type)) for _, a in kind.attributes)
    yield here, (element.min_occurs, element.max_occurs, bool(element.nillable), text, attributes)
    for child in below:
        yield from shape(child, here)


def is_unnamed(element):
    """Whether zeep made it up: for the text of a type with simple content, or for a base type without elements."""
    return str(element.qname) == "_value_1"


def is_text(element):
    """Whether it stands for a text."""
    return is_unnamed(element) and not isinstance(element.type, xsd.ComplexType)


def built_in(kind):
    """The built-in type that a simple type is made of; empty for types of elements."""
    return next((c.__name__ for c in type(kind).__mro__ if c.__module__ == "zeep.xsd.types.builtins"), "")


def type_names(element, path=()):
    """The name of the type of every element below one, by path."""
    here = (*path, str(element.qname))
    yield here, str(element.type.qname)
    if isinstance(element.type, xsd.ComplexType):
        for _, child in element.type.elements:
            if not is_unnamed(child):
                yield from type_names(child, here)


class Description:
    """One WSDL file."""

    def __init__(self, path: Path) -> None:
        self.tree = etree.parse(path)
        self.client = zeep.Client(str(path))
        (self.binding,) = self.client.wsdl.bindings.values()

    def bodies(self):
        """Operation and direction -> the element of its message, as zeep has it."""
        for name, operation in self.binding.all().items():
            yield (name, "input"), operation.input.body
            yield (name, "output"), operation.output.body
            yield (name, "fault"), self.client.get_element("{http://ephyto.ippc.int/}HubWebException")

    def actions(self):
        """Operation -> SOAPAction, style, and the actions of WS-Addressing in both its versions."""
        root = self.tree.getroot()
        port_type, binding = root.find(f"{W}portType"), root.find(f"{W}binding")
        bound = {
            operation.get("name"): operation.find(f"{SOAP}operation") for operation in binding.iter(f"{W}operation")
        }
        return {
            operation.get("name"): (
                bound[operation.get("name")].get("soapAction"),
                bound[operation.get("name")].get("style"),
                *(
                    (message.tag, message.get(NEW_ADDRESSING), message.get(OLD_ADDRESSING))
                    for message in operation.iter(f"{W}input", f"{W}output", f"{W}fault")
                ),
            )
            for operation in port_type.iter(f"{W}operation")
        }

    def messages(self):
        """Operation -> names of its messages and parts, and of the elements that they are."""
        root = self.tree.getroot()
        parts = {
            message.get("name"): [
                (p.get("name"), p.get("element").rpartition(":")[2]) for p in message.iter(f"{W}part")
            ]
            for message in root.iter(f"{W}message")
        }
        return {
            operation.get("name"): [
                (m.tag, m.get("name"), m.get("message").rpartition(":")[2], parts[m.get("message").rpartition(":")[2]])
                for m in operation.iter(f"{W}input", f"{W}output", f"{W}fault")
            ]
            for operation in root.find(f"{W}portType").iter(f"{W}operation")
        }

    def names(self):
        """Names of the service and its parts, and how bodies are bound."""
        root = self.tree.getroot()
        parts = ("portType", "binding", "service", f"service/{W}port")
        return {
            "target": root.get("targetNamespace"),
            **{part: root.find(f"{W}{part}").get("name") for part in parts},
            "transport": root.find(f"{W}binding/{SOAP}binding").get("transport"),
            "use": {body.get("use") for body in root.iter(f"{SOAP}body", f"{SOAP}fault")},
            "headers": len(list(root.iter(f"{SOAP}header"))),
        }


def enumerations(schemas):
    """Simple type -> its values, over schema trees."""
    return {
        (schema.get("targetNamespace"), kind.get("name")): [
            value.get("value") for value in kind.iter(f"{X}enumeration")
        ]
        for schema in schemas
        for kind in schema.iterchildren(f"{X}simpleType")
        if kind.find(f".//{X}enumeration") is not None
    }


def global_elements(schemas):
    """Names of all elements that may stand as a root, over schema trees."""
    return {
        f"{{{schema.get('targetNamespace')}}}{element.get('name')}"
        for schema in schemas
        for element in schema.iterchildren(f"{X}element")
    }


def inline_schemas(tree):
    """The schemas inside a WSDL."""
    return list(tree.getroot().find(f"{W}types").iterchildren(f"{X}schema"))


def files_of(schemas, folder: Path) -> Path:
    """Inline schemas as files that import one another, for a processor of schemas; the first file is returned."""
    place = {schema.get("targetNamespace"): f"{number}.xsd" for number, schema in enumerate(schemas)}
    for schema in schemas:
        for reference in schema.iterchildren(f"{X}import"):
            reference.set("schemaLocation", place[reference.get("namespace")])
        etree.ElementTree(schema).write(folder / place[schema.get("targetNamespace")])
    return folder / place["http://ephyto.ippc.int/"]
