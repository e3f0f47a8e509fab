"""One host's rows: what is true now, who may see it, and what changed since somebody last looked.

Rows are kept by id and indexed by account and by master. Every write is also noted as a ``Change``, in order, for the
journal and for the sockets that follow that account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from brokers.simulators.tradovate.catalog import SPECS, Scope, Spec
from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.entities import Entity
from brokers.simulators.tradovate.wire import Refused, encode

ITEMS_CAP = 10  # measured: more ids than about ten are answered with an empty 404
KEPT_FOR_LEDGER = frozenset({"fill", "fillFee", "fillPair"})


class Ids:
    """Ever growing ids, shared by both hosts and all entity types, so that none ever means two things."""

    def __init__(self, last: int) -> None:
        self.last = last

    def next(self) -> int:
        self.last += 1
        return self.last


@dataclass(slots=True)
class Change:
    """``raw`` is the JSON of the row at that moment, None if nobody watches. ``event`` is empty for hidden rows."""

    host: str
    kind: str
    event: str
    entity: Any
    account_id: int
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class View:
    """Whose eyes look: the login's user id and the accounts it may see on this host."""

    user_id: int
    accounts: frozenset[int]
    order: tuple[int, ...]


@dataclass(slots=True)
class Table:
    spec: Spec
    rows: dict[int, Any] = field(default_factory=dict)
    owner: dict[int, int] = field(default_factory=dict)
    by_account: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_master: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    archive: dict[int, Any] = field(default_factory=dict)

    def add(self, entity: Entity, account_id: int) -> None:
        self.owner[entity.id] = account_id
        self.by_account[account_id].append(entity.id)
        if self.spec.master:
            self.by_master[getattr(entity, self.spec.master)].append(entity.id)

    def wipe(self) -> None:
        """A session ended. Fills stay known to the ledger, everything else of it is gone."""
        if self.spec.name in KEPT_FOR_LEDGER:
            self.archive.update(self.rows)
            kept = dict(self.owner)
            self.clear()
            self.owner = kept
        else:
            self.clear()

    def clear(self) -> None:
        for index in (self.rows, self.owner, self.by_account, self.by_master):
            index.clear()


