"""``imsoc customs`` towards a partner: ask for a CHED, reserve, clear, and find out what came of a lost answer."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from rich.console import Group

from gateway.cli.ched import write_file
from gateway.cli.customs import Reference, app
from gateway.cli.customs_upstream import upstream_of
from gateway.cli.customs_words import OUTCOMES, REASONS
from gateway.cli.desk import Desk, ExitCode, Json, facts, listing
from gateway.errors import ConfigurationError, DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import RenderableType

    from adapters.certex import CertexClient, Clearance, OutcomeUnknown, Reservation, Sent
    from gateway.certex.models import Allocated, DeclarationReference, Item, Summary

T = TypeVar("T")

__all__ = ["ask", "ask_outcome", "clear_at", "reserve_at"]

At = Annotated[str, typer.Argument(metavar="PARTNER", help="Id of the partner: TRACES, or a gateway in its role.")]
Office = Annotated[str, typer.Option("--office", metavar="NUMBER", help="Reference number of the customs office.")]
Mrn = Annotated[str, typer.Option("--mrn", metavar="NUMBER", help="The declaration, by its MRN.")]
Lrn = Annotated[str, typer.Option("--lrn", metavar="NUMBER", help="The declaration, by its LRN.")]
Code = Annotated[str, typer.Option("--document", metavar="CODE", help="Customs document code, such as N853.")]
Folder = Annotated[
    Path, typer.Option("--keep", metavar="FOLDER", help="Where the message is kept until it is known what came of it.")
]
Seconds = Annotated[float, typer.Option(min=0, help="Seconds for which reads go on when the answer is lost.")]

_AVAILABLE: Final = ("line", "code", "quantity", "unit")
_HELD: Final = ("declaration", "state", "goods_item", "line", "code", "quantity", "unit", "office", "at")
_ITEM: Final = "GOODS/LINE/CODE/QUANTITY/UNIT[/volume]"
_PARTS: Final = 5
_UNKNOWN: Final = ("message", "sent_at", "partner", "ched", "declaration")
_ID: Final = re.compile("[0-9A-HJKMNP-TV-Z]{26}")
"""The id of a message, a ULID."""
_MOST: Final = 1000


@app.command("ask")
def ask(
    ctx: typer.Context,
    partner: At,
    reference: Reference,
    office: Office,
    document: Code = "",
    certificate: Annotated[Path | None, typer.Option(help="Write the CHED to this file.", metavar="FILE")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write the printed CHED to this file.", metavar="FILE")] = None,
    as_json: Json = False,
) -> None:
    """Ask a partner for a CHED and its ledger; nothing moves. Exit code 1 where the partner knows no such CHED.

    The status and the conclusion of the decision come first, and whether goods may be released under them: what is
    available says nothing about that.

    Example: `imsoc customs ask traces-customs CHEDP.XI.2026.0000001 --office XI000014`
    """
    desk = Desk.of(ctx, as_json)
    from adapters.certex import is_empty  # noqa: PLC0415 - start-up

    answer = _client(desk, partner).read(reference, office, document=document, pdf=pdf is not None)
    known = not is_empty(answer)
    for file, content in ((certificate, answer.certificate), (pdf, answer.pdf)):
        if file is not None and content is not None:
            write_file(file, content)
    judged = _judged(answer.certificate)
    data = {"reference": reference, "known": known, **judged, **_ledger(answer.summary)}
    desk.answer(data, _ledger_view(data, judged) if known else f"{partner} knows no CHED {reference}.")
    raise typer.Exit(ExitCode.OK if known else ExitCode.REFUSED)


@app.command("reserve-at")
def reserve_at(  # noqa: PLR0913, PLR0917 - what a reservation has
    ctx: typer.Context,
    partner: At,
    reference: Reference,
    office: Office,
    item: Annotated[
        list[str], typer.Option("--item", metavar=_ITEM, help="One goods item on one line of the CHED; all of them.")
    ],
    mrn: Mrn = "",
    lrn: Lrn = "",
    document: Code = "",
    keep: Folder = Path(),
    patience: Seconds = 10.0,
    as_json: Json = False,
) -> None:
    """Reserve all that a declaration is to hold, at a partner; what it held before is replaced. Sent once.

    The message is kept in a file before it leaves, and the file is removed when it is known what came of it. Exit code
    0: reserved. 1: refused, or not reserved. 3: what came of it is not known, and the file stays, for `imsoc customs
    ask-outcome`; or nothing was sent (it says so), no file stays, and nothing is sent later by itself.

    Example: `imsoc customs reserve-at traces-customs CHEDP.XI.2026.0000001 --office XI000014 --mrn 26XI0000000000A1
    --item 1/1/040100/12.5/KGM`
    """
    desk = Desk.of(ctx, as_json)
    from adapters.certex import Reserve, holding_of  # noqa: PLC0415 - start-up

    declaration = _declaration(mrn, lrn)
    order = Reserve(
        reference=reference,
        declaration=declaration,
        office=office,
        items=tuple(_item(text) for text in item),
        document=document,
    )
    client, kept = _client(desk, partner, patience), _Kept(keep)
    with _nothing_left(desk):
        before = holding_of(client.read(reference, office).summary, declaration)
    _show_reservation(desk, _sent(desk, partner, kept, partial(client.reserve, order, before=before, note=kept.note)))


@app.command("clear-at")
def clear_at(  # noqa: PLR0913, PLR0917 - what a clearance has
    ctx: typer.Context,
    partner: At,
    reference: Reference,
    office: Office,
    mrn: Annotated[str, typer.Option("--mrn", metavar="NUMBER", help="The declaration; a clearance means an MRN.")],
    released: Annotated[
        bool, typer.Option("--released/--not-released", help="Write off what is held, or give it back.")
    ],
    keep: Folder = Path(),
    patience: Seconds = 10.0,
    as_json: Json = False,
) -> None:
    """Tell a partner that the goods of a declaration are released, or are not. Sent once, as `reserve-at`.

    Example: `imsoc customs clear-at traces-customs CHEDP.XI.2026.0000001 --office XI000014 --mrn 26XI0000000000A1
    --released`
    """
    desk = Desk.of(ctx, as_json)
    from adapters.certex import Clear, holding_of  # noqa: PLC0415 - start-up
    from gateway.certex.models import DeclarationReference, GoodsClearance  # noqa: PLC0415 - start-up

    information = GoodsClearance.RELEASED if released else GoodsClearance.NOT_RELEASED
    order = Clear(reference=reference, document=mrn, office=office, information=information)
    client, kept = _client(desk, partner, patience), _Kept(keep)
    with _nothing_left(desk):
        before = holding_of(client.read(reference, office).summary, DeclarationReference("MRN", mrn))
    _show_clearance(desk, _sent(desk, partner, kept, partial(client.clear, order, before=before, note=kept.note)))


@app.command("ask-outcome")
def ask_outcome(
    ctx: typer.Context,
    partner: At,
    message: Annotated[
        str,
        typer.Argument(
            metavar="[MESSAGE]",
            help="A file that `reserve-at` or `clear-at` left, or the id of a message that this gateway passed on.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Find out by a read what came of a message whose answer was lost. Sends nothing that moves anything.

    Without a message: lists those of customs systems that this gateway passed on to its `customs.upstream` and of which
    nothing is known, the oldest first, at most 1,000; one that is on its way at this moment is among them.

    Examples: `imsoc customs ask-outcome traces-customs customs-reserve-0123.json`,
    `imsoc customs ask-outcome traces-customs`
    """
    desk = Desk.of(ctx, as_json)
    if not message:
        _list_unknown(desk, partner)
        return
    if _ID.fullmatch(message) and not Path(message).exists():
        _ask_passed_on(desk, partner, message)
        return
    file = Path(message)
    from adapters.certex import OutcomeUnknown, sent_of  # noqa: PLC0415 - start-up
    from gateway.cli.documents import read_file  # noqa: PLC0415 - start-up

    try:
        sent = sent_of(json.loads(read_file(file)))
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            "IMG-0104", where=str(file), found="no message", expected="a file that reserve-at or clear-at left"
        ) from error
    kept = _Kept(file.parent, file)
    try:
        found = _client(desk, partner).resolve(sent)
    except OutcomeUnknown as unknown:
        raise _open(desk, partner, unknown, str(file)) from unknown
    kept.done()
    _show_outcome(desk, found)


