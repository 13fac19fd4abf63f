"""Reading a CHED: one pass over the children of each element, no search.

Whatever the tree is, reading gives a value and raises nothing. What stands in no known place is left where it is: the
value remembers its tree, and ``write_ched`` takes it from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.documents.ched.collecting import Reading
from gateway.documents.ched.leaves import (
    ID,
    NAME,
    TYPE,
    read_code,
    read_country,
    read_moment,
    read_party,
    read_post,
    text,
)
from gateway.documents.ched.places import RAM, SPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

    from gateway.documents.ched.document import Ched
    from gateway.documents.ched.models import Country

__all__ = ["IN_ITEM", "PARTS", "Handlers", "read_ched"]

_DOCUMENT: Final = f"{SPS}SPSExchangedDocument"
_CONSIGNMENT: Final = f"{SPS}SPSConsignment"
_LINE: Final = f"{RAM}IncludedSPSTradeLineItem"


def read_ched(root: _Element) -> Ched:
    """The boxes of a CHED.

    Args:
        root: SPSCertificate, in its own namespace or in a wrapper's (INTRA, DOCOM: DIGEST trap 5). It is kept as
            ``source`` and must not be changed afterwards.

    Returns:
        what stands in known places; of a tree that is no certificate an empty CHED.
    """
    reading = Reading()
    for part in root:
        handlers = PARTS.get(part.tag)
        if handlers is not None:
            reading.read(part, handlers)
    return reading.finish(root)


def _text(name: str) -> Callable[[Reading, _Element], None]:
    return lambda reading, element: _keep(reading, name, text(element), element)


def _moment(name: str) -> Callable[[Reading, _Element], None]:
    return lambda reading, element: _keep(reading, name, read_moment(element), element)


def _party(name: str) -> Callable[[Reading, _Element], None]:
    return lambda reading, element: _keep(reading, name, read_party(element), element)


def _country(name: str) -> Callable[[Reading, _Element], None]:
    return lambda reading, element: _keep(reading, name, _known(read_country(element)), element)


def _keep(reading: Reading, name: str, value: object, element: _Element) -> None:
    reading.once(name, value, element)


def _known(country: Country) -> Country | None:
    return country if country.code or country.name else None


def _status(reading: Reading, element: _Element) -> None:
    code = read_code(element)
    if reading.once("status_code", code.code, element):
        reading.once("status_name", code.label, element)


def _establishment(reading: Reading, element: _Element) -> None:
    if (party := read_party(element)) is not None:
        reading.add("establishments", party)


Handlers = Mapping[Any, "Callable[[Reading, _Element], None]"]
IN_DOCUMENT: Final[Handlers] = {
    NAME: Reading.name,
    ID: _text("reference"),
    TYPE: _text("type_code"),
    f"{RAM}StatusCode": _status,
    f"{RAM}IssueDateTime": _moment("issued"),
    f"{RAM}IssuerSPSParty": _party("issuer"),
    f"{RAM}IncludedSPSNote": Reading.note,
    f"{RAM}ReferenceSPSReferencedDocument": Reading.reference,
    f"{RAM}SignatorySPSAuthentication": Reading.signature,
}
IN_CONSIGNMENT: Final[Handlers] = {
    f"{RAM}AvailabilityDueDateTime": _moment("arrival"),
    f"{RAM}ExportExitDateTime": _moment("departure"),
    f"{RAM}ConsignorSPSParty": _party("consignor"),
    f"{RAM}ConsigneeSPSParty": _party("consignee"),
    f"{RAM}ExportSPSCountry": _country("dispatch_country"),
    f"{RAM}ImportSPSCountry": _country("import_country"),
    f"{RAM}TransitSPSCountry": Reading.transit,
    f"{RAM}UnloadingBaseportSPSLocation": lambda reading, element: _keep(reading, "post", read_post(element), element),
    f"{RAM}ExaminationSPSEvent": Reading.examination,
    f"{RAM}CarrierSPSParty": _party("transporter"),
    f"{RAM}DespatchSPSParty": _establishment,
    f"{RAM}DeliverySPSParty": _party("destination"),
    f"{RAM}CustomsTransitAgentSPSParty": _party("operator"),
    f"{RAM}MainCarriageSPSTransportMovement": Reading.transport,
    f"{RAM}UtilizedSPSTransportEquipment": Reading.equipment,
    f"{RAM}IncludedSPSConsignmentItem": Reading.item,
}
IN_ITEM: Final[Handlers] = {f"{RAM}NatureIdentificationSPSCargo": lambda _reading, _element: None, _LINE: Reading.line}
"""The names that may stand in each parent, in UN/CEFACT order, with what reads them."""
PARTS: Final[Mapping[Any, Handlers]] = {_DOCUMENT: IN_DOCUMENT, _CONSIGNMENT: IN_CONSIGNMENT}
