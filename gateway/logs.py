"""The log: keyed events on standard error, without personal data and without message content.

Events are named by words and carry keys (``log.info("submission.accepted", exchange=..., partner=...)``). Identifiers,
codes, counts and durations belong there; documents, names and secrets do not, and :func:`_keep_content_out` holds that
for values that could carry them. Libraries that log messages whole (spyne, zeep) are silenced (STACK, spyne 8).
"""

from __future__ import annotations

import logging
import sys
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import TextIO

    from gateway.config import LoggingSettings

__all__ = ["set_up_logging"]

MAX_VALUE: Final = 200
"""Characters of one value: enough for any identifier, too few for a document."""

WITHHELD: Final = frozenset(
    {"body", "certificate", "content", "document", "envelope", "key", "nonce", "password", "payload", "raw", "secret"}
)
"""Keys whose values are never written, whatever they hold."""

LOUD: Final = ("spyne", "zeep", "urllib3", "alembic")
"""Libraries that put message content or addresses with credentials into their logs, or many lines about themselves."""


def set_up_logging(settings: LoggingSettings, *, stream: TextIO | None = None) -> None:
    """Send structlog's events and the standard library's records to one stream.

    Args:
        settings: lowest level, and whether each line is a JSON object.
        stream: standard error when None.
    """
    stream = stream or sys.stderr
    level = getattr(logging, settings.level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _keep_content_out,
        _name_exception,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.INFO))
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _keep_content_out(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key.startswith("_") or key == "exc_info":
            continue  # structlog's own, and what _name_exception takes out
        if key in WITHHELD:
            event[key] = "(withheld)"
        elif isinstance(value, str) and len(value) > MAX_VALUE:
            event[key] = value[: MAX_VALUE - 1] + "…"
        elif not isinstance(value, str | int | float | bool | None):
            event[key] = type(value).__name__ if isinstance(value, bytes) else str(value)[:MAX_VALUE]
        if isinstance(event[key], str) and not event[key].isprintable():
            event[key] = "".join(map(_shown, event[key]))
    return event


def _shown(letter: str) -> str:
    """A letter that does not steer the terminal or the editor that shows the log (XML lets C1 controls through)."""
    return "\ufffd" if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") else letter


def _name_exception(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception is logged as its type and the place in our code; its text may quote a message, so it is left out."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = type(error).__qualname__
        event["raised_at"] = _place(error)
    return event


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    frames = []
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(frames[-6:]))
