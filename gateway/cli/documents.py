"""``imsoc seal`` and ``verify``: documents as files."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from gateway.cli.desk import Desk, ExitCode, Json, facts, printable
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gateway.trust.inspection import SealReport

__all__ = ["seal", "verify"]

File = Annotated[Path, typer.Argument(help="The file.", metavar="FILE")]


def seal(
    ctx: typer.Context,
    file: File,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write here. [default: standard output]")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM key instead of seal.key of the settings.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM certificate (and chain) of --key.")] = None,
    as_json: Json = False,
) -> None:
    """Seal a certificate (XAdES, enveloped), with a time stamp when the settings name an authority."""
    desk = Desk.of(ctx, as_json)
    from gateway.sealing import build_sealer  # noqa: PLC0415 - start-up

    if (key is None) != (certificate is None):
        raise ConfigurationError(
            "IMG-0101", where="--certificate", found="only one", expected="--key and --certificate"
        )
    if as_json and out is None:
        raise ConfigurationError("IMG-0101", where="--json", found="no --out", expected="--out FILE beside --json")
    seal_settings = desk.settings.seal
    if key is not None:  # another's key, under the same time-stamping authorities
        seal_settings = replace(seal_settings, key=key, certificate=certificate, chain=(), pkcs12=None, password="")
    sealer = build_sealer(seal_settings)
    sealed = sealer.seal(read_file(file), at=datetime.now(UTC))
    if out is None:
        sys.stdout.buffer.write(sealed)
    else:
        try:
            out.write_bytes(sealed)
        except OSError as error:
            raise ConfigurationError("IMG-0104", where=str(out), found=error.strerror or "not writable") from error
        desk.answer({"file": str(out), "bytes": len(sealed)}, f"{out}: {len(sealed)} bytes")


def verify(
    ctx: typer.Context,
    file: File,
    anchor: Annotated[
        list[Path] | None,
        typer.Option(help="PEM root that seals and time stamps are trusted under; repeat it for more."),
    ] = None,
    extract: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the parts that xmlsec1 and openssl can check by themselves."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a sealed document or an evidence ZIP, offline. Exit code 1 unless every seal passes and nothing changed.

    Without --anchor it says whether content and seal agree, never that a seal passes.
    """
    desk = Desk.of(ctx, as_json)
    from gateway.trust import Anchor, Purpose, TrustStore, load_certificates, verify_file  # noqa: PLC0415 - start-up

    both = frozenset({Purpose.SEAL, Purpose.TIMESTAMP})
    anchors = [
        Anchor(path.name, certificate, both)
        for path in anchor or ()
        for certificate in load_certificates(read_file(path))
    ]
    trust = TrustStore(anchors) if anchors else None
    report = verify_file(read_file(file), at=datetime.now(UTC), trust=trust, extract_to=extract)
    seals = [_seal_facts(seal) for seal in report.seals]
    data: dict[str, Any] = {"kind": report.kind, "passed": report.passed, "seals": seals}
    data |= {"altered": list(report.altered), "unsealed": report.unsealed}
    views: list[RenderableType] = [facts((name.replace("_", " "), each[name]) for name in each) for each in seals]
    views += [f"altered: {printable(name)}" for name in report.altered]
    views += [report.unsealed] if report.unsealed else []
    if not seals:
        views.append("no seal found")
    if extract is not None:
        data["extracted"] = str(extract)
        views.append(f"extracted to {extract}; commands.txt there has the commands")
    desk.answer(data, Group(*views))
    raise typer.Exit(ExitCode.OK if report.passed else ExitCode.REFUSED)


def _seal_facts(report: SealReport) -> dict[str, Any]:
    """One seal as plain values, without what is empty."""
    values: dict[str, Any] = {
        "file": report.file,
        "path": report.path,
        "indication": report.indication.value,
        "sub_indication": report.sub_indication.value if report.sub_indication else None,
        "code": report.code,
        "message": report.message,
    }
    seal = report.seal
    if seal is not None:
        values |= {
            "level": seal.level.name.lower(),
            "signer": seal.signer_subject,
            "signing_time": seal.signing_time.isoformat() if seal.signing_time else None,
            "time_stamp": seal.timestamp.time.isoformat() if seal.timestamp else None,
        }
    return {name: value for name, value in values.items() if value}


def read_file(path: Path) -> bytes:
    """The bytes of a file that the command was given.

    Raises:
        ConfigurationError: IMG-0104.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError("IMG-0104", where=str(path), found=error.strerror or "not readable") from error
