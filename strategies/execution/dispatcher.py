"""Sending: one claimed order through its login's session, within its budget and its lease. No database in here.

The dispatcher repeats a command only when the venue proved that it did nothing and may take it later, and only while the
claim is still ours. Whatever else happens is answered by one of the three outcomes, never by an exception; an answer that
does not come in time is the third of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from brokers.breaker import Circuit
from brokers.domain import Outcome, SubmitResult
from brokers.errors import BrokerError
from brokers.protocol import BrokerAdapter
from brokers.ratelimit import SLOW_DOWN_CODES, Lane, LoginBudget
from tradeproject.common.crashpoints import crash_point

logger = logging.getLogger(__name__)

LEASE_SECONDS = 15.0
LEASE_MARGIN = 3.0  # an order is not begun when less than this is left of its lease
SEND_SECONDS = (
    10.0  # an adapter that has not answered by then hangs: what became of the order only the venue knows
)
NOTICED_SECONDS = 0.25  # who waited longer asks again whether the order may still go
LONGEST_WAIT = 30.0
CLAIM_LOST = "CLAIM_LOST"
NOT_CONNECTED = "SESSION_DOWN"
UNREACHABLE = "BROKER_UNREACHABLE"


class Session(Protocol):
    """What the dispatcher needs of ``brokers.sessions.BrokerSession``."""

    adapter: BrokerAdapter | None
    budget: LoginBudget
    circuit: Circuit

    async def ready(self, seconds: float) -> bool: ...


def _always(_: float) -> bool:
    return True


@dataclass(slots=True)
class Dispatch:
    """One claimed order on its way. ``deadline`` is loop time; after it the order is not begun any more.

    ``find_session`` is asked before every try: a login that was reconnected has a new one.
    """

    order_id: UUID
    fence: int
    lane: Lane
    find_session: Callable[[], Session]
    command: Callable[[BrokerAdapter], Awaitable[SubmitResult]]
    claimed_until: float
    deadline: float
    send_seconds: float = SEND_SECONDS
    lease_margin: float = LEASE_MARGIN
    decided_at: float = 0.0
    """When it was decided, in the time of ``is_fresh``, which tells whether that still holds."""
    is_fresh: Callable[[float], bool] = _always
    tries: int = 0
    sent_at: float | None = None
    """When it was begun, in loop time: no wall clock decides how long ago an order was sent."""
    answered_at: float | None = None


Confirm = Callable[[Dispatch], Awaitable[SubmitResult | None]]
"""Renews the claim, and what was decided if that is old; what comes back, if anything, is why the order must not go (not ours any
more, trading halted, nothing left to close)."""


async def dispatch(item: Dispatch, confirm: Confirm) -> SubmitResult:
    """Send ``item`` and return what is known. A result with ``not_taken`` says that nothing left, or nothing was taken."""
    loop = asyncio.get_running_loop()
    asked_at = loop.time()
    while True:
        if not await _take_turn(item):
            return SubmitResult.refused_for_now(
                "BUDGET_USED_UP", "This login's calls were used up by earlier orders.", None
            )
        waited = loop.time() - asked_at > NOTICED_SECONDS
        is_late = loop.time() > item.claimed_until - item.lease_margin
        if waited or is_late or not item.is_fresh(item.decided_at):
            objection = await confirm(item)
            if objection is not None:
                return objection
            if _is_too_late(item):
                return SubmitResult.refused_for_now("TOO_LATE", "This server stood still meanwhile.", None)
        asked_at = loop.time()
        result = _unreachable(item) or await _attempt(item)
        wait = _retry_after(item, result, loop.time())
        if result.not_taken:
            _slow_down(item.find_session().budget, result, wait)
        if wait is None:
            return result
        await asyncio.sleep(wait)


def _slow_down(budget: LoginBudget, result: SubmitResult, wait: float | None) -> None:
    """The venue took nothing for now: the login's next orders wait too, and go slower if it were too many."""
    seconds = 0.0
    if result.retry_after and result.code not in {NOT_CONNECTED, UNREACHABLE}:
        # An order without time left holds the next ones too, but no hour long: a person may end a penalty.
        seconds = min(result.retry_after, LONGEST_WAIT) if wait is None else result.retry_after
    if result.code in SLOW_DOWN_CODES:
        budget.slow_down(seconds)
    elif seconds:
        budget.hold(seconds)


async def _take_turn(item: Dispatch) -> bool:
    """Wait for room in the login's budget, at most until the deadline."""
    left = item.deadline - asyncio.get_running_loop().time()
    if _is_too_late(item):
        return False
    budget = item.find_session().budget
    if budget.try_take(item.lane):
        return True
    try:
        async with asyncio.timeout(left):
            await budget.take(item.lane)
    except TimeoutError:
        return False
    return True


def _is_too_late(item: Dispatch) -> bool:
    """Exits and cancels never are."""
    return item.deadline <= asyncio.get_running_loop().time() and item.lane > Lane.CANCEL


def _unreachable(item: Dispatch) -> SubmitResult | None:
    """Why an entry must not be tried now: nobody answered at this login or host. Exits and cancels are tried in any case."""
    if item.lane <= Lane.CANCEL:
        return None
    circuit = item.find_session().circuit
    if circuit.begin():
        return None
    item.tries += 1
    return SubmitResult.refused_for_now(UNREACHABLE, circuit.reason(), max(circuit.seconds_left(), 0.2))


async def _attempt(item: Dispatch) -> SubmitResult:
    session = item.find_session()
    circuit = session.circuit
    try:
        result = await _try_once(item, session)
    except BaseException:
        circuit.give_back()
        raise
    if result.code == NOT_CONNECTED:
        circuit.give_back()
    else:
        circuit.note(result)
    return result


async def _try_once(item: Dispatch, session: Session) -> SubmitResult:
    item.tries += 1
    if session.adapter is None:
        await session.ready(item.lease_margin / 2)
    adapter = session.adapter
    if adapter is None:
        return SubmitResult.refused_for_now(
            NOT_CONNECTED, "The broker login has no connection at the moment.", 0.5
        )
    loop = asyncio.get_running_loop()
    item.sent_at = loop.time()
    crash_point("before_socket_write")
    try:
        async with asyncio.timeout(item.send_seconds):
            result = await item.command(adapter)
        crash_point("after_response")
        return result
    except TimeoutError:
        return SubmitResult.unknown("NO_ANSWER", "The broker did not answer in time. It is being looked up.")
    except BrokerError as error:
        return SubmitResult.unknown(error.code, error.message)
    except Exception as error:  # the edge of one account: an adapter's crash must not touch another's (law 8)
        logger.exception("adapter crashed while sending", extra={"order": str(item.order_id)})
        return SubmitResult.unknown("ADAPTER_FAILED", f"The adapter failed with {type(error).__name__}.")
    finally:
        item.answered_at = loop.time()


def _retry_after(item: Dispatch, result: SubmitResult, now: float) -> float | None:
    """Seconds until the next try, or None when this answer stands. Waits grow, whatever the venue asks for."""
    if result.outcome is not Outcome.REJECTED or not result.not_taken:
        return None
    growing = float(min(2 ** (item.tries - 1), LONGEST_WAIT))
    wait = growing if result.retry_after is None else max(result.retry_after, 0.1 * growing)
    return wait if now + wait < item.deadline else None
