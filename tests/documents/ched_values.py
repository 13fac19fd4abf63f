"""CHEDs for tests: one of each type with every box filled that the type has, and strategies for any CHED at all.

All persons, companies and numbers are invented.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from gateway.documents.ched import (
    AccompanyingDocument,
    Address,
    Ched,
    ChedClass,
    ChedLine,
    ChedLink,
    ChedPackage,
    ChedParty,
    ChedType,
    Coded,
    Container,
    ControlPost,
    Country,
    Decision,
    Declaration,
    FollowUp,
    LaboratoryTests,
    LineNote,
    Purpose,
    Redispatch,
    Region,
    Seal,
    Transport,
    TransportImpact,
    purpose_box,
)
from gateway.documents.parts import Measure

POST = ControlPost("NLRTM1", "authority_activity_id", "NL", "Rotterdam", "NLRTM1", "Haven Noord", "Kade 1", "NLRTM")
EXIT = ControlPost("PLTER1", "authority_activity_id", "PL", "Terespol", "PLTER1", "Granica", "Droga 2", "PLTER")
ANIMALS = Measure(Decimal(3), "H87")


def party(name: str, country: str, role: str = "", identifier: str = "") -> ChedParty:
    """A party with everything that one can have."""
    return ChedParty(
        identifier or f"{country}-{len(name)}",
        "operator_activity_id",
        name,
        role,
        (Coded("IMPORTER", "Importer", list_id="operator_activity_type"),),
        Address(("Street 1", "Floor 2"), "1234", "Town", country, "Country", "Province"),
        "Q. Invented",
        f"AP-{country}",
    )


def line(number: int) -> ChedLine:
    """A line of I.31 with everything."""
    return ChedLine(
        number,
        ("Fresh goods",),
        "Citrus sinensis",
        "la",
        Measure(Decimal("100.5"), "KGM"),
        Measure(Decimal(120), "KGM"),
        ANIMALS,
        Measure(Decimal(2), "MTQ"),
        (
            LineNote(Coded("INDIVIDUAL_IDENTIFICATION_NUMBER"), text="528-1"),
            LineNote(Coded("INCLUDES_UNWEANED_ANIMALS"), Coded("NO", list_id="boolean")),
        ),
        (
            ChedClass("CN", "0805", (("en", "Fruit"), ("en", "Citrus fruit")), "Combined Nomenclature"),
            ChedClass("EPPT", "CIDSI", (("la", "Citrus sinensis"),)),
            ChedClass("INVASIVE_ALLOWED", names=(("la", "Testudo"),)),
        ),
        (ChedPackage(Coded("BX", "Box"), "10", Coded("4")),),
        (Region("ZA", "South Africa", "ZA-1"), Country("AR", "Argentina")),
        "LOT-7",
    )


def full(kind: ChedType) -> Ched:
    """A CHED of one type with every box that the type has, decided, refused in part and followed up."""
    purpose = {
        ChedType.A: Purpose(Coded("TEMPORARY_ADMISSION"), "I.26", post=EXIT, exit_date="2026-12-01"),
        ChedType.P: Purpose(
            Coded("NON_CONFORMING_GOODS"), "I.24", facility=party("Warehouse", "NL"), place=Coded("CUSTOMS_WAREHOUSE")
        ),
        ChedType.PP: Purpose(Coded("ONWARD_TRANSPORTATION"), "I.21", facility=party("Facility", "BE")),
        ChedType.D: Purpose(Coded("TRANSFER"), "I.20", post=EXIT),
    }[kind]
    ched = Ched(
        type=kind,
        title=f"CHED-{kind}",
        language="en",
        reference=f"CHED{kind}.NL.2026.0000001",
        local_reference="NL-LOCAL-1",
        status_code="41",
        status_name="Rejected (Rejected)",
        issued="2026-10-01T10:00:00+02:00",
        updated="2026-10-02T10:00:00.000+02:00",
        url=f"https://traces.example/ched/CHED{kind}.NL.2026.0000001",
        issuer=party("Issuer", "NL", "VJ"),
        consignor=party("Consignor", "AR", "EX"),
        post=POST,
        inspection_place="Shed 4",
        inspection_time="2026-10-04T08:00:00+02:00",
        consignee=party("Consignee", "NL", "CN"),
        destination=party("Destination", "DE", "DP"),
        operator=party("Operator", "NL", "CB"),
        documents=(
            AccompanyingDocument(Coded("851"), "ZZZ", "PC-1", "AR", "2026-09-30", "first", "uri:documentid:7", "a.pdf"),
            AccompanyingDocument(Coded("730"), "BM", "CMR-5", scheme="BEFORE_BCP"),
        ),
        arrival="2026-10-04T07:00:00+02:00",
        departure="2026-10-01T07:00:00-03:00",
        transports_before=(
            Transport(Coded("1"), "IMO 1", "ship_imo_number_before_bcp", "PA", "Panama", "MV Invented"),
            Transport(Coded("3"), "AB-1", "road_vehicle_registration_before_bcp", "AR"),
        ),
        import_country=Country("NL", "Netherlands"),
        establishments=(party("Farm", "AR", "PW"), party("Packer", "AR", "PW")),
        containers=(Container("MSKU 1", (Seal("S1", official=True), Seal("S2"))), Container("MSKU 2")),
        purposes=(purpose,),
        transports_after=(
            Transport(Coded("3"), "NL-1", "road_vehicle_registration_after_bcp", "NL"),
            Transport(Coded("2")),
        ),
        transporter=party("Carrier", "NL", "CA"),
        departure_from_post="2026-10-05T09:00:00+02:00",
        totals=replace(line(0), descriptions=("Consignment totals and summary",), origins=()),
        lines=(line(1), line(2)),
        declaration=Declaration(party("Operator", "NL", "CB"), "2026-10-02T10:00:00+02:00", "q@example.org"),
        previous=(ChedLink("CHEDPP.NL.2026.0000009", "ACW"), ChedLink("CHEDPP.NL.2026.0000008", "AXG")),
        decision=_decision(kind),
        customs_documents=(AccompanyingDocument(Coded("960"), "ACE", "26NL0000000000MRN1", "NL"),),
        subsequent=(ChedLink("CHEDPP.NL.2026.0000011", "ACE"),),
        follow_up=FollowUp(
            Redispatch(Transport(Coded("4"), "XX 12", "airplane_flight_number_redispatch"), "AR", EXIT, "2026-10-20"),
            party("Control unit", "DE"),
            Coded("CONTROL_UNIT"),
            Coded("NO"),
            Coded("NO"),
            Coded("NOT_COMPLIANT"),
            (Coded("SEAL_BROKEN"), Coded("LOST")),
            "The seal was broken.",
            party("Follow-up officer", "DE"),
            "2026-10-21T10:00:00+02:00",
        ),
    )
    if kind is not ChedType.A:
        ched = replace(ched, dispatch_country=Country("AR", "Argentina"))
    if kind in {ChedType.P, ChedType.D}:
        ched = replace(ched, transport_conditions=Coded("CHILLED", "Chilled", list_id="product_temperature"))
    if kind is not ChedType.PP:
        ched = replace(ched, certified_as=(Coded("HUMAN_CONSUMPTION", "Human consumption", "en"),))
    if kind is ChedType.P:
        ched = replace(ched, conformity=Coded("NON_CONFORM", "Does not conform", "en"))
    return replace(ched, journey_log=Coded("YES", list_id="boolean")) if kind is ChedType.A else ched


def _decision(kind: ChedType) -> Decision:
    animals = kind is ChedType.A
    return Decision(
        conclusion=(Coded("NOT_ACCEPTABLE", "Not acceptable", "en"),),
        documentary_check=Coded("YES", "Yes", "en"),
        documentary_result=Coded("SATISFACTORY"),
        documentary_result_national=Coded("NOT_DONE"),
        identity_check=Coded("YES"),
        identity_check_type=Coded("FULL_CHECK"),
        identity_result=Coded("SATISFACTORY"),
        physical_check=Coded("NO"),
        physical_no_reason=Coded("REDUCED"),
        laboratory=LaboratoryTests(
            done=True,
            motivation=Coded("RANDOM"),
            result=Coded("PENDING"),
            counts=(("TOTAL", "2"), ("SATISFACTORY", "0"), ("NOT_SATISFACTORY", "1"), ("PENDING", "1")),
        ),
        welfare=Coded("SATISFACTORY") if animals else Coded(""),
        impact=TransportImpact("1", "2", "3", Coded("ESTIMATE")) if animals else TransportImpact(),
        measures=(Coded("DESTRUCTION", list_id="ched_not_acceptable_measure"),),
        measures_due="2026-10-30",
        refusal_reasons=(Coded("FAILED_IDENTITY_CHECK", list_id="refusal_reason"), Coded("PROHIBITED_PRODUCT")),
        controlled_destination=ChedParty("NL-ANON-1", "national_registry_number"),
        reseals=(Seal("R1", official=True), Seal("R2")),
        post=POST,
        officer=party("Officer", "NL", "AM"),
        signed="2026-10-05T10:00:00+02:00",
        email="o@example.org",
        fees="55.00 EUR",
        signed_document_type=Coded("XADES"),
        clauses=(("HOUSE_RULE", Coded("ANY", "Any", "en")),),
    )


_LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="\ufffe\uffff")
words = st.text(_LETTERS, min_size=1, max_size=8).map(lambda found: " ".join(found.split())).filter(bool)
maybe = st.just("") | words
_listed = st.builds(Coded, words, maybe, st.just(""), st.sampled_from(["", "boolean", "user_body_role"]) | words)
_listed_or_none = st.just(Coded("")) | _listed
_clause_codes = st.builds(Coded, words) | st.builds(Coded, words, words, maybe)
_clause_or_none = st.just(Coded("")) | _clause_codes
_clauses = st.lists(st.tuples(words.map("X-{}".format), _clause_codes | st.just(Coded("", "label"))), max_size=2).map(
    tuple
)
_countries = st.builds(Country, words, maybe)


def _several(strategy, most=3):
    return st.lists(strategy, max_size=most).map(tuple)


_addresses = st.builds(Address, _several(words, 5), maybe, maybe, maybe, maybe, maybe)
_schemes = st.tuples(words, maybe) | st.just(("", ""))
_parties = st.builds(
    lambda identity, *rest: ChedParty(*identity, *rest),
    _schemes,
    words,
    maybe,
    _several(_listed, 2),
    _addresses,
    maybe,
    maybe,
)
_some_party = st.none() | _parties
_posts = st.builds(
    lambda identity, *rest: ControlPost(*identity, *rest), _schemes, maybe, maybe, maybe, words, maybe, maybe
)
_some_post = st.none() | _posts
_documents = st.builds(
    AccompanyingDocument,
    _listed_or_none,
    st.sampled_from(["ZZZ", "BM", ""]),
    words,
    maybe,
    maybe,
    maybe,
    maybe,
    maybe,
    maybe,
)
_customs = st.builds(AccompanyingDocument, _listed, st.just("ACE"), words, maybe)


def _transports(suffix):
    schemes = st.just("") | words.map(lambda word: f"{word}{suffix}")
    return st.builds(Transport, _listed_or_none, maybe, schemes, maybe, maybe, maybe)


_seals = st.builds(Seal, maybe, st.booleans())
_notes = st.builds(LineNote, _listed, _listed_or_none, maybe)
_measures = st.none() | st.builds(Measure, st.decimals(min_value=0, max_value=10**9, places=3, allow_nan=False), maybe)
_classes = st.builds(ChedClass, maybe, maybe, _several(st.tuples(maybe, words), 3), maybe)
_regions = st.builds(Region, maybe, maybe, words)
_packages = st.builds(ChedPackage, _listed_or_none, maybe, _listed_or_none)


def _lines(numbers):
    named = st.tuples(words, maybe) | st.just(("", ""))
    return st.builds(
        lambda number, descriptions, name, *rest: ChedLine(number, descriptions, *name, *rest),
        numbers,
        _several(words, 2),
        named,
        _measures,
        _measures,
        _measures,
        _measures,
        _several(_notes, 2),
        _several(_classes, 2),
        _several(_packages, 2),
        _several(_countries | _regions, 2),
        maybe,
    )


_purposes = st.lists(
    st.builds(
        lambda code, *rest: Purpose(code, purpose_box(code.code), *rest),
        _clause_codes | st.sampled_from(["TRANSFER", "TRANSIT", "INTERNAL_MARKET"]).map(Coded),
        maybe,
        _some_post,
        _some_party,
        _clause_or_none,
        maybe,
    ),
    max_size=2,
    unique_by=lambda purpose: purpose.code.code,
).map(tuple)
_declarations = st.builds(Declaration, _some_party, maybe, maybe, _clauses).filter(lambda found: found != Declaration())
_laboratory = st.builds(
    LaboratoryTests, st.none() | st.booleans(), _clause_or_none, _clause_or_none, _several(st.tuples(words, maybe), 2)
)
_decisions = st.builds(
    Decision,
    _several(_clause_codes | st.sampled_from(["ACCEPTABLE_FOR_MONITORING", "NOT_ACCEPTABLE"]).map(Coded), 2),
    *([_clause_or_none] * 9),
    _laboratory,
    _clause_or_none,
    st.builds(TransportImpact, maybe, maybe, maybe, _clause_or_none),
    _listed_or_none,
    _several(_listed, 2),
    maybe,
    _several(_listed, 2),
    _some_party,
    _several(_seals, 2),
    _some_post,
    _some_party,
    maybe,
    maybe,
    maybe,
    _clause_or_none,
    _clauses,
)
_redispatches = st.builds(Redispatch, st.none() | _transports("_redispatch"), maybe, _some_post, maybe).filter(
    lambda found: found != Redispatch()
)
_follow_ups = st.builds(
    FollowUp,
    st.none() | _redispatches,
    _some_party,
    *([_clause_or_none] * 4),
    _several(_clause_codes, 2),
    maybe,
    _some_party,
    maybe,
    _clauses,
).filter(lambda found: found != FollowUp())
_titles = st.tuples(words, maybe) | st.just(("", ""))
_statuses = st.tuples(words, maybe) | st.just(("", ""))


@st.composite
def cheds(draw) -> Ched:
    """Any CHED that a tree can say."""
    (title, language), (status, status_name) = draw(_titles), draw(_statuses)
    party_fields = ("issuer", "consignor", "consignee", "destination", "operator", "transporter")
    text_fields = ("reference", "local_reference", "issued", "updated", "url", "inspection_place", "inspection_time")
    more_texts = ("arrival", "departure", "departure_from_post", "contingency", "type_code")
    return Ched(
        type=draw(st.none() | st.sampled_from(ChedType)),
        title=title,
        language=language,
        status_code=status,
        status_name=status_name,
        post=draw(_some_post),
        alternative_destination=draw(_listed_or_none),
        documents=draw(_several(_documents, 2)),
        transports_before=draw(_several(_transports("_before_bcp"), 2)),
        dispatch_country=draw(_countries | st.just(Country(""))),
        import_country=draw(_countries | st.just(Country(""))),
        establishments=draw(_several(_parties, 2)),
        transport_conditions=draw(_listed_or_none),
        containers=draw(_several(st.builds(Container, maybe, _several(_seals, 2)), 2)),
        certified_as=draw(_several(_clause_codes, 2)),
        conformity=draw(_clause_or_none),
        purposes=draw(_purposes),
        transports_after=draw(_several(_transports("_after_bcp"), 2)),
        journey_log=draw(_listed_or_none),
        totals=draw(st.none() | _lines(st.just(0))),
        lines=draw(_several(_lines(st.none() | st.integers(1, 10**9 - 1)), 2)),
        declaration=draw(st.none() | _declarations),
        previous=draw(_several(st.builds(ChedLink, words, st.sampled_from(["ACW", "AXG"])), 2)),
        decision=draw(st.none() | _decisions),
        customs_documents=draw(_several(_customs, 2)),
        subsequent=draw(_several(st.builds(ChedLink, words, st.just("ACE")), 2)),
        follow_up=draw(st.none() | _follow_ups),
        notes=draw(_several(_notes, 2)),
        **{name: draw(_some_party) for name in party_fields},
        **{name: draw(maybe) for name in (*text_fields, *more_texts)},
    )
