"""``imsoc certificates``: INTRA certificates and DOCOMs of this instance, which no public contract submits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.ched import operating_here, summary_of, write_file
from gateway.cli.desk import Desk, Json, facts, listing
from gateway.errors import ConfigurationError, SchemaInvalid

if TYPE_CHECKING:
    from lxml.etree import _Element

    from adapters.traces_nt import TracesNtClient
    from gateway.ched.library import CertificateKind
    from gateway.store import ChedRow

__all__ = ["app"]

app = typer.Typer(
    help="Take over, fetch and list INTRA certificates and DOCOMs, which this instance then serves.",
    no_args_is_help=True,
)

COLUMNS = ("reference", "local_reference", "type", "status", "partner", "updated_at")
KINDS = ("authority", "operator", "control-body", "other")
Country = Annotated[str, typer.Option(help="Of issue: ISO 3166-1 alpha-2. [default: as the number says it]")]


@app.command()
def take(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="An SPSCertificate, or a reply of TRACES that holds one.")],
    country: Country = "",
    as_json: Json = False,
) -> None:
    """Take over a certificate that an authority's own system issued; the same again changes nothing."""
    desk = Desk.of(ctx, as_json)
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.xml.boundary import parse  # noqa: PLC0415 - start-up

    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError("IMG-0104", where=str(file), found=error.strerror or "not readable") from error
    root, laboratory_tests = _certificate_in(parse(content).root)
    with operating_here(desk) as built:
        row = built.library.take(
            root,
            partner=desk.settings.instance.id,
            country=country.upper(),
            actor=operator(),
            now=datetime.now(UTC),
            laboratory_tests=laboratory_tests,
        )
    _show(desk, row)


@app.command()
def fetch(
    ctx: typer.Context,
    partner: Annotated[str, typer.Argument(help="TRACES or a gateway: its record delivers by traces-nt.")],
    number: Annotated[str, typer.Argument(help="INTRA.EU.CC.YYYY.N or DOCOM.CC.YYYY.N.")],
    country: Country = "",
    body: Annotated[
        str, typer.Option(help="For whom it is asked there: KIND:ID, such as authority:AUNL0003.", metavar="KIND:ID")
    ] = "",
    content: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the certificate as it came to this file, too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch a certificate by the partner's contract and keep it; another version takes the place of the one here."""
    desk = Desk.of(ctx, as_json)
    from adapters.traces_nt import Caller  # noqa: PLC0415 - start-up
    from gateway.app import operating_cheds  # noqa: PLC0415 - start-up
    from gateway.ched.library import CertificateKind  # noqa: PLC0415 - start-up
    from gateway.ched.upstream import is_away, refusal_of  # noqa: PLC0415 - start-up
    from gateway.ched.wiring import client_of  # noqa: PLC0415 - start-up
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.errors import DeliveryError  # noqa: PLC0415 - start-up
    from gateway.xml.canonical import serialise  # noqa: PLC0415 - start-up

    kind = CertificateKind.of(number)
    caller = Caller(_identity(body))
    with operating_cheds(desk.settings) as (context, built):
        client = client_of(context, partner, desk.settings.traces.client_id, where="PARTNER")
        desk.note(f"asking {partner} ...")
        try:
            found = _reader(client, kind)(number, caller)
        except DeliveryError as error:
            if is_away(error):
                raise
            raise refusal_of(error, number) from error
        row = built.library.take(
            found.root,
            partner=partner,
            country=country.upper(),
            actor=operator(),
            now=datetime.now(UTC),
            laboratory_tests=found.laboratory_tests,
        )
    if content is not None:
        write_file(content, serialise(found.root))
    _show(desk, row)


@app.command("list")
def list_(
    ctx: typer.Context,
    type_: Annotated[str | None, typer.Option("--type", help="INTRA or DOCOM.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List the certificates that are kept here, the newest first."""
    desk = Desk.of(ctx, as_json)
    from gateway.ched.library import CertificateKind  # noqa: PLC0415 - start-up
    from gateway.store import ChedQuery, ChedVisibility, Cursors, find_cheds  # noqa: PLC0415 - start-up

    types = tuple(kind.type for kind in CertificateKind)
    wanted = type_.upper() if type_ else None
    if wanted is not None and wanted not in types:
        raise ConfigurationError("IMG-0106", where="--type", found=wanted, expected=" or ".join(types))
    query = ChedQuery(visibility=ChedVisibility(everything=True), types=(wanted,) if wanted else types, page_size=limit)
    with desk.store() as store, store.read() as connection:
        rows = [_summary(row) for row in find_cheds(connection, query, Cursors())]
    desk.answer({"certificates": rows}, listing(COLUMNS, rows) if rows else "none")


def _reader(client: TracesNtClient, kind: CertificateKind) -> Any:
    from gateway.ched.library import CertificateKind  # noqa: PLC0415 - start-up

    return client.intra if kind is CertificateKind.INTRA else client.docom


def _identity(text: str) -> Any:
    """``authority:AUNL0003`` as a header; None for nothing.

    Raises:
        ConfigurationError: IMG-0106.
    """
    from gateway.traces.headers import BodyIdentity, BodyKind  # noqa: PLC0415 - start-up

    if not text:
        return None
    kind, _, identifier = text.partition(":")
    if kind not in KINDS or not 0 < len(identifier) <= BodyKind(kind).max_length:
        raise ConfigurationError("IMG-0106", where="--body", found=text, expected=f"{'|'.join(KINDS)}:ID")
    return BodyIdentity(BodyKind(kind), identifier)


def _certificate_in(root: _Element) -> tuple[_Element, bytes]:
    """The certificate of a file, and the laboratory tests beside it in a reply of TRACES.

    Raises:
        SchemaInvalid: IMG-3001 there is none, or more than one.
    """
    from gateway.xml.canonical import serialise  # noqa: PLC0415 - start-up

    found = list(root.iter("{*}SPSCertificate"))
    if len(found) != 1:
        raise SchemaInvalid("IMG-3001", where=str(root.tag), found=f"{len(found)} certificates", expected="one")
    certificate = found[0]
    beside = [each for each in certificate.itersiblings("*") if str(each.tag).endswith("LaboratoryTest")]
    return certificate, b"".join(serialise(block) for block in beside)


def _summary(row: ChedRow) -> dict[str, Any]:
    kept = summary_of(row)
    return {name: kept[name] for name in COLUMNS}


def _show(desk: Desk, row: ChedRow) -> None:
    data = _summary(row)
    desk.answer(data, facts((name.replace("_", " "), value) for name, value in data.items() if value))
