"""A CHED goes from a national system's codes to those of TRACES and back; a code that no row names is refused."""

from copy import deepcopy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.documents.ched import (
    AccompanyingDocument,
    Address,
    Ched,
    ChedLine,
    ChedPackage,
    ChedParty,
    ChedType,
    Coded,
    Container,
    ControlPost,
    Country,
    Decision,
    FollowUp,
    LaboratoryTests,
    LineNote,
    Purpose,
    Redispatch,
    Seal,
    Transport,
    TransportImpact,
    labels,
    places,
    read_ched,
    write_ched,
)
from gateway.documents.parts import Measure
from gateway.errors import TranslationRefused
from gateway.xml.names import RAM21, SPS17, UDT21, qn
from mappings import find_gaps, load_tables, translate
from mappings.bindings import bindings
from mappings.describe_cheds import describe_cheds
from mappings.mappers.notes import GATEWAY_SUBJECTS

INDEX = load_tables().compile(date(2026, 11, 22))
NATIONAL = "national-b"


def element(tag, *children, text=None, **attributes):
    made = etree.Element(qn(RAM21, tag), attributes)
    made.text = text
    made.extend([child for child in children if child is not None])
    return made


def clause(name, content, label=""):
    contents = [element("Content", text=content)]
    if label:
        contents.append(element("Content", text=label, languageID="en"))
    return element("IncludedSPSClause", element("ID", text=name), *contents)


def note(subject, code="", text="", **attributes):
    return element(
        "IncludedSPSNote",
        element("ContentCode", text=code) if code else None,
        element("Content", text=text or None),
        element("SubjectCode", text=subject, **attributes),
    )


def party(tag, *types, scheme="eori_number", role="CN", country="NL"):
    return element(
        tag,
        element("ID", text="NL123", schemeID=scheme),
        element("Name", text="Flora B.V."),
        element("RoleCode", text=role),
        *(element("TypeCode", text=text, **({"listID": name} if name else {})) for name, text in types),
        element("SpecifiedSPSAddress", element("CountryID", text=country)),
    )


def post(country):
    names = (country, "Piraeus", "GRPIR1", "Port", "Quay 1", "GRPIR")
    return element(
        "UnloadingBaseportSPSLocation",
        element("ID", text="GRPIR1", schemeID="authority_activity_id"),
        *(element("Name", text=text) for text in names),
    )


def certificate(*, clauses=(), notes=(), lines=(), documents=(), parties=(), country="EL", type_code="636"):
    root = etree.Element(qn(SPS17, "SPSCertificate"), nsmap={"sps": SPS17, "ram": RAM21, "udt": UDT21})
    document = etree.SubElement(root, qn(SPS17, "SPSExchangedDocument"))
    issued = element("IssueDateTime")
    etree.SubElement(issued, qn(UDT21, "DateTime")).text = "2026-11-22T10:00:00.000+01:00"
    document.extend(
        [
            element("Name", text="CHED-PP"),
            element("ID"),
            element("TypeCode", text=type_code),
            element("StatusCode", text="70"),
            issued,
            *notes,
            *documents,
            element("SignatorySPSAuthentication", element("TypeCode", text="4"), *clauses),
        ]
    )
    consignment = etree.SubElement(root, qn(SPS17, "SPSConsignment"))
    consignment.extend(parties)
    consignment.append(element("ExportSPSCountry", element("ID", text=country)))
    consignment.append(post(country))
    consignment.append(
        element(
            "MainCarriageSPSTransportMovement",
            element("ID", text="ABC 1", schemeID="road_vehicle_registration_before_bcp", schemeAgencyID=country),
            element("ModeCode", text="1"),
        )
    )
    consignment.append(element("IncludedSPSConsignmentItem", *lines))
    return root


def line(unit="KG", package="D1"):
    return element(
        "IncludedSPSTradeLineItem",
        element("SequenceNumeric", text="1"),
        element("NetWeightMeasure", text="500", unitCode=unit),
        element(
            "PhysicalSPSPackage",
            element("LevelCode", text="4"),
            element("TypeCode", text=package),
            element("ItemQuantity", text="10"),
        ),
        element("OriginSPSCountry", element("ID", text="ZA")),
    )


def reference(relation="ZZZ", country="EL", issued="2026-11-20T10:00:00.000+01:00"):
    return element(
        "ReferenceSPSReferencedDocument",
        element("IssueDateTime", text=issued) if issued else None,
        element("TypeCode", text="851"),
        element("RelationshipTypeCode", text=relation),
        element("ID", text="P-1", schemeAgencyID=country),
    )


