"""Identifiers. Rows carry UUIDv7 keys: unguessable between tenants, and in order of creation in an index."""

from __future__ import annotations

import base64
import hashlib
import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """RFC 9562 version 7: 48 bits of Unix milliseconds, then random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return uuid.UUID(int=value | 0x7 << 76 | 0x2 << 62)


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
