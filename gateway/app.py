"""Puts the gateway together: settings in, a WSGI application or the background work out. Nothing else composes.

::

    settings ── store ── directory ── trust per partner ─┐
        │         │                                      ├─ Context ── endpoints ── SoapApplication ─┐
        │         └── mapping tables per day ────────────┘     │                                     ├─ Gateway
        │                                                      ├─ HubService (role hub)              │
        │                                                      ├─ CHEDs: register, or relay          │
        └── seal key, time-stamping authorities ─────── Sealer ┴─ delivery worker, poller of hubs, ──┘
                                                                  exchange with TRACES, or seals of TRACES
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from adapters import open_adapter
from adapters.ippc_hub import IppcHubClient
from gateway.access import Directory
from gateway.ched.wiring import build
from gateway.delivery.models import DeliveryJob, PushJob
from gateway.delivery.models import DeliverySettings as Patience
from gateway.delivery.worker import Worker
from gateway.endpoints.certex import certex
from gateway.endpoints.certificate_exchange import certificate_exchange
from gateway.endpoints.ched_control import ched_control
from gateway.endpoints.customs_lookup import customs_lookup
from gateway.endpoints.customs_rest import CustomsRest, no_lookups
from gateway.endpoints.delivery_service import delivery_service
from gateway.endpoints.traces_attachments import certificate_attachments
from gateway.endpoints.traces_certificate import ched_certificate
from gateway.endpoints.traces_common import Services
from gateway.endpoints.traces_reference import reference_data
from gateway.endpoints.traces_retrieval import docom, eu_intra
from gateway.endpoints.traces_submission import ched_submission
from gateway.errors import ConfigurationError, Fault, GatewayError
from gateway.exchange import Admission, Context, ExchangePolicy, PartnerTrust, payload_for
from gateway.exchange.delivering import hold_delivery
from gateway.hub import HubService
from gateway.hub.polling import Poller, PollerSettings
from gateway.hub.synchronising import synchronise_lists
from gateway.hub.validation import validate_phyto_xml
from gateway.pdf import CertificatePdf, ChedPdf
from gateway.pdf_signing import PadesSealer
from gateway.releasing import Releaser, quarantine_of
from gateway.sealing import build_sealer
from gateway.single_window.lookups import Lookups
from gateway.single_window.pushing import Pushes, push_for
from gateway.single_window.wiring import desk_of, followers_of
from gateway.soap.peer import ProxyPolicy
from gateway.soap.server import SoapApplication
from gateway.store import list_partners, open_store, partners_edition
from gateway.traces.contracts import SUBMISSION, SUBMISSION_01
from gateway.trust import Level
from mappings import load_tables
from mappings.hub_live import LiveHubLists
from mappings.live import LiveTables
from mappings.reference import LiveReference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from adapters import Adapter, Job
    from gateway.access import Partner
    from gateway.ched.background import Background
    from gateway.ched.wiring import Built
    from gateway.config import Settings, TracesSettings
    from gateway.endpoints.customs_rest import RestCall
    from gateway.exchange import Quarantine
    from gateway.ippc.validation_result import ValidationResult
    from gateway.single_window.desk import CustomsDesk
    from gateway.soap import Contract, SoapCall
    from gateway.store import Prepared, Store
    from mappings.hub_live import HubListsNow
    from mappings.reference import Reference

__all__ = ["Gateway", "build_application", "build_worker", "operating", "operating_cheds", "operating_quarantine"]

_CUSTOMS: Final = "/customs/"
"""Of every version of the read API for customs."""
LIVE: Final = "/health/live"
READY: Final = "/health/ready"

CHED_ROLES: Final = frozenset({"traces", "national"})
"""Roles in which CHEDs are served."""

_log = structlog.get_logger("imsoc")


class _Parts(NamedTuple):
    store: Store
    context: Context
    hub: HubService | None
    """Our stand-in of the ePhyto hub, with the role hub."""
    lists: HubListsNow
    worker: Worker
    poller: Poller
    reference: Reference
    traces: Built
    """CHEDs and what goes with them; of a hub alone they are not served."""
    customs: CustomsDesk
    quarantine: Quarantine
    releaser: Releaser

    @property
    def background(self) -> tuple[Background, ...]:
        """What goes on by itself in rounds."""
        return (*self.traces.background, self.releaser)

    def start(self) -> None:
        """Deliver, ask hubs, exchange with TRACES, seal as TRACES and release from quarantine, in the background."""
        self.worker.start()
        self.poller.start()
        for each in self.background:
            each.start()

    def stop(self) -> None:
        """End all at a safe point; none waits for the others to begin."""
        self.poller.stop(timedelta(0))
        for each in self.background:
            each.stop(timedelta(0))
        self.worker.stop()
        self.poller.stop()
        for each in self.background:
            each.stop()


class Gateway:
    """The WSGI application of one instance: its contracts, and two addresses for monitors.

    ``/health/live`` answers while the process works; ``/health/ready`` only while the store answers too.
    """

    def __init__(self, soap: SoapApplication, rest: CustomsRest | None, parts: _Parts, *, deliver: bool) -> None:
        self._soap = soap
        self._rest = rest
        self._parts = parts
        self._deliver = deliver
        if deliver:
            parts.start()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        path = environ.get("PATH_INFO", "")
        if path == LIVE:
            return _plain(start_response, HTTPStatus.OK, "live")
        if path == READY:
            ready = self._is_ready()
            status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
            return _plain(start_response, status, "ready" if ready else "the store does not answer")
        if path.startswith(_CUSTOMS):
            return (self._rest or no_lookups)(environ, start_response)
        return self._soap(environ, start_response)

    @property
    def context(self) -> Context:
        """The services, for tests and tools in the same process."""
        return self._parts.context

    def close(self) -> None:
        """End deliveries and polling at a safe point, then close the store."""
        if self._deliver:
            self._parts.stop()
        self._parts.store.close()

    def _is_ready(self) -> bool:
        try:
            with self._parts.store.read() as connection:
                connection.exec_driver_sql("SELECT 1")
        except GatewayError:
            return False
        return True


class DeliveryProcess:
    """The delivery worker and the poller of hubs with the store that they need: what ``imsoc worker`` runs."""

    def __init__(self, parts: _Parts) -> None:
        self._parts = parts

    def start(self) -> None:
        """Begin to deliver and to poll in threads."""
        self._parts.start()

    def stop(self) -> None:
        """End at a safe point."""
        self._parts.stop()
        self._parts.store.close()


def build_application(settings: Settings, *, clock: Callable[[], datetime] | None = None) -> Gateway:
    """The application of an instance; the factory that ``gateway.serve`` calls in each worker process.

    Raises:
        ConfigurationError: a key, certificate, table or partner record cannot be used; the message says which.
    """
    parts = _parts(settings, clock or _utc_now, exclusive=True)
    context = parts.context
    admission = Admission(context.directory, context.policy)
    proxies = ProxyPolicy.of(settings.server.trusted_proxies)
    lookups = _lookups(parts)
    soap = SoapApplication(
        _contracts(parts, admission, lookups),
        base_url=settings.instance.base_url or None,
        limits=settings.limits,
        proxies=proxies,
        clock=context.clock,
        on_fault=_note_fault,
    )
    rest = None
    if lookups is not None:
        rest = CustomsRest(context, admission, lookups, proxies=proxies, on_fault=_note_fault)
    return Gateway(soap, rest, parts, deliver=settings.delivery.in_process)


def _lookups(parts: _Parts) -> Lookups | None:
    """The lookups of customs, where CHEDs stand here: what TRACES has behind a national instance is not looked up."""
    here = bool(parts.context.policy.roles & CHED_ROLES) and parts.traces.exchanger is None
    return Lookups(parts.context) if here else None


def _contracts(parts: _Parts, admission: Admission, lookups: Lookups | None) -> list[Contract]:
    """What this instance serves: by its roles the contract of the hub, and those of TRACES and of customs."""
    context = parts.context
    contracts = [certificate_exchange(context, admission)]
    if lookups is not None:
        contracts.append(customs_lookup(context, admission, lookups))
    if context.policy.roles & CHED_ROLES:
        contracts += _traces_contracts(parts, Services(context, admission))
    if parts.hub is not None:
        findings_of = _validation(context, parts.lists)
        contracts.append(delivery_service(parts.hub, admission, parts.lists, findings_of, context))
    return contracts


def _traces_contracts(parts: _Parts, services: Services) -> list[Contract]:
    """The faces of TRACES NT: the same in both roles, whoever answers behind them."""
    traces = parts.traces
    return [
        certex(parts.customs, services),
        ched_certificate(traces.cheds, services),
        ched_submission(traces.cheds, services, SUBMISSION),
        ched_submission(traces.cheds, services, SUBMISSION_01),
        eu_intra(traces.library, services),
        docom(traces.library, services),
        certificate_attachments(traces.attachments, services),
        reference_data(parts.reference, services),
        ched_control(traces.cheds, services),
    ]


def _validation(context: Context, lists: HubListsNow) -> Callable[[bytes], tuple[ValidationResult, ...]]:
    """What ValidatePhytoXML finds in a certificate today."""

    def findings_of(text: bytes) -> tuple[ValidationResult, ...]:
        today = context.clock().date()
        return validate_phyto_xml(
            text, index=context.index.on(today), on=today, limits=context.limits, lists=lists.now()
        )

    return findings_of


def build_worker(settings: Settings) -> DeliveryProcess:
    """A delivery worker for a process of its own. On SQLite the serving process delivers, and this refuses to start."""
    return DeliveryProcess(_parts(settings, _utc_now, exclusive=True))


@contextmanager
def operating(settings: Settings) -> Iterator[tuple[Context, Poller, HubService | None]]:
    """The services, the poller of hubs and our stand-in, for an operator's command beside a process that serves.

    Raises:
        ConfigurationError: as `build_application`.
    """
    parts = _parts(settings, _utc_now, exclusive=False)
    try:
        yield parts.context, parts.poller, parts.hub
    finally:
        parts.store.close()


@contextmanager
def operating_cheds(settings: Settings) -> Iterator[tuple[Context, Built]]:
    """The services and those of CHEDs, for an operator's command beside a process that serves.

    Raises:
        ConfigurationError: as `build_application`.
    """
    parts = _parts(settings, _utc_now, exclusive=False)
    try:
        yield parts.context, parts.traces
    finally:
        parts.store.close()


@contextmanager
def operating_quarantine(settings: Settings) -> Iterator[Quarantine]:
    """What is held, for an operator's command beside a process that serves.

    Raises:
        ConfigurationError: as `build_application`.
    """
    parts = _parts(settings, _utc_now, exclusive=False)
    try:
        yield parts.quarantine
    finally:
        parts.store.close()


def _parts(settings: Settings, clock: Callable[[], datetime], *, exclusive: bool) -> _Parts:
    sealer = build_sealer(settings.seal)
    own = settings.translation.tables
    tables = load_tables(overlays=(own,) if own else ())
    store = open_store(settings.store.url, exclusive=exclusive)
    try:
        directory = _directory(store)
        directory.partners()
        context = Context(
            store=store,
            directory=directory,
            trust=PartnerTrust(directory),
            index=LiveTables(tables, store, allow_unconfirmed=settings.translation.allow_unconfirmed),
            sealer=sealer,
            policy=_policy(settings),
            clock=clock,
            limits=settings.limits,
        )
        context.index.on(clock().date())
        context.index.keep_base(clock())
        lists = LiveHubLists(store, settings.hub.lists)
        hub = _hub(settings, context)
        worker = _worker(settings, context)
        poller = _poller(settings, context, hub, lists)
        reference = _reference(settings, context.index)
        pades = PadesSealer(sealer)
        pushes = Pushes()
        traces = build(
            replace(context, ched_followers=followers_of(context.limits, pushes)),
            settings.traces,
            portal=settings.traces.portal or settings.instance.base_url,
            reference=reference,
            lease=timedelta(seconds=settings.delivery.lease_seconds),
            render=ChedPdf(clock, pades),
            render_certificate=CertificatePdf(clock, pades),
        )
        customs = desk_of(context, settings.customs, pushes=pushes, printed=traces.register.printed)
    except BaseException:
        store.close()
        raise
    quarantine = quarantine_of(context, poller, traces)
    return _Parts(
        store, context, hub, lists, worker, poller, reference, traces, customs, quarantine, Releaser(quarantine)
    )


def _reference(settings: Settings, tables: LiveTables) -> LiveReference:
    translation = settings.translation
    return LiveReference(
        tables,
        translation.tables,
        languages=_languages(settings.traces),
        allow_unconfirmed=translation.allow_unconfirmed,
    )


def _languages(traces: TracesSettings) -> dict[str, tuple[str, ...]]:
    """``BE:nl/fr/de`` as languages by country."""
    return {
        country: tuple(codes.split("/")) for country, _, codes in (each.partition(":") for each in traces.languages)
    }


def _directory(store: Store) -> Directory:
    def load() -> list[dict[str, object]]:
        with store.read() as connection:
            return [dict(row.record) for row in list_partners(connection)]

    def token() -> str:
        with store.read() as connection:
            return str(partners_edition(connection))

    return Directory(load, token, time.monotonic)


def _policy(settings: Settings) -> ExchangePolicy:
    trust = settings.trust
    return ExchangePolicy(
        instance=settings.instance.id,
        roles=frozenset(settings.instance.roles),
        clock_skew_seconds=trust.clock_skew_seconds,
        timestamp_max_age_seconds=trust.timestamp_max_age_seconds,
        nonce_keep_seconds=trust.nonce_keep_seconds,
        minimum_seal_level=Level[trust.minimum_seal_level.upper()],
        require_timestamp=trust.require_timestamp,
        phyto_routes=frozenset(trust.phyto_routes),
        max_held_per_partner=settings.translation.max_held_per_partner,
    )


def _prepared(context: Context, job: Job) -> Prepared:
    """What is sent for a job: the one place where a document and a push part ways."""
    match job:
        case DeliveryJob():
            return payload_for(context, job)
        case PushJob():
            return push_for(context, job)
        case _:
            raise TypeError(type(job).__name__)


def _worker(settings: Settings, context: Context) -> Worker:
    delivery = settings.delivery

    @cache
    def adapter_for(partner: Partner) -> Adapter[Job]:
        if partner.delivery is None:
            raise ConfigurationError("IMG-0123", where=f"partner {partner.id}")
        secret = context.directory.secret(partner.delivery.secret) if partner.delivery.secret else ""
        return open_adapter(partner.delivery, secret)

    def adapter_of(partner_id: str) -> Adapter[Job]:
        partner = context.directory.by_id(partner_id)
        if partner is None or not partner.enabled:
            raise ConfigurationError("IMG-0123", where=f"partner {partner_id}")
        return adapter_for(partner)

    return Worker(
        context.store,
        adapter_of,
        prepare=partial(_prepared, context),
        hold=partial(hold_delivery, context),
        settings=Patience(
            lease=timedelta(seconds=delivery.lease_seconds),
            backoff_first=timedelta(seconds=delivery.backoff_first_seconds),
            backoff_max=timedelta(seconds=delivery.backoff_max_seconds),
            max_attempts=delivery.max_attempts,
        ),
        clock=context.clock,
    )


def _hub(settings: Settings, context: Context) -> HubService | None:
    if "hub" not in settings.instance.roles:
        return None
    own = frozenset(settings.hub.countries)
    return HubService(context.store, context.directory, own_countries=own, instance=settings.instance.id)


def _poller(settings: Settings, context: Context, hub: HubService | None, lists: HubListsNow) -> Poller:
    """Idle while no partner record has polling: it looks at the records itself, as they change."""

    @cache
    def client_of(partner: Partner) -> IppcHubClient:
        if partner.delivery is None:
            raise ConfigurationError("IMG-0123", where=f"partner {partner.id}")
        return IppcHubClient.open(partner.delivery)

    return Poller(
        context,
        client_of,
        validate=_validation(context, lists),
        hub=hub if settings.hub.countries else None,
        synchronise=synchronise_lists,
        settings=PollerSettings(lease=timedelta(seconds=settings.delivery.lease_seconds)),
    )


def _note_fault(error: GatewayError, call: SoapCall | RestCall | None) -> None:
    own: dict[str, str] = {}
    if isinstance(error, ConfigurationError):  # ours to repair, and the caller is not told more than the code
        own = {"message": error.message, "where": error.where, "found": error.found, "repair": error.entry.action}
    _log.log(
        logging.ERROR if error.fault is Fault.RECEIVER else logging.INFO,
        "call.refused",
        code=error.code,
        exchange=error.exchange_id,
        operation=call.operation if call else "",
        peer=call.peer.address if call else "",
        **own,
    )


def _plain(start_response: StartResponse, status: HTTPStatus, text: str) -> list[bytes]:
    body = f"{text}\n".encode()
    start_response(
        f"{status.value} {status.phrase}",
        [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))],
    )
    return [body]


def _utc_now() -> datetime:
    return datetime.now(UTC)
