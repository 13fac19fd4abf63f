"""Puts the CHED services of an instance together: the register, or the relay with what goes on in the background."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from adapters.traces_nt import TracesNtClient
from gateway.ched.attachments import Attachments
from gateway.ched.availability import Availability
from gateway.ched.counter_seals import CounterSealReader
from gateway.ched.exchanging import Exchanger, ExchangerSettings
from gateway.ched.labels import Labels
from gateway.ched.library import CertificateLibrary
from gateway.ched.preparing import RelaySettings
from gateway.ched.register import TRACES_ROLE, RegisterService
from gateway.ched.relay import RelayService
from gateway.ched.relaying import Relaying
from gateway.ched.sealing import SealKeeper
from gateway.ched.sources import UpstreamSource
from gateway.ched.transmission import Transmission
from gateway.errors import ChedRefused, ConfigurationError
from gateway.rules.ched import Facts
from gateway.store import Cursors
from gateway.trust import BodySealer
from mappings.reference import LiveFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element
    from sqlalchemy import Connection

    from gateway.ched.background import Background
    from gateway.ched.library import CertificateRenderer
    from gateway.ched.models import ChedService
    from gateway.ched.register import Renderer
    from gateway.exchange import Context
    from gateway.store import ChedWrite

    Also = Callable[[Connection, ChedWrite], None]
    from mappings.reference import Reference

__all__ = ["ADAPTER", "Built", "Choices", "build", "client_of", "facts_of"]

ADAPTER = "traces-nt"
"""In ``[partner.delivery]`` of the upstream's record."""


class Choices(Protocol):
    """The operator's choices: ``gateway.config.TracesSettings`` has this shape."""

    @property
    def upstream(self) -> str: ...  # noqa: D102 - named as in the settings
    @property
    def client_id(self) -> str: ...  # noqa: D102
    @property
    def when_away(self) -> str: ...  # noqa: D102
    @property
    def retry_seconds(self) -> float: ...  # noqa: D102
    @property
    def contingency_labels(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def part_signatures(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Built:
    """What an instance serves, and what it does by itself."""

    cheds: ChedService
    register: RegisterService
    """What stands here; of a national instance its contingency CHEDs."""
    library: CertificateLibrary
    attachments: Attachments
    background: tuple[Background, ...]
    """What goes on by itself: the exchange with the upstream, or the seals of this instance in the role traces."""
    registering: Callable[[Also], RegisterService]
    """The register with what is written in the unit of work of every new change, after it."""
    exchanger: Exchanger | None
    """Where there is an upstream."""
    client: TracesNtClient | None


def facts_of(reference: Reference) -> Facts:
    """What the rules ask beside the document, answered by the reference data of the moment."""
    live = LiveFacts(reference)
    return Facts(posts=live, languages=live, access=live, codes=live)


def build(
    context: Context,
    choices: Choices,
    *,
    portal: str,
    reference: Reference,
    lease: timedelta,
    render: Renderer | None = None,
    render_certificate: CertificateRenderer | None = None,
    client: TracesNtClient | None = None,
) -> Built:
    """The services of this instance.

    Args:
        context: the services below; its followers of CHEDs follow a register without an upstream, and nothing else.
        choices: ``[traces]``.
        portal: address of electronic versions.
        reference: reference data.
        lease: how long whoever has begun something may be silent.
        render: the printable CHED.
        render_certificate: the printable INTRA certificate and DOCOM.
        client: of the upstream; made from its record when None.

    Raises:
        ConfigurationError: IMG-0101 or IMG-0123, the upstream's record is not there or has no delivery to TRACES.
    """
    facts = facts_of(reference)
    if choices.upstream:
        context = replace(context, ched_followers=())  # the upstream has the CHEDs, and what follows them

    def register(
        also: Callable[[Connection, ChedWrite], None] | None, *, signatures: str = choices.part_signatures
    ) -> RegisterService:
        return RegisterService(
            context,
            portal=portal,
            facts=facts,
            part_signatures=signatures,
            labels=Labels(choices.contingency_labels),
            render=render,
            also=also,
            translates=not choices.upstream,
        )

    own = register(None)
    shown = render_certificate or _no_pdf
    retry = timedelta(seconds=choices.retry_seconds)
    if not choices.upstream:
        library = CertificateLibrary(context, Cursors(), portal=portal, render=shown)
        keeper = SealKeeper(own.complete_seals, every=retry)
        background = (keeper,) if TRACES_ROLE in context.policy.roles else ()
        return Built(own, own, library, Attachments(context), background, register, None, None)
    client = client or client_of(context, choices.upstream, choices.client_id)
    partner = choices.upstream
    lease = max(lease, _longest(context, partner))
    availability = Availability(context.store, partner, retry=retry, clock=context.clock)
    transmission = Transmission(context, client, partner, availability)
    seals = CounterSealReader(context, client, partner)
    goes_on = choices.when_away == "contingency"
    relaying = Relaying(
        context,
        client,
        # Signatures were verified in the codes that they were made in before the register sees the document.
        register=lambda also: own if also is None else register(also, signatures="recorded"),
        transmission=transmission,
        seals=seals,
        settings=RelaySettings(
            partner,
            goes_on=goes_on,
            signatures_required=choices.part_signatures == "required",
            lease=lease,
            labels=Labels(choices.contingency_labels),
        ),
        availability=availability,
    )
    exchanger = Exchanger(
        context,
        client,
        partner,
        transmission=transmission,
        seals=seals,
        availability=availability,
        settings=ExchangerSettings(retry=retry, lease=lease),
    )
    source = UpstreamSource(context, client, availability)
    library = CertificateLibrary(context, Cursors(), portal=portal, render=shown, source=source)
    attachments = Attachments(context, source=source, contingency=goes_on)
    return Built(RelayService(relaying), own, library, attachments, (exchanger,), register, exchanger, client)


def _longest(context: Context, upstream: str) -> timedelta:
    """How long one step can take: a file, the message, a look when its answer was lost, and the CHED read back."""
    partner = context.directory.by_id(upstream)
    seconds = partner.delivery.timeout_seconds if partner is not None and partner.delivery is not None else 0.0
    return timedelta(seconds=4 * seconds + 10)


def client_of(
    context: Context, partner_id: str, client_id: str = "", *, where: str = "traces.upstream"
) -> TracesNtClient:
    """The client of a partner that serves the faces of TRACES: TRACES itself, or a gateway.

    Args:
        context: the services.
        partner_id: of its record.
        client_id: WebServiceClientId by which it knows us; the id of the instance when empty.
        where: what named the partner, for the refusal.

    Raises:
        ConfigurationError: IMG-0101 there is no such partner, IMG-0123 it has no delivery to TRACES.
    """
    partner = context.directory.by_id(partner_id)
    if partner is None or not partner.enabled:
        raise ConfigurationError("IMG-0101", where=where, found=partner_id, expected="a partner")
    target = partner.delivery
    if target is None or target.adapter != ADAPTER:
        raise ConfigurationError("IMG-0123", where=f"partner {partner.id}", expected=f"[partner.delivery] {ADAPTER}")
    secret = context.directory.secret(target.secret) if target.secret else ""
    return TracesNtClient.open(
        target,
        secret,
        client_id=client_id or context.policy.instance,
        signer=BodySealer(context.sealer),
        clock=context.clock,
    )


def _no_pdf(root: _Element, *, language: str, url: str, signed: bool) -> bytes:  # noqa: ARG001 - as its protocol
    raise ChedRefused("IMG-7203", where="ID", found=url)
