"""A CHED of each kind that breaks no rule, and what is known around it; tests change one thing."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from gateway.documents.ched import (
    AccompanyingDocument,
    Address,
    Ched,
    ChedClass,
    ChedLine,
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
    Seal,
    Transport,
    TransportImpact,
    purpose_box,
)
from gateway.documents.parts import Measure
from gateway.rules.ched import Facts
from mappings import load_tables
from mappings.reference import KnownCodes

ARRIVAL = "2026-11-24T06:30:00+01:00"
DECIDED = "2026-11-24T11:00:00+01:00"


@dataclass(frozen=True)
class Post:
    active: bool = True
    types: tuple[str, ...] = ("A", "P", "PP", "D")
    kind: str = "bcp"
    categories: tuple[str, ...] = ("LA", "HC")

    def designated_for(self, ched_type):
        return ched_type in self.types


class Posts(dict):
    def find(self, code, on):
        return self.get(code)


class Languages(dict):
    def of(self, country):
        return self.get(country, ())


@dataclass(frozen=True)
class Access:
    """Attribute -> answer, whatever the commodity; or (commodity, attribute) -> answer."""

    answers: dict = field(default_factory=dict)

    def access(self, tree, cn_code, attribute, on):
        assert tree in {"cheda", "chedp", "chedpp", "chedd"}
        return self.answers.get((cn_code, attribute), self.answers.get(attribute, ""))


POSTS = Posts(
    NLRTM1=Post(),
    NLPLA1=Post(types=("PP",), categories=("PP",)),
    NLOLD1=Post(active=False),
    NLCUN1=Post(kind="control-unit"),
)
KNOWN = Facts(
    posts=POSTS,
    languages=Languages(NL=("nl",), XI=("en",)),
    access=Access(),
    codes=KnownCodes(load_tables().lists),
    reference="",
)


def asking(**answers):
    return replace(KNOWN, access=Access(answers))


def party(identifier, country, name="A company", scheme="eori_number"):
    return ChedParty(identifier, scheme, name, address=Address(("Street 1",), "1000", "Town", country))


def measure(value, unit):
    return Measure(Decimal(value), unit)


def line(number, code, origin, **values):
    known = {
        "net_weight": measure(100, "KGM"),
        "packages": (ChedPackage(Coded("BX"), "10.0"),),
        "origins": (Country(origin),),
        "scientific_name": "Species exempla",
        "classes": (ChedClass("CN", code), ChedClass("EPPT", "1ABCDE")),
    }
    return ChedLine(number, **(known | values))


def purpose(code, **values):
    return Purpose(Coded(code), purpose_box(code), **values)


def transport(mode="3", scheme="road_vehicle_registration_before_bcp", identification="AB-12-CD", name=""):
    return Transport(Coded(mode), identification, scheme, name=name)


AFTER = transport(scheme="road_vehicle_registration_after_bcp")
HERE = ControlPost("NLRTM1", "authority_activity_id", "NL", "Rotterdam", "NLRTM1", "Rotterdam port")
ELSEWHERE = ControlPost("FRCDG4", "authority_activity_id", "FR", "Roissy", "FRCDG4", "Roissy airport")

_COMMON = Ched(
    title="CHED",
    language="nl",
    consignor=party("KE-1", "KE"),
    post=HERE,
    consignee=party("NL-2", "NL"),
    destination=party("NL-3", "NL"),
    operator=party("NL-4", "NL"),
    documents=(AccompanyingDocument(Coded("853"), "ZZZ", "KE-2026-1", "KE"),),
    arrival=ARRIVAL,
    transports_before=(transport("4", "airplane_flight_number_before_bcp", "KQ116"),),
    purposes=(purpose("INTERNAL_MARKET"),),
    totals=ChedLine(
        0,
        net_weight=measure(200, "KGM"),
        gross_weight=measure("0.22", "TNE"),
        packages=(ChedPackage(Coded("BX"), "20"),),
    ),
    lines=(line(1, "06031100", "KE"), line(2, "06031200", "KE")),
    declaration=Declaration(party("NL-4", "NL"), "2026-11-22T09:00:00+01:00"),
)
_OF_A_KIND = {
    "A": {
        "certified_as": (Coded("REGISTERED_EQUIDAE"),),
        "lines": tuple(
            line(
                number,
                "0101",
                "KE",
                net_volume=measure(1, "H87"),
                notes=(LineNote(Coded("INDIVIDUAL_IDENTIFICATION_NUMBER"), text=f"K{number}"),),
            )
            for number in (1, 2)
        ),
        "totals": replace(_COMMON.totals, net_volume=measure(2, "H87")),
    },
    "P": {
        "certified_as": (Coded("HUMAN_CONSUMPTION"),),
        "conformity": Coded("CONFORM"),
        "transport_conditions": Coded("CHILLED"),
        "dispatch_country": Country("KE"),
        "lines": (line(1, "03048100", "KE"), line(2, "03048910", "KE")),
    },
    "PP": {"dispatch_country": Country("KE")},
    "D": {
        "certified_as": (Coded("HUMAN_CONSUMPTION"),),
        "dispatch_country": Country("KE"),
        "lines": (line(1, "08021190", "KE"), line(2, "08021290", "KE")),
    },
}
CHEDS = {kind: replace(_COMMON, type=ChedType(kind), **values) for kind, values in _OF_A_KIND.items()}

DECISION = Decision(
    conclusion=(Coded("ACCEPTABLE_FOR_INTERNAL_MARKET"),),
    documentary_check=Coded("YES"),
    documentary_result=Coded("SATISFACTORY"),
    identity_check=Coded("YES"),
    identity_result=Coded("SATISFACTORY"),
    physical_check=Coded("YES"),
    physical_result=Coded("SATISFACTORY"),
    laboratory=LaboratoryTests(done=False),
    officer=ChedParty(name="An officer"),
    signed=DECIDED,
)
_OF_ANIMALS = {"welfare": Coded("SATISFACTORY"), "impact": TransportImpact("0", "0", "0", Coded("ACCURATE"))}
REFUSAL = {
    "conclusion": (Coded("NOT_ACCEPTABLE"),),
    "measures": (Coded("REDISPATCHING"),),
    "measures_due": "2026-12-20",
    "refusal_reasons": (Coded("MISSING_CERTIFICATE"),),
}
FOLLOW_UP = FollowUp(
    role=Coded("EXIT_POST"),
    arrived=Coded("YES"),
    conform=Coded("YES"),
    officer=ChedParty(name="Another officer"),
    signed="2026-12-02T10:00:00+01:00",
)
REDISPATCH = Redispatch(transport(), "KE", ELSEWHERE, "2026-12-01")
CONTAINER = Container("MSCU1234565", (Seal("S1", official=True),))


def ched(kind, **changes):
    """Part I."""
    return replace(CHEDS[kind], **changes)


def decided(kind, *, part_one=None, **changes):
    """Parts I and II."""
    own = _OF_ANIMALS if kind == "A" else {}
    return ched(kind, decision=replace(DECISION, **(own | changes)), **(part_one or {}))


def followed(kind, *, decision=None, **changes):
    """Parts I to III."""
    return replace(decided(kind, **(decision or {})), follow_up=replace(FOLLOW_UP, **changes))


class _Everything(Access):
    def access(self, tree, cn_code, attribute, on):
        return "MANDATORY"


ASKING_ALL = replace(KNOWN, access=_Everything())
"""Reference data that demand everything of every commodity."""