def _list_unknown(desk: Desk, partner: str) -> None:
    from gateway.single_window.relay_outcomes import list_unknown  # noqa: PLC0415 - start-up

    _check_upstream(desk, partner)
    with desk.store() as store, store.read() as connection:
        found = list_unknown(connection, limit=_MOST)
    rows = [
        {
            "message": each.exchange_id,
            "sent_at": each.sent_at.isoformat(timespec="seconds"),
            "partner": each.partner,
            "ched": each.reference,
            "declaration": f"{each.declaration.type.value} {each.declaration.number}",
        }
        for each in found
    ]
    desk.answer({"messages": rows}, listing(_UNKNOWN, rows) if rows else "none")


def _ask_passed_on(desk: Desk, partner: str, exchange_id: str) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415 - start-up

    from adapters.certex import OutcomeUnknown  # noqa: PLC0415 - start-up
    from gateway.cli.partners import operator  # noqa: PLC0415 - start-up
    from gateway.single_window.relay_outcomes import outcome_found, passed_on  # noqa: PLC0415 - start-up

    _check_upstream(desk, partner)
    with desk.store() as store, store.read() as connection:
        sent = passed_on(connection, exchange_id)
    try:
        found = _client(desk, partner).resolve(sent)
    except OutcomeUnknown as unknown:
        raise _open(desk, partner, unknown, exchange_id) from unknown
    word = found.word.value
    with desk.store() as store:
        store.write(
            lambda connection: outcome_found(connection, exchange_id, word, actor=operator(), at=datetime.now(UTC))
        )
    _show_outcome(desk, found)


