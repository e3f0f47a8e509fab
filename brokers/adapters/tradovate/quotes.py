"""Live quotes from the market-data socket, for whatever symbols are wanted at the moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.adapters.tradovate.contracts import Contracts
from brokers.adapters.tradovate.events import Inbox
from brokers.adapters.tradovate.outcomes import TICKET
from brokers.adapters.tradovate.session import Session, authorize
from brokers.adapters.tradovate.stream import ENDED, Socket
from brokers.adapters.tradovate.wire import Entity, NotSent, encode
from brokers.domain import Quote
from brokers.errors import AuthExpired, BrokerError, RateLimited, StreamClosed, Unsupported
from tradeproject.common.clock import parse_iso
from tradeproject.common.money import to_decimal

NO_RIGHT = (
    "Tradovate gives this login no market data over its API: the exchange's data rights are missing. "
    "Prices come from the account's own figures or another feed."
)


class Quotes:
    """One run: subscriptions follow ``wanted``, and every message yields the quote as known so far."""

    def __init__(self, session: Session, contracts: Contracts, wanted: Callable[[], set[str]]) -> None:
        self._session = session
        self._contracts = contracts
        self._wanted = wanted
        self._inbox = Inbox()
        self._symbols: dict[int, str] = {}  # by contract id, which is all an event names
        self._subscribed: set[str] = set()
        self._refused: set[str] = set()
        self._known: dict[str, Quote] = {}

    async def run(self) -> AsyncIterator[Quote]:
        """Raises Unsupported when there is no right to market data, StreamClosed when the socket ends."""
        socket = await self._connect()
        try:
            while True:
                await self._follow_wishes(socket)
                events = await self._inbox.take(self._session.timings.quotes_resubscribe)
                for quote in self._read(events):
                    yield quote
                if self._inbox.overflowed or any(event.get("e") == ENDED for event in events):
                    raise StreamClosed(
                        f"Tradovate's quotes ended ({socket.reason}). They will be opened again."
                    )
        finally:
            await socket.close()

    async def _connect(self) -> Socket:
        url = self._session.host.market_data
        if not url:
            raise Unsupported(
                "No market-data address is set for this server. Set TRADOVATE_MD_WS_URL to use one."
            )
        tokens = await self._session.token()
        # OAuth logins have no market-data token of their own; the access token was seen to be taken in its place.
        for token in dict.fromkeys(filter(None, (tokens.market_data_token, tokens.access_token))):
            socket = await Socket.connect(url, self._inbox.put, self._session.timings)
            answer = await authorize(socket, token)
            if socket.authorized:
                return socket
            await socket.close()
            self._inbox = Inbox()
            if answer.status in {423, 429} or TICKET in answer.fields:
                raise RateLimited("Tradovate asks to slow down before quotes are opened.", retry_after=None)
        if answer.is_expired_token:
            raise AuthExpired("Tradovate's token ran out before the quotes began. A fresh one will be used.")
        raise Unsupported(NO_RIGHT)

    # --- subscriptions ------------------------------------------------------------------------------------------

    async def _follow_wishes(self, socket: Socket) -> None:
        wanted = self._wanted()
        for symbol in sorted(wanted - self._subscribed - self._refused):
            await self._subscribe(socket, symbol)
        for symbol in sorted(self._subscribed - wanted):
            self._subscribed.discard(symbol)
            self._known.pop(symbol, None)
            await self._request(socket, "md/unsubscribeQuote", symbol)
        self._refused &= wanted

    async def _subscribe(self, socket: Socket, symbol: str) -> None:
        instrument = await self._contracts.named(symbol)
        if instrument is None:
            self._refused.add(symbol)
            return
        self._symbols[int(instrument.venue_id)] = symbol
        status = await self._request(socket, "md/subscribeQuote", symbol)
        if status in {401, 403}:
            raise Unsupported(NO_RIGHT)
        (self._subscribed if 200 <= status < 300 else self._refused).add(symbol)

    async def _request(self, socket: Socket, endpoint: str, symbol: str) -> int:
        try:
            answer = await socket.request(endpoint, body=encode({"symbol": symbol}))
        except NotSent as error:
            raise StreamClosed(
                f"Tradovate's quotes ended ({socket.reason}). They will be opened again."
            ) from error
        except BrokerError as error:
            raise StreamClosed(f"{error.message} The quotes will be opened again.") from error
        return answer.status

    # --- reading ------------------------------------------------------------------------------------------------

    def _read(self, events: Iterable[Entity]) -> list[Quote]:
        """The newest state of every symbol the events touch; older ones of the same batch are already outdated."""
        touched: dict[str, Quote] = {}
        for event in events:
            detail = event.get("d") if event.get("e") == "md" else None
            rows = detail.get("quotes") if isinstance(detail, dict) else None
            for row in rows if isinstance(rows, list) else ():
                quote = self._merge(row)
                if quote is not None:
                    touched[quote.venue_symbol] = quote
        return list(touched.values())

    def _merge(self, row: Any) -> Quote | None:
        if not isinstance(row, dict):
            return None
        symbol = self._symbols.get(row.get("contractId", 0))
        if symbol is None or symbol not in self._subscribed:
            return None
        newer = _quote(symbol, row)
        known = self._known.get(symbol)
        if newer is None:
            return None
        self._known[symbol] = quote = known.updated(newer) if known is not None else newer
        return quote


def _quote(symbol: str, row: Entity) -> Quote | None:
    """A quote from its entries, any of which may be missing; None when it has no time or no price at all."""
    entries = row.get("entries")
    moment = _moment(row.get("timestamp"))
    if not isinstance(entries, dict) or moment is None:
        return None
    bid, ask, last = (_price(entries.get(key)) for key in ("Bid", "Offer", "Trade"))
    if bid is ask is last is None:
        return None
    return Quote(symbol, moment, bid=bid, ask=ask, last=last)


def _price(entry: Any) -> Decimal | None:
    try:
        return to_decimal(entry.get("price")) if isinstance(entry, dict) else None
    except ValueError:
        return None


def _moment(text: Any) -> datetime | None:
    try:
        return parse_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None
