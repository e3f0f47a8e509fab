"""Who is told what: the sockets that follow an account get every change of it, in order, as ``props`` events."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from brokers.simulators.tradovate.faults import EVENT_KINDS, Fault, FaultBook, Subject
from brokers.simulators.tradovate.framing import Connection
from brokers.simulators.tradovate.people import AccountInfo
from brokers.simulators.tradovate.store import Change
from brokers.simulators.tradovate.wire import decode, encode

Told = tuple[str, str, bytes]  # entity type, event type, entity
FIRST_WHEN_REORDERED = {"fill": 0, "executionReport": 1, "position": 2}


class TradingSocket:
    """A connection of the trading host and what it follows. ``kinds`` None = every entity type."""

    def __init__(self, connection: Connection, host: str) -> None:
        self.connection, self.host = connection, host
        self.user_name = ""
        self.kinds: frozenset[str] | None = None
        self.accounts: tuple[int, ...] = ()
        self.is_synced = False

    def wants(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds


class Hub:
    def __init__(self, faults: FaultBook, later: Callable[[float, Callable[[], None]], None]) -> None:
        self._faults, self._later = faults, later
        self.sockets: dict[TradingSocket, None] = {}
        self.others: dict[Connection, None] = {}
        """Market data connections: they only need the heartbeat and the kick."""
        self._watchers: dict[tuple[str, int], dict[TradingSocket, None]] = defaultdict(dict)

    # --- who is there -------------------------------------------------------------------------------------------

    def add(self, socket: TradingSocket) -> None:
        self.sockets[socket] = None

    def remove(self, socket: TradingSocket) -> None:
        self.sockets.pop(socket, None)
        for account_id in socket.accounts:
            watchers = self._watchers.get((socket.host, account_id))
            if watchers is not None:
                watchers.pop(socket, None)
                if not watchers:
                    del self._watchers[socket.host, account_id]

    def follow(self, socket: TradingSocket, accounts: Iterable[AccountInfo]) -> None:
        socket.accounts = tuple(account.id for account in accounts)
        socket.is_synced = True
        for account_id in socket.accounts:
            self._watchers[socket.host, account_id][socket] = None

    def is_watched(self, host: str, account_id: int) -> bool:
        return (host, account_id) in self._watchers

    def connections(self) -> list[Connection]:
        return [*(socket.connection for socket in self.sockets), *self.others]

    def of_sessions(self, session_ids: set[int]) -> list[Connection]:
        return [c for c in self.connections() if c.session is not None and c.session.id in session_ids]

    def beat(self) -> None:
        now = time.monotonic()
        for connection in self.connections():
            connection.beat(now)

    # --- telling ------------------------------------------------------------------------------------------------

    def publish(self, changes: Iterable[Change]) -> None:
        """One batch of changes, each socket's share as one push."""
        shares: dict[TradingSocket, list[Told]] = {}
        for change in changes:
            watchers = self._watchers.get((change.host, change.account_id)) if change.event else None
            if not watchers:
                continue
            told = (change.kind, change.event, change.raw or encode(change.entity))
            for socket in watchers:
                if socket.wants(change.kind):
                    shares.setdefault(socket, []).append(told)
        for socket, share in shares.items():
            self._deliver(socket, share)

    def _deliver(self, socket: TradingSocket, share: list[Told]) -> None:
        if not self._faults:
            socket.connection.push(*map(_props, share))
            return
        subject = Subject("events", socket.host, "socket", socket.user_name)
        faults = {fault.kind: fault for fault in self._faults.take_all(EVENT_KINDS, subject)}
        if "drop_events" in faults:
            return
        messages = _distorted(share, faults)
        if "delay_events" in faults:
            seconds = float(faults["delay_events"].get("ms", 500)) / 1000
            self._later(seconds, lambda: socket.connection.push(*messages))
        else:
            socket.connection.push(*messages)

    def hides_net_price(self, socket: TradingSocket) -> bool:
        """Whether a fault wants the snapshot without the average prices."""
        subject = Subject("events", socket.host, "socket", socket.user_name)
        return self._faults.take(frozenset({"missing_net_price"}), subject) is not None

    def shut_down(self, connections: Iterable[Connection], code: str, reason: str) -> int:
        """Tell a reason and close. Returns how many were told."""
        message = encode({"e": "shutdown", "d": {"reasonCode": code, "reason": reason}})
        count = 0
        for connection in list(connections):
            connection.push(message)
            connection.close()
            count += 1
        return count


def _props(told: Told) -> bytes:
    return b'{"e":"props","d":{"entityType":"%s","eventType":"%s","entity":%s}}' % (
        told[0].encode(),
        told[1].encode(),
        told[2],
    )


def _distorted(share: list[Told], faults: dict[str, Fault]) -> list[bytes]:
    if "missing_net_price" in faults:
        share = [(kind, event, _without_net_price(kind, raw)) for kind, event, raw in share]
    if "reorder_events" in faults:
        share = sorted(share, key=lambda told: FIRST_WHEN_REORDERED.get(told[0], 9))
    messages = _as_arrays(share) if "array_entity" in faults else [_props(told) for told in share]
    if "duplicate_events" in faults:
        messages = messages * max(int(faults["duplicate_events"].get("times", 2)), 1)
    return messages


def _without_net_price(kind: str, raw: bytes) -> bytes:
    if kind != "position":
        return raw
    return encode({name: value for name, value in decode(raw).items() if name != "netPrice"})


def _as_arrays(share: list[Told]) -> list[bytes]:
    """Neighbours of one kind become one message whose entity is an array."""
    grouped: list[tuple[str, str, list[bytes]]] = []
    for kind, event, raw in share:
        if grouped and grouped[-1][:2] == (kind, event):
            grouped[-1][2].append(raw)
        else:
            grouped.append((kind, event, [raw]))
    return [_props((kind, event, b"[" + b",".join(raws) + b"]")) for kind, event, raws in grouped]