def _check_upstream(desk: Desk, partner: str) -> None:
    upstream = upstream_of(desk)
    if partner != upstream:
        expected = upstream or "customs.upstream, which is not set: nothing is passed on here"
        raise ConfigurationError(
            "IMG-0105", where=partner, found="a partner that nothing is passed on to", expected=expected
        )


def _show_outcome(desk: Desk, found: Reservation | Clearance) -> None:
    from adapters.certex import Reservation  # noqa: PLC0415 - start-up

    if isinstance(found, Reservation):
        _show_reservation(desk, found)
    else:
        _show_clearance(desk, found)


class _Kept:
    """The file of a message, from before it leaves until it is known what came of it."""

    def __init__(self, folder: Path, file: Path | None = None) -> None:
        self._folder = folder
        self.file = file

    def note(self, sent: Sent) -> None:
        """Write it down.

        Raises:
            ConfigurationError: IMG-0104; then nothing leaves.
        """
        from adapters.certex import record_of  # noqa: PLC0415 - start-up

        file = self._folder / f"customs-{sent.kind}-{sent.header.message_id}.json"
        write_file(file, (json.dumps(record_of(sent), indent=1) + "\n").encode())
        self.file = file

    def done(self) -> None:
        if self.file is not None:
            self.file.unlink(missing_ok=True)


def _sent(desk: Desk, partner: str, kept: _Kept, send: Callable[[], T]) -> T:
    """What came of a message; its file goes when that is known, and stays while it is not.

    Raises:
        DeliveryError: the message had no effect.
        typer.Exit: nobody can tell yet.
    """
    from adapters.certex import OutcomeUnknown  # noqa: PLC0415 - start-up

    try:
        found = send()
    except OutcomeUnknown as unknown:
        raise _open(desk, partner, unknown, str(kept.file)) from unknown
    except DeliveryError:
        kept.done()
        _tell_nothing_stands(desk)
        raise
    kept.done()
    return found


