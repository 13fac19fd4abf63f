"""What every command shares: settings, the store, output for people or for programs, refusals and exit codes."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from gateway.errors import ConfigurationError, DeliveryError, GatewayError, Retry, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from gateway.config import Settings
    from gateway.store import Store

__all__ = [
    "Desk",
    "ExitCode",
    "GuardedGroup",
    "Json",
    "as_line",
    "exit_code_of",
    "facts",
    "listing",
    "logs_aside",
    "printable",
    "state_named",
]

_State = TypeVar("_State", bound=StrEnum)

PIPE_WIDTH: Final = 200
"""Columns when the output is no terminal: wide enough that no identifier is cut."""

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document on standard output.")]
"""Every command takes it as its last parameter."""


class ExitCode(IntEnum):
    """What scripts may rely on."""

    OK = 0
    REFUSED = 1
    """The thing asked for was refused or failed: by a rule, a check or the partner."""
    USAGE = 2
    """The command, a setting or a file is wrong: nothing was tried."""
    UNAVAILABLE = 3
    """A store, partner or authority did not answer: the same command may succeed later."""


def exit_code_of(error: GatewayError) -> ExitCode:
    """The exit code that stands for a refusal."""
    if isinstance(error, Unavailable) or (isinstance(error, DeliveryError) and error.retry is Retry.LATER):
        return ExitCode.UNAVAILABLE
    if isinstance(error, ConfigurationError):
        return ExitCode.USAGE
    return ExitCode.REFUSED


class GuardedGroup(TyperGroup):
    """The root of the commands: a refusal becomes a few helpful lines and an exit code, never a stack trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except GatewayError as error:
            desk = ctx.obj if isinstance(ctx.obj, Desk) else Desk(None)
            desk.refuse(error)
            raise typer.Exit(exit_code_of(error)) from error


class Desk:
    """One run of the command line.

    Args:
        config: the settings file that was named; None looks for ``imsoc.toml`` in the working folder.
    """

    def __init__(self, config: Path | None) -> None:
        self._config = config
        self.as_json = False
        self.console = _console(stderr=False)
        self.errors = _console(stderr=True)

    @classmethod
    def of(cls, ctx: typer.Context, as_json: bool) -> Desk:  # noqa: FBT001 - the commands hand their --json through
        """The desk of this run, told how to answer."""
        desk = ctx.find_root().obj
        assert isinstance(desk, Desk)
        desk.as_json = as_json
        return desk

    @property
    def settings_path(self) -> Path | None:
        """The settings file in force, None when there is none."""
        from gateway.config import DEFAULT_FILE  # noqa: PLC0415 - keeps start-up fast

        default = Path(DEFAULT_FILE)
        return self._config or (default if default.is_file() else None)

    @cached_property
    def settings(self) -> Settings:
        """The settings, read and checked once."""
        from gateway.config import Settings  # noqa: PLC0415 - keeps start-up fast

        return Settings.load(self.settings_path)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store, beside a running server (which keeps its own exclusive lock)."""
        from gateway.store import open_store  # noqa: PLC0415 - keeps start-up fast

        store = open_store(self.settings.store.url, exclusive=False)
        try:
            with logs_aside():
                yield store
        finally:
            store.close()

    def command(self, text: str) -> str:
        """``imsoc text`` with the same settings file, ready to paste."""
        return f"imsoc --config {self._config} {text}" if self._config else f"imsoc {text}"

    def answer(self, data: Any, view: RenderableType | None = None) -> None:
        """Print the result: ``data`` with ``--json``, else ``view``."""
        if self.as_json:
            sys.stdout.write(as_line(data) + "\n")
        elif view is not None:
            self.console.print(view, soft_wrap=isinstance(view, str | Text))

    def note(self, text: str) -> None:
        """A remark for people on standard error; silent with ``--json``."""
        if not self.as_json:
            self.errors.print(text, soft_wrap=True)

    def refuse(self, error: GatewayError) -> None:
        """Print a refusal: the code, what and where, and what to do."""
        shown = {"code": error.code, "message": error.message, "where": error.where, "found": error.found}
        shown |= {"expected": error.expected, "action": error.entry.action, "retry": error.retry.value}
        if self.as_json:
            names = ("rule", "message", "path", "found", "expected")
            findings = [{name: getattr(each, name) for name in names} for each in error.findings]
            self.answer({"error": shown | {"findings": findings}})
            return
        self.errors.print(Text(f"{error.code}  {printable(error.message)}", "bold red"), soft_wrap=True)
        rows = [(name, shown[name]) for name in ("where", "found", "expected") if shown[name]]
        rows += [(each.rule, f"{each.message} ({each.path})" if each.path else each.message) for each in error.findings]
        self.errors.print(facts([*rows, ("what to do", error.entry.action)]))


@contextmanager
def logs_aside() -> Iterator[None]:
    """What services log goes to standard error, where it cannot spoil the answer of a command."""
    import structlog  # noqa: PLC0415 - keeps start-up fast

    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    try:
        yield
    finally:
        structlog.configure(**before)


def facts(rows: Iterable[tuple[str, object]]) -> Table:
    """Names and values, one pair per line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(printable(name), printable(value))
    return grid


def listing(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Table:
    """A table of records; a column is a key of the records."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(printable(row.get(column)) for column in columns))
    return table


def as_line(data: object) -> str:
    """JSON in one line that says the same and cannot steer the terminal either."""
    text = json.dumps(data, ensure_ascii=False, default=str)
    return "".join(json.dumps(letter)[1:-1] if _steers(letter) else letter for letter in text)


def printable(value: object) -> str:
    """A value as text that cannot steer the terminal: values come from partners."""
    text = "" if value is None else ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(letter) else letter for letter in text)


def _steers(letter: str) -> bool:
    return letter != "\n" and unicodedata.category(letter) in ("Cc", "Cf")


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def state_named(kind: type[_State], state: str | None) -> _State | None:
    """The state that ``--state`` names; None when the option was left out.

    Raises:
        ConfigurationError: IMG-0106 there is no such state; the refusal lists those that there are.
    """
    if state is not None and state not in set(kind):
        raise ConfigurationError(
            "IMG-0106", "There is no such state", where="--state", found=state, expected=" | ".join(kind)
        )
    return kind(state) if state else None
