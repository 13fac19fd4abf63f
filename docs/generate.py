"""Writes the reference pages that are made from the program: error codes, settings, commands.

``python docs/generate.py`` writes them, ``--check`` only says whether they are current (a test does).
"""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import fields
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import typer
import typer.main
from typer.core import TyperGroup

from gateway import config
from gateway.cli.application import app
from gateway.cli.desk import ExitCode
from gateway.errors import catalogue
from gateway.rules.ched import AskedOf, Treatment
from gateway.rules.ched import ched_rules as rules_of_cheds
from gateway.settings_reader import kind_and_rule, settings_of, type_hints

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
NOTICE = "<!-- Made by docs/generate.py (make docs): change the source, not this page. -->\n"


def error_codes() -> str:
    """The catalogue, code by code."""
    lines = [
        "# Error codes\n",
        "Every refusal carries a code that never changes its meaning. The same text: `imsoc explain IMG-nnnn`.\n",
        "In SOAP 1.1 a fault of the sender is `Client`, of the gateway `Server`; in SOAP 1.2 `Sender`, `Receiver`.\n",
        "*Retry* is for programs: `later` means send the same message again; `after-change` means it can pass once",
        "something was changed, at the sender or at the gateway; `never` means do not repeat it: correct it and send",
        "it as a new one.\n",
    ]
    for entry in catalogue().values():
        whose = {"sender": "the sender", "receiver": "the gateway"}[entry.fault]
        lines += [
            f"## {entry.code}: {entry.title}\n",
            f"{entry.meaning}\n",
            f"*What to do:* {entry.action}\n",
            f"*Retry:* {entry.retry}. *Whose fault:* {whose}.\n",
        ]
    return "\n".join(lines)


def settings() -> str:
    """Every key with its type, rule, default and meaning."""
    lines = [
        "# Settings\n",
        inspect.cleandoc(config.__doc__ or "").split("\n\n", 1)[1].rsplit("\n\n", 1)[0].replace("``", "`") + "\n",
        "The command line takes `--config FILE`, else `IMSOC_CONFIG`, else `imsoc.toml` in the working folder.\n",
    ]
    for name, section in config.SECTIONS.items():
        meanings = dict(_attribute_docs(section))
        lines += [
            f"## [{name}]\n",
            f"{_first_paragraph(section)}\n",
            "| Key | Value | Default | Meaning |",
            "|---|---|---|---|",
        ]
        hints = type_hints(section)
        for key in (each for each in fields(section) if each.name in settings_of(section)):
            kind, rule = kind_and_rule(hints[key.name])
            value = " ".join(filter(None, (_type_name(kind), f"({rule})" if rule else "")))
            row = (f"`{key.name}`", value, _default(key.default), meanings[key.name])
            lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("``", "`") for cell in row) + " |")
        lines.append("")
    return "\n".join(lines)


def commands() -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Commands\n",
        "Every command but `serve` and `worker` takes `--json`, and then prints one JSON document.\n",
        "| Exit code | Meaning |",
        "|---|---|",
        "| 0 | done |",
        f"| {ExitCode.REFUSED.value} | refused or failed: by a rule, a check or the partner |",
        f"| {ExitCode.USAGE.value} | the command, a setting or a file is wrong: nothing was tried |",
        f"| {ExitCode.UNAVAILABLE.value} | a store, partner or authority did not answer: try again |",
        "",
    ]
    for path, command in _walk(typer.main.get_command(app), "imsoc"):
        context = typer.Context(command, info_name=path)
        usage = " ".join(command.collect_usage_pieces(context))
        lines += [f"## `{path}`\n", f"{inspect.cleandoc(command.help or '')}\n", f"    {path} {usage}\n"]
        for parameter in command.params:
            record = parameter.get_help_record(context)
            if record and record[0] != "-h, --help":
                lines.append(f"- `{record[0].strip()}` {' '.join(record[1].split())}")
        lines.append("")
    return "\n".join(lines)


def ched_rules() -> str:
    """The rule set imsoc-2019, rule by rule."""
    rules = rules_of_cheds().values()
    counts = {treatment: sum(rule.treatment is treatment for rule in rules) for treatment in Treatment}
    lines = [
        "# Rules of CHEDs: imsoc-2019\n",
        "What Annex II of Regulation (EU) 2019/1715 asks of the boxes of a CHED, in the order of the boxes. Valid from",
        "14 December 2019; a CHED is judged by the rules of the day on which it is received.\n",
        f"- **refuse** ({counts[Treatment.REFUSE]}): the CHED is not taken, and the answer has every finding.",
        f"- **warn** ({counts[Treatment.WARN]}): it is taken, and the sender is told.",
        f"- **never** ({counts[Treatment.NEVER]}): it may not be asked, or no CHED tells whether it is kept.\n",
        "A draft is never refused by a rule: what would refuse it warns. When Part II or III is written, the rules of",
        "that part are asked. Which details a commodity needs is reference data (attributes `..._ACCESS`): where it",
        "says that a commodity has no such box, the box is not asked for, whatever Annex II says of it in general.",
        "Rules that need a list (posts, languages, commodities) are silent where the list is not loaded.\n",
        "A rule's message names the box and what was found: words in braces stand for values. `imsoc explain R-I5`",
        "prints one rule.\n",
    ]
    for rule in rules:
        kinds = f" *Only* {', '.join(f'CHED-{kind}' for kind in rule.types)}." if rule.types else ""
        beside = " *Asked of* the signatures, not of the boxes." if rule.asked_of is AskedOf.SIGNATURES else ""
        lines += [
            f"## {rule.id}: {rule.treatment}\n",
            f"{rule.message}\n",
            f"*Why:* {rule.reason}\n",
            f"*Source:* {rule.source}. *Part* {', '.join(rule.parts)}.{kinds}{beside}\n",
        ]
    return "\n".join(lines)


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from _walk(child, f"{path} {name}")
    else:
        yield path, command


def _attribute_docs(section: type) -> Iterator[tuple[str, str]]:
    """The text below each attribute of a class."""
    body = ast.parse(dedent(inspect.getsource(section))).body[0]
    assert isinstance(body, ast.ClassDef)
    for statement, text in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            yield statement.target.id, " ".join(str(text.value.value).split())


def _first_paragraph(section: type) -> str:
    return " ".join(inspect.cleandoc(section.__doc__ or "").split("\n\n", maxsplit=1)[0].split()).replace("``", "`")


def _type_name(kind: Any) -> str:
    names = {str: "text", int: "number", float: "number", bool: "true, false", Path: "file"}
    arguments = getattr(kind, "__args__", None)
    return f"list of {names[arguments[0]]}" if arguments else names[kind]


def _default(value: Any) -> str:
    if value in (None, "", ()):
        return ""
    if isinstance(value, tuple):
        return "`" + ", ".join(map(str, value)) + "`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


PAGES = {
    "error-codes.md": error_codes,
    "configuration.md": settings,
    "commands.md": commands,
    "ched-rules.md": ched_rules,
}


def main() -> int:
    """Write the pages, or with ``--check`` name those that are not current."""
    stale = 0
    for name, make in PAGES.items():
        text, page = NOTICE + make().rstrip() + "\n", FOLDER / name
        if page.exists() and page.read_text("utf-8") == text:
            continue
        if "--check" in sys.argv:
            print(f"docs/{name} is not current: make docs")  # noqa: T201 - a command line tool
            stale = 1
        else:
            page.write_text(text, "utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