@contextmanager
def _nothing_left(desk: Desk) -> Iterator[None]:
    """Around what comes before the message leaves: when it fails, nothing waits to be sent."""
    try:
        yield
    except DeliveryError:
        _tell_nothing_stands(desk)
        raise


def _tell_nothing_stands(desk: Desk) -> None:
    desk.note("Nothing was changed, no file is kept, and nothing is sent later by itself.")


def _client(desk: Desk, partner_id: str, patience: float = 0.0) -> CertexClient:
    from adapters.certex import CertexClient, Patience, settling_time  # noqa: PLC0415 - start-up
    from gateway.access.directory import read_secret  # noqa: PLC0415 - start-up
    from gateway.ched.wiring import ADAPTER  # noqa: PLC0415 - start-up
    from gateway.cli.sending import called_partner  # noqa: PLC0415 - start-up

    target = called_partner(desk, partner_id).delivery
    assert target is not None
    if target.adapter != ADAPTER:
        raise ConfigurationError("IMG-0105", where=partner_id, found=f"adapter {target.adapter}", expected=ADAPTER)
    settings = desk.settings
    customs = settings.customs
    seconds = (customs.settled_after_seconds, customs.max_message_age_seconds, settings.trust.clock_skew_seconds)
    return CertexClient.open(
        target,
        read_secret(target.secret) if target.secret else "",
        client_id=customs.client_id or settings.instance.id,
        patience=Patience(resolving=patience),
        settled_after=settling_time(*(timedelta(seconds=each) for each in seconds)),
    )


def _declaration(mrn: str, lrn: str) -> DeclarationReference:
    from gateway.certex.models import DeclarationReference  # noqa: PLC0415 - start-up

    if bool(mrn) == bool(lrn):
        raise ConfigurationError(
            "IMG-0106", "Say which declaration", where="--mrn, --lrn", expected="one of them: an LRN is no MRN"
        )
    return DeclarationReference("MRN", mrn) if mrn else DeclarationReference("LRN", lrn)


def _item(text: str) -> Item:
    """``GOODS/LINE/CODE/QUANTITY/UNIT``, of a net weight unless ``/volume`` says otherwise."""
    from gateway.certex.models import Declared, Item  # noqa: PLC0415 - start-up

    parts = text.split("/")
    volume = parts[_PARTS:] == ["volume"]
    numbers = parts[:2]
    if len(parts) != _PARTS + volume or not all(each.isascii() and each.isdigit() for each in numbers):
        raise ConfigurationError("IMG-0106", "An item cannot be read", where="--item", found=text, expected=_ITEM)
    declared = Declared(parts[3], parts[4])
    return Item(
        goods_item=int(numbers[0]),
        line=int(numbers[1]),
        class_code=parts[2],
        weight=None if volume else declared,
        volume=declared if volume else None,
    )


def _show_reservation(desk: Desk, found: Reservation) -> None:
    data: dict[str, Any] = {
        "outcome": found.word.value,
        "reason": found.answer.reason,
        "reason_in_words": REASONS.get(found.answer.reason, ""),
        "goods_item": found.answer.failed_item,
        "line": found.answer.failed_line,
        **_how(found),
        "holds": _rows(found.holding.reserved, "reserved") + _rows(found.holding.consumed, "consumed"),
    }
    _tell(desk, data, done=found.stands)


def _show_clearance(desk: Desk, found: Clearance) -> None:
    data = {
        "outcome": found.word.value,
        "code": found.outcome,
        "code_in_words": OUTCOMES.get(found.outcome, ""),
        "status": found.status_code,
        **_how(found),
    }
    _tell(desk, data, done=found.done)


def _how(found: Reservation | Clearance) -> dict[str, Any]:
    return {
        "message_id": found.sent.header.message_id,
        "found_by_a_read": found.by_read,
        "by_this_message": found.by_this_message,
        "why": found.why,
    }


