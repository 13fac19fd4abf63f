"""What the readers of TRACES messages make of messages that are not as they should be: IMG-3001, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SchemaInvalid
from gateway.traces import (
    wire_attachments,
    wire_certificates,
    wire_ched,
    wire_control,
    wire_followup,
    wire_laboratory,
    wire_reference,
    wire_submission,
)
from gateway.traces.wire_common import spliced
from gateway.xml.boundary import parse
from gateway.xml.names import (
    ACK17,
    ATT1,
    BASE4,
    CERTBASE1,
    CHED2,
    CHEDSUB2,
    CTRL1,
    INTRA1,
    RAM21,
    REF1,
    REFTREE1,
    SPS17,
    UDT21,
    qn,
)
from gateway.xml.roots import rewrap

pytestmark = pytest.mark.short

NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "c": CHED2, "i": INTRA1, "b": BASE4, "cb": CERTBASE1, "su": CHEDSUB2, "a": ACK17, "r": RAM21, "u": UDT21,
        "at": ATT1, "ct": CTRL1, "rf": REF1, "t": REFTREE1, "s": SPS17,
    }.items()
)  # fmt: skip


def element(name: str, content: str = "", attributes: str = "") -> etree._Element:
    return parse(f"<{name} {NAMESPACES} {attributes}>{content}</{name}>".encode()).root


REFUSED = [
    (wire_ched.read_id_request, element("c:GetChedCertificateRequest"), "ched2:ID"),
    (wire_ched.read_get_ched_response, element("c:GetChedCertificateResponse"), "sps:SPSCertificate"),
    (wire_ched.read_find_ched_request, element("c:F", "", 'pageSize="0"'), "@pageSize"),
    (wire_ched.read_find_ched_request, element("c:F", "", 'pageSize="201"'), "@pageSize"),
    (wire_ched.read_find_ched_request, element("c:F", "", 'pageSize="many"'), "@pageSize"),
    (wire_ched.read_find_ched_request, element("c:F", "", 'offset="-1"'), "@offset"),
    (wire_ched.read_find_ched_request, element("c:F", "", 'offset="1000000000"'), "@offset"),
    (
        wire_ched.read_find_ched_request,
        element("c:F", "<c:CreateDateTimeRange><b:From>2026-01-01T00:00:00Z</b:From></c:CreateDateTimeRange>"),
        "base4:To",
    ),
    (
        wire_ched.read_find_ched_request,
        element(
            "c:F",
            "<c:UpdateDateTimeRange><b:From>2026-02-30T00:00:00Z</b:From><b:To>2026-02-30T00:00:00Z</b:To>"
            "</c:UpdateDateTimeRange>",
        ),
        "base4:From",
    ),
    (
        wire_ched.read_find_ched_response,
        element("c:F", "<c:ChedCertificateResult><c:CreateDateTime>soon</c:CreateDateTime></c:ChedCertificateResult>"),
        "ched2:CreateDateTime",
    ),
    (
        wire_ched.read_find_ched_response,
        element(
            "c:F",
            "<c:ChedCertificateResult><c:CreateDateTime>-0001-01-01T00:00:00Z</c:CreateDateTime>"
            "</c:ChedCertificateResult>",
        ),
        "ched2:CreateDateTime",
    ),
    (
        wire_ched.read_find_ched_response,
        element(
            "c:F",
            "<c:ChedCertificateResult><c:CreateDateTime>0001-01-01T00:00:00+14:00</c:CreateDateTime>"
            "</c:ChedCertificateResult>",
        ),
        "ched2:CreateDateTime",
    ),
    (wire_ched.read_status_response, element("c:GetChedCertificateStatusResponse", "<c:ID>X</c:ID>"), "ched2:Status"),
    (wire_ched.read_file_response, element("c:GetChedPdfCertificateResponse"), "certbase:Attachment"),
    (
        wire_ched.read_file_response,
        element("c:GetChedPdfCertificateResponse", "<cb:Attachment>%PDF</cb:Attachment>"),
        "certbase:Attachment",
    ),
    (wire_submission.read_submission_request, element("su:CreateDraftChedRequest"), "sps:SPSCertificate"),
    (wire_submission.read_submit_response, element("su:SubmitChedResponse"), "chedsub2:SPSAcknowledgement"),
    (
        wire_submission.read_submit_response,
        element(
            "su:SubmitChedResponse",
            "<su:SPSAcknowledgement><a:SPSAcknowledgementDocument><r:IssueDateTime><u:DateTime>2026-01-01T00:00:00Z"
            "</u:DateTime></r:IssueDateTime></a:SPSAcknowledgementDocument></su:SPSAcknowledgement>",
        ),
        "ram:ReferenceSPSReferencedDocument",
    ),
    (wire_certificates.read_get_response, element("i:GetEuIntraCertificateResponse"), "intra:SPSCertificate"),
    (wire_certificates.read_find_request, element("i:F", "", 'pageSize="500"'), "@pageSize"),
    (wire_certificates.read_find_response, element("c:FindChedCertificateResponse"), "INTRA or DOCOM"),
    (wire_followup.read_follow_up_response, element("c:GetChedFollowUpResponse"), "ched2:ID"),
    (
        wire_followup.read_non_compliance_response,
        element("c:GetChedNonComplianceDetailsResponse", "<c:ID>X</c:ID>"),
        "alert:NonCompliance",
    ),
    (wire_attachments.read_get_attachment_request, element("at:G", "<at:FileName>a</at:FileName>"), "att:DocumentId"),
    (
        wire_attachments.read_get_attachment_request,
        element("at:G", "<at:FileName>a</at:FileName><at:DocumentId>1e9</at:DocumentId>"),
        "att:DocumentId",
    ),
    (wire_attachments.read_submit_attachment_request, element("at:S"), "att:Attachment"),
    (
        wire_attachments.read_submit_attachment_request,
        element("at:S", "<at:Attachment>a===</at:Attachment>"),
        "att:Attachment",
    ),
    (
        wire_attachments.read_get_attachment_response,
        element("at:S", "<at:Attachment/>", 'createdOn="yesterday"'),
        "@createdOn",
    ),
    (wire_reference.read_tree_request, element("rf:G"), "ref:TreeID"),
    (wire_reference.read_node_request, element("rf:G", "<rf:TreeID>cheda</rf:TreeID>"), "ref:CNCode"),
    (wire_reference.read_node_response, element("rf:G"), "ref:Node"),
    (wire_reference.read_tree_response, element("rf:G", '<t:Node path="R"/>'), "reftree:Description"),
    (wire_reference.read_updates_request, element("rf:G", "<rf:TreeID>a</rf:TreeID>"), "ref:UpdatedSince"),
    (wire_reference.read_updates_response, element("rf:G", '<rf:NodeUpdate path="R"/>'), "@updatedOn"),
    (wire_reference.read_model_request, element("rf:G"), "ref:ModelID"),
    (wire_reference.read_metadatas_request, element("rf:G"), "ref:MetadataType"),
    (wire_reference.read_tests_request, element("rf:G"), "ref:CategoryCode"),
    (wire_reference.read_tests_response, element("rf:G", "<rf:LaboratoryTest/>"), "reflab:ID"),
    (
        wire_reference.read_categories_response,
        element("rf:G", "<rf:LaboratoryTestCategory/>"),
        "reflab:CategoryCode",
    ),
    (wire_reference.read_sections_response, element("rf:G", "<rf:ClassificationSection/>"), "refsection:Description"),
    (wire_control.read_sealed_request, element("ct:SubmitDecision"), "sps:SPSCertificate"),
    (
        wire_control.read_sealed_request,
        element("ct:SubmitDecision", '<s:SPSCertificate/><ct:Seal role="officer">???</ct:Seal>'),
        "ctrl:Seal",
    ),
    (wire_control.read_cancel_request, element("ct:CancelChed", "<ct:ID>X</ct:ID>"), "ctrl:Reason"),
    (wire_control.read_control_receipt, element("ct:ChedReceipt"), "ctrl:StatusCode"),
]


@pytest.mark.parametrize(("reader", "message", "about"), REFUSED, ids=[f"{r[0].__name__}-{r[2]}" for r in REFUSED])
def test_a_message_that_is_not_whole_is_refused_by_name(reader, message, about):
    with pytest.raises(SchemaInvalid) as refusal:
        reader(message)
    assert refusal.value.code == "IMG-3001"
    assert about in refusal.value.where + refusal.value.expected


READERS = sorted(
    {
        reader
        for module in (
            wire_attachments, wire_certificates, wire_ched, wire_control, wire_followup, wire_laboratory,
            wire_reference, wire_submission,
        )
        for name in module.__all__
        if name.startswith("read_") and callable(reader := getattr(module, name))
    },
    key=lambda reader: reader.__name__,
)  # fmt: skip
NAMES = sorted(
    {
        qn(namespace, local)
        for namespace in (CHED2, INTRA1, BASE4, CHEDSUB2, ACK17, RAM21, UDT21, ATT1, CTRL1, REF1, REFTREE1, SPS17)
        for local in (
            "ID", "Status", "SPSCertificate", "ChedCertificateResult", "CreateDateTime", "UpdateDateTimeRange", "From",
            "To", "SPSAcknowledgement", "SPSAcknowledgementDocument", "IssueDateTime", "DateTime", "Attachment",
            "ReferenceSPSReferencedDocument", "RelationshipTypeCode", "FileName", "DocumentId", "Node", "Description",
            "TreeID", "Path", "Seal", "StatusCode", "ExchangeID", "Finding", "CNCode", "TypeCode",
        )
    }
)  # fmt: skip
TEXTS = st.sampled_from(["", "x", "7", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "-", "AAAA", "ï»¿"])


def tree(name, text, attributes, children):
    made = etree.Element(name)
    made.text = text
    for key, value in attributes.items():
        made.set(key, value)
    made.extend(children)
    return made


trees = st.recursive(
    st.builds(tree, st.sampled_from(NAMES), TEXTS, st.just({}), st.just([])),
    lambda inner: st.builds(
        tree,
        st.sampled_from(NAMES),
        TEXTS,
        st.dictionaries(st.sampled_from(["pageSize", "offset", "createdOn", "path", "active", "languageID"]), TEXTS),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(message=trees)
def test_no_tree_makes_a_reader_raise_anything_else(message):
    for reader in READERS:
        try:
            reader(message)
        except SchemaInvalid as refusal:
            assert refusal.code == "IMG-3001"  # noqa: PT017 - both outcomes are fine, no third is


def test_a_root_keeps_the_prefix_that_its_document_has_for_the_namespace():
    root = element("s:SPSCertificate", "<s:SPSConsignment/>", 'note="kept"')
    wrapped = rewrap(root, INTRA1)
    assert (wrapped.prefix, wrapped.tag, wrapped.get("note")) == ("i", qn(INTRA1, "SPSCertificate"), "kept")
    assert len(root) == len(wrapped) == 1
    clash = parse(f'<intra:X xmlns:intra="{SPS17}"/>'.encode()).root
    assert rewrap(clash, INTRA1).prefix == "root"


def test_a_spliced_part_is_not_touched():
    part = b"<a  b = 'c'  ><!-- kept --></a >"
    assert spliced(qn(CHED2, "X"), part, attributes={"k": 'a"<'}).count(part) == 1


def test_a_comment_in_a_value_cuts_nothing_off():
    """The schema judges the whole text, so a reader that stopped at the comment would read what nobody judged."""
    request = f'<c:R xmlns:c="{CHED2}"><c:ID> CHEDP.XI.<!-- 2025 -->2026.<?x y?>0000875 </c:ID></c:R>'
    assert wire_ched.read_id_request(parse(request.encode()).root) == "CHEDP.XI.2026.0000875"
