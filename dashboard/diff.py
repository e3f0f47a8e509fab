"""Snapshots and deltas of what a page shows. Pure: ``apply(old, delta(old, new)) == new``.

A state is a JSON object of plain values and of lists of rows. A row is an object with a unique ``id``; the rows of a
list stand in descending order of it. A delta holds the plain values that differ, for each list the rows that are new or
differ (their ``id`` and only what differs), and in ``removed`` the ids that are gone, by list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

State = Mapping[str, Any]
Row = Mapping[str, Any]
REMOVED = "removed"


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows as a state has them."""
    return sorted(rows, key=lambda row: str(row["id"]), reverse=True)


def delta(old: State, new: State) -> dict[str, Any]:
    """What turns ``old`` into ``new``; empty when they are equal. Both have the same keys."""
    found: dict[str, Any] = {}
    removed: dict[str, list[Any]] = {}
    for name, value in new.items():
        before = old.get(name)
        if before is value or before == value:
            continue
        if not isinstance(value, list):
            found[name] = value
            continue
        known = {row["id"]: row for row in before or []}
        changed = [row for row in (_row_delta(known.pop(row["id"], None), row) for row in value) if row]
        if changed:
            found[name] = changed
        if known:
            removed[name] = sorted(known, key=str)
    if removed:
        found[REMOVED] = removed
    return found


def _row_delta(old: Row | None, new: Row) -> Row | None:
    """A new row whole, of a changed one its id and the values that differ, None for an equal one."""
    if old is None:
        return new
    if old is new:
        return None
    changed = {name: value for name, value in new.items() if name not in old or old[name] != value}
    return {"id": new["id"], **changed} if changed else None


def apply(old: State, change: Mapping[str, Any]) -> dict[str, Any]:
    """The state after a delta. ``old`` is left as it is."""
    removed = change.get(REMOVED, {})
    state = dict(old)
    for name in set(change) - {REMOVED} | set(removed):
        if name in removed or isinstance(change.get(name), list):
            state[name] = _applied(old.get(name, []), change.get(name, []), removed.get(name, []))
        else:
            state[name] = change[name]
    return state


def _applied(rows: Iterable[Row], changed: Iterable[Row], removed: Iterable[Any]) -> list[Row]:
    by_id = {row["id"]: row for row in rows}
    for gone in removed:
        by_id.pop(gone, None)
    for row in changed:
        by_id[row["id"]] = {**by_id.get(row["id"], {}), **row}
    return in_order(by_id.values())
