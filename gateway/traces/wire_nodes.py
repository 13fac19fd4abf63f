"""Nodes of classification trees with their attributes, as in published captures of the reference data service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.traces.models import CertificateModel, NodeAttribute, NodeColumn, TaxonReference, TreeNode
from gateway.traces.wire_common import add, mandatory, read_instant, required, text_of
from gateway.xml.names import PREFIXES, REFATTR1, REFMODEL1, REFTREE1, XSI, qn

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

__all__ = ["VALUES", "add_model", "add_node", "read_model", "read_node"]

MAX_LEVELS: Final = 60
"""Levels of nodes below one another that are read: a CN code has five, with labels, species and models some ten."""

VALUES: Final = {
    "FieldAccess": "FieldAccessValue",
    "Allowed": "AllowedValue",
    "Cardinality": "CardinalityValue",
    "MandatoryNotApplicable": "MandatoryNotApplicableValue",
    "Boolean": "BooleanValue",
    "Integer": "IntegerValue",
    "EnumSingle": "EnumValue",
    "EnumCollection": "EnumValue",
    "SelectableDocumentLink": "DocumentTypeValue",
}
"""Kinds of attributes and the element that holds their values; sections, taxa and columns have forms of their own."""

_SECTION: Final = "ClassificationSection"
_TAXON: Final = {"taxonId": "id", "eppoCode": "eppo_code", "faoCode": "fao_code", "languageID": "language"}
"""Attributes of a TaxonReference; those without a value are left out."""
_SUFFIX: Final = "NodeAttribute"
_TYPE: Final = qn(XSI, "type")
_PREFIX: Final = next(prefix for prefix, uri in PREFIXES.items() if uri == REFATTR1)

_t = partial(qn, REFTREE1)
_a = partial(qn, REFATTR1)
_m = partial(qn, REFMODEL1)


def add_node(parent: _Element, name: str, node: TreeNode) -> None:
    """A node with its attributes and the nodes below it.

    The root of the message must declare the prefix of attribute types where nodes have attributes.
    """
    element = add(
        parent,
        name,
        allowedForSelection="true" if node.selectable else "false",
        type=node.type,
        path=node.path,
    )
    if node.cn_code:
        add(element, _t("CNCode"), node.cn_code)
    if node.model is not None:
        add_model(element, _t("CertificateModel"), node.model)
    add(element, _t("Description"), node.description, languageID=node.language)
    for attribute in node.attributes:
        _add_attribute(element, attribute)
    for child in node.children:
        add_node(element, _t("Node"), child)


def read_node(element: _Element, levels: int = MAX_LEVELS) -> TreeNode:
    """A node and what is below it, at most ``MAX_LEVELS``; SchemaInvalid IMG-3001 for one without description."""
    model = element.find(_t("CertificateModel"))
    children = element.iterchildren(_t("Node")) if levels else ()
    return TreeNode(
        path=element.get("path") or "",
        type=element.get("type") or "",
        selectable=(element.get("allowedForSelection") or "") in {"true", "1"},
        description=mandatory(element, _t("Description")),
        language=required(element, _t("Description")).get("languageID") or "",
        cn_code=text_of(element, _t("CNCode")),
        model=None if model is None else read_model(model),
        children=tuple(read_node(child, levels - 1) for child in children),
        attributes=tuple(_read_attribute(each) for each in element.iterchildren(_t("Attribute"))),
    )


def add_model(parent: _Element, name: str, model: CertificateModel) -> None:
    """A certificate model; its moments are written in the offset that they have."""
    element = add(parent, name, modelId=model.id, createdOn=_written(model.created), updatedOn=_written(model.updated))
    add(element, _m("ShortTitle"), model.short_title)
    add(element, _m("LongTitle"), model.long_title, languageID=model.language)


def read_model(element: _Element) -> CertificateModel:
    """A certificate model; SchemaInvalid IMG-3001 for a moment that is none."""
    title = element.find(_m("LongTitle"))
    return CertificateModel(
        id=element.get("modelId") or "",
        short_title=text_of(element, _m("ShortTitle")),
        long_title=text_of(element, _m("LongTitle")),
        language="" if title is None else title.get("languageID") or "",
        created=_moment(element, "createdOn"),
        updated=_moment(element, "updatedOn"),
    )


def _written(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="milliseconds")


def _moment(element: _Element, name: str) -> datetime | None:
    text = element.get(name)
    return None if text is None else read_instant(text, element, f"@{name}")


# --- attributes ------------------------------------------------------------------------------------------------------


def _add_attribute(parent: _Element, attribute: NodeAttribute) -> None:
    element = add(parent, _t("Attribute"), **{_TYPE: f"{_PREFIX}:{attribute.kind}{_SUFFIX}", "id": attribute.id})
    add(element, _a("Description"), attribute.description, languageID=attribute.language)
    for column in attribute.columns:
        value = add(element, _a("DescriptorColumnValue"), id=column.id, columnType=column.type)
        add(value, _a("Description"), column.description, languageID=attribute.language)
        add(value, _a("Cardinality"), column.cardinality)
    for text in attribute.values:
        if attribute.kind == _SECTION:
            add(element, _a("ClassificationSection"), code=text)
        else:
            add(element, _a(VALUES[attribute.kind]), text)
    for taxon in attribute.taxa:
        known = {name: value for name, field in _TAXON.items() if (value := getattr(taxon, field))}
        add(element, _a("TaxonReference"), taxon.name, **known)


def _read_attribute(element: _Element) -> NodeAttribute:
    kind = (element.get(_TYPE) or "").rpartition(":")[2].removesuffix(_SUFFIX)
    description = element.find(_a("Description"))
    return NodeAttribute(
        kind=kind,
        id=element.get("id") or "",
        description=text_of(element, _a("Description")),
        language="" if description is None else description.get("languageID") or "",
        values=_values(element, kind),
        columns=tuple(
            NodeColumn(
                id=each.get("id") or "",
                type=each.get("columnType") or "",
                description=text_of(each, _a("Description")),
                cardinality=text_of(each, _a("Cardinality")),
            )
            for each in element.iterchildren(_a("DescriptorColumnValue"))
        ),
        taxa=tuple(
            TaxonReference((each.text or "").strip(), **{field: each.get(name) or "" for name, field in _TAXON.items()})
            for each in element.iterchildren(_a("TaxonReference"))
        ),
    )


def _values(element: _Element, kind: str) -> tuple[str, ...]:
    if kind == _SECTION:
        return tuple(each.get("code") or "" for each in element.iterchildren(_a("ClassificationSection")))
    name = VALUES.get(kind)
    if name is None:
        return ()
    return tuple((each.text or "").strip() for each in element.iterchildren(_a(name)))
