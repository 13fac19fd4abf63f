"""``imsoc send``: one sealed document to one partner, now, outside the outbox."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.desk import Desk, ExitCode, Json, facts
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from gateway.access.models import Partner

__all__ = ["called_partner", "send"]


def send(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A sealed certificate (imsoc seal).", metavar="FILE")],
    to: Annotated[
        str, typer.Option("--to", help="Id of a partner with a [partner.delivery] table.", metavar="PARTNER")
    ],
    as_json: Json = False,
) -> None:
    """Send a sealed certificate to a partner through its adapter, and print the answer. Nothing is kept here.

    The message id is made from the file, so sending the same file again is a repeat to the partner, with one effect.
    """
    desk = Desk.of(ctx, as_json)
    from adapters import DeliveryJob, DeliveryOutcome, open_adapter  # noqa: PLC0415 - start-up
    from gateway.access.directory import read_secret  # noqa: PLC0415 - start-up
    from gateway.cli.documents import read_file  # noqa: PLC0415 - start-up
    from gateway.documents import SpsCertificate  # noqa: PLC0415 - start-up
    from gateway.ippc.content import document_limits  # noqa: PLC0415 - start-up
    from gateway.store import DocumentKey  # noqa: PLC0415 - start-up
    from gateway.xml.boundary import parse  # noqa: PLC0415 - start-up

    content = read_file(file)
    certificate = SpsCertificate(parse(content, limits=document_limits(desk.settings.limits)).root)
    identity = certificate.identity
    if identity is None:
        raise ConfigurationError(
            "IMG-0104", where=str(file), found="no issuer, type or number", expected="a certificate"
        )
    partner = called_partner(desk, to)
    assert partner.delivery is not None
    adapter = open_adapter(partner.delivery, read_secret(partner.delivery.secret) if partner.delivery.secret else "")
    job = DeliveryJob(
        id=f"file-{hashlib.sha256(content).hexdigest()[:48]}",
        partner=partner.id,
        exchange_id="",
        document=DocumentKey(identity.issuer_country, identity.type_code, identity.number),
        status_code=certificate.status_code,
        sender=desk.settings.instance.id,
        attempt=1,
        deadline=datetime.now(UTC) + timedelta(seconds=partner.delivery.timeout_seconds),
        payload=content,
    )
    result = adapter.deliver(job)
    data = {
        "partner": partner.id,
        "document": str(job.document),
        "message_id": job.id,
        "outcome": result.outcome.value,
        "code": result.code,
        "detail": result.detail,
    }
    desk.answer(data, facts((name.replace("_", " "), value) for name, value in data.items() if value))
    if result.outcome is DeliveryOutcome.DELIVERED:
        raise typer.Exit(ExitCode.OK)
    raise typer.Exit(ExitCode.REFUSED if result.outcome is DeliveryOutcome.REFUSED else ExitCode.UNAVAILABLE)


def called_partner(desk: Desk, partner_id: str) -> Partner:
    """A partner that we call.

    Raises:
        ConfigurationError: IMG-0105, there is none of that id, or none with a [partner.delivery] table.
    """
    from gateway.cli.checks import load_partners  # noqa: PLC0415 - start-up

    partner = next((each for each in load_partners(desk) if each.id == partner_id), None)
    if partner is None:
        raise ConfigurationError("IMG-0105", where=partner_id, found="no such partner", expected="imsoc partners list")
    if partner.delivery is None:
        raise ConfigurationError(
            "IMG-0105", where=partner_id, found="a partner without [partner.delivery]", expected="one that we call"
        )
    return partner
