"""Requests that must not be carried out twice: the first answer under an ``Idempotency-Key`` is kept and repeated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from accounts.models import IdempotencyKey, User
from tradeproject.common.api import Problem
from tradeproject.common.clock import utc_now
from tradeproject.common.locks import lock_key

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255


@dataclass(frozen=True)
class Answer:
    """A finished request's answer: HTTP status and JSON body."""

    status: int
    body: Any


class IdempotentCall:
    """One request under a key. ``stored`` is the earlier answer to repeat, or None when the work is yet to be done."""

    def __init__(self, stored: Answer | None) -> None:
        self.stored = stored
        self.answer: Answer | None = stored

    def finish(self, status: int, body: Any) -> Answer:
        """Keep this answer under the key. The body comes back as the plain JSON that every repeat will get."""
        self.answer = Answer(status, json.loads(json.dumps(body, cls=DjangoJSONEncoder)))
        return self.answer


def _digest(request_body: Any, scope: str) -> str:
    """One digest for one meaning: parsed bodies are compared regardless of key order and spacing."""
    if isinstance(request_body, str):
        raw = request_body.encode("utf-8", "surrogatepass")
    elif isinstance(request_body, bytes | bytearray | memoryview):
        raw = bytes(request_body)
    else:
        raw = json.dumps(request_body, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder).encode()
    return hashlib.sha256(scope.encode() + b"\0" + raw).hexdigest()


def _check_key(key: str) -> None:
    if len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Problem(
            "invalid_idempotency_key",
            f"The Idempotency-Key is not usable. Send up to {LONGEST_KEY} printable ASCII characters, such as a UUID.",
        )


def _take_turn(user: User, key: str) -> None:
    """Hold the key until the transaction ends. A crash ends it too: nothing was done, and the key is free again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s)", [lock_key("accounts", "idempotency", user.pk, key)]
        )
        row = cursor.fetchone()
    if not (row and row[0]):
        raise Problem(
            "idempotency_in_progress",
            "A request with this Idempotency-Key is still being carried out. Wait a second and send it again.",
            status_code=409,
        )


def _earlier_answer(user: User, key: str, digest: str) -> Answer | None:
    row = IdempotencyKey.objects.filter(user=user, key=key).first()
    if row is None:
        return None
    if row.created_at <= utc_now() - KEPT_FOR:
        row.delete()
        return None
    if row.request_digest != digest:
        raise Problem(
            "idempotency_key_reused",
            "This Idempotency-Key was used for a different request. Use a new key for a new request.",
            status_code=422,
        )
    return Answer(row.status_code or 200, row.response)


@contextmanager
def idempotent(
    user: User, key: str | None, request_body: Any, *, scope: str = ""
) -> Iterator[IdempotentCall]:
    """Carry out a request once per ``key`` and user within 24 hours::

        with idempotent(user, request.headers.get("Idempotency-Key"), request.data, scope="orders") as call:
            if call.stored is None:
                call.finish(201, create_order(...))
        return Response(call.answer.body, status=call.answer.status)

    Same key and body: the stored answer. Same key, other body or scope: Problem 422. The same key while the first
    request still runs: Problem 409. The block is one transaction: what it writes and the stored answer become durable
    together, and an exception (a refusal of the input, a crash) leaves neither, so the request may be sent again.
    Hence rows only inside the block; a broker is called after it. Without a key the block simply runs.
    """
    if not key:
        with transaction.atomic():
            yield IdempotentCall(None)
        return
    _check_key(key)
    digest = _digest(request_body, scope)
    with transaction.atomic():
        _take_turn(user, key)
        call = IdempotentCall(_earlier_answer(user, key, digest))
        yield call
        if call.answer is None:
            raise RuntimeError("an idempotent block ended without call.finish(status, body)")
        if call.stored is None:
            IdempotencyKey.objects.create(
                user=user,
                key=key,
                request_digest=digest,
                status_code=call.answer.status,
                response=call.answer.body,
            )


def purge_idempotency_keys() -> int:
    """Forget answers older than 24 hours; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lte=utc_now() - KEPT_FOR).delete()[0]
