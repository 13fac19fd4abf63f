"""A hub in memory that answers as the contract says, and the services of an instance around a store."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lxml import etree

from adapters.ippc_hub.client import Pulled
from adapters.ippc_hub.faults import HubFault
from gateway.access import Directory, partner_from_record
from gateway.errors import DeliveryError
from gateway.exchange import Context, ExchangePolicy, PartnerTrust
from gateway.hub.polling import Poller, PollerSettings
from gateway.ippc import Envelope, EnvelopeHeader, TrackingState, wire
from gateway.ippc.validation_result import ValidationResult
from gateway.sandbox.pki import Authority
from gateway.sandbox.samples import certificate
from gateway.store import list_partners, partners_edition, save_partner
from gateway.trust import Sealer
from gateway.xml.boundary import parse
from gateway.xml.names import HUB, qn
from mappings import load_tables
from mappings.live import LiveTables

if TYPE_CHECKING:
    from collections.abc import Callable

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TABLES = load_tables()
_numbers = itertools.count(1)

HUB_RECORD = {
    "id": "the-hub",
    "name": "the ePhyto hub",
    "kind": "hub",
    "country": "*",
    "contracts": ["ippc-hub"],
    "document_types": ["851", "657"],
    "country_pairs": ["*>NL"],
    "code_system": "ephyto",
    "delivery": {"adapter": "ippc-hub", "address": "http://127.0.0.1:9/hub/DeliveryService"},
    "polling": {"interval_seconds": 30, "batch": 100},
}


NPPO = {
    "id": "ar-nppo",
    "name": "invented",
    "kind": "third-country",
    "country": "AR",
    "contracts": ["ippc-hub"],
    "document_types": ["851"],
    "country_pairs": ["AR>NL"],
    "code_system": "ephyto",
    "hub": {"countries": ["AR"]},
}

SETTINGS = PollerSettings(lease=timedelta(seconds=60), look=timedelta(seconds=0.01))


def envelope(content=None, **changes):
    """An envelope with a certificate of AR for NL that says what its header says."""
    values = {
        "sender": "AR",
        "to": "NL",
        "certificate_type": 851,
        "certificate_status": 70,
        "certificate_number": f"AR-HUB-{next(_numbers):06d}",
        **changes,
    }
    header = EnvelopeHeader(**values)
    if content is None:
        content = certificate(
            number=header.certificate_number,
            type_code=str(header.certificate_type),
            status=str(header.certificate_status),
            export=header.sender,
            import_=header.to,
            lines=1,
        )
    return Envelope(header, content.encode() if isinstance(content, str) else content)


@dataclass
class MemoryHub:
    """The methods of ``IppcHubClient`` that the poller uses."""

    envelopes: dict[str, Envelope] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    pulls: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    down: bool = False
    unpullable: set[str] = field(default_factory=set)
    lost_answers: int = 0
    """So many acknowledgements are taken and their answers lost."""
    spoil: Callable[[bytes], bytes] = lambda body: body

    responses: list[tuple[EnvelopeHeader, bytes]] = field(default_factory=list)
    """Country responses that were taken, whatever the sender heard of it."""
    refusal: str = ""
    """FailedDelivery with this message is the answer to a country response."""
    broken: Callable[[], None] = lambda: None
    """Called when a country response was taken and nobody has the answer yet."""

    def send(self, operation, body):
        self._up()
        assert operation == "DeliverCountryResponseEnvelope"
        element = parse(body).root[0]
        header = wire.read_header(element)
        if self.refusal:
            return replace(header, tracking="FailedDelivery", error_message=self.refusal), b"<no/>"
        self.responses.append((header, etree.tostring(element[-1])))
        number = f"ANSWER-{len(self.responses)}"
        header = replace(header, hub_delivery_number=number, tracking=TrackingState.PENDING_DELIVERY)
        self.envelopes[number], self.states[number] = Envelope(header, None), "OnItsWay"
        self.broken()
        return header, b"<taken/>"

    def under_delivery(self):
        self._up()
        return tuple(each.header for number, each in self.envelopes.items() if self.states[number] == "OnItsWay")

    def put(self, *envelopes):
        for each in envelopes:
            number = f"HUB-{len(self.envelopes) + 1:04d}"
            header = replace(each.header, hub_delivery_number=number, tracking=TrackingState.PENDING_DELIVERY)
            self.envelopes[number] = Envelope(header, each.content)
            self.states[number] = "PendingDelivery"
        return number

    def _up(self):
        if self.down:
            raise DeliveryError("IMG-8001", where="http://127.0.0.1:9")

    def import_headers(self, country=""):
        self._up()
        return tuple(e.header for n, e in self.envelopes.items() if self.states[n] == "PendingDelivery")

    def pull(self, number):
        self._up()
        self.pulls.append(number)
        if number in self.unpullable:
            raise HubFault("no such thing", sender=True)
        result = wire.envelope_xml(self.envelopes[number], qn(HUB, "PULLSingleImportEnvelopeResult"))
        body = self.spoil(wire.response("PULLSingleImportEnvelope", result))
        raw = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>'.encode() + body + b"</s:Body></s:Envelope>"
        return Pulled(raw, parse(raw, limits=wire.REPLY_LIMITS).root[0][0][0])

    def _move(self, number, state, message=""):
        self._up()
        if self.states[number] != "PendingDelivery":
            raise HubFault(f"IMG-7102: acknowledged already | found {number} | retry never", sender=True)
        self.acknowledged.append(number)
        self.states[number], self.messages[number] = state, message
        if self.lost_answers:
            self.lost_answers -= 1
            raise DeliveryError("IMG-8002", where="http://127.0.0.1:9")
        return state

    def acknowledge(self, number):
        self._move(number, "Delivered")

    def acknowledge_with_warnings(self, number, message):
        return self._move(number, "DeliveredWithWarnings", message)

    def acknowledge_failed(self, number, message):
        return self._move(number, "DeliveredNotReadable", message)

    def tracking(self, number):
        self._up()
        known = self.envelopes.get(number)
        if known is None:
            return EnvelopeHeader("", "", 0, 0, "", number, "EnvelopeNotExists")
        state = "PendingDelivery" if self.states[number] == "OnItsWay" else self.states[number]
        return replace(known.header, tracking=state, error_message=self.messages.get(number, ""))


class House:
    """The services of one instance on a store, with a clock that stands still."""

    def __init__(self, store, *records, roles=("national",), phyto_routes=("i", "iii")):
        self.store = store
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
        self.own = Authority("Gateway", now=self.now, country="EU")
        self.third = Authority("Third country", now=self.now, country="AR")
        self.save(*(records or (HUB_RECORD,)))
        directory = Directory(self._records, self._edition, self._seconds)
        seal = self.own.seal("Gateway seal")
        self.context = Context(
            store=store,
            directory=directory,
            trust=PartnerTrust(directory),
            index=LiveTables(TABLES),
            sealer=Sealer(seal.key, seal.certificate_der, seal.chain_der),
            policy=ExchangePolicy("test", frozenset(roles), phyto_routes=frozenset(phyto_routes)),
            clock=lambda: self.now,
        )
        self.results = ()

    def save(self, *records):
        for record in records:
            partner_from_record(record)
            self.store.write(
                lambda connection, record=record: save_partner(
                    connection, record["id"], record, author="test", now=self.now
                )
            )

    def validate(self, text):
        assert isinstance(text, bytes)
        return tuple(ValidationResult(*each) for each in self.results)

    def partner(self, partner_id="the-hub"):
        return self.context.directory.by_id(partner_id)

    def later(self, **delta):
        self.now += timedelta(**delta)

    def rows(self, sql):
        with self.store.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def one(self, sql):
        ((value,),) = self.rows(sql)
        return value

    def verdict(self, exchange_id):
        """What was kept in the place of the verdict on a seal."""
        return json.loads(self.one(f"SELECT seal_verdict FROM exchange_parts WHERE exchange_id = '{exchange_id}'"))

    def _records(self):
        with self.store.read() as connection:
            return [dict(row.record) for row in list_partners(connection)]

    def _edition(self):
        with self.store.read() as connection:
            return str(partners_edition(connection))

    def _seconds(self):
        return self.now.timestamp()


def poller_of(house, client, **changes):
    arguments = {"validate": house.validate, "settings": SETTINGS, "jitter": lambda: 1.0, **changes}
    return Poller(house.context, lambda _: client, **arguments)
