"""Log lines: JSON or console, one per state change, with secrets masked by name and by shape (law 10)."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog

MASK = "•••"
_SECRET_NAME = re.compile(
    r"(password|passwd|secret|token|api[_-]?key|apikey|authorization|cookie|credential|passphrase|signature|sec$|cid$|p-ticket)",
    re.IGNORECASE,
)
# The end of a name: what stands before it (access_, X-, md…) stays as it is and is never searched, for any text, also a
# stranger's, must be masked in time proportional to its length.
_NAME = r"(?:password|passwd|passphrase|secret|token|api[_-]?key|authorization|cookie|credentials?|signature|p-ticket)"
_QUOTED = rf"(?:{_NAME}|(?<=[\"'])(?:key|sec|cid))[\"']\s{{0,20}}:\s{{0,20}}b?"
_SECRET_SHAPES = [
    re.compile(r"(?<![\w-])(?=[\w-]*?eyJ)[\w-]{11,}\.[\w-]{8,}\.[\w-]*"),  # JWT
    re.compile(r"(?i)\b((?:bearer|api-key)\s{1,20})[\w\-.~+/=]{8,}"),
    re.compile(r"(?i)\b(basic\s{1,20})[\w\-+/=]{16,}"),
    re.compile(r"(?i)((?:authorization|cookie)\s{0,20}[:=]\s{0,20})[^\r\n\"'<>{}\[\]]+"),
    re.compile(r"(?i)(/webhook/)(?:[0-9a-f-]{36}/)?[\w-]{16,}"),  # the strategy's secret is part of the path
    re.compile(r"(://)[^/?#\s\"'<>]+(?=@)"),  # user and password of an address
    re.compile(r"(?i)([?&](?:token|code|secret|key)=)[^&\s\"']+"),
    # Names with their values: JSON and Python's way of writing it, pairs in a tuple, forms, "name: value".
    re.compile(rf"(?i)({_QUOTED}\")(?:[^\"\\]|\\.)*"),
    re.compile(rf"(?i)({_QUOTED}')(?:[^'\\]|\\.)*"),
    re.compile(rf"(?i)(\(b?[\"'][\w-]{{0,40}}{_NAME}[\"'],\s{{0,20}}b?[\"'])[^\"']+"),
    re.compile(rf"(?i)({_NAME}=[\"']?)[^\s&\"',;•]+"),
    re.compile(rf"(?i)({_NAME}:\s{{1,20}})[^\s\"'•][^\s\"']*"),
]
_TRACES = {"exception", "stack", "stack_info"}
_HARMLESS = (bool, int, float, Decimal, date, time, timedelta, UUID, type(None))  # datetime is a date


def _hide(text: str) -> str:
    for pattern in _SECRET_SHAPES:
        text = pattern.sub(lambda m: (m.group(1) if m.re.groups else "") + MASK, text)
    return text


def mask_text(text: str) -> str:
    """``text`` with everything that looks like a secret replaced, and without line breaks that could forge a line."""
    return _hide(text).replace("\r", "\\r").replace("\n", "\\n")


def mask(value: Any, name: str = "") -> Any:
    """A copy of ``value`` fit to be logged or shown: secrets masked by key name and by shape, at any depth."""
    if name and _SECRET_NAME.search(name) and value not in (None, "", True, False):
        return MASK
    if isinstance(value, _HARMLESS):
        return value
    if isinstance(value, Mapping):
        return {key: mask(item, _text_of(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return _mask_pair(value) if _is_pair(value) else [mask(item) for item in value]
    return mask_text(_text_of(value))


def _text_of(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _is_pair(value: Any) -> bool:
    """A header as ASGI and the HTTP libraries keep it: a tuple of its name and its value."""
    return (
        isinstance(value, tuple) and len(value) == 2 and all(isinstance(item, str | bytes) for item in value)
    )


def _mask_pair(pair: Any) -> list[Any]:
    name = _text_of(pair[0])
    return [name, mask(_text_of(pair[1]), name)]


def _mask_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in list(event.items()):
        if key not in {"timestamp", "level", "logger"}:
            if key in _TRACES and isinstance(value, str):
                event[key] = _hide(value)  # its lines are our own
            else:
                event[key] = mask(value, "" if key == "event" else key)
    return event


def _drop_color(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("color_message", None)
    return event


class CarefulHandler(logging.StreamHandler):
    """The console. A record that cannot be written is not printed raw, as the library would do it."""

    def filter(self, record: logging.LogRecord) -> Any:
        return is_news(record) and super().filter(record)

    def handleError(self, record: logging.LogRecord) -> None:
        kind = sys.exc_info()[0]
        problem = kind.__name__ if kind is not None else "error"
        with contextlib.suppress(Exception):
            sys.stderr.write(f"a log line could not be written: {problem} at {record.name}:{record.lineno}\n")


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info,
    _drop_color,
    _mask_event,
]


def is_news(record: logging.LogRecord) -> bool:
    """Not the 503 of a readiness probe: whoever probes has it as the answer, ten times a second while the product starts."""
    path = getattr(getattr(record, "request", None), "path", "")
    return not (getattr(record, "status_code", 0) == 503 and str(path).startswith("/health"))


def config(level: str, json_lines: bool) -> dict[str, Any]:
    """The LOGGING setting: every logger, ours and the libraries', passes the same masking formatter."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json_lines
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    final = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "masked": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": final,
            }
        },
        "handlers": {"console": {"()": CarefulHandler, "formatter": "masked"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            name: {"level": quiet, "handlers": ["console"], "propagate": False}
            for name, quiet in {
                "uvicorn": "WARNING",
                "uvicorn.error": "WARNING",
                "httpx": "WARNING",
                "httpcore": "WARNING",
                "asyncio": "WARNING",
                "celery": "WARNING",
                "kombu": "WARNING",
                "websockets": "WARNING",
                "django.request": "ERROR",
            }.items()
        },
    }
