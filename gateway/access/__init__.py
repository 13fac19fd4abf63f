"""Partners as principals, default deny, and what each may see (Arts 9, 36)."""

from gateway.access.bodies import Body, BodyKind, BodyRole, NamedBody, TracesMembership, resolve_body
from gateway.access.customs import AbsentUnit, CustomsMembership
from gateway.access.directory import Directory, read_secret
from gateway.access.membership import AllowedDocument, ChannelRule, HubMembership, Polling, RuleDirection, RuleType
from gateway.access.models import (
    ANY,
    PUSHES,
    AnchorRecord,
    Authentication,
    CountryPair,
    DeliveryTarget,
    Partner,
    PartnerKind,
    Untranslatable,
)
from gateway.access.records import partner_from_record, partner_from_toml, record_from_toml
from gateway.access.service import View, check_document, check_operation, view_of

__all__ = [
    "ANY",
    "PUSHES",
    "AbsentUnit",
    "AllowedDocument",
    "AnchorRecord",
    "Authentication",
    "Body",
    "BodyKind",
    "BodyRole",
    "ChannelRule",
    "CountryPair",
    "CustomsMembership",
    "DeliveryTarget",
    "Directory",
    "HubMembership",
    "NamedBody",
    "Partner",
    "PartnerKind",
    "Polling",
    "RuleDirection",
    "RuleType",
    "TracesMembership",
    "Untranslatable",
    "View",
    "check_document",
    "check_operation",
    "partner_from_record",
    "partner_from_toml",
    "read_secret",
    "record_from_toml",
    "resolve_body",
    "view_of",
]
