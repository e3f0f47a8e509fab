"""Typed reading of the environment. A value that cannot be read stops the start and names itself.

Every name may also be given as ``<NAME>_FILE``, whose content is then the value (for mounted secrets).
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from tradeproject.common import clock, crashpoints

_WHOLE = re.compile(r"^-?\d{1,18}$", re.ASCII)
_RATE = re.compile(r"^\d{1,9}/(s|sec|m|min|h|hour|d|day)$", re.ASCII)
_THIS_MACHINE = {"127.0.0.1", "::1", "localhost"}
_PORTS = re.compile(r"^[\d,]*$", re.ASCII)  # one for each host


MADE_BY_RUN = "scripts/run makes one in DATA_DIR, so a command beside it needs the same DATA_DIR."


def _fail(name: str, problem: str, remedy: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}: {problem} {remedy}")


def text(name: str, default: str | None = "") -> str:
    """The value of ``name`` or of the file that ``<name>_FILE`` points at. ``default=None`` makes it required."""
    if name in os.environ:
        return os.environ[name].strip()
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise _fail(
                f"{name}_FILE", f"{path} cannot be read ({error}).", "Give a readable text file."
            ) from error
    if default is None:
        raise _fail(name, "is not set.", f"Set {name} or {name}_FILE; {MADE_BY_RUN}")
    return default


def required(name: str) -> str:
    """Like ``text``, but an empty value is none."""
    value = text(name, None)
    if not value:
        raise _fail(name, "is empty.", f"Set {name} or {name}_FILE; {MADE_BY_RUN}")
    return value


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    """One of a few words, in any case; given back as it stands in ``allowed``."""
    raw = text(name, default)
    found = next((word for word in allowed if word.lower() == raw.lower()), None)
    if found is None:
        raise _fail(name, f"{raw!r} is not known.", f"Give one of {', '.join(allowed)}.")
    return found


def rate(name: str, default: str) -> str:
    """So many per second, minute, hour or day, as the API's throttle wants it."""
    raw = text(name, default)
    if not _RATE.match(raw):
        raise _fail(name, f"{raw!r} is not a rate.", "Give one such as 1200/min.")
    return raw


def integer(name: str, default: int, *, minimum: int = 0, maximum: int = 10**9) -> int:
    raw = text(name, str(default))
    if not _WHOLE.match(raw):
        raise _fail(name, f"{raw!r} is not a whole number.", f"Give a number from {minimum} to {maximum}.")
    value = int(raw)
    if not minimum <= value <= maximum:
        raise _fail(name, f"{value} is out of range.", f"Give a number from {minimum} to {maximum}.")
    return value


def decimal(name: str, default: str, *, minimum: str = "0") -> Decimal:
    raw = text(name, default)
    try:
        value = Decimal(raw)
    except InvalidOperation as error:
        raise _fail(name, f"{raw!r} is not a number.", "Give a plain decimal such as 0.5.") from error
    if not value.is_finite() or value < Decimal(minimum):
        raise _fail(name, f"{raw!r} is out of range.", f"Give a number of at least {minimum}.")
    return value


def boolean(name: str, default: bool) -> bool:
    raw = text(name, str(default)).lower()
    if raw in {"true", "1", "yes", "on"}:
        return True
    if raw in {"false", "0", "no", "off", ""}:
        return False
    raise _fail(name, f"{raw!r} is neither true nor false.", "Give true or false.")


def csv(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def sealing_keys(name: str) -> list[str]:
    """Keys that seal stored secrets, newest first: each 32 bytes in url-safe base64."""
    remedy = (
        "Give at least one key made by "
        "`python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`."
    )
    required(name)
    keys = csv(name)
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise _fail(name, f"key number {number} is not 32 url-safe base64 bytes.", remedy) from None
    if not keys:
        raise _fail(name, "holds no key.", remedy)
    return keys


def url(name: str, default: str = "", schemes: tuple[str, ...] = ("http", "https")) -> str:
    """An absolute URL without a trailing slash, or "" when it is not set and has no default."""
    raw = text(name, default).rstrip("/")
    if not raw:
        return ""
    if not _is_address(raw, schemes):
        # The value is not repeated: a server's password may be part of it.
        raise _fail(
            name,
            "is not a URL.",
            f"Give one that starts with {' or '.join(s + '://' for s in schemes)}.",
        )
    return raw


def _is_address(raw: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(raw)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an unclosed bracket, or a port that is no number
        return False


def database(name: str) -> dict[str, Any]:
    """Django's settings from a libpq address: a URL with a host or with ``?host=/socket/directory``."""
    raw = required(name)
    remedy = "Give postgresql://user:password@host:5432/name."
    try:
        parts = dict(conninfo_to_dict(raw))
    except psycopg.Error:  # its text repeats the address, and with it the password
        raise _fail(name, "cannot be understood.", remedy) from None
    if not raw.startswith(("postgresql://", "postgres://")) or not parts.get("dbname"):
        raise _fail(name, "is not a PostgreSQL URL with a database name.", remedy)
    if not _PORTS.match(str(parts.get("port") or "")):
        raise _fail(name, "has a port that is not a number.", remedy)
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    config = {django: str(parts.pop(libpq, None) or "") for libpq, django in names.items()}
    return {"ENGINE": "django.db.backends.postgresql", **config, "OPTIONS": parts}


def chaos(name: str, folder: Path, addresses: Sequence[str]) -> None:
    """Arm the crash points if ``name`` says so. Refused unless every one of ``addresses`` is on this machine."""
    wanted = text(name)
    if not wanted:
        return
    for address in addresses:
        host = urlsplit(text(address)).hostname or ""
        if host not in _THIS_MACHINE:
            remedy = f"Unset {name}, or point {address} at a simulator on this machine."
            raise _fail(name, f"makes processes die, and {address} is not a simulator.", remedy)
    try:
        crashpoints.arm(wanted, folder)
        clock.be_off(crashpoints.clock_offset(folder))
    except ValueError as error:
        raise _fail(name, f"{error}.", "It is meant for tests only.") from error
