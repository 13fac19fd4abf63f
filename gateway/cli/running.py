"""``imsoc demo``, ``serve`` and ``worker``: everything that runs until it is stopped."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.desk import Desk, Json

__all__ = ["demo", "serve", "worker"]


def demo(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End after the journey instead of running on.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Keep keys, databases and evidence here. [default: a temporary folder]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Watch certificates travel between a third country and four gateways on this machine.

    Everything is real: gateways, a time-stamping authority, a development PKI, SQLite, HTTP on loopback. A sealed
    certificate through two gateways; the refusals: a tampered copy, a replay, an unmapped code, a route that Article 39
    does not allow; envelopes of the ePhyto hub's contract, in and out; CHEDs between a national system and TRACES;
    codes that no table knows; and customs that reserve and clear quantities of a CHED.
    """
    desk = Desk.of(ctx, as_json)
    from gateway.sandbox.demo import run_demo  # noqa: PLC0415 - start-up

    raise typer.Exit(run_demo(once=once, json_output=as_json, folder=folder, console=desk.console))


def serve(ctx: typer.Context) -> None:
    """Serve the contracts of this instance's roles, and deliver too unless delivery.in_process is off."""
    desk = Desk.of(ctx, as_json=False)
    from gateway.logs import set_up_logging  # noqa: PLC0415 - start-up
    from gateway.serve import serve as serve_application  # noqa: PLC0415 - start-up

    set_up_logging(desk.settings.logging)
    serve_application(desk.settings)


def worker(ctx: typer.Context) -> None:
    """Deliver documents to partners in a process of its own (PostgreSQL; on SQLite the server does it)."""
    desk = Desk.of(ctx, as_json=False)
    from gateway.app import build_worker  # noqa: PLC0415 - start-up
    from gateway.logs import set_up_logging  # noqa: PLC0415 - start-up

    set_up_logging(desk.settings.logging)
    running = build_worker(desk.settings)
    stopped = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stopped.set())
    running.start()
    stopped.wait()
    running.stop()
