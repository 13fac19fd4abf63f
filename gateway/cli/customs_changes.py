"""``imsoc customs release`` and ``freeze``: what an operator does to a ledger by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from gateway.cli.customs import Reference, app
from gateway.cli.customs_rows import HOLDS, hold_row
from gateway.cli.customs_upstream import check_ledgers_here, upstream_of
from gateway.cli.desk import Desk, Json, listing
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from gateway.store import Declaration

__all__ = ["freeze", "reason_of", "release"]

Mrn = Annotated[str, typer.Option("--mrn", metavar="NUMBER", help="The declaration, by its MRN.")]
Lrn = Annotated[str, typer.Option("--lrn", metavar="NUMBER", help="The declaration, by its LRN.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the audit and for `imsoc customs history`.")]

_MAX_REASON: Final = 400
"""Characters of a reason."""


@app.command()
def release(
    ctx: typer.Context,
    reference: Reference,
    reason: Why,
    mrn: Mrn = "",
    lrn: Lrn = "",
    as_json: Json = False,
) -> None:
    """Give back what a declaration holds on a CHED, by the operator. Never what was consumed.

    For holds that no office will clear or cancel: an LRN that never became a declaration, a system that is gone. A
    message that the office sent before is refused as stale (IMG-7404); what holds then it sees by a read.
    Where nothing stands for a number that a customs system took, the number is free again. At a gateway with
    `customs.upstream` the number is made free there; what stands for it at TRACES its own office gives back.

    Example: `imsoc customs release CHEDP.NL.2026.0000001 --lrn L0001 --reason "withdrawn, letter of 3 December"`
    """
    desk = Desk.of(ctx, as_json)
    named, why = _named(mrn, lrn), reason_of(reason)
    from datetime import UTC, datetime  # noqa: PLC0415 - start-up

    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.single_window.operating import free_passed_on, release_holds  # noqa: PLC0415 - start-up

    if partner := upstream_of(desk):
        with desk.store() as store:
            was = store.write(
                lambda connection: free_passed_on(
                    connection, reference, named, actor=operator(), reason=why, at=datetime.now(UTC)
                )
            )
        told = f"{reference}: no longer {was}'s; any customs system may use the number. What stands at {partner} stays."
        desk.answer({"reference": reference, "released": [], "was": was}, told)
        return
    with desk.store() as store:
        held = store.write(
            lambda connection: release_holds(
                connection, reference, named, actor=operator(), reason=why, at=datetime.now(UTC)
            )
        )
    rows = [hold_row(each) for each in held]
    view = listing(HOLDS, rows) if rows else f"{reference}: nothing stood; any customs system may use the number"
    desk.answer({"reference": reference, "released": rows}, view)


@app.command()
def freeze(
    ctx: typer.Context,
    reference: Reference,
    reason: Why = "",
    off: Annotated[bool, typer.Option("--off", help="Let it be reserved again.")] = False,
    as_json: Json = False,
) -> None:
    """Let nothing more be reserved on a CHED (reason 04), until `--off`. What is held can be cleared and given back.

    Examples: `imsoc customs freeze CHEDP.NL.2026.0000001 --reason "does not add up"`,
    `imsoc customs freeze CHEDP.NL.2026.0000001 --off --reason "counted again"`
    """
    desk = Desk.of(ctx, as_json)
    check_ledgers_here(desk, reference)
    why = reason.strip()[:_MAX_REASON] if off else reason_of(reason)
    from datetime import UTC, datetime  # noqa: PLC0415 - start-up

    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.single_window.operating import freeze_ched, thaw_ched  # noqa: PLC0415 - start-up

    change = thaw_ched if off else freeze_ched
    with desk.store() as store:
        done = store.write(
            lambda connection: change(connection, reference, why, actor=operator(), at=datetime.now(UTC))
        )
    view = f"{reference}: frozen: {done.now}" if done.now else f"{reference}: not frozen any more"
    if done.was:
        view += f" (it was: {done.was})"
    desk.answer({"reference": reference, "frozen": done.now, "was": done.was}, view)


def _named(mrn: str, lrn: str) -> Declaration:
    from gateway.store import Declaration, DeclarationType  # noqa: PLC0415 - start-up

    if bool(mrn) == bool(lrn):
        raise ConfigurationError("IMG-0106", "Say which declaration", where="release", expected="--mrn or --lrn")
    return Declaration(DeclarationType.MRN, mrn) if mrn else Declaration(DeclarationType.LRN, lrn)


def reason_of(text: str) -> str:
    """The reason that an operator gave; IMG-0106 when there is none."""
    if not text.strip():
        raise ConfigurationError("IMG-0106", "A reason is needed", where="--reason", expected="a sentence")
    return text.strip()[:_MAX_REASON]
