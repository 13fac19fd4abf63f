"""Messages with invented content in forms that captures of other TRACES clients show: read, valid, written alike.

The captures themselves are in DEFRA/trade-tracesnt-stub and DEFRA/trade-gateway on GitHub and are not repeated here.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.traces import wire_attachments, wire_certificates, wire_ched, wire_reference
from gateway.traces.contracts import ATTACHMENTS, INTRA, REFERENCE
from gateway.traces.models import AttachmentReference
from gateway.xml.boundary import parse
from gateway.xml.schemas import explain, is_valid

sys.path.insert(0, str(Path(__file__).parents[1] / "traces"))

from shape import differences

pytestmark = pytest.mark.short

UNUSED = (
    'xmlns:ns2="http://ec.europa.eu/sanco/tracesnt/base/v4" xmlns:ns4="urn:un:unece:uncefact:data:standard:'
    'ReusableAggregateBusinessInformationEntity:21" xmlns:ns7="http://ec.europa.eu/tracesnt/referencedata/'
    'certificatemodel/v1" xmlns:ns8="http://ec.europa.eu/tracesnt/referencedata/classificationsection/v1" '
    'xmlns:ns9="http://ec.europa.eu/tracesnt/referencedata/classificationtree/v1" '
    'xmlns:ns10="http://ec.europa.eu/tracesnt/referencedata/nodeattribute/v1" '
    'xmlns:nsb="http://ec.europa.eu/tracesnt/certificate/base/v01" xmlns:xmime="http://www.w3.org/2005/05/xmlmime"'
)
"""Replies of TRACES declare more than they use."""


def reply(namespace, local, content, attributes=""):
    text = f'<n:{local} xmlns:n="{namespace}" {UNUSED} {attributes}>{content}</n:{local}>'
    return parse(text.encode()).root


def same(contract, theirs, ours):
    for message in (theirs, parse(ours).root):
        assert is_valid(contract.schema, message) or pytest.fail(
            str(explain(contract.schema, message, allow_slow=True))
        )
    assert not differences(ours, theirs)


def test_results_of_intra():
    theirs = reply(
        INTRA.namespace,
        "FindEuIntraCertificateResponse",
        """<n:EuIntraCertificateResult>
          <n:ID>INTRA.EU.XI.2026.0009999</n:ID><n:Status name="Issued (Valid)">70</n:Status>
          <n:HasControls>false</n:HasControls>
          <n:CommodityApplicableSPSClassification>
            <ns4:SystemID>CN</ns4:SystemID><ns4:SystemName>CN Code</ns4:SystemName><ns4:ClassCode>0511</ns4:ClassCode>
            <ns4:ClassName languageID="en">PRODUCTS</ns4:ClassName><ns4:ClassName languageID="en">Semen</ns4:ClassName>
          </n:CommodityApplicableSPSClassification>
          <n:CreateDateTime>2026-04-17T10:39:55.680Z</n:CreateDateTime>
          <n:UpdateDateTime>2026-04-17T10:39:55.680Z</n:UpdateDateTime>
          <n:StatusChangeDateTime>2026-04-17T10:39:55.000Z</n:StatusChangeDateTime>
          <n:DeclarationDateTime>2026-04-17T10:39:55.547Z</n:DeclarationDateTime>
          <n:CertificationDateTime>2026-04-17T10:39:55.648Z</n:CertificationDateTime>
          <n:CentralCompetentAuthorityCode>XI0000</n:CentralCompetentAuthorityCode>
          <n:LocalCompetentAuthorityCode>XI0001</n:LocalCompetentAuthorityCode>
          <n:CountryOfIssuance>XI</n:CountryOfIssuance><n:CountryOfConsignor>XI</n:CountryOfConsignor>
          <n:CountryOfConsignee>BE</n:CountryOfConsignee>
          <n:CountryOfOrigin>BE</n:CountryOfOrigin><n:CountryOfOrigin>BE</n:CountryOfOrigin>
          <n:CountryOfDestination>BE</n:CountryOfDestination><n:CountryOfDispatch>XI</n:CountryOfDispatch>
          <n:CountryOfPlaceOfLoading>XI</n:CountryOfPlaceOfLoading>
          <n:ConsignorName>Een</n:ConsignorName><n:ConsigneeName>Twee</n:ConsigneeName>
        </n:EuIntraCertificateResult>""",
        'pageSize="100" offset="0"',
    )
    found = wire_certificates.read_find_response(theirs)
    assert (found[0].reference, found[0].countries_of_origin) == ("INTRA.EU.XI.2026.0009999", ("BE", "BE"))
    same(INTRA, theirs, wire_certificates.find_response(found, 100, 0, INTRA.namespace))


def test_a_pdf_of_intra():
    theirs = reply(
        INTRA.namespace,
        "GetEuIntraPdfCertificateResponse",
        '<nsb:Attachment format="pdf" mimeCode="application/pdf" encodingCode="Base64" '
        'uri="https://traces.invalid/certificate/eu-intra/X-en.pdf" filename="X-en.pdf">JVBERg==</nsb:Attachment>',
    )
    file = wire_ched.read_file_response(theirs)
    assert (file.content, file.name) == (b"%PDF", "X-en.pdf")
    same(INTRA, theirs, wire_ched.file_response(theirs.tag, file))


def test_attachments():
    theirs = reply(
        ATTACHMENTS.namespace,
        "GetCertificateAttachmentResponse",
        "<n:Attachment>JVBE\nRg==</n:Attachment>",
        'fileName="a.pdf" xmime:contentType="application/pdf" createdOn="2026-04-14T11:07:29.663+02:00"',
    )
    file = wire_attachments.read_get_attachment_response(theirs)
    assert (file.content, file.created) == (b"%PDF", datetime(2026, 4, 14, 9, 7, 29, 663_000, tzinfo=UTC))
    assert not differences(wire_attachments.get_attachment_response(file), theirs, texts=False)
    theirs = reply(
        ATTACHMENTS.namespace,
        "SubmitCertificateAttachmentResponse",
        "<n:FileName>a.pdf</n:FileName><n:DocumentId>773000</n:DocumentId>",
    )
    assert wire_attachments.read_submit_attachment_response(theirs) == AttachmentReference("a.pdf", 773000)
    same(ATTACHMENTS, theirs, wire_attachments.submit_attachment_response(AttachmentReference("a.pdf", 773000)))


def test_trees():
    theirs = reply(
        REFERENCE.namespace,
        "GetClassificationTreesResponse",
        '<n:ClassificationTree treeID="cheda" languageID="en">CHED-A</n:ClassificationTree>'
        '<n:ClassificationTree treeID="intra_trade" languageID="en">EU Intra-trade</n:ClassificationTree>',
    )
    trees = wire_reference.read_trees_response(theirs)
    assert [tree.id for tree in trees] == ["cheda", "intra_trade"]
    same(REFERENCE, theirs, wire_reference.trees_response(trees))


def test_a_tree():
    theirs = reply(
        REFERENCE.namespace,
        "GetClassificationTreeResponse",
        """<ns9:Node allowedForSelection="false" type="nomenclature" path="R/N-1">
          <ns9:CNCode>01</ns9:CNCode><ns9:Description languageID="en">ANIMALS</ns9:Description>
          <ns9:Node allowedForSelection="false" type="label" path="R/N-1/L-2">
            <ns9:Description languageID="en">Some</ns9:Description>
            <ns9:Node allowedForSelection="true" type="certificate_model" path="R/N-1/L-2/C-3">
              <ns9:CertificateModel modelId="3" createdOn="2022-12-07T19:04:10.000+01:00"
                  updatedOn="2022-12-07T19:04:10.000+01:00">
                <ns7:ShortTitle>3</ns7:ShortTitle><ns7:LongTitle languageID="en">Model</ns7:LongTitle>
              </ns9:CertificateModel>
              <ns9:Description languageID="en">Model</ns9:Description>
            </ns9:Node>
          </ns9:Node>
        </ns9:Node>""",
    )
    nodes = wire_reference.read_tree_response(theirs)
    assert nodes[0].children[0].children[0].model.id == "3"
    same(REFERENCE, theirs, wire_reference.tree_response(nodes))


def test_a_node():
    def attribute(kind, name, content):
        return (
            '<ns9:Attribute xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:type="ns10:{kind}NodeAttribute" id="{name}"><ns10:Description languageID="en">{name}'
            f"</ns10:Description>{content}</ns9:Attribute>"
        )

    theirs = reply(
        REFERENCE.namespace,
        "GetClassificationTreeNodeDetailResponse",
        '<n:Node allowedForSelection="true" type="nomenclature" path="R/N-1/N-2"><ns9:CNCode>0101</ns9:CNCode>'
        '<ns9:Description languageID="en">Horses</ns9:Description>'
        + attribute(
            "DescriptorColumn",
            "COLUMNS",
            '<ns10:DescriptorColumnValue id="QUANTITY" columnType="QUANTITY"><ns10:Description languageID="en">'
            "Quantity</ns10:Description><ns10:Cardinality>MANDATORY</ns10:Cardinality></ns10:DescriptorColumnValue>",
        )
        + attribute("Cardinality", "C", "<ns10:CardinalityValue>MANDATORY_MULTIPLE</ns10:CardinalityValue>")
        + attribute("FieldAccess", "X_ACCESS", "<ns10:FieldAccessValue>NOT_AVAILABLE</ns10:FieldAccessValue>")
        + attribute("Allowed", "X_ALLOWED", "<ns10:AllowedValue>DISALLOWED</ns10:AllowedValue>")
        + attribute("Boolean", "X_IS", "<ns10:BooleanValue>true</ns10:BooleanValue>")
        + attribute(
            "EnumCollection", "X_VALUES", "<ns10:EnumValue>A</ns10:EnumValue><ns10:EnumValue>B</ns10:EnumValue>"
        )
        + "</n:Node>",
    )
    node = wire_reference.read_node_response(theirs)
    assert {each.id: each.values for each in node.attributes}["X_ACCESS"] == ("NOT_AVAILABLE",)
    ours = wire_reference.node_response(node)
    assert is_valid(REFERENCE.schema, theirs)
    assert is_valid(REFERENCE.schema, parse(ours).root)
    assert not differences(ours.replace(b'"refattr:', b'"ns10:'), theirs), "but for the prefixes in xsi:type"


def test_sections_and_metadata():
    theirs = reply(
        REFERENCE.namespace,
        "GetClassificationSectionsResponse",
        """<n:ClassificationSection code="X-EST" lms="true" active="true">
          <ns8:Description languageID="en">Establishments</ns8:Description>
          <ns8:ClassificationSectionChapter name="Animal">veterinary</ns8:ClassificationSectionChapter>
          <ns8:MetaCountryGroupScope name="EFTA">EFTA</ns8:MetaCountryGroupScope>
          <ns8:MetaCountryGroupScope name="European Union">EU</ns8:MetaCountryGroupScope>
          <ns8:OperatorActivityType active="true" listID="OPERATOR_ACTIVITY_TYPE" name="Establishment"
              languageID="en">establishment</ns8:OperatorActivityType>
        </n:ClassificationSection>""",
    )
    sections = wire_reference.read_sections_response(theirs)
    assert [scope.code for scope in sections[0].scopes] == ["EFTA", "EU"]
    same(REFERENCE, theirs, wire_reference.sections_response(sections))
    theirs = reply(
        REFERENCE.namespace,
        "GetMetadatasResponse",
        '<n:MetadataCode active="true" listID="KIND" name="Air Waybill" languageID="en">AIRWAY_BILL</n:MetadataCode>',
    )
    same(REFERENCE, theirs, wire_reference.metadatas_response(wire_reference.read_metadatas_response(theirs)))
