"""``imsoc db``: the schema of the store."""

from __future__ import annotations

import typer

from gateway.cli.desk import Desk, ExitCode, Json, facts

__all__ = ["app"]

app = typer.Typer(help="Create, migrate and check the store.", no_args_is_help=True)


@app.command()
def upgrade(ctx: typer.Context, as_json: Json = False) -> None:
    """Create the store, or bring it to the schema of this version. Make a backup first."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import schema  # noqa: PLC0415 - start-up

    before = schema.current(desk.settings.store.url)
    schema.upgrade(desk.settings.store.url)
    after = schema.head()
    rows = {"before": before, "now": after}
    desk.answer(rows, "already current" if before == after else facts([("before", before or "empty"), ("now", after)]))


@app.command()
def current(ctx: typer.Context, as_json: Json = False) -> None:
    """Print the schema version of the store."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import schema  # noqa: PLC0415 - start-up

    version = schema.current(desk.settings.store.url)
    desk.answer({"current": version}, version or "empty")


@app.command()
def check(ctx: typer.Context, as_json: Json = False) -> None:
    """Say whether the store has the schema that this version needs; exit code 1 when not."""
    desk = Desk.of(ctx, as_json)
    from gateway.store import schema  # noqa: PLC0415 - start-up

    found, needed = schema.current(desk.settings.store.url), schema.head()
    view = "current" if found == needed else f"{found or 'empty'}, needs {needed}: {desk.command('db upgrade')}"
    desk.answer({"current": found, "needed": needed, "ok": found == needed}, view)
    raise typer.Exit(ExitCode.OK if found == needed else ExitCode.REFUSED)
