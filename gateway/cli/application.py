"""The command line as a whole: global options and the commands in the order in which an operator meets them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway import __version__
from gateway.cli import (
    certificates,
    ched,
    customs,
    customs_changes,  # noqa: F401 - adds its commands
    customs_client,  # noqa: F401 - adds its commands
    customs_pushes,  # noqa: F401 - adds its commands
    database,
    deliveries,
    doctor,
    documents,
    explain,
    hub,
    keys,
    mappings,
    mappings_again,  # noqa: F401 - adds its commands
    mappings_changes,  # noqa: F401 - adds its commands
    mappings_coverage,  # noqa: F401 - adds its commands
    mappings_documents,  # noqa: F401 - adds its commands
    mappings_export,  # noqa: F401 - adds its commands
    mappings_lists,  # noqa: F401 - adds its commands
    mappings_lookup,  # noqa: F401 - adds its commands
    mappings_proof,  # noqa: F401 - adds its commands
    messages,
    partners,
    quarantine,
    running,
    sending,
)
from gateway.cli.desk import Desk, GuardedGroup

__all__ = ["app"]

EPILOG = "Exit codes: 0 done, 1 refused or failed, 2 wrong command, setting or file, 3 unavailable (try again)."

app = typer.Typer(
    name="imsoc",
    cls=GuardedGroup,
    help="The IMSOC gateway: exchanges official-control documents in each partner's own contract.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # in "rich" a default in brackets is taken for markup, and dropped
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - the signature of a typer callback
    if wanted:
        typer.echo(f"imsoc {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", envvar="IMSOC_CONFIG", help="Settings file. [default: imsoc.toml if it is there]"
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - acted upon by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Read the global options."""
    ctx.obj = Desk(config)


app.command("demo", rich_help_panel="Run")(running.demo)
app.command("serve", rich_help_panel="Run")(running.serve)
app.command("worker", rich_help_panel="Run")(running.worker)
app.command("doctor", rich_help_panel="Run")(doctor.doctor)
app.command("seal", rich_help_panel="Documents")(documents.seal)
app.command("send", rich_help_panel="Documents")(sending.send)
app.command("verify", rich_help_panel="Documents")(documents.verify)
app.command("explain", rich_help_panel="Documents")(explain.explain)
app.add_typer(messages.app, name="messages", rich_help_panel="Operate")
app.add_typer(deliveries.app, name="deliveries", rich_help_panel="Operate")
app.add_typer(quarantine.app, name="quarantine", rich_help_panel="Operate")
app.add_typer(hub.app, name="hub", rich_help_panel="Operate")
app.add_typer(ched.app, name="ched", rich_help_panel="Operate")
app.add_typer(customs.app, name="customs", rich_help_panel="Operate")
app.add_typer(certificates.app, name="certificates", rich_help_panel="Operate")
app.add_typer(mappings.app, name="mappings", rich_help_panel="Operate")
app.add_typer(partners.app, name="partners", rich_help_panel="Operate")
app.command("keys", rich_help_panel="Operate")(keys.keys)
app.add_typer(database.app, name="db", rich_help_panel="Operate")
