"""CHEDs of the sandbox as its national system writes them: in the codes of ``national-b``. Everything is invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

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
    ControlPost,
    Country,
    Decision,
    Declaration,
    LaboratoryTests,
    LineNote,
    Purpose,
    Transport,
)
from gateway.documents.parts import Measure

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ANIMAL", "FIVE_RULES", "animals", "broken", "decision", "meat", "plants"]

ANIMAL: Final = "528210004711002"
"""The transponder of the horse."""

FIVE_RULES: Final = ("R-I10-M", "G4-PURPOSE", "R-I31-CODE", "R-I34-NET", "R-I34-GROSS")
"""What `broken` breaks."""


def plants(now: datetime, *, local: str, report: tuple[str, str] | None = None) -> Ched:
    """A CHED-PP of oranges from South Africa by sea to Rotterdam, Part I.

    Args:
        now: aware UTC; they arrive in two days.
        local: box I.3, the system's own number.
        report: name and address of an attachment to cite in I.9.
    """
    net, gross = Measure(Decimal(500), "KG"), Measure(Decimal(550), "KG")
    packages = (ChedPackage(Coded("D1"), "10", Coded("4")),)
    line = ChedLine(
        number=1,
        scientific_name="Citrus sinensis",
        classes=(
            ChedClass("CN", "08051022", (("en", "Navel oranges"),), "CN Code (Combined Nomenclature)"),
            ChedClass("EPPT", "CIDSI", (("la", "Citrus sinensis"),), "EPPO Plant Protection Thesaurus"),
            ChedClass("PRODUCT_TYPE", "PLANT_PRODUCTS_OTHERS"),
        ),
        net_weight=net,
        gross_weight=gross,
        packages=packages,
        origins=(Country("ZA", "South Africa"),),
    )
    totals = ChedLine(
        number=0,
        descriptions=("Consignment totals and summary",),
        net_weight=net,
        gross_weight=gross,
        packages=packages,
    )
    name, uri = report or ("", "")
    phyto = AccompanyingDocument(
        Coded("851"), "ZZZ", "ZA-PHYTO-77", country="ZA", issued=f"{now - timedelta(days=9):%Y-%m-%d}",
        attachment=uri, file_name=name,
    )  # fmt: skip
    importer = _party("NL-4711", "Invented importer", "NL")
    return Ched(
        type=ChedType.PP,
        title="CHED-PP - Common Health Entry Document for Plant Product",
        language="nl",
        local_reference=local,
        type_code="636",
        status_code="1",
        issued=_moment(now),
        consignor=_party("ZA-1", "Invented exporter", "ZA", "EX"),
        post=ControlPost(
            "NLRTM", "un_locode", country="NL", city="Rotterdam", code="NLRTM1", name="Rotterdam", locode="NLRTM"
        ),
        consignee=replace(importer, role="CN"),
        destination=_party("NL-7", "Invented warehouse", "NL", "DP"),
        operator=replace(importer, role="CB"),
        documents=(phyto,),
        arrival=_moment(now + timedelta(days=2)),
        transports_before=(Transport(Coded("2"), "Invented Star", "ship_imo_number_before_bcp"),),
        dispatch_country=Country("ZA", "South Africa"),
        purposes=(Purpose(Coded("IM"), "I.23"),),
        totals=totals,
        lines=(line,),
        declaration=Declaration(
            party=replace(importer, person="A. N. Invented"), signed=_moment(now), email="declarant@example.org"
        ),
    )


def animals(now: datetime, *, local: str) -> Ched:
    """A CHED-A of one registered horse, identified by its transponder."""
    one, weight = Measure(Decimal(1), "STK"), Measure(Decimal(520), "KG")
    line = ChedLine(
        number=1,
        scientific_name="Equus caballus",
        net_volume=one,
        notes=(LineNote(Coded("INDIVIDUAL_IDENTIFICATION_NUMBER"), text=ANIMAL),),
        gross_weight=weight,
        classes=(ChedClass("CN", "01012100"), ChedClass("IDENTIFICATION_SYSTEM", "MICROCHIP")),
        origins=(Country("ZA", "South Africa"),),
    )
    return replace(
        plants(now, local=local),
        type=ChedType.A,
        title="CHED-A - Common Health Entry Document for Animal",
        certified_as=(Coded("PAARD"),),
        totals=ChedLine(
            number=0, descriptions=("Consignment totals and summary",), net_volume=one, gross_weight=weight
        ),
        lines=(line,),
    )


def meat(now: datetime, *, local: str) -> Ched:
    """A CHED-P of a tonne of frozen beef that enters in the Netherlands and goes to Belgium."""
    net, gross = Measure(Decimal(1000), "KG"), Measure(Decimal(1040), "KG")
    line = ChedLine(
        number=1,
        scientific_name="Bos taurus",
        classes=(ChedClass("CN", "02023090", (("en", "Boneless frozen beef"),)),),
        net_weight=net,
        gross_weight=gross,
        packages=(ChedPackage(Coded("D1"), "40", Coded("4")),),
        origins=(Country("ZA", "South Africa"),),
    )
    totals = ChedLine(
        number=0,
        descriptions=("Consignment totals and summary",),
        net_weight=net,
        gross_weight=gross,
        packages=line.packages,
    )
    return replace(
        plants(now, local=local),
        type=ChedType.P,
        title="CHED-P - Common Health Entry Document for Products",
        destination=_party("BE-9", "Invented cold store", "BE", "DP"),
        transport_conditions=Coded("VRIES"),
        certified_as=(Coded("MENS"),),
        conformity=Coded("CONFORM"),
        totals=totals,
        lines=(line,),
    )


def broken(now: datetime, *, local: str) -> Ched:
    """A CHED-PP that breaks five rules: no arrival, no purpose, no code, a net weight above the total and the gross."""
    whole = plants(now, local=local)
    line = replace(whole.lines[0], classes=(), net_weight=Measure(Decimal(900), "KG"))
    return replace(whole, arrival="", purposes=(), lines=(line,))


def decision(now: datetime, conclusion: str = "G-IM") -> Decision:
    """Part II in the codes of ``national-b``: everything checked, everything in order."""
    return Decision(
        conclusion=(Coded(conclusion),),
        documentary_check=Coded("YES"),
        documentary_result=Coded("OK"),
        identity_check=Coded("YES"),
        identity_check_type=Coded("VOL"),
        identity_result=Coded("OK"),
        physical_check=Coded("YES"),
        physical_result=Coded("OK"),
        laboratory=LaboratoryTests(done=False),
        officer=ChedParty(name="Officer Invented"),
        signed=_moment(now),
        email="officer@example.org",
    )


def _party(identifier: str, name: str, country: str, role: str = "") -> ChedParty:
    address = Address(lines=("Invented street 1",), postcode="1000", city="Invented", country=country)
    return ChedParty(identifier, "national_registry_number", name, role, address=address)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000+00:00"
