"""Many rows in one statement, and database work that may be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import OperationalError, connection, models, transaction

from tradeproject.common.locks import lock_key

T = TypeVar("T")

# serialization_failure, deadlock_detected, lock_not_available: nothing was done, it may be tried again.
REPEATABLE = frozenset({"40001", "40P01", "55P03"})
ATTEMPTS = 3


def insert_rows(rows: Sequence[models.Model], *, ignore_conflicts: bool = False) -> None:
    """Store new rows, all of one model, with one INSERT. ``auto_now`` fields must be set; an automatic key stays unset."""
    if not rows:
        return
    meta = rows[0]._meta
    columns = [_Column.of(field) for field in meta.concrete_fields if not isinstance(field, models.AutoField)]
    names = ", ".join(column.name for column in columns)
    conflicts = "ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    _run(
        f"INSERT INTO {_quoted(meta.db_table)} ({names}) SELECT {names} FROM {_given(columns)} {conflicts}",  # noqa: S608
        rows,
        columns,
    )


def update_rows(rows: Sequence[models.Model], fields: Sequence[str]) -> int:
    """Write ``fields`` of ``rows``, all of one model, with one UPDATE. Returns how many rows there were to change."""
    if not rows or not fields:
        return 0
    meta = rows[0]._meta
    key, *changed = columns = [_Column.of(meta.get_field(name)) for name in (meta.pk.name, *fields)]
    table, changes = (
        _quoted(meta.db_table),
        ", ".join(f"{column.name} = d.{column.name}" for column in changed),
    )
    return _run(
        f"UPDATE {table} SET {changes} FROM {_given(columns)} WHERE {table}.{key.name} = d.{key.name}",  # noqa: S608
        rows,
        columns,
    )


@dataclass(frozen=True, slots=True)
class _Column:
    """A field as PostgreSQL knows it; names and types come from our models, never from outside."""

    attribute: str
    name: str
    type: str

    @classmethod
    def of(cls, field: Any) -> _Column:
        return cls(field.attname, _quoted(field.column), field.db_type(connection))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _given(columns: Sequence[_Column]) -> str:
    return f"jsonb_to_recordset(%s::jsonb) AS d({', '.join(f'{c.name} {c.type}' for c in columns)})"


def _run(sql: str, rows: Sequence[models.Model], columns: Sequence[_Column]) -> int:
    # One JSON document is read by PostgreSQL at a fraction of what a parameter per value, or the CASE with a branch per row
    # and field of Django's bulk_update, costs on this side. Numbers, keys and times go as text and arrive exactly.
    parts = [(column.name.strip('"'), column.attribute) for column in columns]
    document = json.dumps([{n: getattr(row, a) for n, a in parts} for row in rows], default=str)
    with connection.cursor() as cursor:
        cursor.execute(sql, [document])
        return int(cursor.rowcount)


def hold_lock(*parts: object) -> None:
    """Take the lock named by ``parts`` until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key(*parts)])


def try_lock(*parts: object) -> bool:
    """Like ``hold_lock``, without waiting: whether it was free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock_key(*parts)])
        row = cursor.fetchone()
    return bool(row and row[0])


def is_repeatable(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") in REPEATABLE


def in_transaction(work: Callable[[], T]) -> T:
    """Run ``work`` in a transaction, again when PostgreSQL broke it off for a reason that passes.

    Inside a caller's transaction it runs once: only the caller can start that one again.
    """
    if connection.in_atomic_block:
        return work()
    for _ in range(ATTEMPTS - 1):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            if not is_repeatable(error):
                raise
    with transaction.atomic():
        return work()