def national():
    """A CHED-PP as the sandbox's national system writes it."""
    return certificate(
        clauses=[clause("PURPOSE", "IM", "Interne markt"), clause("SIGNATORY_PERSON_EMAIL", "a@b.example")],
        notes=[note("CHED_TYPE", "PP"), note("PRODUCT_TEMPERATURE", "KOEL")],
        documents=[reference()],
        parties=[party("ConsigneeSPSParty", ("operator_activity_type", "INV"), ("classification_section_code", "RFL"))],
        lines=[line()],
    )


def forth(root):
    return translate(root, source=NATIONAL, target="traces", index=INDEX)


def back(root):
    return translate(root, source="traces", target=NATIONAL, index=INDEX)


def normal(root, system=NATIONAL):
    return canonical(translate(root, source=system, target=system, index=INDEX).root)


def canonical(root):
    return etree.tostring(root, method="c14n", exclusive=True)


def texts(root, path):
    return root.xpath(path, namespaces={"ram": RAM21, "sps": SPS17})


def test_every_place_of_a_ched_gets_the_codes_of_traces():
    translated = forth(national()).root
    assert texts(translated, "//ram:IncludedSPSClause[ram:ID='PURPOSE']/ram:Content/text()") == [
        "INTERNAL_MARKET",
        "Interne markt",
    ]
    assert texts(translated, "//ram:IncludedSPSClause[2]/ram:Content/text()") == ["a@b.example"]
    assert texts(translated, "//ram:ContentCode/text()") == ["PP", "CHILLED"]
    assert texts(translated, "//ram:ConsigneeSPSParty/ram:TypeCode/text()") == ["IMPORTER", "RFL"]
    assert texts(translated, "//ram:UnloadingBaseportSPSLocation/ram:Name/text()")[:3] == ["GR", "Piraeus", "GRPIR1"]
    assert texts(translated, "//ram:MainCarriageSPSTransportMovement/ram:ID/@schemeAgencyID") == ["GR"]
    assert texts(translated, "//ram:ReferenceSPSReferencedDocument/ram:ID/@schemeAgencyID") == ["GR"]
    assert texts(translated, "//ram:ModeCode/text()") == ["3"]
    assert texts(translated, "//ram:NetWeightMeasure/@unitCode") == ["KGM"]
    assert texts(translated, "//ram:PhysicalSPSPackage/ram:TypeCode/text()") == ["BX"]


def test_there_and_back_is_the_same():
    root = national()
    before = canonical(root)
    result = forth(root)
    again = back(result.root)
    for each in (result, again):  # the national code stands for free circulation as well
        assert {place.row_id for place in each.losses} == {"national-b/ched-purpose/IM"}
    assert canonical(again.root) == normal(root)
    assert canonical(root) == before


def test_every_translated_place_is_reported_with_list_and_row():
    report = {(place.list, place.source_code): place for place in forth(national()).report}
    place = report["ched-purpose", "IM"]
    assert (place.target_code, place.row_id) == ("INTERNAL_MARKET", "national-b/ched-purpose/IM")
    assert place.path.endswith("/ram:IncludedSPSClause[1]/ram:Content[1]")
    assert ("ched-transport-condition", "KOEL") in report
    assert ("operator-activity-type", "INV") in report


def test_a_type_of_a_party_without_its_list_is_looked_up_in_both():
    root = certificate(parties=[party("ConsigneeSPSParty", ("", "INV"), ("", "RFL"), ("approval_number", "ANY"))])
    assert texts(forth(root).root, "//ram:ConsigneeSPSParty/ram:TypeCode/text()") == ["IMPORTER", "RFL", "ANY"]


def test_two_codes_of_one_box_are_a_declared_loss_on_the_way_back():
    """FREE_CIRCULATION and INTERNAL_MARKET are both I.23; the national system has one code."""
    result = back(certificate(clauses=[clause("PURPOSE", "FREE_CIRCULATION")], country="GR", lines=[line("KGM", "BX")]))
    assert [(place.source_code, place.target_code, place.loss) for place in result.losses] == [
        ("FREE_CIRCULATION", "IM", "widens")
    ]
    assert texts(forth(result.root).root, "//ram:Content/text()") == ["INTERNAL_MARKET"]


