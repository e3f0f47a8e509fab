"""Executing one signal: prepare each account, plan, write and claim in batches, send, and see every order to its end.

Accounts whose session is in step and whose lane is free are planned at once; the others join as they become ready, so that
one slow login never delays the rest (law 8).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING
from uuid import UUID

from strategies.engine import reading, sql
from strategies.engine.again import instruction_of, occasion_of
from strategies.engine.batches import BatchWriter
from strategies.engine.context import AccountContext, SignalContext
from strategies.engine.limits import complete_facts
from strategies.engine.orders import AccountRun, plan_orders
from strategies.engine.preparing import Preparer
from strategies.engine.quotes import symbols_of
from strategies.engine.turns import Turn
from strategies.execution import bringback
from strategies.execution.denials import explain
from strategies.execution.gate import Occasion
from strategies.execution.planner import Instruction, plan_account
from tradeproject.common.crashpoints import crash_point
from tradeproject.common.postgres import DATABASE_AWAY

if TYPE_CHECKING:
    from strategies.engine.runner import ExecutionEngine

logger = logging.getLogger(__name__)

REMEMBERED = 2000
FIRST = 5  # accounts read with the signal itself: their orders leave before the others are known
PART = 200  # accounts read at once after them
GAVE_UP = (
    "The server failed {failures} times to carry out this alert and has stopped trying. Accounts without an order below got "
    "none: check their positions. The operator finds the reason in the log."
)

SWITCHED_OFF = "The strategy was switched off while the alert waited for its time, so nothing was sent."


class ShardLost(Exception):
    """Another executor may hold the shard now: nothing more is sent from here until it is ours again."""


class SignalExecutor:
    def __init__(self, engine: ExecutionEngine) -> None:
        self._engine = engine
        self._preparer = Preparer(engine)
        self._taken: dict[UUID, None] = {}
        # Whoever wants pauses between batches gets whole ones.
        self._first = engine.batch_size if engine.batch_delay else min(FIRST, engine.batch_size)

    def has_taken(self, signal_id: UUID) -> bool:
        """Whether this executor took the signal a while ago. Whatever became of it then, the sweeper sees to the rest."""
        return signal_id in self._taken

    def _remember(self, signal_id: UUID) -> None:
        self._taken[signal_id] = None
        if len(self._taken) > REMEMBERED:
            del self._taken[next(iter(self._taken))]

    async def execute(self, signal_id: UUID) -> None:
        """Carry out one signal if it is free. What fails on the way is tried again by the sweeper, at most a few times."""
        arrival = self._engine.turns.arrive()
        try:
            signal = await self._load(signal_id)
            if signal is None:
                return
            crash_point("after_signal_claim")
            self._remember(signal_id)
            await arrival.others_read()
            turn = self._engine.turns.queue(signal.strategy_id)
        finally:
            arrival.done()
        self._engine.executing.add(signal.id)
        try:
            current = await self._reload(signal) if await turn.wait(signal.read_at) else signal
            if current is not None:
                await self._run(current, turn)
        except (*DATABASE_AWAY, ShardLost) as error:
            logger.warning("signal put off", extra={"signal": str(signal.id), "reason": str(error)[:200]})
            self._engine.put_off[signal.id] = False
        except Exception:  # the edge of one signal
            logger.exception("signal failed", extra={"signal": str(signal.id)})
            self._engine.put_off[signal.id] = True
        finally:
            turn.leave()
            self._engine.executing.discard(signal.id)

    async def _load(self, signal_id: UUID) -> SignalContext | None:
        engine = self._engine
        try:
            async with engine.pool.connection() as connection:
                return await reading.load(
                    connection, signal_id, engine.worker, engine.timings.signal_lease, self._first
                )
        except reading.TooManyAttempts as error:
            await self._give_up(error.claim)
        except (
            KeyError,
            ValueError,
            TypeError,
        ):  # a stored alert that cannot be read: bounded by its attempts
            logger.exception("signal cannot be read", extra={"signal": str(signal_id)})
            engine.put_off[signal_id] = True
        except DATABASE_AWAY as error:
            logger.warning("signal not read", extra={"signal": str(signal_id), "reason": str(error)[:200]})
            engine.put_off[signal_id] = False
        return None

    async def _reload(self, signal: SignalContext) -> SignalContext | None:
        async with self._engine.pool.connection() as connection:
            return await reading.reload(connection, signal, self._first)

    async def _give_up(self, claim: reading.Claim) -> None:
        message = GAVE_UP.format(failures=claim.attempts - 1)
        logger.error("signal given up", extra={"signal": str(claim.id), "attempts": claim.attempts - 1})
        arguments = {"signal": claim.id, "fence": claim.fence, "message": message}
        async with self._engine.pool.connection() as connection:
            await connection.execute(sql.GIVE_UP_SIGNAL, arguments)
        problem = {"code": "EXECUTION_FAILED", "message": message}
        self._engine.writer.denied(claim.user_id, claim.id, claim.strategy_id, problem)

    # --- one signal --------------------------------------------------------------------------------------------------

    async def _run(self, signal: SignalContext, turn: Turn) -> None:
        if signal.overtaken and (signal.alert.mode == "target" or signal.is_delayed):
            await self._supersede(signal, "SIGNAL_SUPERSEDED", explain("SIGNAL_SUPERSEDED", {}))
            return
        if signal.is_delayed and not signal.active:
            await self._supersede(signal, "strategy_inactive", SWITCHED_OFF)
            return
        instruction = instruction_of(signal)
        work = _Execution(self._engine, signal, instruction, turn)
        try:
            if signal.source in bringback.SOURCES:
                await self._read_all(signal)
                signal.keep_only(bringback.allocation_of(signal.source, signal.alert))
            elif signal.limits.count_everybody():
                await self._read_all(signal)
            signal.facts = complete_facts(signal, instruction, self._engine.paces)
            await self._carry_out(work, signal)
        finally:
            work.let_go()
        self._engine.writer.finish(signal.id)

    async def _carry_out(self, work: _Execution, signal: SignalContext) -> None:
        """Part after part of the accounts, so that the first orders leave before the last account is known. A slow one delays
        none.
        """
        later: dict[asyncio.Task[None], AccountRun] = {}
        try:
            async with aclosing(self._parts(signal)) as parts:
                with self._engine.rush.of(signal.account_count):
                    async for accounts, is_last in parts:
                        await self._take_part(work, accounts, later, is_last=is_last)
            while later:
                finished, _ = await asyncio.wait(later, return_when=asyncio.FIRST_COMPLETED)
                await work.batches([later.pop(task) for task in finished if _is_prepared(task)])
        finally:
            for task in later:
                task.cancel()
        await asyncio.gather(*work.sends, return_exceptions=True)

    async def _take_part(
        self,
        work: _Execution,
        accounts: list[AccountContext],
        later: dict[asyncio.Task[None], AccountRun],
        *,
        is_last: bool,
    ) -> None:
        signal = work.signal
        runs = work.take(accounts)
        await self._engine.instruments.attach(signal, [run.account for run in runs])
        for run in runs:
            self._preparer.join(run)
        await self._engine.prices.refresh(symbols_of([run.account.view for run in runs], signal.terms.risk))
        if is_last:
            work.everybody_joined()
        await self._start(work, runs, later)

    async def _parts(self, signal: SignalContext) -> AsyncGenerator[tuple[list[AccountContext], bool]]:
        """The accounts in parts, each read while the one before it is sent, and whether it is the last."""
        accounts = list(signal.accounts)
        following: asyncio.Task[list[AccountContext]] | None = None
        try:
            while True:
                if _has_more(signal, accounts):
                    following = asyncio.create_task(self._read_on(signal))
                yield accounts, following is None
                if following is None:
                    return
                accounts, following = await following, None
        finally:
            if following is not None:
                following.cancel()

    async def _read_all(self, signal: SignalContext) -> None:
        """Every account before the first order."""
        last = signal.accounts
        while _has_more(signal, last):
            last = await self._read_on(signal)

    async def _read_on(self, signal: SignalContext) -> list[AccountContext]:
        """The next accounts of the signal."""
        async with self._engine.pool.connection() as connection:
            found = await reading.read_more(connection, signal, signal.accounts[-1].allocation_id, PART)
        signal.accounts.extend(found)
        return found

    async def _start(
        self, work: _Execution, runs: list[AccountRun], later: dict[asyncio.Task[None], AccountRun]
    ) -> None:
        """Plan and send who is ready, a batch at a time; the others get ready beside."""
        size = self._engine.batch_size
        for start in range(0, max(1, len(runs)), size):
            batch = runs[start : start + size]
            ready = [run for run in batch if self._preparer.prepare_now(run)]
            for run in batch:
                if run not in ready:
                    preparing = self._preparer.prepare(run, work.instruction, work.occasion)
                    later[asyncio.create_task(preparing)] = run
            # The plan of the strategy as a whole is told first, for the signal that comes next.
            await work.batches(ready)

    async def _supersede(self, signal: SignalContext, code: str, message: str) -> None:
        """A target that fired before what was already applied says nothing new; what waited for its time may be outdated."""
        arguments = {"signal": signal.id, "fence": signal.fence, "code": code, "message": message}
        async with self._engine.pool.connection() as connection:
            await connection.execute(sql.SUPERSEDE_SIGNAL, arguments)


def _has_more(signal: SignalContext, last: list[AccountContext]) -> bool:
    """Whether accounts follow after the ``last`` part."""
    return bool(last) and len(signal.accounts) < signal.account_count


def _is_prepared(task: asyncio.Task[None]) -> bool:
    """True also for an account that could not be prepared: it is planned as one whose position nobody knows. A database that is
    away ends the attempt instead: no exit may be denied over it.
    """
    error = task.exception()
    if isinstance(error, DATABASE_AWAY):
        raise error
    if error is not None:
        logger.error("account not prepared", exc_info=error)
    return True


class _Execution:
    """One signal's batches: planned, written and claimed, then handed to their senders."""

    def __init__(
        self, engine: ExecutionEngine, signal: SignalContext, instruction: Instruction, turn: Turn
    ) -> None:
        self._engine, self.signal, self._turn = engine, signal, turn
        self.instruction = instruction
        self.sends: list[asyncio.Task[None]] = []
        self._runs: list[AccountRun] = []
        self._handed_over: set[AccountRun] = set()
        self._writer = BatchWriter(engine, signal, instruction)
        self._is_told = self._joined = False

    def take(self, accounts: list[AccountContext]) -> list[AccountRun]:
        """Runs for these accounts, held until their senders take over. Who has this signal's orders already gets none."""
        signal = self.signal
        planned = {
            o["broker_account_id"] for a in accounts for o in a.open_orders if o["signal_id"] == signal.id
        }
        runs = [AccountRun(signal=signal, account=a) for a in accounts if a.account_id not in planned]
        for run in runs:
            run.hold()
        self._runs += runs
        return runs

    def let_go(self) -> None:
        """Give back what no sender took over."""
        for run in self._runs:
            if run not in self._handed_over:
                run.let_go()

    def everybody_joined(self) -> None:
        """Every account's lane is taken or queued for: once the plan is told, the strategy's next signal may go on."""
        self._joined = True
        self._pass_on()

    def _pass_on(self) -> None:
        if self._joined and self._is_told:
            self._turn.leave()

    def occasion(self, account: AccountContext) -> Occasion:
        return occasion_of(self._engine, self.signal, account)

    async def batches(self, runs: list[AccountRun]) -> None:
        """Write one batch, start sending it, write the next one meanwhile."""
        size, delay = self._engine.batch_size, self._engine.batch_delay
        if not runs and not self._is_told:
            await self._write([])
        for start in range(0, len(runs), size):
            batch = runs[start : start + size]
            if delay and self.sends:
                await asyncio.sleep(delay)
            for run in batch:
                self._plan(run)
            await self._write(batch)
            for run in batch:
                self._handed_over.add(run)
                self.sends.append(self._engine.spawn(self._engine.sender.run_account(run)))

    def _plan(self, run: AccountRun) -> None:
        signal, occasion = self.signal, self.occasion(run.account)
        run.plan = plan_account(signal.alert, self.instruction, signal.terms, run.account.view, occasion)
        plan_orders(run)

    async def _write(self, batch: list[AccountRun]) -> None:
        if not self._engine.holds_shard:
            raise ShardLost("the shard's lock was lost")
        await self._writer.write(batch)
        self._is_told = True
        self._pass_on()
