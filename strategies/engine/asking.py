"""One order asked of the venue, whatever the adapter does: an answer, or a BrokerError with a sentence, in time."""

from __future__ import annotations

import asyncio
import logging

from brokers.domain import AccountRef, Call, OrderReport
from brokers.errors import BrokerError, Unavailable
from brokers.ratelimit import Lane as Priority
from brokers.sessions import BrokerSession

logger = logging.getLogger(__name__)


async def ask_order(
    session: BrokerSession,
    ref: AccountRef,
    seconds: float,
    *,
    client_order_id: str = "",
    venue_order_id: str = "",
) -> OrderReport | None:
    """The order by our handle or the venue's; None only when a successful query proves that it is not there (yet).

    Raises BrokerError when the venue could not be asked, which says nothing about the order.
    """
    adapter = session.adapter
    if adapter is None:
        raise Unavailable(session.reason or "The broker login has no connection at the moment.")
    await session.budget.take(Priority.CANCEL, Call.READS)
    try:
        async with asyncio.timeout(seconds):
            return await adapter.order_report(
                ref, client_order_id=client_order_id, venue_order_id=venue_order_id
            )
    except TimeoutError as error:
        raise Unavailable("The broker did not answer in time.") from error
    except BrokerError:
        raise
    except Exception as error:  # the edge of one order (law 8)
        logger.exception("adapter crashed while looking for an order")
        raise Unavailable(f"The adapter failed with {type(error).__name__}.") from error