@pytest.mark.parametrize(
    ("change", "code_list", "place"),
    [
        ({"clauses": [clause("PURPOSE", "SOMETHING")]}, "ched-purpose", "ram:IncludedSPSClause[1]/ram:Content[1]"),
        ({"clauses": [clause("GOODS_CERTIFIED_AS", "X")]}, "ched-certified-as", "ram:Content[1]"),
        ({"clauses": [clause("DECISION_CONCLUSION", "X")]}, "ched-decision", "ram:Content[1]"),
        ({"clauses": [clause("OTHER_CLAUSE", "X")]}, "ched-clause", "ram:IncludedSPSClause[1]/ram:ID"),
        ({"notes": [note("REFUSAL_REASON", "X")]}, "refusal-reason", "ram:IncludedSPSNote[1]/ram:ContentCode[1]"),
        ({"notes": [note("OTHER_NOTE", "X")]}, "ched-note-subject", "ram:IncludedSPSNote[1]/ram:SubjectCode"),
        ({"documents": [reference("QQQ")]}, "document-relation", "ram:RelationshipTypeCode"),
        ({"documents": [reference(country="QX")]}, "country", "ram:ID/@schemeAgencyID"),
        ({"parties": [party("ConsigneeSPSParty", role="QQ")]}, "party-role", "ram:RoleCode"),
        ({"parties": [party("ConsigneeSPSParty", scheme="own")]}, "party-identifier", "ram:ID/@schemeID"),
        (
            {"parties": [party("ConsigneeSPSParty", ("classification_section_code", "QQ"))]},
            "section-code",
            "ram:TypeCode[1]",
        ),
        ({"parties": [party("ConsigneeSPSParty", ("", "QQ"))]}, "operator-activity-type", "ram:TypeCode[1]"),
        ({"lines": [line("STONE")]}, "unit", "@unitCode"),
    ],
)
def test_a_code_that_no_row_names_is_refused_with_list_code_and_place(change, code_list, place):
    with pytest.raises(TranslationRefused, match=r"IMG-6001") as refused:
        forth(certificate(**change))
    assert code_list in str(refused.value)
    assert refused.value.where.endswith(place)
    assert refused.value.found
    assert code_list in refused.value.expected


def test_what_the_national_system_does_not_have_is_refused_with_the_evidence():
    with pytest.raises(TranslationRefused, match=r"IMG-6007.*private imports"):
        back(certificate(clauses=[clause("PURPOSE", "PRIVATE_IMPORT")], country="GR"))


def test_all_gaps_of_a_ched_are_found_at_once():
    root = certificate(
        clauses=[clause("PURPOSE", "X1"), clause("GOODS_CERTIFIED_AS", "X2")], notes=[note("REFUSAL_REASON", "X3")]
    )
    gaps = find_gaps(root, source=NATIONAL, target="traces", index=INDEX)
    assert {gap.found for gap in gaps} == {"X1", "X2", "X3"}


@pytest.mark.parametrize("subject", ["LAST_UPDATE_DATETIME", ""])
def test_a_code_without_a_list_is_refused(subject):
    with pytest.raises(TranslationRefused, match="IMG-6006"):
        forth(certificate(notes=[note(subject, "CODE")]))


def test_notes_of_this_gateway_are_left_alone():
    kept = note("ANY", "CODE", listID=GATEWAY_SUBJECTS)
    assert texts(forth(certificate(notes=[kept])).root, "//ram:ContentCode/text()") == ["CODE"]


def test_other_documents_keep_their_clauses_and_notes():
    root = certificate(clauses=[clause("PURPOSE", "IM")], notes=[note("OTHER_NOTE", "X")], type_code="856")
    translated = forth(root).root
    assert texts(translated, "//ram:IncludedSPSClause/ram:Content/text()") == ["IM"]
    assert texts(translated, "//ram:ContentCode/text()") == ["X"]


def test_the_date_of_an_accompanying_document_stays_bare_text():
    translated = forth(certificate(documents=[reference()])).root
    dates = translated.iter(qn(RAM21, "IssueDateTime"))
    assert [date.text for date in dates] == [None, "2026-11-20T10:00:00.000+01:00"]


def test_an_empty_clause_says_nothing():
    root = certificate(clauses=[clause("PURPOSE", "")])
    assert not [place for place in forth(root).report if place.list == "ched-purpose"]


