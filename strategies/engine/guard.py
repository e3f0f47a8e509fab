"""The naked-position guard: what a strategy wants protected and no working stop protects gets a stop again, or is closed.

``protection.py`` places what is known to be missing. This looks at the account itself: a stop may have been canceled at the
broker by hand, have expired with the day, or be refused again and again, while its position stands.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from brokers.domain import Side
from brokers.sessions import SessionKey
from strategies.engine import sql
from strategies.execution.guard import Entry, Need, naked_entries
from strategies.execution.terms import ZERO

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)

# Of the places where a position is open and no stop at the broker covers it: the latest entries that were to have a stop.
SUSPECTS = """
SELECT o.id, o.broker_account_id, o.instrument_id, o.strategy_id, o.user_id, a.external_id, a.name AS account_name,
       a.environment,
       a.connection_id, i.venue_id, i.venue_symbol
  FROM jsonb_to_recordset(%(places)s) AS p(connection uuid, environment text, account text, instrument text)
  JOIN brokers_brokeraccount AS a
    ON a.connection_id = p.connection AND a.environment = p.environment AND a.external_id = p.account
  JOIN brokers_brokerconnection AS c ON c.id = a.connection_id
  JOIN brokers_instrument AS i ON i.broker = c.broker AND i.environment = p.environment AND i.venue_id = p.instrument
 CROSS JOIN LATERAL (
    SELECT e.* FROM strategies_order AS e
     WHERE e.broker_account_id = a.id AND e.instrument_id = i.id AND e.purpose = 'entry' AND e.filled_quantity > 0
     ORDER BY e.id DESC LIMIT 20) AS o
  JOIN strategies_bracketleg AS l ON l.order_id = o.id AND l.kind = 'stop_loss'
 WHERE l.status IN ('canceled', 'expired', 'rejected', 'pending')
 ORDER BY o.id DESC
"""

# All that happened at one account and contract, oldest first: what of each entry can still be open.
HISTORY = """
SELECT o.id, o.purpose, o.side, o.strategy_id, o.filled_quantity, o.status, o.signal_id, o.planned_at,
       coalesce((SELECT sum(l.filled_quantity) FROM strategies_bracketleg AS l WHERE l.order_id = o.id), 0) AS closed,
       (SELECT l.status FROM strategies_bracketleg AS l WHERE l.order_id = o.id AND l.kind = 'stop_loss') AS stop_status,
       coalesce((SELECT l.quantity - l.filled_quantity FROM strategies_bracketleg AS l
                  WHERE l.order_id = o.id AND l.kind = 'stop_loss'), 0) AS stop_quantity
  FROM strategies_order AS o
 WHERE o.broker_account_id = %(account)s AND o.instrument_id = %(instrument)s AND o.status <> 'denied'
   AND o.planned_at > clock_timestamp() - interval '30 days'
 ORDER BY o.id
"""

CLOSING = """
SELECT 1 FROM strategies_order WHERE broker_account_id = %(account)s AND instrument_id = %(instrument)s
   AND purpose <> 'entry' AND status IN ('pending', 'submitted', 'unknown', 'accepted', 'partially_filled') LIMIT 1
"""

STOP_OF = """
SELECT id, kind, "offset", price, "trailing", fixed, quantity, client_order_id, venue_order_id, status, filled_quantity
  FROM strategies_bracketleg WHERE order_id = %(order)s AND kind = 'stop_loss'
