"""What a symbol means at a broker, asked now: for a dry run, whose reader waits for the answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from brokers import domain
from brokers.errors import BrokerError
from brokers.models import BrokerConnection, Instrument
from brokers.registry import build_adapter
from brokers.services import FixedTokens, ask_symbol, remember_symbol
from tradeproject.common.clock import utc_now
from tradeproject.common.http import make_client

WAIT_SECONDS = 3.0
LIVES_ON = timedelta(seconds=60)


def look_up_symbol(connection: BrokerConnection, environment: str, symbol: str) -> Instrument | None:
    """Ask through this login and remember the answer; None when the venue knows no such contract.

    Only with the token at hand, for a look must not sign anybody in. Raises BrokerError with a sentence when the broker
    cannot be asked.
    """
    tokens = connection.current_tokens() if connection.state == BrokerConnection.State.CONNECTED else None
    if tokens is None or tokens.expires_at - utc_now() < LIVES_ON:
        raise BrokerError("The broker login has no valid token at the moment. Open the Accounts page.")

    async def ask() -> list[domain.Instrument]:
        async with make_client(max_connections=2) as http:
            adapter = build_adapter(connection.broker, environment, FixedTokens(tokens), http=http)
            try:
                return await asyncio.wait_for(ask_symbol(adapter, symbol), WAIT_SECONDS)
            finally:
                await adapter.close()

    try:
        found = asyncio.run(ask())
    except TimeoutError:
        raise BrokerError("The broker did not answer in time. Try again in a moment.") from None
    return remember_symbol(connection.broker, environment, symbol, found)
