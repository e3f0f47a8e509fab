"""The audit log: one row per security-relevant act, only ever added, each chained to the one before by hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allauth.core.internal.httpkit import get_client_ip
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.http import HttpRequest

from accounts.models import ApiKey, AuditEntry, User
from tradeproject.common.clock import utc_now
from tradeproject.common.locks import lock_key
from tradeproject.common.logging import mask

GENESIS = "0" * 64


@dataclass
class AuditReport:
    """What a check of the whole chain found: rows seen, the last hash, and the ids that do not fit."""

    count: int = 0
    head: str = GENESIS
    broken: list[int] = field(default_factory=list)
    seen_noted_head: bool = False


def client_address(request: HttpRequest | None) -> str | None:
    """The peer's address, through as many proxies as TRUSTED_PROXY_COUNT says; None when it cannot be told."""
    if request is None:
        return None
    try:
        return get_client_ip(request)
    except ImproperlyConfigured:  # fewer hops than trusted proxies: somebody reached us past the proxy
        return None


def _plain(value: Any) -> Any:
    """``value`` as JSON that PostgreSQL gives back unchanged: no floats, no NUL, text keys."""
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    return str(value).encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _key_used(request: HttpRequest | None) -> dict[str, str]:
    """Which API key the act was done with; REST framework leaves it on the request it authenticated."""
    used = getattr(request, "auth", None)
    return {"via": f"{used.prefix}…"} if isinstance(used, ApiKey) else {}


def record_audit(
    action: str,
    *,
    actor: Any,
    owner: User | None = None,
    object_type: str = "",
    object_id: object = "",
    detail: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
    actor_email: str = "",
) -> AuditEntry:
    """Append one act. ``actor`` is who did it (None or an anonymous user: nobody known), ``owner`` whose tenant it
    concerns (the actor's unless given), ``detail`` small JSON that is stored with its secrets masked.

    Belongs into the transaction of the act, as its last step: until that commits, no other act can be recorded,
    because every row carries the hash of the one before.
    """
    known = actor if isinstance(actor, User) and actor.pk else None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key("accounts", "audit")])
        previous = AuditEntry.objects.order_by("-pk").values_list("hash", flat=True).first()
        entry = AuditEntry(
            at=utc_now(),
            actor=known,
            actor_email=_plain(actor_email or (known.email if known else ""))[:254],
            owner=owner or known,
            action=action[:64],
            object_type=_plain(str(object_type))[:64],
            object_id=_plain(str(object_id))[:64],
            detail=mask(_plain({**(detail or {}), **_key_used(request)})),
            address=client_address(request),
            previous_hash=previous or GENESIS,
        )
        entry.hash = entry.computed_hash()
        entry.save(force_insert=True)
    return entry


def verify_audit(noted_head: str = "") -> AuditReport:
    """Walk the chain from its first row. A row is broken when it was changed, or when the one before it is missing.

    Rows cut off the end leave an intact chain behind: give a head noted earlier to find that too.
    """
    report = AuditReport(seen_noted_head=noted_head in {"", GENESIS})
    for entry in AuditEntry.objects.order_by("pk").iterator(chunk_size=1000):
        if entry.previous_hash != report.head or entry.hash != entry.computed_hash():
            report.broken.append(entry.pk)
        report.count += 1
        report.head = entry.hash
        report.seen_noted_head = report.seen_noted_head or entry.hash == noted_head
    return report
