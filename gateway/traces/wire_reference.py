"""ReferenceDataServiceV1 on the wire, both sides (DIGEST 5.5).

Trees, nodes with their attributes, sections and metadata lists are as in published captures. Updates, certificate
models by themselves and laboratory tests are inferred. Callers need this module only.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gateway.traces.models import Metadata, ReferenceTest, ReferenceTestCategory, Scope, Section
from gateway.traces.wire_common import add, finish, mandatory, required, start, text_of
from gateway.traces.wire_trees import (
    asked,
    model_request,
    model_response,
    node_request,
    node_response,
    read_model_request,
    read_model_response,
    read_node_request,
    read_node_response,
    read_tree_request,
    read_tree_response,
    read_trees_response,
    read_updates_request,
    read_updates_response,
    tree_request,
    tree_response,
    trees_response,
    updates_request,
    updates_response,
)
from gateway.xml.names import REF1, REFLAB1, REFSECTION1, qn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

__all__ = [
    "categories_response",
    "empty_request",
    "metadatas_request",
    "metadatas_response",
    "model_request",
    "model_response",
    "node_request",
    "node_response",
    "read_categories_response",
    "read_metadatas_request",
    "read_metadatas_response",
    "read_model_request",
    "read_model_response",
    "read_node_request",
    "read_node_response",
    "read_sections_response",
    "read_tests_request",
    "read_tests_response",
    "read_tree_request",
    "read_tree_response",
    "read_trees_response",
    "read_updates_request",
    "read_updates_response",
    "sections_response",
    "tests_request",
    "tests_response",
    "tree_request",
    "tree_response",
    "trees_response",
    "updates_request",
    "updates_response",
]

_r = partial(qn, REF1)
_s = partial(qn, REFSECTION1)
_l = partial(qn, REFLAB1)


def empty_request(local: str) -> bytes:
    """A request without content: GetClassificationTreesRequest and its like."""
    return finish(start(_r(local)))


# --- sections and metadata -------------------------------------------------------------------------------------------


def sections_response(sections: Iterable[Section]) -> bytes:
    """GetClassificationSectionsResponse."""
    response = start(_r("GetClassificationSectionsResponse"), REFSECTION1)
    for each in sections:
        element = add(
            response, _r("ClassificationSection"), code=each.code, lms=_yes(each.lms), active=_yes(each.active)
        )
        add(element, _s("Description"), each.description, languageID=each.language)
        add(element, _s("ClassificationSectionChapter"), each.chapter.code, name=each.chapter.name)
        for scope in each.scopes:
            add(element, _s("MetaCountryGroupScope"), scope.code, name=scope.name)
        for activity in each.activities:
            _add_metadata(element, _s("OperatorActivityType"), activity)
    return finish(response)


def read_sections_response(response: _Element) -> tuple[Section, ...]:
    """The sections; SchemaInvalid IMG-3001 for one without description."""
    return tuple(
        Section(
            code=each.get("code") or "",
            description=mandatory(each, _s("Description")),
            chapter=_scope(required(each, _s("ClassificationSectionChapter"))),
            lms=_is(each.get("lms")),
            active=_is(each.get("active")),
            scopes=tuple(_scope(scope) for scope in each.iterchildren(_s("MetaCountryGroupScope"))),
            activities=tuple(_metadata(kind) for kind in each.iterchildren(_s("OperatorActivityType"))),
            language=required(each, _s("Description")).get("languageID") or "",
        )
        for each in response.iterchildren(_r("ClassificationSection"))
    )


def metadatas_request(kind: str) -> bytes:
    """GetMetadatasRequest: a list by its name, such as ACCOMPANYING_DOCUMENT_TYPE."""
    return asked("GetMetadatasRequest", (_r("MetadataType"), kind))


def read_metadatas_request(request: _Element) -> str:
    """The list that is asked for; SchemaInvalid IMG-3001 when none is."""
    return mandatory(request, _r("MetadataType"))


def metadatas_response(entries: Iterable[Metadata]) -> bytes:
    """GetMetadatasResponse."""
    response = start(_r("GetMetadatasResponse"))
    for each in entries:
        _add_metadata(response, _r("MetadataCode"), each)
    return finish(response)


def read_metadatas_response(response: _Element) -> tuple[Metadata, ...]:
    """The entries of a list."""
    return tuple(_metadata(each) for each in response.iterchildren(_r("MetadataCode")))


# --- laboratory tests ------------------------------------------------------------------------------------------------


def categories_response(categories: Iterable[ReferenceTestCategory]) -> bytes:
    """GetLaboratoryTestCategoriesResponse (inferred)."""
    response = start(_r("GetLaboratoryTestCategoriesResponse"), REFLAB1)
    for each in categories:
        element = add(response, _r("LaboratoryTestCategory"))
        add(element, _l("CategoryCode"), each.code)
        add(element, _l("Description"), each.description, languageID=each.language)
    return finish(response)


def read_categories_response(response: _Element) -> tuple[ReferenceTestCategory, ...]:
    """The categories; SchemaInvalid IMG-3001 for one without code or description."""
    return tuple(
        ReferenceTestCategory(
            code=mandatory(each, _l("CategoryCode")),
            description=mandatory(each, _l("Description")),
            language=required(each, _l("Description")).get("languageID") or "",
        )
        for each in response.iterchildren(_r("LaboratoryTestCategory"))
    )


def tests_request(category: str) -> bytes:
    """GetLaboratoryTestsRequest (inferred): the tests of one category."""
    return asked("GetLaboratoryTestsRequest", (_r("CategoryCode"), category))


def read_tests_request(request: _Element) -> str:
    """The category that is asked for; SchemaInvalid IMG-3001 when none is."""
    return mandatory(request, _r("CategoryCode"))


def tests_response(tests: Iterable[ReferenceTest]) -> bytes:
    """GetLaboratoryTestsResponse (inferred)."""
    response = start(_r("GetLaboratoryTestsResponse"), REFLAB1)
    for each in tests:
        element = add(response, _r("LaboratoryTest"), active=_yes(each.active))
        add(element, _l("ID"), each.id)
        add(element, _l("Description"), each.description, languageID=each.language)
        add(element, _l("CategoryCode"), each.category)
    return finish(response)


def read_tests_response(response: _Element) -> tuple[ReferenceTest, ...]:
    """The tests; SchemaInvalid IMG-3001 for one without id or description."""
    return tuple(
        ReferenceTest(
            id=mandatory(each, _l("ID")),
            description=mandatory(each, _l("Description")),
            category=text_of(each, _l("CategoryCode")),
            language=required(each, _l("Description")).get("languageID") or "",
            active=_is(each.get("active")),
        )
        for each in response.iterchildren(_r("LaboratoryTest"))
    )


# --- pieces ----------------------------------------------------------------------------------------------------------


def _add_metadata(parent: _Element, name: str, entry: Metadata) -> None:
    values = {"active": _yes(entry.active), "listID": entry.list_id, "name": entry.name, "languageID": entry.language}
    add(parent, name, entry.code, **values)


def _metadata(element: _Element) -> Metadata:
    return Metadata(
        code=(element.text or "").strip(),
        name=element.get("name") or "",
        list_id=element.get("listID") or "",
        language=element.get("languageID") or "",
        active=_is(element.get("active")),
    )


def _scope(element: _Element) -> Scope:
    return Scope((element.text or "").strip(), element.get("name") or "")


def _yes(flag: bool) -> str:  # noqa: FBT001 - the value that is written
    return "true" if flag else "false"


def _is(text: str | None) -> bool:
    return (text or "").strip() in {"true", "1"}