def test_every_clause_and_subject_of_the_boxes_is_bound_and_every_binding_is_a_known_name(tables):
    """gateway/documents/ched names the places; a place that is forgotten here would be refused."""
    clauses = {
        places.PURPOSE,
        places.PURPOSE_PLACE,
        places.PURPOSE_EXIT_DATE,
        places.CERTIFIED_AS,
        places.CONFORMITY,
        places.EMAIL,
        places.CONCLUSION,
        places.REDISPATCH_DATE,
        places.FOLLOW_UP_REASON,
        places.FOLLOW_UP_TEXT,
        places.LABORATORY_DONE,
        places.IMPACT_ACCURACY,
        *places.DECISION_CODES,
        *places.DECISION_TEXTS,
        *places.LABORATORY_CODES,
        *places.IMPACT_TEXTS,
        *places.FOLLOW_UP_CODES,
    }
    subjects = {value for name, value in vars(places).items() if name.startswith("NOTE_")} - {places.NOTE_TESTS}
    subjects |= {f"{places.NOTE_TESTS}{state}" for state in ("TOTAL", "SATISFACTORY", "NOT_SATISFACTORY", "PENDING")}
    bound = bindings()
    assert clauses <= bound.clauses.keys()
    assert subjects <= bound.subjects.keys()
    assert bound.clauses.keys() == tables.lists["ched-clause"].codes.keys()
    assert bound.subjects.keys() == tables.lists["ched-note-subject"].codes.keys()
    lists = {name for names in (bound.clauses, bound.subjects, bound.types) for name in names.values() if name}
    assert lists <= tables.lists.keys()
    maps = {code_map.list for code_map in tables.maps if code_map.system == NATIONAL}
    assert lists | {"ched-clause", "ched-note-subject", "document-relation", "party-role", "party-identifier"} <= maps


def test_the_page_of_codes_is_current(tables):
    page = Path(__file__).parents[2] / "docs" / "ched-codes.md"
    assert page.read_text("utf-8") == describe_cheds(tables), "python -m mappings.describe_cheds > docs/ched-codes.md"


def test_labels_are_the_ones_that_the_view_writes(tables):
    """A code and the label beside it are stated twice: in the lists, and where a CHED is written."""
    stated = {
        "ched-type": labels.CHED_TYPES,
        "document-type": labels.TYPES,
        "party-role": labels.ROLES,
        "document-relation": labels.RELATIONS,
        "status": labels.STATUSES,
        "ched-note-subject": labels.SUBJECTS,
        "party-identifier": {key: label for key, label in labels.SCHEMES.items() if not key.endswith("_bcp")},
    }
    for name, texts_of in stated.items():
        codes = tables.lists[name].codes
        assert {code: codes[code].name for code in texts_of if code in codes} == texts_of, name


def test_every_purpose_and_conclusion_that_means_a_box_is_in_its_list(tables):
    assert places.PURPOSE_BOX.keys() <= tables.lists["ched-purpose"].codes.keys()
    assert places.CONCLUSION_BOX.keys() <= tables.lists["ched-decision"].codes.keys()


def code_of(name):
    return st.sampled_from(sorted({code for code, _ in INDEX.lookup(NATIONAL, "traces", name).entries}))


coded_clauses = st.sampled_from(sorted(bindings().clauses)).flatmap(
    lambda name: (code_of(bindings().clauses[name]) if bindings().clauses[name] else st.just("12")).map(
        lambda content: clause(name, content, "label")
    )
)
coded_notes = st.sampled_from(sorted(bindings().subjects)).flatmap(
    lambda name: (code_of(bindings().subjects[name]) if bindings().subjects[name] else st.just("")).map(
        lambda content: note(name, content, "" if content else "words")
    )
)
parties = st.tuples(code_of("operator-activity-type"), code_of("section-code"), code_of("party-role")).map(
    lambda codes: party(
        "ConsigneeSPSParty",
        ("operator_activity_type", codes[0]),
        ("classification_section_code", codes[1]),
        role=codes[2],
        country="EL",
    )
)
documents = st.tuples(code_of("document-relation"), code_of("country")).map(lambda codes: reference(*codes))
cheds = st.builds(
    lambda clauses, notes, parties, documents, unit, package: certificate(
        clauses=clauses, notes=notes, parties=[parties], documents=documents, lines=[line(unit, package)]
    ),
    st.lists(coded_clauses, max_size=4),
    st.lists(coded_notes, max_size=3),
    parties,
    st.lists(documents, max_size=2),
    code_of("unit"),
    code_of("package"),
)


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cheds)
def test_without_a_declared_loss_any_national_ched_comes_back_the_same(root):
    before = deepcopy(root)
    result = forth(root)
    again = back(result.root)
    assert not again.losses
    restored = canonical(again.root) == normal(before)
    assert restored is not bool(result.losses)
    assert canonical(forth(again.root).root) == canonical(result.root)


