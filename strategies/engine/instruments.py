"""What the alert's symbol means at each broker of a fan-out. One answer for all accounts of a broker environment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brokers.domain import Capabilities, Instrument
from brokers.errors import BrokerError
from brokers.registry import UnknownBroker, get_spec
from brokers.services import ask_symbol, remember_symbol
from brokers.sessions import SessionKey
from strategies.engine import sql
from strategies.engine.context import AccountContext, Contract, SignalContext, instrument_from

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)

FRESH_SECONDS = 6 * 3600
CACHE_SECONDS = 30.0  # contracts are nobody's secret and change rarely; a remap is seen after this
Place = tuple[str, str]  # broker and environment


@dataclass(frozen=True, slots=True)
class Known:
    contract: Contract
    age: float
    read_at: float


class Instruments:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, str, str], Known] = {}
        self._asking: dict[tuple[str, str, str], asyncio.Task[str]] = {}
        self._by_venue_id: dict[tuple[str, str, str], Contract] = {}

    async def attach(self, signal: SignalContext, accounts: Sequence[AccountContext]) -> None:
        """Give every account the contract that our rows know. Who has none yet must ``learn`` it."""
        now = asyncio.get_running_loop().time()
        places = {account.place for account in accounts}
        if any(self._is_old(self._known.get((*place, signal.symbol)), now) for place in places):
            await self._read_rows(signal.symbol)
        for place in places:
            known = self._known.get((*place, signal.symbol))
            if known is not None and known.age + (now - known.read_at) > FRESH_SECONDS:
                self._engine.spawn(self._ask(place, signal.symbol, accounts))
        for account in accounts:
            self._give(account, signal.symbol, "")

    async def learn(
        self, signal: SignalContext, account: AccountContext, accounts: Sequence[AccountContext]
    ) -> None:
        """Ask the venue what the symbol means; accounts of one broker share the question. No answer is a reason, no error."""
        problem = await self._ask(account.place, signal.symbol, accounts)
        self._give(account, signal.symbol, problem or "Check the symbol.")

    def _give(self, account: AccountContext, symbol: str, problem: str) -> None:
        known = self._known.get((*account.place, symbol))
        account.instrument_id = known.contract.row_id if known else None
        account.view = replace(
            account.view,
            instrument=known.contract.instrument if known else None,
            instrument_problem="" if known else problem,
            capabilities=_capabilities(account.broker),
        )

    @staticmethod
    def _is_old(known: Known | None, now: float) -> bool:
        return known is None or now - known.read_at > CACHE_SECONDS

    async def _read_rows(self, symbol: str) -> None:
        now = asyncio.get_running_loop().time()
        async with self._engine.pool.connection() as connection:
            rows = await (await connection.execute(sql.INSTRUMENTS, {"symbol": symbol})).fetchall()
        for row in rows:
            contract = Contract(instrument_from(row), row["id"])
            self._known[row["broker"], row["environment"], symbol] = Known(contract, row["age"], now)

    async def other_contract(self, account: AccountContext, held: Sequence[str]) -> Contract | None:
        """Of the contracts an account holds (by the venue's ids), one of the same root as the alert's."""
        mapped = account.view.instrument
        wanted = [venue_id for venue_id in held if mapped is not None and venue_id != mapped.venue_id]
        if mapped is None or not wanted:
            return None
        await self._read_contracts(account.place, wanted)
        found = [self._by_venue_id.get((*account.place, venue_id)) for venue_id in wanted]
        return next((one for one in found if one is not None and one.instrument.root == mapped.root), None)

    async def _read_contracts(self, place: Place, venue_ids: Sequence[str]) -> None:
        unknown = [venue_id for venue_id in venue_ids if (*place, venue_id) not in self._by_venue_id]
        if not unknown:
            return
        arguments = {"broker": place[0], "environment": place[1], "ids": unknown}
        async with self._engine.pool.connection() as connection:
            rows = await (await connection.execute(sql.INSTRUMENTS_HELD, arguments)).fetchall()
        for row in rows:
            self._by_venue_id[(*place, row["venue_id"])] = Contract(instrument_from(row), row["id"])

    async def _ask(self, place: Place, symbol: str, accounts: Sequence[AccountContext]) -> str:
        """Ask one login of that broker; concurrent signals share the question. Returns why there is no answer, or ""."""
        key = (*place, symbol)
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask_venue(place, symbol, accounts))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _ask_venue(self, place: Place, symbol: str, accounts: Sequence[AccountContext]) -> str:
        keys = {a.session_key for a in accounts if a.place == place and a.is_tradable}
        reason = "No login at this broker is connected."
        for key in sorted(keys, key=lambda key: str(key.connection_id))[:3]:
            try:
                found = await self._from_login(key, symbol)
            except BrokerError as error:
                reason = error.message
                continue
            if not found:
                label = get_spec(place[0]).label
                return f"{label} knows no tradable contract for it. Check the symbol in the alert."
            await self._engine.in_thread(remember_symbol, *place, symbol, found)
            await self._read_rows(symbol)
            return ""
        return reason

    async def _from_login(self, key: SessionKey, symbol: str) -> list[Instrument]:
        session = self._engine.sessions.get(key)
        if session.adapter is None:
            await session.ready(self._engine.timings.session_wait)
        if session.adapter is None:
            raise BrokerError(session.reason or "The broker login has no connection at the moment.")
        try:
            async with asyncio.timeout(self._engine.timings.ask):
                return await ask_symbol(session.adapter, symbol)
        except TimeoutError as error:
            raise BrokerError("The broker did not answer in time. Try again in a minute.") from error
        except BrokerError:
            raise
        except Exception as error:  # the edge of one login (law 8)
            logger.exception("adapter crashed while looking for a contract")
            raise BrokerError(f"The adapter failed with {type(error).__name__}.") from error


def _capabilities(broker: str) -> Capabilities | None:
    try:
        return get_spec(broker).capabilities
    except UnknownBroker:
        return None  # its accounts are refused for want of a contract; the others go on
