"""Getting an account ready for a signal: its lane is ours, its position is known, and nothing of ours is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from psycopg.rows import DictRow

from brokers.books import PositionBook
from brokers.domain import Side
from brokers.sessions import BrokerSession
from strategies.engine import context as contexts
from strategies.engine import reading, steps
from strategies.engine.context import AccountContext
from strategies.engine.lanes import Lane
from strategies.engine.orders import AccountRun
from strategies.engine.positions import still_out
from strategies.execution.gate import Occasion
from strategies.execution.planner import Instruction, Kind, plan_account
from strategies.execution.terms import AccountFacts, Purpose

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

DECIDED_STEP = 0.1


class Preparer:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine

    def join(self, run: AccountRun) -> None:
        """Take the account's lane, or a place in its queue, in the order in which the signals came."""
        if run.account.is_tradable and run.account.instrument_id is not None and run.ticket is None:
            run.ticket = self._engine.lanes.get(run.account.lane_key).join(run.signal.strategy_id)

    # --- at once -------------------------------------------------------------------------------------------------------

    def prepare_now(self, run: AccountRun) -> bool:
        """Without waiting: the session is in step, the lane free, and what was read is still true."""
        account = run.account
        if not account.is_tradable:
            self._see(run, None, None)
            return True
        instrument, lane = account.view.instrument, run.lane
        if instrument is None or lane is None or run.ticket is None or not run.ticket.is_served:
            return False
        if account.is_shared or lane.touched_at >= account.read_at or not self._engine.holds_shard:
            return False
        session = self._engine.sessions.get(account.session_key)
        net = self._engine.positions.trusted(session, (account.ref.id, instrument.venue_id), lane)
        if net is None or self._undecided(run, session) or self._engine.brackets.in_the_way(run, session):
            return False
        if not net and session.positions.instruments_held(account.ref.id):
            return False
        if steps.matter(run.signal, account) and (net or account.open_orders):
            return False
        self._see(run, session, net)
        return True

    # --- with patience ---------------------------------------------------------------------------------------------------

    async def prepare(
        self, run: AccountRun, instruction: Instruction, occasion: Callable[[AccountContext], Occasion]
    ) -> None:
        account = run.account
        if account.view.instrument is None:
            await self._engine.instruments.learn(run.signal, account, run.signal.accounts)
            self.join(run)
        if run.ticket is None or run.lane is None:
            self._see(run, None, None)
            return
        lane = run.lane
        await run.ticket.wait()
        if lane.touched_at >= account.read_at:
            await self._read_again(run)
        session = self._engine.sessions.get(account.session_key)
        if steps.matter(run.signal, account) and not instruction.reduces_only:
            await steps.read_steps(self._engine, run.signal, account)
        if instruction.kind is not Kind.CANCEL:
            await self._look(
                run,
                session,
                lane,
                patience=self._patience(instruction),
                side=None if instruction.reduces_only else instruction.side,
            )
            if self._undecided(run, session) and self._would_exit(run, instruction, occasion(account)):
                await self._await_decision(run, session, lane)
        if (
            account.view.net is not None or instruction.kind is Kind.CANCEL
        ) and self._engine.brackets.in_the_way(run, session):
            await self._clear(run, session, lane, instruction, occasion(account))

    def _patience(self, instruction: Instruction) -> float:
        """An exit keeps asking for its position, and so does a target, which may turn out to be one. An entry is refused sooner,
        but not while its login is being opened, as after a restart.
        """
        timings = self._engine.timings
        return timings.entry_patience if instruction.kind is Kind.ENTER else timings.exit_patience

    async def _read_again(self, run: AccountRun) -> None:
        """Others used the lane since the signal was read."""
        async with self._engine.pool.connection() as connection:
            await reading.reread_account(connection, run.signal.id, run.account)

    async def _clear(
        self,
        run: AccountRun,
        session: BrokerSession,
        lane: Lane,
        instruction: Instruction,
        occasion: Occasion,
    ) -> None:
        if not await self._engine.brackets.clear_the_way(run, session, instruction, occasion):
            return
        if instruction.kind is Kind.CANCEL:
            return
        # With the stream in step its doubts tell whether a leg was filled meanwhile; else only a new question does.
        since = 0.0 if session.is_synced else asyncio.get_running_loop().time()
        await self._look(run, session, lane, patience=self._engine.timings.exit_patience, since=since)

    # --- the position ------------------------------------------------------------------------------------------------------

    async def _look(
        self,
        run: AccountRun,
        session: BrokerSession,
        lane: Lane,
        *,
        patience: float,
        since: float = 0.0,
        side: Side | None = None,
    ) -> None:
        """Find out what the account holds, and on which contract, and note it on its view. ``side`` is where it shall go."""
        account, positions = run.account, self._engine.positions
        instrument = account.view.instrument
        if instrument is None:
            return
        key = (account.ref.id, instrument.venue_id)
        book: PositionBook | None = session.positions
        net = None
        if since <= 0:
            net = await positions.find_in_stream(session, key, lane)
        if net is None:
            book = await positions.ask(session, lane, patience=patience, since=since)
            net = None if book is None else book.net(key)
        account.held = None
        if net is not None and not net and book is not None:
            other = await self._engine.instruments.other_contract(
                account, book.instruments_held(account.ref.id)
            )
            if other is not None:
                account.held = other
                net = book.net((account.ref.id, other.instrument.venue_id))
        if side is not None and net is not None and net * side.sign >= 0:
            patience = 0.0  # an entry is refused rather than kept waiting for the record
        self._see(run, session, net, *await self._own_share(run, net, patience))

    async def _own_share(
        self, run: AccountRun, net: Decimal | None, patience: float
    ) -> tuple[Decimal | None, ...]:
        """On an account that several strategies trade, this one acts only on what it holds itself. An exit waits ``patience``
        seconds for a record that lags behind: one that is refused for it would be lost.
        """
        account = run.account
        contract = account.contract(Purpose.EXIT)
        if not account.is_shared or net is None or contract is None:
            return ()
        others = await self._engine.positions.held_by_others(
            account.session_key.connection_id,
            account.account_id,
            contract.row_id,
            run.signal.strategy_id,
            patience=patience,
        )
        return (None if others is None else net - others,)

    def _see(
        self, run: AccountRun, session: BrokerSession | None, net: Decimal | None, *own: Decimal | None
    ) -> None:
        account, gone = run.account, run.canceled_entries
        run.seen_at = self._engine.pulse.now()
        account.view = replace(
            account.view,
            net=own[0] if own else net,
            held=net,
            reconciled=net is not None or not account.is_tradable,
            working_buys=contexts.resting(account, Side.BUY, gone),
            working_sells=contexts.resting(account, Side.SELL, gone),
            unknown_orders=len(self._undecided(run, session)) if session is not None else 0,
            recent=contexts.recent_orders(account, run.signal.id),
            facts=self._facts(run),
        )

    def _facts(self, run: AccountRun) -> AccountFacts:
        """What the account's limits are measured against, as far as it is known without asking anybody."""
        account, paces, others = run.account, self._engine.paces, run.signal.strategy_id
        contract = account.view.instrument
        return replace(
            account.view.facts,
            working_orders=contexts.working(account, run.signal.id, run.canceled_entries),
            others_buying=contexts.of_others(account, others, Side.BUY) if account.is_shared else "",
            others_selling=contexts.of_others(account, others, Side.SELL) if account.is_shared else "",
            sent_lately=paces.sent_lately(account.account_id),
            rejects_in_a_row=paces.rejects_in_a_row((account.session_key, account.ref.id)),
            quote=self._engine.prices.fact(contract.venue_symbol) if contract is not None else None,
            stream_down_seconds=paces.stream_down_seconds(account.session_key),
            built=steps.built(account, run.canceled_entries),
        )

    # --- orders of which nobody knows ----------------------------------------------------------------------------------------

    def _undecided(self, run: AccountRun, session: BrokerSession) -> list[DictRow]:
        """Earlier orders in this contract that may still change the position without anybody knowing: of unknown outcome, or
        exits that work on.
        """
        account = run.account
        return [
            order
            for order in account.open_orders
            if order["instrument_id"] in account.row_ids
            and order["signal_id"] != run.signal.id
            and (order["status"] in {"unknown", "submitted"} or order["purpose"] != Purpose.ENTRY.value)
            and still_out(session, account.ref.id, order)
        ]

    def _would_exit(self, run: AccountRun, instruction: Instruction, occasion: Occasion) -> bool:
        view, signal = run.account.view, run.signal
        plan = plan_account(signal.alert, instruction, signal.terms, view, occasion)
        return instruction.reduces_only or any(draft.purpose is Purpose.EXIT for draft in plan.drafts)

    async def _await_decision(self, run: AccountRun, session: BrokerSession, lane: Lane) -> None:
        """An exit first waits for what may still arrive: closing beside it could close twice, and so open (law 5)."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._engine.timings.exit_patience
        while self._undecided(run, session) and loop.time() < deadline:
            await asyncio.sleep(DECIDED_STEP)
            await self._read_again(run)
        if self._undecided(run, session):
            self._see(run, session, None)
        else:
            await self._look(
                run, session, lane, patience=self._engine.timings.exit_patience, since=loop.time()
            )
