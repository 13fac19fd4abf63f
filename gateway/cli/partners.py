"""``imsoc partners``: who may exchange what, and whose seal is trusted."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.desk import Desk, Json, facts, listing
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from gateway.access.models import Partner
    from gateway.store import PartnerRow

__all__ = ["app", "operator"]

app = typer.Typer(help="Add, list, show and remove partners.", no_args_is_help=True)

PartnerId = Annotated[str, typer.Argument(help="Id of a partner.", metavar="PARTNER")]


@app.command()
def add(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A partner file (docs/partners.md).")],
    as_json: Json = False,
) -> None:
    """Add the partner of a TOML file, or replace it. A running gateway sees the change within a second.

    Secrets and TLS files that cannot be used are said and do not stop it: they may come later, or be another machine's.
    """
    desk = Desk.of(ctx, as_json)
    from gateway.access.directory import check_identities  # noqa: PLC0415 - start-up
    from gateway.access.records import partner_from_record, record_from_toml  # noqa: PLC0415 - start-up
    from gateway.cli.checks import files_of, secrets_of, systems_known  # noqa: PLC0415 - start-up
    from gateway.store import list_partners, save_partner  # noqa: PLC0415 - start-up

    record = record_from_toml(file)
    partner = partner_from_record(record)
    known = systems_known(desk)
    if partner.code_system not in known:
        near = get_close_matches(partner.code_system, known, 3) or sorted(known)
        raise ConfigurationError(
            "IMG-0120", where="partner.code_system", found=partner.code_system, expected=", ".join(near)
        )

    def save(connection: Connection) -> PartnerRow:
        others = [partner_from_record(row.record) for row in list_partners(connection)]
        everybody = [partner, *(other for other in others if other.id != partner.id)]
        check_identities(everybody, own_countries=desk.settings.hub.countries)
        return save_partner(connection, partner.id, record, author=operator(), now=datetime.now(UTC))

    with desk.store() as store:
        row = store.write(save)
    desk.answer({"id": partner.id, "version": row.version}, f"{partner.id}: version {row.version}")
    for problem in (*secrets_of(partner), *files_of(partner)):
        desk.note(f"{problem.name}: {problem.detail}  ->  {problem.repair}")


@app.command("list")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the partners."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.checks import load_partners  # noqa: PLC0415 - start-up

    rows = [_summary(partner) for partner in load_partners(desk)]
    desk.answer({"partners": rows}, listing(list(_COLUMNS), rows) if rows else "none; add one: imsoc partners add FILE")


@app.command()
def show(ctx: typer.Context, partner_id: PartnerId, as_json: Json = False) -> None:
    """Show one partner with everything that it was granted."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.checks import load_partners  # noqa: PLC0415 - start-up

    partner = next((each for each in load_partners(desk) if each.id == partner_id), None)
    if partner is None:
        raise _unknown(partner_id)
    data = _details(partner)
    desk.answer(data, facts((name.replace("_", " "), value) for name, value in data.items()))


@app.command()
def remove(ctx: typer.Context, partner_id: PartnerId, as_json: Json = False) -> None:
    """Disable a partner: it can no longer call or be delivered to. What it sent stays."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import find_partner, save_partner  # noqa: PLC0415 - start-up

    with desk.store() as store:
        with store.read() as connection:
            row = find_partner(connection, partner_id)
        if row is None:
            raise _unknown(partner_id)
        record = {**row.record, "enabled": False}
        saved = store.write(
            lambda connection: save_partner(
                connection, partner_id, record, author=operator(), now=datetime.now(UTC), expected_version=row.version
            )
        )
    desk.answer({"id": partner_id, "version": saved.version, "enabled": False}, f"{partner_id}: disabled")


_COLUMNS = ("id", "name", "kind", "country", "contracts", "document_types", "code_system", "delivery", "enabled")


def _summary(partner: Partner) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(partner, name) for name in _COLUMNS}
    return values | {
        "kind": partner.kind.value,
        "contracts": sorted(partner.contracts),
        "document_types": sorted(partner.document_types),
        "delivery": partner.delivery.address if partner.delivery else None,
    }


def _details(partner: Partner) -> dict[str, Any]:
    polling = partner.polling if partner.polling and partner.polling.enabled else None
    return _summary(partner) | {
        "operations": sorted(partner.operations),
        "country_pairs": [str(pair) for pair in partner.country_pairs],
        "rule_set": partner.rule_set,
        "com_informed_on": partner.com_informed_on.isoformat() if partner.com_informed_on else None,
        "personal_data": partner.sees_personal_data,
        "timestamp_required": partner.timestamp_required,
        "username": partner.authentication.username,
        "client_certificates": list(partner.authentication.client_certificates),
        "anchors": [
            f"{anchor.name} ({anchor.level}: {', '.join(sorted(anchor.purposes))})" for anchor in partner.anchors
        ],
        "hub_countries": list(partner.hub.countries) if partner.hub else [],
        "hub_channel": partner.hub.channel if partner.hub else "",
        "polled_every_seconds": polling.interval_seconds if polling else None,
        "customs_offices": list(partner.customs.offices) if partner.customs else [],
        "customs_countries": list(partner.customs.countries) if partner.customs else [],
        "customs_mrn_countries": list(partner.customs.mrn_countries) if partner.customs else [],
        "customs_absent_unit": partner.customs.absent_unit.value if partner.customs else None,
        "customs_time_zone": partner.customs.time_zone if partner.customs else None,
    }


def operator() -> str:
    """Who changed it, for the audit: the account that ran the command."""
    return f"operator:{getpass.getuser()}"


def _unknown(partner_id: str) -> ConfigurationError:
    return ConfigurationError("IMG-0105", where=partner_id, found="no such partner", expected="imsoc partners list")
