"""``imsoc keys``: a development PKI and an example settings file, so that a gateway can be tried in a minute."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.desk import Desk, Json, facts
from gateway.errors import ConfigurationError

__all__ = ["keys"]

SETTINGS = """\
# An example made by `imsoc keys`. Every key: docs/configuration.md. The keys here are for development only.
[instance]
id = "gateway-dev"
roles = ["traces"]

[server]
host = "127.0.0.1"
port = 8080

[store]
url = "sqlite:///imsoc.db"

[seal]
key = "seal.key"
certificate = "seal.pem"
"""

PARTNER = """\
# An example made by `imsoc keys`: an invented third country. Add it with `imsoc partners add partner.toml`.
[partner]
id = "third-country"
name = "Plant health service (invented)"
kind = "third-country"
country = "AR"
contracts = ["certificate-exchange"]
document_types = ["851", "657"]
country_pairs = ["AR>*"]
code_system = "ephyto"
timestamp = "optional"

[partner.authentication]
username = "third-country"
secret = "file:partner-secret.txt"

[[partner.anchors]]
file = "partner-root.pem"
purposes = ["seal"]
level = "advanced"

[[partner.anchors]]
file = "tsa-root.pem"
purposes = ["timestamp"]
level = "advanced"
"""


def keys(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    as_json: Json = False,
) -> None:
    """Make a development PKI, an example imsoc.toml, partner and certificate in a folder. Not for production."""
    desk = Desk.of(ctx, as_json)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ConfigurationError(
            "IMG-0104",
            "The folder is not empty, and nothing is overwritten",
            where=str(directory),
            expected="a new or empty folder",
        )
    from gateway.sandbox.pki import write_development_pki  # noqa: PLC0415 - start-up
    from gateway.sandbox.samples import certificate  # noqa: PLC0415 - start-up

    files = write_development_pki(directory, now=datetime.now(UTC))
    for name, text in (
        ("certificate.xml", certificate(number="AR-TRIAL-0000001", lines=2).decode()),
        ("imsoc.toml", SETTINGS),
        ("partner.toml", PARTNER),
        ("partner-secret.txt", secrets.token_urlsafe(24) + "\n"),
    ):
        path = directory / name
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
        files[name] = str(path)
    desk.answer({"files": files}, facts(files.items()))
    desk.note(f"next: cd {directory} && imsoc db upgrade && imsoc partners add partner.toml && imsoc doctor")
