"""Identifiers. Rows carry UUIDv7 keys: unguessable between tenants, and in order of creation in an index."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
import uuid

_TAIL = 74  # bits of a UUIDv7 that are free beside its time
_STEP = 40  # bits of the random step between two ids of one millisecond: the next one cannot be guessed from the last


class _Rising:
    """Makes each number larger than the one before: the millisecond in front, noise behind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        noise = int.from_bytes(os.urandom(15), "big")
        value = (time.time_ns() // 1_000_000) << _TAIL | noise & ((1 << _TAIL - 1) - 1)
        with self._lock:
            if value >> _TAIL <= self._last >> _TAIL:  # the same millisecond, or a clock that was set back
                value = self._last + 1 + (noise >> 120 - _STEP)
            self._last = value
        return value


_rising = _Rising()


def uuid7() -> uuid.UUID:
    """RFC 9562 version 7: 48 bits of Unix milliseconds, then random bits; each larger than the one before in this process."""
    value = _rising.next()
    high, low = value >> 62, value & ((1 << 62) - 1)
    return uuid.UUID(int=(high >> 12) << 80 | 0x7 << 76 | (high & 0xFFF) << 64 | 0x2 << 62 | low)


def first_id(milliseconds: int) -> uuid.UUID:
    """The smallest id that can have been made at or after this Unix time."""
    return uuid.UUID(int=milliseconds << 80)


def client_order_id(order_id: uuid.UUID, attempt: int) -> str:
    """Our handle for one attempt of one order: 18 letters and digits, a pure function of its inputs.

    Eighteen characters fit the shortest tag of the venues we speak to, and being deterministic it can be computed
    again after a crash, so that a lost answer can still be looked up.
    """
    digest = hashlib.sha256(f"{order_id}/{attempt}".encode()).digest()
    return base64.b32encode(digest).decode("ascii")[:18].lower()


def digest_secret(secret: str) -> str:
    """SHA-256 of a high-entropy secret, the only form in which we look one up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_secret(prefix: str = "", size: int = 24) -> str:
    """A URL-safe secret of ``size`` random bytes (192 bits unless told otherwise)."""
    return prefix + base64.urlsafe_b64encode(os.urandom(size)).decode("ascii").rstrip("=")
