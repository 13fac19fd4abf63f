"""Where the boxes of a CHED stand inside SPSCertificate: names of clauses, notes, lists and schemes.

The codes come from captures of TRACES NT (DIGEST 6), from its 2019 submission samples, or from us where no public
document shows a box; docs/ched-boxes.md says which is which. Labels are what TRACES writes beside a code in English:
they are written for readers and never read for a decision.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gateway.xml.names import RAM21, SPS17, UDT21

if TYPE_CHECKING:
    from collections.abc import Mapping

RAM: Final = f"{{{RAM21}}}"
SPS: Final = f"{{{SPS17}}}"
UDT: Final = f"{{{UDT21}}}"

HEALTH_CERTIFICATE: Final = "636"
"""UN/EDIFACT 1001 of every CHED."""
SPLIT: Final = "76"
"""UN/EDIFACT 1001, call-off delivery: the type of a reference to the CHED that this one was split from."""
RELATION_SELF: Final = "CAW"
RELATION_LOCAL: Final = "AVZ"
"""UN/EDIFACT 1153, local reference number (I.3)."""
RELATION_REPLACES: Final = "ACW"
RELATION_SPLIT: Final = "AXG"
RELATION_RELATED: Final = "ACE"
"""With a CHED's type it is a subsequent CHED (II.24), with any other a customs document (II.23)."""

SIGNED_PART_I: Final = "4"
SIGNED_PART_II: Final = "1"
SIGNED_PART_III: Final = "8"
"""UN/EDIFACT 9417 of the three signatures: inspection, clearance, container inspection."""

EXIT_POST: Final = "42"
ENTRY_POST: Final = "41"
DISPOSAL: Final = "283"
"""UN/EDIFACT 3227 of the places under TransitSPSCountry: customs office of exit, of entry, goods disposal location."""

SCHEME_PURPOSE: Final = "ched_purpose"
SCHEME_BOX: Final = "ched_box"
"""Our own schemes of a sub-division's ID: for which purpose, or for which box, the places under it stand."""
BOX_CONTROLLED: Final = "II.18"
BOX_REDISPATCH: Final = "III.4"

LIST_APPROVAL: Final = "approval_number"
LIST_POST_CODE: Final = "border_control_post_code"
LIST_OFFICIAL: Final = "user_body_role"
AUTHORITY: Final = "AUTHORITY"
SCHEME_CONTAINER: Final = "container_number"
SCHEME_SEAL: Final = "seal_number"
SCHEME_RESEALED: Final = "resealed_container_number"
SCHEME_MOMENT: Final = "xsd_datetime"

AFTER: Final = "_after_bcp"
REDISPATCH: Final = "_redispatch"
NAMELESS_BEFORE: Final = "transport_before_bcp"
NAMELESS_AFTER: Final = f"transport{AFTER}"
NAMELESS_REDISPATCH: Final = f"transport{REDISPATCH}"
"""Scheme of a means of transport that has no identification: it stands for no scheme."""

PURPOSE: Final = "PURPOSE"
PURPOSE_PLACE: Final = "PURPOSE_PLACE"
PURPOSE_EXIT_DATE: Final = "PURPOSE_EXIT_DATE"
CERTIFIED_AS: Final = "GOODS_CERTIFIED_AS"
CONFORMITY: Final = "COMPLIANCE_OF_GOODS"
EMAIL: Final = "SIGNATORY_PERSON_EMAIL"
CONCLUSION: Final = "DECISION_CONCLUSION"
REDISPATCH_DATE: Final = "REDISPATCH_DATE"
FOLLOW_UP_REASON: Final = "FOLLOW_UP_REASON"
FOLLOW_UP_TEXT: Final = "FOLLOW_UP_REMARK"

CLAUSES_PART_I: Final = ("ched_consignment_clause", "CHED consignment's clauses")
CLAUSES_PART_II: Final = ("ched_decision_clause", "CHED decision's clauses")
CLAUSES_PART_III: Final = ("ched_follow_up_clause", "CHED follow-up's clauses")

DECISION_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "DOCUMENTARY_CHECK": "documentary_check",
        "DOCUMENTARY_CHECK_RESULT": "documentary_result",
        "DOCUMENTARY_CHECK_RESULT_NATIONAL": "documentary_result_national",
        "IDENTITY_CHECK": "identity_check",
        "IDENTITY_CHECK_TYPE": "identity_check_type",
        "IDENTITY_CHECK_RESULT": "identity_result",
        "PHYSICAL_CHECK": "physical_check",
        "PHYSICAL_CHECK_RESULT": "physical_result",
        "PHYSICAL_CHECK_NO_REASON": "physical_no_reason",
        "WELFARE_CHECK": "welfare",
        "DIGITALLY_SIGNED_DOCUMENT_TYPE": "signed_document_type",
    }
)
"""Clause of the decision to the field of Decision that holds its code, in the order that TRACES writes."""
DECISION_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        EMAIL: "email",
        "INSPECTION_FEES": "fees",
        "NOT_ACCEPTABLE_MEASURE_DATE": "measures_due",
    }
)
LABORATORY_DONE: Final = "LABORATORY_TESTS"
LABORATORY_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "LABORATORY_TESTS_MOTIVATION": "motivation",
        "LABORATORY_TESTS_RESULT": "result",
    }
)
IMPACT_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TRANSPORT_IMPACT_DEAD": "dead",
        "TRANSPORT_IMPACT_UNFIT": "unfit",
        "TRANSPORT_IMPACT_BIRTHS_OR_ABORTIONS": "births_or_abortions",
    }
)
IMPACT_ACCURACY: Final = "TRANSPORT_IMPACT_ACCURACY"
FOLLOW_UP_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "FOLLOW_UP_BY": "role",
        "FOLLOW_UP_ARRIVED": "arrived",
        "FOLLOW_UP_CONFORM": "conform",
        "FOLLOW_UP_OUTCOME": "outcome",
    }
)

