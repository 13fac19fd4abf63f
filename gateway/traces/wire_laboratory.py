"""Laboratory tests beside a certificate: the block of lab1, and getChedLaboratoryTests (DIGEST 5.3).

Names and order are those of the generated contracts; the texts' types and the namespace of the test's descriptor are
inferred. ``Analysys`` is spelt as TRACES spells it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.traces.models import ItemTests, LaboratoryAnalysis, LaboratoryTest, ProductTests
from gateway.traces.wire_common import (
    add,
    add_class,
    add_coded,
    add_text,
    class_of,
    coded_of,
    finish,
    spliced,
    start,
    text_of,
)
from gateway.traces.wire_parts import add_party, party_of
from gateway.xml.names import CHED2, LAB1, RAM21, REFLAB1, qn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element

    from gateway.documents.ched.models import Coded

__all__ = ["laboratory_blocks", "laboratory_response", "read_laboratory_blocks"]

_BLOCK: Final = "SPSConsignmentItemLaboratoryTest"
_RESPONSE: Final = qn(CHED2, "GetChedLaboratoryTestsResponse")
_n = partial(qn, LAB1)

_TEXTS_BEFORE: Final = (
    ("SamplingDateTime", "sampled"),
    ("SampleBatchNumber", "batch"),
    ("NumberOfSamples", "samples"),
)
_TEXTS_AFTER: Final = (
    ("LaboratoryReceiptDateTime", "received"),
    ("LaboratoryReportDateTime", "reported"),
    ("LaboratoryTestMethod", "method"),
    ("LaboratoryResults", "results"),
)
_CODES: Final = (("SampleTypeCode", "sample_type"), ("SampleConservationCode", "conservation"))


def laboratory_blocks(tests: Iterable[ItemTests], namespace: str) -> bytes:
    """The blocks, one for each consignment item, serialised one after the other.

    Args:
        tests: none gives no bytes.
        namespace: of the service whose reply they stand in: CHED2, INTRA1, DOCOM1.
    """
    return b"".join(finish(_block(each, namespace)) for each in tests)


def read_laboratory_blocks(response: _Element) -> tuple[ItemTests, ...]:
    """The tests in a reply of any of the services, in the order in which they stand there."""
    namespace = str(response.tag)[1:].partition("}")[0]
    return tuple(_read_block(each) for each in response.iterchildren(qn(namespace, _BLOCK)))


def laboratory_response(blocks: bytes) -> bytes:
    """GetChedLaboratoryTestsResponse around ``laboratory_blocks``; empty when there are no tests."""
    return spliced(_RESPONSE, blocks)


def _block(tests: ItemTests, namespace: str) -> _Element:
    block = start(qn(namespace, _BLOCK), LAB1, REFLAB1, RAM21)
    for nature in tests.nature:
        add_coded(add(block, _n("NatureIdentificationSPSCargo")), qn(RAM21, "TypeCode"), nature)
    for product in tests.products:
        element = add(block, _n("ProductSPSLaboratoryTest"))
        add_class(element, _n("ProductSPSClassification"), product.commodity)
        for test in product.tests:
            _add_test(element, test)
    return block


def _add_test(parent: _Element, test: LaboratoryTest) -> None:
    element = add(parent, _n("SPSLaboratoryTest"))
    add_text(element, _n("Reference"), test.reference)
    descriptor = add(element, _n("TestDescriptor"))
    add_text(descriptor, qn(REFLAB1, "ID"), test.descriptor)
    if test.description:
        add(descriptor, qn(REFLAB1, "Description"), test.description, languageID=test.language)
    add_coded(descriptor, qn(REFLAB1, "CategoryCode"), test.category)
    add_coded(element, _n("TestMotivationCode"), test.motivation)
    add_coded(element, _n("InspectorConclusionCode"), test.conclusion)
    for analysis in test.analyses:
        _add_analysis(element, analysis)


def _add_analysis(parent: _Element, analysis: LaboratoryAnalysis) -> None:
    element = add(parent, _n("Analysys"))
    add_coded(element, _n("AnalysisTypeCode"), analysis.type)
    for local, field in _TEXTS_BEFORE:
        add_text(element, _n(local), getattr(analysis, field))
    for local, field in _CODES:
        add_coded(element, _n(local), getattr(analysis, field))
    add_party(element, _n("LaboratorySPSParty"), analysis.laboratory)
    for local, field in _TEXTS_AFTER:
        add_text(element, _n(local), getattr(analysis, field))
    add_coded(element, _n("LaboratoryConclusionCode"), analysis.conclusion)


def _read_block(block: _Element) -> ItemTests:
    natures = (each.find(qn(RAM21, "TypeCode")) for each in block.iterchildren(_n("NatureIdentificationSPSCargo")))
    return ItemTests(
        nature=tuple(code for each in natures if (code := coded_of(each)) is not None),
        products=tuple(
            ProductTests(
                commodity=class_of(product.find(_n("ProductSPSClassification"))),
                tests=tuple(_read_test(each) for each in product.iterchildren(_n("SPSLaboratoryTest"))),
            )
            for product in block.iterchildren(_n("ProductSPSLaboratoryTest"))
        ),
    )


def _read_test(test: _Element) -> LaboratoryTest:
    descriptor = test.find(_n("TestDescriptor"))
    description = None if descriptor is None else descriptor.find(qn(REFLAB1, "Description"))
    return LaboratoryTest(
        reference=text_of(test, _n("Reference")),
        descriptor="" if descriptor is None else text_of(descriptor, qn(REFLAB1, "ID")),
        description="" if descriptor is None else text_of(descriptor, qn(REFLAB1, "Description")),
        language="" if description is None else description.get("languageID") or "",
        category=None if descriptor is None else coded_of(descriptor.find(qn(REFLAB1, "CategoryCode"))),
        motivation=_code(test, "TestMotivationCode"),
        conclusion=_code(test, "InspectorConclusionCode"),
        analyses=tuple(_read_analysis(each) for each in test.iterchildren(_n("Analysys"))),
    )


def _read_analysis(analysis: _Element) -> LaboratoryAnalysis:
    texts = {field: text_of(analysis, _n(local)) for local, field in (*_TEXTS_BEFORE, *_TEXTS_AFTER)}
    return LaboratoryAnalysis(
        type=_code(analysis, "AnalysisTypeCode"),
        sample_type=_code(analysis, "SampleTypeCode"),
        conservation=_code(analysis, "SampleConservationCode"),
        laboratory=party_of(analysis, _n("LaboratorySPSParty")),
        conclusion=_code(analysis, "LaboratoryConclusionCode"),
        **texts,
    )


def _code(parent: _Element, local: str) -> Coded | None:
    return coded_of(parent.find(_n(local)))