class Store:
    def __init__(self, host: str, clock: Clock, library: dict[str, Table]) -> None:
        self.host = host
        self.clock = clock
        own = {name: Table(spec) for name, spec in SPECS.items() if spec.scope is not Scope.LIBRARY}
        self.tables: dict[str, Table] = {**library, **own}
        self.records: dict[str, dict[int, Any]] = defaultdict(dict)
        self.changes: list[Change] = []
        self.is_watched: Callable[[int], bool] = lambda _account_id: False
        self.stale_seconds = 0.0
        self._history: dict[tuple[str, int], list[tuple[float, Entity]]] = {}

    # --- writing ------------------------------------------------------------------------------------------------

    def put(self, kind: str, entity: Entity, account_id: int = 0) -> None:
        """Write a row, new or changed. ``account_id`` is needed for a new one only."""
        table = self.tables[kind]
        if entity.id in table.archive:
            self._note(kind, "", entity, table.owner[entity.id])
            return
        event = "Updated"
        if entity.id not in table.rows:
            event = "Created"
            table.add(entity, account_id)
        table.rows[entity.id] = entity
        if self.stale_seconds:
            self._remember(kind, entity)
        self._note(kind, event, entity, table.owner[entity.id])

    def put_record(self, kind: str, record: Any, account_id: int) -> None:
        """Write a row of our own that no client ever sees."""
        self.records[kind][record.id] = record
        self._note(kind, "", record, account_id)

    def _note(self, kind: str, event: str, entity: Any, account_id: int) -> None:
        if event and not self.tables[kind].spec.synced:
            event = ""  # no socket is ever told of this kind
        raw = encode(entity) if event and self.is_watched(account_id) else None
        self.changes.append(Change(self.host, kind, event, entity, account_id, raw))

    def take_changes(self) -> list[Change]:
        changes, self.changes = self.changes, []
        return changes

    def load(self, kind: str, entity: Any, account_id: int) -> None:
        """Put a row back from the journal, unnoted."""
        if kind not in self.tables:
            self.records[kind][entity.id] = entity
            return
        table = self.tables[kind]
        if entity.id in table.archive:
            table.archive[entity.id] = entity
            return
        if entity.id not in table.rows:
            table.add(entity, account_id)
        table.rows[entity.id] = entity

    def replace_all(self, kind: str, rows: Iterable[Any]) -> None:
        """Exactly these rows from now on, each keeping its owner; nobody is told."""
        table = self.tables[kind]
        kept = [(row, table.owner[row.id]) for row in rows]
        table.clear()
        for row, owner in kept:
            table.rows[row.id] = row
            table.add(row, owner)

    def wipe_session(self) -> None:
        for table in self.tables.values():
            if table.spec.per_session:
                table.wipe()
        self._history.clear()

    # --- staleness ----------------------------------------------------------------------------------------------

    def be_stale(self, seconds: float) -> None:
        """From now on answers show the rows as they were ``seconds`` ago (0 = as they are)."""
        self.stale_seconds = seconds
        self._history = {}
        if seconds:
            for kind, table in self.tables.items():
                for entity in table.rows.values() if table.spec.scope is Scope.ACCOUNT else ():
                    self._history[kind, entity.id] = [(0.0, msgspec.structs.replace(entity))]

    def _remember(self, kind: str, entity: Entity) -> None:
        versions = self._history.setdefault((kind, entity.id), [])
        versions.append((self.clock.now(), msgspec.structs.replace(entity)))

    def _shown(self, kind: str, entity: Any) -> Any:
        """The version to show, None if it did not exist yet."""
        versions = self._history.get((kind, entity.id)) if self.stale_seconds else None
        if versions is None:
            return entity
        until = self.clock.now() - self.stale_seconds
        return next((version for at, version in reversed(versions) if at <= until), None)

    # --- asking -------------------------------------------------------------------------------------------------

    def get(self, kind: str, entity_id: int) -> Any:
        """The row, or None; regardless of who asks."""
        return self.tables[kind].rows.get(entity_id)

    def of_account(self, kind: str, account_id: int) -> list[Any]:
        table = self.tables[kind]
        return [table.rows[one] for one in table.by_account.get(account_id, ())]

    def listing(self, kind: str, view: View) -> list[Any]:
        """Everything of that kind that the view may see, all its accounts mixed."""
        table = self.tables[kind]
        if table.spec.scope is Scope.LIBRARY:
            return list(table.rows.values())
        if table.spec.scope is Scope.USER:
            return [row for key, row in table.rows.items() if key == view.user_id]
        ids = (one for account in view.order for one in table.by_account.get(account, ()))
        return self._present(kind, (table.rows[one] for one in ids))

    def _present(self, kind: str, rows: Iterable[Any]) -> list[Any]:
        if not self.stale_seconds:
            return list(rows)
        return [shown for row in rows if (shown := self._shown(kind, row)) is not None]

    def item(self, kind: str, view: View, entity_id: int) -> Any:
        """Raises Refused(404) for what does not exist or belongs to somebody else."""
        rows = self.rows_of(kind, view, (entity_id,))
        if not rows:
            raise Refused(404, f"{kind} {entity_id} was not found")
        return rows[0]

    def rows_of(self, kind: str, view: View, ids: Iterable[int]) -> list[Any]:
        table = self.tables[kind]
        found = (one for one in ids if one in table.rows and self._visible(table, view, one))
        return self._present(kind, (table.rows[one] for one in found))

    def _visible(self, table: Table, view: View, entity_id: int) -> bool:
        if table.spec.scope is Scope.LIBRARY:
            return True
        if table.spec.scope is Scope.USER:
            return entity_id == view.user_id
        return table.owner[entity_id] in view.accounts

    def children(self, kind: str, view: View, masters: Iterable[int]) -> list[Any]:
        table = self.tables[kind]
        ids = (one for master in masters for one in table.by_master.get(master, ()))
        return self.rows_of(kind, view, ids)
