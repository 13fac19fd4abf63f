"""What TRACES writes beside its codes, in English: names of roles, relations, lists, schemes and subjects.

Only captured labels are here (DIGEST 6); a code without one is written without. Labels of the values themselves come
with the values, because they are the sender's and in the sender's language.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gateway.documents.ched.models import ChedType

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ACTIONS",
    "AGENCY",
    "CHED_TYPES",
    "LISTS",
    "RELATIONS",
    "ROLES",
    "SCHEMES",
    "STATUSES",
    "SUBJECTS",
    "TYPES",
    "UN_AGENCY",
]

AGENCY: Final = ("ec_sante_traces", "European commission - DG SANTE - Traces")
UN_AGENCY: Final = ("un", "United Nations")

CHED_TYPES: Final[Mapping[ChedType, str]] = MappingProxyType(
    {
        ChedType.A: "CHED-A - Common Health Entry Document for Animal",
        ChedType.P: "CHED-P - Common Health Entry Document for Animal Product",
        ChedType.PP: "CHED-PP - Common Health Entry Document for Plant Product",
        ChedType.D: "CHED-D - Common Health Entry Document for Feed and Food of Non-Animal Origin",
    }
)
TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "636": "Health certificate (CHED - Common Health Entry Document)",
        "76": "Call-off delivery (Split from <<)",
    }
)
ROLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AM": "Authorized official",
        "CA": "Carrier (Transporter)",
        "CB": "Customs broker (Responsible for consignment)",
        "CN": "Consignee (Importer)",
        "CZ": "Consignor",
        "DP": "Delivery party (Place of destination)",
        "EX": "Exporter",
        "PW": "Despatch party (Place of dispatch)",
        "VJ": "Officer (Identification of Applicant)",
    }
)
RELATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AXG": "Split delivery number (Split)",
        "BM": "Bill of lading number (International transport document)",
        "CAW": "Document reference, internal (Document reference, internal)",
        "ZZZ": "Mutually defined reference number (Supporting document)",
    }
)
ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "4": "Inspection (Identification of Applicant)",
        "1": "Clearance (Official inspector)",
    }
)
SCHEMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "authority_activity_id": "Authority activity ID",
        "national_registry_number": "National registry number",
        "operator_activity_id": "Operator activity ID",
        "operator_internal_activity_id": "Operator internal activity ID",
        "road_vehicle_registration_before_bcp": "Road vehicle registration (before BCP)",
        "un_locode": "UN/LOCODE",
    }
)
LISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "boolean": "Boolean (yes/no)",
        "certificate_note_subject_code": "Certificate Note SubjectCode list",
        "ched_alternative_place_of_destination_type": "CHED Alternative place of destination type",
        "ched_commodity_note_subject_code": "CHED Commodity Note SubjectCode list",
        "ched_internal_market_destination_type": "CHED destination type for internal market",
        "ched_note_subject_code": "CHED Note SubjectCode list",
        "ched_type": "CHED type",
        "classification_section_code": "Operator classification section code",
        "eu_intra_note_subject_code": "EU-Intra Note SubjectCode list",
        "operator_activity_type": "Operator activity type",
        "product_temperature": "Product temperature",
        "user_body_role": "User body role",
    }
)
SUBJECTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ACCEPTABLE_INTERNAL_MARKET_DESTINATION_TYPE": "Destination type when acceptable for internal market",
        "ALTERNATIVE_PLACE_OF_DESTINATION": "Alternative place of destination",
        "CHED_TYPE": "Type of CHED",
        "JOURNEY_LOG": "Journey log",
        "LABORATORY_TESTS_COMMODITIES_NOT_SATISFACTORY": "Number of not-satisfactory laboratory tests on commodities",
        "LABORATORY_TESTS_COMMODITIES_PENDING": "Number of pending laboratory tests on commodities",
        "LABORATORY_TESTS_COMMODITIES_SATISFACTORY": "Number of satisfactory laboratory tests on commodities",
        "LABORATORY_TESTS_COMMODITIES_TOTAL": "Total number of laboratory tests on commodities",
        "LAST_UPDATE_DATETIME": "Last updated",
        "PRODUCT_TEMPERATURE": "Product temperature",
    }
)

STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "47": "Draft version (Draft)",
        "1": "To be done (New)",
        "42": "Approval pending (In progress)",
        "97": "Pending (Authorized for onward transportation)",
        "146": "Transhipped (Authorized for transhipment)",
        "124": "For transfer (Authorized for transfer to)",
        "35": "Forwarded to destination (Authorized for onward travel)",
        "99": "Transferred out (Authorized for transit)",
        "41": "Rejected (Rejected)",
        "122": "Partial (Partially rejected)",
        "70": "Issued (Validated)",
        "55": "Extracted (Deleted)",
        "64": "Order or request cancelled (Cancelled)",
        "44": "Replaced (Replaced)",
    }
)
