"""The adapter of the fake venue: the product's contract on one side, a login's conduct on the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from brokers.adaptation import Adaptation
from brokers.domain import (
    BRACKET_UNSUPPORTED,
    AccountInfo,
    AccountRef,
    AccountReport,
    Capabilities,
    Environment,
    FillReport,
    Instrument,
    InstrumentQuery,
    LegKind,
    LegSpec,
    OrderChange,
    OrderIntent,
    OrderReport,
    OrderStatus,
    OrderType,
    PositionReport,
    Quote,
    RateLimit,
    Side,
    StreamItem,
    SubmitResult,
    TimeInForce,
)
from brokers.errors import BrokerError, Unavailable, Unsupported
from tests.fakes.venue import Answer, Login, VenueOrder

CAPABILITIES = Capabilities(
    order_types=frozenset(OrderType),
    time_in_force=frozenset(TimeInForce),
    bracket=True,
    bracket_offsets=True,
    modify=False,
    trailing_stop=True,
    reduce_only=False,
    client_id_lookup=True,
    order_stream=True,
    market_data=False,
)


async def _for_ever() -> None:
    await asyncio.Event().wait()


class FakeAdapter:
    """One login at the fake venue."""

    kind = "fake"
    capabilities = CAPABILITIES
    limits: Sequence[RateLimit] = ()
    adaptation = Adaptation()

    def __init__(self, login: Login) -> None:
        self.login, self.venue = login, login.venue
        self._queue: asyncio.Queue | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        self.login.opened += 1
        opening = self.login.conduct.opening
        if isinstance(opening, BrokerError):
            raise opening
        if opening == Answer.HANG:
            await _for_ever()
        if opening != Answer.ACCEPT:
            raise Unavailable("The venue does not answer.")
        self._queue = asyncio.Queue()

    async def close(self) -> None:
        if self._queue in self.login.listeners:
            self.login.listeners.remove(self._queue)

    async def stream(self) -> AsyncIterator[StreamItem]:
        queue = self._queue
        self.login.listeners.append(queue)
        yield self.login.snapshot()
        while True:
            item = await queue.get()
            if isinstance(item, BrokerError):
                self.login.listeners.remove(queue)
                raise item
            yield item

    # --- commands ----------------------------------------------------------------------------------------------------

    async def _obey(
        self,
        answer: Answer,
        do: Callable[[], list[VenueOrder]],
        answered: Callable[[list[VenueOrder]], SubmitResult],
    ) -> SubmitResult:
        conduct, answer = self.login.conduct, Answer(answer)
        match answer:
            case Answer.CRASH:
                raise RuntimeError("a fault in the adapter")
            case Answer.REJECT:
                return SubmitResult.rejected("RiskCheckFailed", "Not enough margin.")
            case Answer.BUSY:
                return SubmitResult.refused_for_now("RATE_LIMITED", "Slow down.", conduct.busy_for)
            case Answer.LOST:
                return SubmitResult.unknown("TIMEOUT", "No answer.")
            case Answer.HANG:
                await _for_ever()
            case Answer.LATE:
                asyncio.get_running_loop().call_later(conduct.late_by, do)
                return SubmitResult.unknown("TIMEOUT", "No answer.")
        done = do()
        if answer is Answer.HANG_DONE:
            await _for_ever()
        if answer is Answer.ANSWER_LOST:
            return SubmitResult.unknown("TIMEOUT", "No answer.")
        if conduct.slow_by:
            await asyncio.sleep(conduct.slow_by)
        return answered(done)

    async def submit(self, intent: OrderIntent) -> SubmitResult:
        conduct = self.login.conduct
        self.venue.commands.append(("submit", intent.account.id, intent.client_order_id))
        if intent.legs and not conduct.takes_brackets:
            return SubmitResult.rejected(BRACKET_UNSUPPORTED, "No brackets here.")
        answer = conduct.submits.popleft() if conduct.submits else conduct.every_submit

        def answered(placed: list[VenueOrder]) -> SubmitResult:
            legs = [o for o in self.venue.orders.values() if o.parent == placed[0].venue_id]
            return SubmitResult.accepted(placed[0].venue_id, {_kind(leg): leg.venue_id for leg in legs})

        if conduct.fill_before_answer:
            return await self._obey(answer, lambda: [self.venue.place(intent, conduct)], answered)
        result = await self._obey(answer, lambda: [self._place_quietly(intent)], answered)
        await asyncio.sleep(0)
        return result

    def _place_quietly(self, intent: OrderIntent) -> VenueOrder:
        """The answer is there before the first report."""
        conduct = self.login.conduct
        held, conduct.fill_delay = conduct.fill_delay, None
        order = self.venue.place(intent, conduct)
        conduct.fill_delay = held
        if held is not None and order.order_type is OrderType.MARKET:
            asyncio.get_running_loop().call_later(
                max(held, 0.01), lambda: self.venue.fill(order.venue_id, None, conduct.position_delay)
            )
        return order

    async def modify(self, change: OrderChange) -> SubmitResult:
        return SubmitResult.rejected("Unsupported", "This venue changes no orders.")

    async def cancel(self, account: AccountRef, venue_order_id: str, client_order_id: str) -> SubmitResult:
        conduct = self.login.conduct
        self.venue.commands.append(("cancel", account.id, venue_order_id))
        order = self.venue.orders.get(venue_order_id)
        if order is None or order.status.is_final:
            return SubmitResult.rejected("TooLate", "The order is not working.")

        def do() -> list[VenueOrder]:
            self.venue.end(venue_order_id, OrderStatus.CANCELED)
            return [order]

        answer = conduct.cancels.popleft() if conduct.cancels else Answer.ACCEPT
        return await self._obey(answer, do, lambda _: SubmitResult.accepted(venue_order_id))

    async def protect(
        self,
        account: AccountRef,
        instrument: Instrument,
        side: Side,
        quantity: Decimal,
        legs: Sequence[LegSpec],
        client_order_id: str,
    ) -> SubmitResult:
        conduct = self.login.conduct
        self.venue.commands.append(("protect", account.id, client_order_id))
        answer = conduct.protects.popleft() if conduct.protects else conduct.every_protect
        return await self._obey(
            answer,
            lambda: self.venue.protect(account, instrument, side, quantity, legs, client_order_id),
            lambda placed: SubmitResult.accepted(
                placed[0].venue_id, {_kind(leg): leg.venue_id for leg in placed}
            ),
        )

    async def flatten(
        self, account: AccountRef, instrument: Instrument, client_order_id: str
    ) -> SubmitResult:
        self.venue.commands.append(("flatten", account.id, client_order_id))
        for order in self.venue.working(account.id):
            if order.instrument.venue_id == instrument.venue_id:
                self.venue.end(order.venue_id, OrderStatus.CANCELED)
        net = self.venue.net(account.id, instrument)
        if not net:
            return SubmitResult.accepted("")
        side = Side.of(-net)
        intent = OrderIntent(client_order_id, account, instrument, side, abs(net))
        return SubmitResult.accepted(self.venue.place(intent, self.login.conduct).venue_id)

    # --- reads -------------------------------------------------------------------------------------------------------

    async def _read(self, what: str) -> None:
        self.login.queried[what] += 1
        if self.login.conduct.queries == Answer.HANG:
            await _for_ever()
        if self.login.conduct.queries != Answer.ACCEPT:
            raise Unavailable("The venue could not answer.")

    async def order_report(
        self, account: AccountRef, *, client_order_id: str = "", venue_order_id: str = ""
    ) -> OrderReport | None:
        await self._read("order")
        if not self.login.conduct.sees_orders:
            return None
        for order in self.venue.orders.values():
            same = (
                client_order_id and order.client_id == client_order_id
            ) or order.venue_id == venue_order_id
            if order.account == account.id and same:
                return order.report()
        return None

    async def order_reports(self, since: datetime | None = None) -> list[OrderReport]:
        await self._read("orders")
        return list(self.login.snapshot().orders)

    async def fill_reports(self, since: datetime | None = None) -> list[FillReport]:
        await self._read("fills")
        return [fill for fill in self.login.snapshot().fills if since is None or fill.executed_at >= since]

    async def position_reports(self) -> list[PositionReport]:
        await self._read("positions")
        return self.venue.position_reports(self.login.accounts)

    async def account_report(self, account: AccountRef) -> AccountReport:
        await self._read("account")
        return AccountReport(account.id, datetime.now(UTC), balance=Decimal(50000))

    async def accounts(self) -> list[AccountInfo]:
        return [AccountInfo(name, name, Environment.DEMO) for name in self.login.accounts]

    async def instruments(self, query: InstrumentQuery) -> list[Instrument]:
        await self._read("instruments")
        return self.venue.symbols.get(query.text, [])

    def quotes(self, venue_symbols: Callable[[], set[str]]) -> AsyncIterator[Quote]:
        raise Unsupported("The fake venue has no quotes.")


def _kind(order: VenueOrder) -> LegKind:
    return LegKind.TAKE_PROFIT if order.order_type is OrderType.LIMIT else LegKind.STOP_LOSS
