"""Reading an ASGI request: where it was sent, by whom, and at most 16 KiB of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from strategies.webhooks.intake import Target

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX = "/webhook"
MAX_BODY = 16 * 1024


def is_webhook(path: str) -> bool:
    return path == PREFIX or path.startswith(PREFIX + "/")


def target_of(path: str) -> Target:
    """``/webhook``, ``/webhook/<key>`` or ``/webhook/<strategy id>/<key>``, with or without a slash at the end."""
    rest = path.removeprefix(PREFIX).removesuffix("/").removeprefix("/")
    if not rest:
        return Target()
    # No id has a NUL in it, and the database could not even be asked for one: it is as wrong as any other.
    first, slash, second = rest.replace("\x00", "\ufffd").partition("/")
    return Target(key=second, strategy_id=first) if slash else Target(key=first)


def header(scope: Scope, name: bytes) -> str:
    """A header's values, joined as one list; without anything that a text column cannot hold."""
    values = (value for key, value in scope.get("headers", ()) if key == name)
    return b",".join(values).decode("latin-1").replace("\x00", "")


def wants_dry_run(scope: Scope) -> bool:
    values = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("dry_run", ())
    return any(value.strip().lower() in {"1", "true", "yes"} for value in values)


def peer_address(scope: Scope, trusted_proxies: int) -> str | None:
    """The sender's address: the connection's, or what the outermost of our own proxies saw.

    Every proxy appends the address it was called from to X-Forwarded-For, so behind n proxies the n-th from the right
    is the first that the sender could not write itself.
    """
    direct = (scope.get("client") or (None,))[0]
    if not trusted_proxies:
        return _valid(direct)
    forwarded = [part.strip() for part in header(scope, b"x-forwarded-for").split(",") if part.strip()]
    if len(forwarded) < trusted_proxies:
        return _valid(direct)
    return _valid(forwarded[-trusted_proxies])


def _valid(text: str | None) -> str | None:
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address).split("%", 1)[0]


async def read_body(receive: Receive) -> tuple[bytes, bool] | None:
    """(the body, whether it was too large and is cut off); None when the sender hung up."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY:
            return b"".join(chunks)[:MAX_BODY], True
        if not message.get("more_body"):
            return b"".join(chunks), False


def response_headers(extra: Iterable[tuple[str, str]], length: int) -> list[tuple[bytes, bytes]]:
    """Nothing may cache, sniff or pass on what belongs to a secret address."""
    fixed = {
        "content-type": "application/json",
        "content-length": str(length),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }
    return [(name.encode(), value.encode()) for name, value in (*fixed.items(), *extra)]
