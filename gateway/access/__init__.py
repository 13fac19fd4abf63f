"""Partners as principals, default deny, and what each may see (Arts 9, 36)."""

from gateway.access.directory import Directory, read_secret
from gateway.access.membership import AllowedDocument, ChannelRule, HubMembership, Polling, RuleDirection, RuleType
from gateway.access.models import (
    ANY,
    AnchorRecord,
    Authentication,
    CountryPair,
    DeliveryTarget,
    Partner,
    PartnerKind,
)
from gateway.access.records import partner_from_record, partner_from_toml, record_from_toml
from gateway.access.service import View, check_document, check_operation, view_of

__all__ = [
    "ANY",
    "AllowedDocument",
    "AnchorRecord",
    "Authentication",
    "ChannelRule",
    "CountryPair",
    "DeliveryTarget",
    "Directory",
    "HubMembership",
    "Partner",
    "PartnerKind",
    "Polling",
    "RuleDirection",
    "RuleType",
    "View",
    "check_document",
    "check_operation",
    "partner_from_record",
    "partner_from_toml",
    "read_secret",
    "record_from_toml",
    "view_of",
]
