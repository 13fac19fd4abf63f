"""Invented partners and envelopes for the tests of the stand-in."""

from gateway.access import Directory, partner_from_record
from gateway.ippc import Envelope, EnvelopeHeader

RECORDS = (
    {"id": "ar-nppo", "country": "AR", "country_pairs": ["AR>*"], "hub": {"countries": ["AR", "UY"]}},
    {"id": "be-nppo", "country": "BE", "kind": "national", "country_pairs": ["*>BE"], "hub": {"countries": ["BE"]}},
    {"id": "window", "country": "*", "hub": {"channel": "ASW"}},
    {"id": "archive", "country": "*", "hub": {"channel": "ARC", "send": False}},
    {"id": "mute", "country": "*", "hub": {"channel": "MUTE", "receive": False}},
    {
        "id": "the-hub",
        "country": "*",
        "kind": "hub",
        "document_types": ["851"],
        "country_pairs": ["*>NL"],
        "delivery": {"adapter": "ippc-hub", "address": "https://hub.example/hub/DeliveryService"},
    },
    {"id": "stranger", "country": "CL", "country_pairs": ["*>*"]},
)


def records(**changes):
    """The records by id, one of them changed: ``be_nppo={"hub": {...}}``."""
    return [
        {
            "name": f"Invented {record['id']}",
            "kind": "third-country",
            "contracts": ["ippc-hub"],
            **record,
            **changes.get(record["id"].replace("-", "_"), {}),
        }
        for record in RECORDS
    ]


def directory(**changes):
    return Directory(lambda: records(**changes), lambda: "1", lambda: 0.0)


def partner(partner_id, **changes):
    """One partner of the directory, with changes of its record."""
    record = next(record for record in records() if record["id"] == partner_id)
    return partner_from_record({**record, **changes})


def header(**changes):
    """AR certifies for BE."""
    values = {
        "sender": "AR",
        "to": "BE",
        "certificate_type": 851,
        "certificate_status": 70,
        "certificate_number": "AR-2026-1",
    }
    return EnvelopeHeader(**{**values, **changes})


def envelope(content="<certificate/>", **changes):
    return Envelope(header(**changes), None if content is None else content.encode())