"""

Place = tuple[UUID, int]


@dataclass(slots=True)
class Watch:
    """A place that stands naked: since when (loop time), and whether a stop was already tried for it."""

    since: float
    tried_at: float | None = None
    told: set[str] = field(default_factory=set)


class Guard:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._watched: dict[Place, Watch] = {}
        self._busy: set[Place] = set()

    async def check(self) -> None:
        """Look at every entry whose stop does not work. Who stands naked for too long is acted on."""
        places: dict[Place, DictRow] = {}
        open_now = self._uncovered()
        if open_now:
            async with self._engine.pool.connection() as connection:
                arguments = {"places": Jsonb(open_now)}
                rows = await (await connection.execute(SUSPECTS, arguments)).fetchall()
            for row in rows:
                places.setdefault((row["broker_account_id"], row["instrument_id"]), row)
        self._watched = {place: watch for place, watch in self._watched.items() if place in places}
        for place, row in places.items():
            if place not in self._busy and self._engine.lanes.get(place).holder is None:
                self._busy.add(place)
                self._engine.spawn(self._look(place, row))

    def _uncovered(self) -> list[dict[str, str]]:
        """Open positions that no working stop at the broker covers, from what the streams told."""
        found = []
        for key, session in self._engine.sessions.sessions.items():
            for report in session.positions.open_positions() if session.is_synced else ():
                place = (report.account_id, report.venue_instrument_id)
                against = Side.of(-report.net_quantity)
                if session.orders.stopped(*place, against) < abs(report.net_quantity):
                    found.append(
                        {
                            "connection": str(key.connection_id),
                            "environment": key.environment,
                            "account": place[0],
                            "instrument": place[1],
                        }
                    )
        return found

    async def _look(self, place: Place, row: DictRow) -> None:
        try:
            needs = await self._needs(place, row)
            if not needs:
                self._watched.pop(place, None)
                return
            now = asyncio.get_running_loop().time()
            watch = self._watched.setdefault(place, Watch(since=now))
            if now - watch.since >= self._engine.timings.naked:
                await self._in_lane(place, row, watch)
        finally:
            self._busy.discard(place)

    async def _needs(self, place: Place, row: DictRow) -> list[Need]:
        session = self._engine.sessions.peek(SessionKey(row["connection_id"], row["environment"]))
        net = session.net(row["external_id"], row["venue_id"]) if session is not None else None
        if not net:
            return []
        arguments = {"account": place[0], "instrument": place[1]}
        async with self._engine.pool.connection() as connection:
            history = await (await connection.execute(HISTORY, arguments)).fetchall()
        return naked_entries(net, map(_entry, history))

    async def _in_lane(self, place: Place, row: DictRow, watch: Watch) -> None:
        """Act when nobody else does, on the position as the venue tells it now."""
        ticket = self._engine.lanes.get(place).join()
        try:
            async with asyncio.timeout(self._engine.timings.lane_wait):
                await ticket.wait()
            session = self._engine.sessions.get(SessionKey(row["connection_id"], row["environment"]))
            now = asyncio.get_running_loop().time()
            if await self._engine.positions.ask(session, ticket.lane, since=now) is None:
                return  # not known: looked at again
            for need in await self._needs(place, row):
                await self._act(place, row, need, watch)
        except TimeoutError:
            return
        finally:
            ticket.leave()

    async def _act(self, place: Place, row: DictRow, need: Need, watch: Watch) -> None:
        async with self._engine.pool.connection() as connection:
            arguments = {"account": place[0], "instrument": place[1]}
            if await (await connection.execute(CLOSING, arguments)).fetchone():
                return
            leg = await (await connection.execute(STOP_OF, {"order": need.order_id})).fetchone()
        now = asyncio.get_running_loop().time()
        first = watch.tried_at is None
        if leg is not None and (first or now - (watch.tried_at or 0) < self._engine.timings.naked):
            watch.tried_at = watch.tried_at or now
            if first:
                await self._tell(
                    row, need, "It stood without its stop. A new one is placed at the distance asked for."
                )
            await self._engine.protection.stand_again(need.order_id, [leg], need.quantity)
            return
        await self._tell(
            row, need, "It stood without its stop, and none can be placed: the position is closed."
        )
        await self._engine.protection.close(need.order_id, need.quantity)
        self._watched.pop(place, None)

    async def _tell(self, row: DictRow, need: Need, text: str) -> None:
        logger.error("a position without its stop", extra={"order": str(need.order_id), "text": text})
        self._engine.writer.event(need.order_id, "guard", text)
        data = {
            "order": str(need.order_id),
            "strategy": str(row["strategy_id"]) if row["strategy_id"] else None,
            "account": row["account_name"],
            "symbol": row["venue_symbol"],
            "text": text,
        }
        told: list[dict[str, Any]] = [{"type": "guard.acted", "user_id": str(row["user_id"]), "data": data}]
        async with self._engine.pool.connection() as connection, connection.transaction():
            await connection.execute(sql.INSERT_DOMAIN_EVENTS, {"rows": Jsonb(told)})
            await connection.execute(sql.TELL, {"channel": "domain_events"})


def _entry(row: DictRow) -> Entry:
    return Entry(
        order_id=row["id"],
        is_entry=row["purpose"] == "entry",
        closes_all=row["purpose"] == "flatten",
        side=Side(row["side"]),
        filled=row["filled_quantity"],
        closed=row["closed"],
        stop=row["stop_status"],
        stop_quantity=row["stop_quantity"] or ZERO,
    )