def _tell(desk: Desk, data: dict[str, Any], *, done: bool) -> None:
    holds = data.get("holds") or []
    shown = {name: value for name, value in data.items() if name != "holds" and value not in (None, "", False)}
    views: list[RenderableType] = [facts((name.replace("_", " "), value) for name, value in shown.items())]
    if "holds" in data:
        views += ["\nThe declaration has", listing(_HELD, holds)] if holds else ["\nThe declaration holds nothing."]
    desk.answer(data, Group(*views))
    raise typer.Exit(ExitCode.OK if done else ExitCode.REFUSED)


def _open(desk: Desk, partner: str, unknown: OutcomeUnknown, message: str) -> typer.Exit:
    """What is not known, and how it is asked for; the exit code."""
    asks = desk.command(f"customs ask-outcome {partner} {message}")
    if desk.as_json:
        data = {
            "outcome": "unknown",
            "code": unknown.code,
            "why": unknown.why,
            "ask_at": unknown.ask_at.isoformat(timespec="seconds"),
            "message": message,
            "command": asks,
        }
        desk.answer(data)
    else:
        desk.refuse(unknown)
        desk.note(f"Ask again: {asks}")
    return typer.Exit(ExitCode.UNAVAILABLE)


def _ledger(summary: Summary | None) -> dict[str, Any]:
    if summary is None:
        return {"available": [], "declarations": []}
    available = [
        {"line": each.line, "code": each.code, "quantity": each.quantity, "unit": each.unit}
        for each in summary.available
    ]
    held = _rows(summary.reserved, "reserved") + _rows(summary.consumed, "consumed")
    return {"available": available, "declarations": held}


def _rows(found: Sequence[Allocated], state: str) -> list[dict[str, Any]]:
    return [
        {
            "declaration": f"{each.declaration.type} {each.declaration.number}",
            "state": state,
            "goods_item": each.goods_item,
            "line": each.line,
            "code": each.code,
            "quantity": each.quantity,
            "unit": each.unit,
            "office": each.office,
            "at": each.event,
        }
        for each in found
    ]


def _judged(certificate: bytes | None) -> dict[str, Any]:
    """Status, conclusion and purpose of a CHED, and what they mean for customs; empty texts where it does not say."""
    from gateway.customs.releasing import VALIDATED, lets_release  # noqa: PLC0415 - start-up
    from gateway.documents.ched import Ched, read_ched  # noqa: PLC0415 - start-up
    from gateway.documents.ched.labels import STATUSES  # noqa: PLC0415 - start-up
    from gateway.errors import GatewayError  # noqa: PLC0415 - start-up
    from gateway.xml.boundary import parse  # noqa: PLC0415 - start-up

    try:
        ched = read_ched(parse(certificate).root) if certificate else Ched()
    except GatewayError:
        ched = Ched()
    conclusion = ", ".join(each.code for each in ched.decision.conclusion) if ched.decision is not None else ""
    may = lets_release(ched.status_code, conclusion)
    if ched.status_code != VALIDATED:
        words = "NOT VALIDATED: nothing can be reserved, and nothing may be released"
    elif not may:
        words = "validated, but NOT TO BE RELEASED under this conclusion"
    else:
        words = "validated"
    return {
        "status": ched.status_code,
        "status_name": STATUSES.get(ched.status_code, ""),
        "conclusion": conclusion,
        "purpose": ", ".join(each.code.code for each in ched.purposes),
        "may_be_released": may,
        "meaning": words,
    }


def _ledger_view(data: dict[str, Any], judged: dict[str, Any]) -> RenderableType:
    held = data["declarations"]
    status = f"{judged['status'] or 'none'} {judged['status_name']}".strip()
    rows = [("status", f"{status}: {judged['meaning']}"), ("conclusion", judged["conclusion"] or "none")]
    rows += [("purpose", judged["purpose"])] if judged["purpose"] else []
    views: list[RenderableType] = [facts(rows), "\nAvailable", listing(_AVAILABLE, data["available"])]
    views += ["\nDeclarations", listing(_HELD, held) if held else "none"]
    return Group(*views)