NOTE_TYPE: Final = "CHED_TYPE"
NOTE_UPDATED: Final = "LAST_UPDATE_DATETIME"
NOTE_DEPARTURE: Final = "DEPARTURE_FROM_BCP_DATETIME"
NOTE_ALTERNATIVE: Final = "ALTERNATIVE_PLACE_OF_DESTINATION"
NOTE_TEMPERATURE: Final = "PRODUCT_TEMPERATURE"
NOTE_TRANSPORT_CONDITIONS: Final = "TRANSPORT_CONDITIONS"
"""A second name of I.16 that seed data show; read, never written."""
NOTE_JOURNEY_LOG: Final = "JOURNEY_LOG"
NOTE_CONTINGENCY: Final = "CONTINGENCY"
NOTE_MEASURE: Final = "NOT_ACCEPTABLE_MEASURE"
NOTE_REASON: Final = "REFUSAL_REASON"
NOTE_MARKET: Final = "ACCEPTABLE_INTERNAL_MARKET_DESTINATION_TYPE"
NOTE_MONITORING: Final = "ACCEPTABLE_MONITORING_PROCEDURE"
NOTE_NON_CONFORMING: Final = "ACCEPTABLE_NON_CONFORMING_DESTINATION_TYPE"
NOTE_TESTS: Final = "LABORATORY_TESTS_COMMODITIES_"
"""With TOTAL, SATISFACTORY, NOT_SATISFACTORY or PENDING behind it."""

LIST_NOTES: Final = "ched_note_subject_code"

PURPOSE_BOX: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TRANSHIPMENT": "I.20",
        "TRANSFER": "I.20",
        "ONWARD_TRAVEL": "I.20",
        "ONWARD_TRANSPORTATION": "I.21",
        "DIRECT_TRANSIT": "I.22",
        "TRANSIT": "I.22",
        "INTERNAL_MARKET": "I.23",
        "FREE_CIRCULATION": "I.23",
        "NON_CONFORMING_GOODS": "I.24",
        "NON_FREE_CIRCULATION": "I.24",
        "NON_INTERNAL_MARKET": "I.24",
        "RE_ENTRY": "I.25",
        "HORSE_RE_ENTRY": "I.25",
        "TEMPORARY_ADMISSION": "I.26",
        "TEMPORARY_IMPORT": "I.26",
    }
)
"""Purpose to its box; PRIVATE_IMPORT, IMPORT_RE_CONFORMITY_CHECK and whatever else TRACES has are no boxes of 2019/1715
(REGULATION 7.1)."""

CONCLUSION_BOX: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ACCEPTABLE_FOR_TRANSHIPMENT": "II.9",
        "ACCEPTABLE_FOR_TRANSFER": "II.9",
        "ACCEPTABLE_FOR_ONWARD_TRAVEL": "II.9",
        "ACCEPTABLE_FOR_ONWARD_TRANSPORTATION": "II.10",
        "ACCEPTABLE_FOR_TRANSIT": "II.11",
        "ACCEPTABLE_FOR_INTERNAL_MARKET": "II.12",
        "ACCEPTABLE_FOR_FREE_CIRCULATION": "II.12",
        "ACCEPTABLE_FOR_MONITORING": "II.13",
        "ACCEPTABLE_IF_CHANNELED": "II.13",
        "ACCEPTABLE_FOR_NON_FREE_CIRCULATION": "II.14",
        "ACCEPTABLE_FOR_SPECIFIC_WAREHOUSE": "II.14",
        "ACCEPTABLE_FOR_TEMPORARY_IMPORT": "II.15",
        "NOT_ACCEPTABLE": "II.16",
    }
)
"""Conclusion to its box; ACCEPTABLE_FOR_PRIVATE_IMPORT and HORSE_RE_ENTRY are no boxes of 2019/1715."""


def purpose_box(code: str) -> str:
    """The box of a purpose, ``I.20`` to ``I.26``; empty for one that is no box of 2019/1715."""
    return PURPOSE_BOX.get(code, "")


def conclusion_box(code: str) -> str:
    """The box of a conclusion, ``II.9`` to ``II.16``; empty for one that is no box of 2019/1715."""
    return CONCLUSION_BOX.get(code, "")