def full():
    """A CHED with a code wherever the boxes of the view have one, in the codes of TRACES."""
    post = ControlPost("NLRTM1", "authority_activity_id", "GR", "Piraeus", "GRPIR1", "Port", "Quay", "GRPIR")
    place = replace(post, scheme="un_locode")
    body = ChedParty(
        "NL1",
        "eori_number",
        "Flora",
        "CN",
        (Coded("IMPORTER", list_id="operator_activity_type"),),
        Address(country="GR"),
    )
    purposes = [
        Purpose(Coded(code), places.purpose_box(code), country="GR", post=place, facility=body)
        for code in ("TRANSFER", "ONWARD_TRANSPORTATION", "DIRECT_TRANSIT", "INTERNAL_MARKET")
    ]
    yes, good, seal = Coded("YES"), Coded("SATISFACTORY"), Seal("S-1", official=True)
    paper = AccompanyingDocument(Coded("851"), "ZZZ", "P-1", "GR", "2026-11-20T10:00:00.000+01:00")
    return Ched(
        type=ChedType.PP,
        reference="CHEDPP.NL.2026.0000001",
        local_reference="L-1",
        status_code="1",
        issued="2026-11-22T10:00:00.000+01:00",
        consignor=body,
        consignee=replace(body, role="CN"),
        post=post,
        documents=(paper,),
        arrival="2026-11-23T10:00:00.000+01:00",
        dispatch_country=Country("GR"),
        transport_conditions=Coded("CHILLED"),
        certified_as=(Coded("HUMAN_CONSUMPTION"),),
        conformity=Coded("CONFORM"),
        purposes=tuple(purposes),
        transports_before=(Transport(Coded("3"), "ABC 1", "road_vehicle_registration_before_bcp", "GR"),),
        transports_after=(Transport(Coded("1"), "IMO 1", "ship_imo_number_after_bcp", "GR"),),
        containers=(Container("C-1", (seal,)),),
        journey_log=Coded("NO"),
        lines=(
            ChedLine(1, net_weight=Measure(Decimal(5), "KGM"), packages=(ChedPackage(Coded("BX"), "10", Coded("4")),)),
            ChedLine(2, notes=(LineNote(Coded("INCLUDES_UNWEANED_ANIMALS"), Coded("NO")),), origins=(Country("GR"),)),
        ),
        decision=Decision(
            conclusion=(Coded("NOT_ACCEPTABLE"),),
            documentary_check=yes,
            documentary_result=good,
            documentary_result_national=good,
            identity_check=yes,
            identity_check_type=Coded("FULL_CHECK"),
            identity_result=good,
            physical_check=Coded("NO"),
            physical_no_reason=Coded("REDUCED"),
            laboratory=LaboratoryTests(done=True, motivation=Coded("RANDOM"), result=good, counts=(("TOTAL", "1"),)),
            welfare=good,
            impact=TransportImpact("1", "0", "0", Coded("ACCURATE")),
            measures=(Coded("DESTRUCTION"),),
            refusal_reasons=(Coded("MISSING_CERTIFICATE"),),
            reseals=(seal,),
            officer=body,
            signed="2026-11-24T10:00:00.000+01:00",
        ),
        follow_up=FollowUp(
            redispatch=Redispatch(country="GR", post=post, date="2026-12-01"),
            role=Coded("EXIT_BCP"),
            arrived=yes,
            outcome=Coded("ARRIVED"),
            reasons=(Coded("SEAL_BROKEN"),),
        ),
    )


def test_a_ched_with_every_box_comes_back_the_same():
    root = write_ched(full())
    result = back(root)
    shared = {"national-b/ched-purpose/IM", "national-b/ched-purpose/DT"}  # of two codes of TRACES each
    assert {place.row_id for place in result.losses} == shared
    assert canonical(forth(result.root).root) == normal(root, "traces")
    text = canonical(result.root)
    for code in (b">TF<", b">DV<", b">DT<", b">IM<", b">MENS<", b">AFK<", b">OK<", b">VERN<", b">R01<", b">KOEL<"):
        assert code in text
    assert b"GR<" not in text  # the country, wherever it stands
    assert b'"GR"' not in text
    assert text.count(b">EL<") > 8


def test_reading_and_translating_change_places(tables):
    """The view of the translated document has the codes of the other system and loses no box."""
    before, after = full(), read_ched(back(write_ched(full())).root)
    assert [purpose.code.code for purpose in after.purposes] == ["TF", "DV", "DT", "IM"]
    assert [purpose.post.identifier for purpose in after.purposes] == [
        purpose.post.identifier for purpose in before.purposes
    ]
    assert after.decision.measures[0].code == "VERN"
    assert after.follow_up.redispatch.country == "EL"
