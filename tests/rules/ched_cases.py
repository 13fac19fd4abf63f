"""For every rule of imsoc-2019 that speaks: a CHED that keeps it and one that breaks it and nothing else."""

from dataclasses import dataclass, replace

from ched_factory import (
    AFTER,
    CHEDS,
    CONTAINER,
    ELSEWHERE,
    HERE,
    KNOWN,
    REDISPATCH,
    REFUSAL,
    asking,
    ched,
    decided,
    followed,
    line,
    measure,
    party,
    purpose,
    transport,
)

from gateway.documents.ched import (
    AccompanyingDocument,
    Ched,
    ChedLink,
    ChedPackage,
    ChedParty,
    Coded,
    Container,
    ControlPost,
    Country,
    Declaration,
    LaboratoryTests,
    LineNote,
    Part,
    Region,
    Seal,
    TransportImpact,
)
from gateway.rules.ched import Facts


@dataclass(frozen=True)
class Case:
    keeps: Ched
    breaks: Ched
    known: Facts = KNOWN
    found: str = ""
    """Something that the message must name."""
    part: Part | None = None


def lines(kind, **changes):
    """The first line changed."""
    first, *others = CHEDS[kind].lines
    return (replace(first, **changes), *others)


def totals(kind, **changes):
    return replace(CHEDS[kind].totals, **changes)


def transit(**changes):
    """A CHED-P in transit."""
    known = {
        "purposes": (purpose("DIRECT_TRANSIT", country="CH", post=ELSEWHERE),),
        "transports_after": (AFTER,),
    }
    return ched("P", **(known | changes))


def admission(days="2027-02-21", **changes):
    """A CHED-A for horses that stay for a time: 89 days after the expected arrival."""
    known = {"purposes": (purpose("TEMPORARY_ADMISSION", post=ELSEWHERE, exit_date=days),)}
    return ched("A", **(known | changes))


def warehouse(**changes):
    """A CHED-P of goods that do not conform."""
    known = {"conformity": Coded("NON_CONFORM"), "purposes": (purpose("NON_CONFORMING_GOODS", place=Coded("SHIP")),)}
    return ched("P", **(known | changes))


def travelling(**changes):
    """A CHED-A of animals that travel on."""
    known = {
        "transports_after": (AFTER,),
        "transporter": party("NL-9", "NL"),
        "departure_from_post": "2026-11-25T08:00:00+01:00",
    }
    return ched("A", **(known | changes))


def refused(kind, **changes):
    return decided(kind, **(REFUSAL | changes))


REFUSED = dict(REFUSAL)
ONWARD = {"conclusion": (Coded("ACCEPTABLE_FOR_ONWARD_TRANSPORTATION"),), "controlled_destination": party("NL-8", "NL")}
SPLIT = (ChedLink("CHEDP.NL.2026.0000001", "AXG"),)
TRANSFER = purpose("TRANSFER", post=ControlPost("NLCPX1", "authority_activity_id", "NL", code="NLCPX1"))
MORE = replace(CHEDS["P"], reference="CHEDP.NL.2026.0000001")
TWICE = LaboratoryTests(done=True, motivation=Coded("SUSPICION"), result=Coded("PENDING"))

