"""System checks. The one of the stored secrets runs with ``manage.py check --database default`` and before migrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import ProgrammingError, connection, transaction


@register(Tags.database)
def stored_secrets_can_be_read(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """One value of every encrypted column is opened: a key removed too early shows here, not when an order needs it."""
    from tradeproject.common.rotation import is_readable, sealed_columns

    if not databases or "default" not in databases:
        return []
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    problems: list[CheckMessage] = []
    for column in sealed_columns():
        if column.table not in tables:
            continue  # not migrated yet
        try:
            with transaction.atomic():
                readable = is_readable(column)
        except ProgrammingError:  # the column is not migrated yet
            continue
        if not readable:
            problems.append(_unreadable(column.label))
    return problems


def _unreadable(label: str) -> Error:
    return Error(
        f"A stored secret ({label}) is opened by none of the keys in FIELD_ENCRYPTION_KEYS.",
        hint="Put the older key back at the end of the list, then run `manage.py rotate_credentials`.",
        id="tradeproject.E001",
    )