CASES = {
    "R-40-1": Case(ched("A"), ched("A", type=None), found="CHED_TYPE"),
    "R-40-2": Case(ched("P"), ched("P", language="en"), found="nl"),
    "G10-COUNTRY": Case(
        ched("D", dispatch_country=Country("XK")), ched("D", dispatch_country=Country("UK")), found="UK"
    ),
    "R-BOX-TYPE": Case(ched("PP"), ched("PP", journey_log=Coded("YES")), found="journey log"),
    "R-REF": Case(
        ched("PP", reference=""), ched("PP", reference="CHEDPP.NL.2026.0000001"), found="CHEDPP.NL.2026.0000001"
    ),
    "R-I1": Case(ched("A"), ched("A", consignor=party("XI-1", "XI")), found="XI"),
    "R-I1-M": Case(ched("A", consignor=ChedParty("RS1", "eori_number")), ched("A", consignor=None), found="I.1"),
    "R-I4-M": Case(ched("P"), ched("P", post=None), found="I.4"),
    "R-I4-NC": Case(
        warehouse(previous=SPLIT, post=replace(HERE, identifier="NLCUN1", code="NLCUN1")),
        warehouse(previous=SPLIT),
        found="NLRTM1",
    ),
    "R-I5": Case(
        ched("P", post=ControlPost("GBBEL", "un_locode", "NL")),
        ched("P", post=replace(HERE, code="NLZZZ9")),
        found="NLZZZ9 is not in the list",
    ),
    "R-I6-M": Case(transit(consignee=None), ched("P", consignee=None), found="I.6"),
    "R-I7-M": Case(
        ched("A", destination=None, alternative_destination=Coded("SAME_AS_BORDER_CONTROL_POST")),
        ched("A", destination=None),
        found="I.7",
    ),
    "R-I7-EU": Case(ched("P", destination=party("XI1", "XI")), ched("P", destination=party("US1", "US")), found="US"),
    "R-I7-TRANSIT": Case(transit(), transit(destination=party("CH1", "CH")), found="CH"),
    "R-I7-SPLIT": Case(
        ched("P", previous=SPLIT),
        ched("P", previous=SPLIT, alternative_destination=Coded("SAME_AS_BORDER_CONTROL_POST")),
        found="CHEDP.NL.2026.0000001",
    ),
    "R-I7-CP": Case(
        ched("PP", purposes=(TRANSFER,), destination=party("NLCPX1", "NL")),
        ched("PP", purposes=(TRANSFER,)),
        found="NLCPX1",
    ),
    "R-I8-M": Case(ched("D"), ched("D", operator=None), found="I.8"),
    "R-I8-SIGN": Case(
        ched("D", declaration=Declaration(ChedParty("", "eori_number", "Bruno"))),
        ched("D", declaration=Declaration(party("NL-5", "NL"))),
        found="NL-5",
    ),
    "R-I8-MS": Case(ched("D", operator=party("NL-4", "XI")), ched("D", operator=party("NL-4", "US")), found="US"),
    "R-I9-M": Case(ched("D"), ched("D", documents=()), found="I.9"),
    "R-I9-NUMBER": Case(
        ched("D"), ched("D", documents=(AccompanyingDocument(Coded("851"), "ZZZ", "", "KE"),)), found="851"
    ),
    "R-I9-COUNTRY": Case(
        ched("D", documents=(AccompanyingDocument(Coded("730"), "BM", "123"),)),
        ched("D", documents=(AccompanyingDocument(Coded("853"), "ZZZ", "KE-1"),)),
        found="KE-1",
    ),
    "R-I10-M": Case(ched("A"), ched("A", arrival=""), found="I.10"),
    "R-I10": Case(ched("A", arrival="2026-11-24T06:30:00.000Z"), ched("A", arrival="2026-11-24"), found="2026-11-24"),
    "R-I10-OFFSET": Case(ched("A"), ched("A", arrival="2026-11-24T06:30:00"), found="2026-11-24T06:30:00"),
    "R-I11-M": Case(ched("P"), ched("P", lines=lines("P", origins=())), found="line 1"),
    "R-I11-MS": Case(
        ched(
            "P",
            purposes=(purpose("RE_ENTRY"),),
            lines=(line(1, "03048100", "FR"),),
            totals=None,
            transports_after=(AFTER,),
        ),
        ched("PP", lines=lines("PP", origins=(Country("FR"),))),
        found="FR",
    ),
    "R-I11-MULTI": Case(
        ched("PP", lines=lines("PP", origins=(Country("UG"), Country("KE")))),
        ched("P", lines=lines("P", origins=(Country("UG"),))),
        found="UG, KE",
    ),
    "R-I12": Case(
        ched("PP", lines=lines("PP", origins=(Region("KE", region="KE-2"),))),
        ched("PP", lines=lines("PP", origins=(Region("KE", region="US-2"),))),
        found="US-2",
    ),
    "R-I13-M": Case(
        ched("PP", transports_before=(transport(identification=""),)), ched("PP", transports_before=()), found="I.13"
    ),
    "R-I13-MODE": Case(
        ched("P", transports_before=(transport("1", "ship_imo_number_before_bcp", "9074729"),)),
        ched("P", transports_before=(transport("8", "ship_imo_number_before_bcp", "9074729"),)),
        found="8",
    ),
    "R-I13-ID": Case(
        ched("PP", transports_before=(transport(identification=""),)),
        ched("D", transports_before=(transport(identification=""),)),
        found="I.13",
    ),
    "R-I13-FERRY": Case(
        ched("P", transports_before=(transport("1", name="Stena Example"),)),
        ched("P", transports_before=(transport("1"),)),
        found="AB-12-CD",
    ),
    "R-I14-M": Case(ched("A"), ched("PP", dispatch_country=Country("")), found="I.14"),
    "R-I14": Case(ched("PP"), ched("PP", dispatch_country=Country("XI")), found="XI"),
    "R-I16": Case(
        ched("P", notes=(LineNote(Coded("PRODUCT_TEMPERATURE"), Coded("CHILLED")),)),
        ched("P", notes=(LineNote(Coded("PRODUCT_TEMPERATURE"), Coded("FROZEN")),)),
        found="CHILLED, FROZEN",
    ),
    "R-I16-OPTION": Case(
        ched("D", transport_conditions=Coded("AMBIENT")),
        ched("D", transport_conditions=Coded("LUKEWARM")),
        found="LUKEWARM",
    ),
    "R-I17-OFF": Case(
        ched("P", containers=(CONTAINER,)),
        ched("P", containers=(Container("MSCU1234565", (Seal("", official=True),)),)),
        found="MSCU1234565",
    ),
    "R-I18-M": Case(ched("D"), ched("D", certified_as=()), found="I.18"),
    "R-I18-ONE": Case(
        ched("D", certified_as=(Coded("FEEDING_STUFF"), Coded("FEEDING_STUFF"))),
        ched("D", certified_as=(Coded("FEEDING_STUFF"), Coded("HUMAN_CONSUMPTION"))),
        found="FEEDING_STUFF, HUMAN_CONSUMPTION",
    ),
    "R-I18-OPTION": Case(
        ched("P", certified_as=(Coded("LOCAL_USE"),)),
        ched("P", certified_as=(Coded("FATTENING"),)),
        found="FATTENING",
    ),
    "R-I19-M": Case(ched("PP"), ched("P", conformity=Coded("")), found="I.19"),
    "R-I19-OPTION": Case(warehouse(), ched("P", conformity=Coded("PERHAPS")), found="PERHAPS"),
    "R-I19-24": Case(warehouse(), ched("P", conformity=Coded("NON_CONFORM")), found="NON_CONFORM"),
    "G4-PURPOSE": Case(
        ched("PP", purposes=(purpose("PRIVATE_IMPORT"),)),
        ched("PP", purposes=(purpose("INTERNAL_MARKET"), purpose("RE_ENTRY"))),
        found="INTERNAL_MARKET, RE_ENTRY are chosen",
    ),
    "R-37-2": Case(
        ched("PP", purposes=(purpose("PRIVATE_IMPORT"),)),
        ched("PP", purposes=(purpose("NOBODY_KNOWS"),)),
        found="NOBODY_KNOWS is not in the list ched-purpose",
    ),
    "R-I20-TYPE": Case(
        warehouse(), ched("A", purposes=(purpose("NON_CONFORMING_GOODS", place=Coded("SHIP")),)), found="I.24"
    ),
    "R-I20-ACCESS": Case(
        ched("P", purposes=(purpose("PRIVATE_IMPORT"),)),
        ched("P"),
        asking(PURPOSE_FOR_FREE_CIRCULATION_ACCESS="DISABLED"),
        found="commodity 03048100",
    ),
    "R-I20": Case(
        ched("A", purposes=(purpose("ONWARD_TRAVEL", country="TZ"),)),
        ched("A", purposes=(purpose("TRANSHIPMENT", country="TZ"),)),
        found="TRANSHIPMENT",
    ),
    "R-I20-TO": Case(
        ched("D", purposes=(TRANSFER,), destination=None),
        ched("D", purposes=(purpose("TRANSFER"),), destination=None),
        found="I.20",
    ),
    "R-I21": Case(
        ched("D", purposes=(purpose("ONWARD_TRANSPORTATION", facility=party("NL-7", "NL")),), destination=None),
        ched("D", purposes=(purpose("ONWARD_TRANSPORTATION"),), destination=None),
        found="I.21",
    ),
    "R-I22-EXIT": Case(
        transit(conformity=Coded("NON_CONFORM")),
        transit(conformity=Coded("NON_CONFORM"), purposes=(purpose("DIRECT_TRANSIT", country="CH"),)),
        found="mode 3",
    ),
    "R-I22-TO": Case(transit(), transit(purposes=(purpose("DIRECT_TRANSIT", post=ELSEWHERE),)), found="I.22"),
    "R-I24": Case(warehouse(), warehouse(purposes=(purpose("NON_CONFORMING_GOODS"),)), found="I.24"),
    "R-I26": Case(admission(), admission(certified_as=(Coded("FATTENING"),)), found="FATTENING"),
    "R-I26-EXIT": Case(
        admission(), admission(purposes=(purpose("TEMPORARY_ADMISSION"),)), found="exit post and exit date are"
    ),
    "R-I26-90": Case(admission("2027-02-21"), admission("2027-02-22"), found="2027-02-22"),
    "R-I27": Case(transit(), transit(transports_after=()), found="DIRECT_TRANSIT"),
    "R-I27-PP": Case(
        ched("PP", transports_after=(replace(AFTER, identification=""),), containers=(CONTAINER,)),
        ched("PP", transports_after=(replace(AFTER, identification=""),)),
        found="I.17",
    ),
    "R-I27-ID": Case(
        transit(),
        transit(transports_after=(replace(AFTER, identification=""),), containers=(CONTAINER,)),
        found="I.27",
    ),
    "R-I28": Case(travelling(), travelling(transporter=None), found="I.28"),
    "R-I29": Case(travelling(), travelling(departure_from_post=""), found="I.29"),
    "R-I31-M": Case(ched("D"), ched("D", lines=(), totals=totals("D", packages=(), net_weight=None)), found="I.31"),
    "R-I31-CODE": Case(ched("D"), ched("D", lines=lines("D", classes=())), found="line 1"),
    "R-I31-ACCESS": Case(
        ched("A"),
        ched("A", lines=lines("A", notes=())),
        asking(INDIVIDUAL_IDENTIFICATION_NUMBER="MANDATORY", TAXON_ID="MANDATORY", QUANTITY="MANDATORY"),
        found="individual identification number missing in line 1; commodity 0101",
    ),
    "R-I31-NOT-ASKED": Case(
        ched("P"),
        ched("P", containers=(CONTAINER,)),
        asking(SEAL_CONTAINER_ACCESS="NOT_AVAILABLE"),
        found="container or seal in the CHED",
    ),
    "R-I31-NEGATIVE": Case(
        ched("P", lines=lines("P", packages=(ChedPackage(Coded("BX"), "0"),)), totals=None),
        ched("D", lines=lines("D", packages=(ChedPackage(Coded("BX"), "-1"),)), totals=totals("D", packages=())),
        found="number of packages of line 1 is -1",
    ),
    "R-I31-SUBS": Case(
        ched("P", previous=SPLIT),
        ched(
            "P", previous=SPLIT, lines=lines("P", net_weight=measure(101, "KGM")), totals=totals("P", net_weight=None)
        ),
        replace(KNOWN, previous=MORE),
        found="201 KGM is more than the 200 KGM",
    ),
    "R-I31-SUM": Case(
        ched("D", totals=totals("D", packages=(ChedPackage(Coded("BX"), "12.00"), ChedPackage(Coded("BG"), "8")))),
        ched("D", totals=totals("D", packages=(ChedPackage(Coded("BX"), "21"),))),
        found="is 21, and the lines of box I.31 add up to 20",
    ),
    "R-I34-NET": Case(
        ched("D", totals=totals("D", net_weight=measure("0.2", "TNE"))),
        ched("D", totals=totals("D", net_weight=measure("0.21", "TNE"))),
        found="0.21 TNE, and the lines of box I.31 add up to 0.2 TNE",
    ),
    "R-I34-GROSS": Case(
        ched("P", totals=totals("P", gross_weight=measure("0.2", "TNE"))),
        ched("P", totals=totals("P", gross_weight=measure("0.199", "TNE"))),
        found="the totals, 0.199 TNE, is less than its net weight, 200 KGM",
    ),
    "R-I34-GROSS-M": Case(ched("PP", totals=None), ched("P", totals=totals("P", gross_weight=None)), found="I.34"),
    "R-I34-GROSS-A": Case(ched("A"), ched("A", totals=totals("A", gross_weight=None)), found="I.34"),
    "R-I35-M": Case(
        ched("PP", declaration=Declaration(ChedParty(name="Bruno"))),
        ched("PP", declaration=Declaration(email="someone@example.org")),
        found="I.35",
    ),
    "R-II3-M": Case(decided("P"), decided("P", documentary_result=Coded("")), found="II.3"),
    "R-II4-M": Case(
        decided("P", identity_check=Coded("NO"), identity_result=Coded("NOT_DONE")),
        decided("P", identity_check=Coded(""), identity_result=Coded("")),
        found="II.4",
    ),
    "R-II4-RESULT": Case(decided("P"), decided("P", identity_result=Coded("NOT_DONE")), found="NOT_DONE"),
    "R-II5-M": Case(
        decided("P", physical_check=Coded("NO"), physical_result=Coded("")),
        decided("P", physical_check=Coded(""), physical_result=Coded("")),
        found="II.5",
    ),
    "R-II5-RESULT": Case(decided("P"), decided("P", physical_check=Coded("NO")), found="NO"),
    "R-II5-RED": Case(
        decided(
            "PP",
            identity_check=Coded("NO"),
            identity_result=Coded("NOT_DONE"),
            physical_check=Coded("NO"),
            physical_result=Coded(""),
            physical_no_reason=Coded("REDUCED"),
        ),
        decided(
            "P",
            identity_check=Coded("NO"),
            identity_result=Coded("NOT_DONE"),
            physical_check=Coded("NO"),
            physical_result=Coded(""),
            physical_no_reason=Coded("REDUCED"),
        ),
        found="NOT_DONE (II.4)",
    ),
    "R-II6-M": Case(
        decided("P", laboratory=LaboratoryTests(counts=(("TOTAL", "2"),))),
        decided("P", laboratory=LaboratoryTests()),
        found="II.6",
    ),
    "R-II6-PEND": Case(
        decided("P", laboratory=replace(TWICE, motivation=Coded("RANDOM"))),
        decided("P", laboratory=TWICE),
        found="SUSPICION",
    ),
    "R-II6-RAND": Case(
        decided("P", clauses=(("LABORATORY_TESTS_MOTIVATION", Coded("SUSPICION")),)),
        decided(
            "P",
            laboratory=LaboratoryTests(done=True, motivation=Coded("RANDOM")),
            clauses=(("LABORATORY_TESTS_MOTIVATION", Coded("SUSPICION")),),
        ),
        found="SUSPICION",
    ),
    "R-II6-OPTION": Case(
        decided("A", laboratory=LaboratoryTests(done=True, motivation=Coded("INTENSIFIED_CONTROLS"))),
        decided("D", laboratory=LaboratoryTests(done=True, motivation=Coded("LATENT_INFECTION_SAMPLING"))),
        found="LATENT_INFECTION_SAMPLING",
    ),
    "R-II7-M": Case(decided("A"), decided("A", welfare=Coded("")), found="II.7"),
    "R-II8-M": Case(decided("A"), decided("A", impact=TransportImpact()), found="II.8"),
    "G4-DECISION": Case(
        decided("A", conclusion=(Coded("HORSE_RE_ENTRY"),)),
        decided("P", conclusion=(Coded("ACCEPTABLE_FOR_TRANSIT"), Coded("NOT_ACCEPTABLE"))),
        found="ACCEPTABLE_FOR_TRANSIT, NOT_ACCEPTABLE are chosen",
    ),
    "R-II9-CODE": Case(
        decided("P", conclusion=(Coded("NOT_ACCEPTABLE"),)),
        decided("P", conclusion=(Coded("NOT_ACCEPTBLE"),)),
        found="NOT_ACCEPTBLE is no decision",
    ),
    "R-II9-TYPE": Case(
        decided("P", conclusion=(Coded("ACCEPTABLE_FOR_TRANSIT"),)),
        decided("D", conclusion=(Coded("ACCEPTABLE_FOR_TRANSIT"),)),
        found="II.11",
    ),
    "R-II9-ACCESS": Case(
        decided("PP", conclusion=(Coded("ACCEPTABLE_FOR_TRANSFER"),)),
        decided("PP", conclusion=(Coded("ACCEPTABLE_FOR_TRANSIT"),)),
        asking(DECISION_ACCEPTABLE_FOR_DIRECT_TRANSIT_ACCESS="NOT_AVAILABLE"),
        found="ACCEPTABLE_FOR_TRANSIT does not exist for commodity 06031100",
    ),
    "R-II9": Case(
        decided("PP", conclusion=(Coded("ACCEPTABLE_FOR_TRANSHIPMENT"),)),
        decided("D", conclusion=(Coded("ACCEPTABLE_FOR_TRANSHIPMENT"),)),
        found="ACCEPTABLE_FOR_TRANSHIPMENT",
    ),
    "R-II12-OPTION": Case(
        decided("A", special_condition=Coded("SLAUGHTER")),
        decided("P", special_condition=Coded("SLAUGHTER")),
        found="SLAUGHTER",
    ),
    "R-II15": Case(
        replace(decided("A", conclusion=(Coded("ACCEPTABLE_FOR_TEMPORARY_IMPORT"),)), purposes=admission().purposes),
        decided("A", conclusion=(Coded("ACCEPTABLE_FOR_TEMPORARY_IMPORT"),)),
        found="I.26",
    ),
    "R-II16-17": Case(
        refused("P"),
        refused("P", refusal_reasons=(), measures_due=""),
        found="a reason and the date by which measures are due are missing",
    ),
    "R-II16-MEASURE": Case(
        refused("P", measures=(Coded("DESTRUCTION"), Coded("REDISPATCHING"))), refused("P", measures=()), found="II.16"
    ),
    "R-II16-OPTION": Case(
        refused("A", measures=(Coded("EUTHANASIA"),)),
        refused("P", measures=(Coded("EUTHANASIA"),)),
        found="EUTHANASIA",
    ),
    "R-II17": Case(
        refused("A", refusal_reasons=(Coded("UNSUITABLE_MEANS_TRANSPORT"),)),
        refused("P", refusal_reasons=(Coded("UNSUITABLE_MEANS_TRANSPORT"),)),
        found="animal welfare",
    ),
    "R-II18-M": Case(
        decided("PP", **ONWARD),
        decided("PP", conclusion=ONWARD["conclusion"]),
        found="ACCEPTABLE_FOR_ONWARD_TRANSPORTATION",
    ),
    "R-II21-M": Case(decided("D"), decided("D", officer=None), found="the certifying officer is"),
    "R-III4-60": Case(
        followed("P", decision=REFUSED, redispatch=replace(REDISPATCH, date="2027-01-22")),
        followed("P", decision=REFUSED, redispatch=replace(REDISPATCH, date="2027-01-23")),
        found="2027-01-23",
    ),
    "R-III4-M": Case(
        followed("P", decision=REFUSED, redispatch=REDISPATCH),
        followed("P", decision=REFUSED, redispatch=replace(REDISPATCH, post=None)),
        found="the exit post",
    ),
    "R-III5-M": Case(
        followed("P"),
        followed("P", arrived=Coded(""), conform=Coded("")),
        found="III.5",
    ),
    "R-III5-ARRIVED": Case(
        followed("PP", decision=ONWARD),
        followed("PP", decision=ONWARD, arrived=Coded("")),
        found="ACCEPTABLE_FOR_ONWARD_TRANSPORTATION",
    ),
    "R-III6-M": Case(followed("P"), followed("P", signed=""), found="the day of the follow-up is"),
}
