"""The market data socket: quotes, depth and charts for those who have the right, 401 for everybody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from brokers.simulators.tradovate import charts
from brokers.simulators.tradovate.clock import Clock
from brokers.simulators.tradovate.framing import BadFrame, Connection, Frame, parse_frame, response
from brokers.simulators.tradovate.hub import Hub
from brokers.simulators.tradovate.library import ContractInfo, Library
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import Directory
from brokers.simulators.tradovate.prices import Prices, Walk
from brokers.simulators.tradovate.sessions import DENIED, Session, Sessions
from brokers.simulators.tradovate.trading import authorize
from brokers.simulators.tradovate.wire import Refused, Reply, encode

DEPTH = 5
ID = re.compile(r"^\d{1,18}$")
Done = tuple[Any, list[bytes]]
"""An answer, and the messages that follow it."""
PERIODS = {"MinuteBar": 1, "DailyBar": 24 * 60, "Tick": 0}
DEFAULT_BARS = 100


@dataclass(slots=True)
class Chart:
    """A running chart: bars of ``minutes``, or ticks when that is 0."""

    id: int
    contract: ContractInfo
    minutes: int


@dataclass(slots=True, eq=False)
class Subscriber:
    connection: Connection
    quotes: dict[int, None] = field(default_factory=dict)
    doms: dict[int, None] = field(default_factory=dict)
    charts: dict[int, Chart] = field(default_factory=dict)


class MarketDataEndpoint:
    def __init__(
        self,
        options: Options,
        clock: Clock,
        sessions: Sessions,
        directory: Directory,
        library: Library,
        prices: Prices,
        hub: Hub,
    ) -> None:
        self._options, self._clock = options, clock
        self._sessions, self._directory, self._library = sessions, directory, library
        self._prices, self._hub = prices, hub
        self._subscribers: dict[Subscriber, None] = {}
        self._last_chart = 30
        self._operations: dict[str, Callable[[Subscriber, Frame], Done]] = {
            "md/subscribequote": self._subscribe_quote,
            "md/unsubscribequote": lambda s, f: self._unsubscribe(s.quotes, f),
            "md/subscribedom": self._subscribe_dom,
            "md/unsubscribedom": lambda s, f: self._unsubscribe(s.doms, f),
            "md/getchart": self._get_chart,
            "md/cancelchart": self._cancel_chart,
        }

    async def run(self, connection: Connection) -> None:
        subscriber = Subscriber(connection)
        self._subscribers[subscriber] = None
        self._hub.others[connection] = None
        try:
            await connection.open()
            async for text, _ in connection.texts():
                self._take(subscriber, text)
        finally:
            self._subscribers.pop(subscriber, None)
            self._hub.others.pop(connection, None)

    def _take(self, subscriber: Subscriber, text: str) -> None:
        news: list[bytes] = []
        try:
            frame = parse_frame(text)
        except BadFrame as bad:
            subscriber.connection.push(response(bad.request_id, Reply.refusal(bad)))
            return
        try:
            reply, news = self._answer(subscriber, frame)
        except Refused as refusal:
            reply = Reply.refusal(refusal)
        subscriber.connection.push(response(frame.id, reply))
        subscriber.connection.push(*news)

    def _answer(self, subscriber: Subscriber, frame: Frame) -> tuple[Reply, list[bytes]]:
        connection = subscriber.connection
        if frame.path == "authorize":
            authorize(connection, self._sessions, frame.body, "access", "market_data")
            return Reply(), []
        operation = self._operations.get(frame.path)
        if connection.session is None:
            raise Refused(401, DENIED)
        if operation is None:
            raise Refused(404, f"There is no {frame.path}")
        if not self._has_right(connection.session):
            raise Refused(401, DENIED)
        answer, news = operation(subscriber, frame)
        return Reply.of(answer), news

    def _has_right(self, session: Session) -> bool:
        return self._options.market_data or self._directory.by_user[session.user_id].has_market_data

    # --- subscribing --------------------------------------------------------------------------------------------

    def _contract(self, frame: Frame) -> ContractInfo:
        """By name or by id, both in ``symbol``."""
        symbol = frame.args.get("symbol") if isinstance(frame.args, dict) else None
        found = self._library.by_name.get(symbol) if isinstance(symbol, str) else None
        if found is None and isinstance(symbol, (str, int)) and ID.match(str(symbol)):
            found = self._library.contracts.get(int(symbol))
        if found is None:
            raise Refused(404, f"There is no contract {symbol}")
        return found

    def _subscribe_quote(self, subscriber: Subscriber, frame: Frame) -> Done:
        contract = self._contract(frame)
        subscriber.quotes[contract.id] = None
        return {}, [self._quote(contract, full=True)]

    def _subscribe_dom(self, subscriber: Subscriber, frame: Frame) -> Done:
        contract = self._contract(frame)
        subscriber.doms[contract.id] = None
        return {}, [self._dom(contract)]

    def _unsubscribe(self, followed: dict[int, None], frame: Frame) -> Done:
        followed.pop(self._contract(frame).id, None)
        return {}, []

    def _get_chart(self, subscriber: Subscriber, frame: Frame) -> Done:
        contract = self._contract(frame)
        description, span = frame.args.get("chartDescription"), frame.args.get("timeRange")
        if not isinstance(description, dict) or not isinstance(span, dict) or not span:
            raise Refused(400, "chartDescription and timeRange are required")
        kind = description.get("underlyingType")
        if not isinstance(kind, str) or kind not in PERIODS:
            raise Refused(400, f"underlyingType must be one of {', '.join(PERIODS)}")
        minutes = PERIODS[kind] * _count(description, "elementSize", 1)
        self._last_chart += 2
        chart = Chart(self._last_chart - 1, contract, minutes)
        subscriber.charts[chart.id] = chart
        count = _count(span, "asMuchAsElements", DEFAULT_BARS)
        history = self._history(chart, self._last_chart, count)
        return {"historicalId": self._last_chart, "realtimeId": chart.id}, history

    def _history(self, chart: Chart, history_id: int, count: int) -> list[bytes]:
        """Bars, then the mark that ends them."""
        now, walk = self._clock.now(), self._prices.walk_of(chart.contract)
        self._prices.touch(chart.contract)
        told: list[dict[str, Any]] = [{"id": history_id, "eoh": True}]
        if chart.minutes:
            bars = charts.history(walk, chart.contract, now, count * chart.minutes)
            told.insert(0, charts.packet(history_id, charts.grouped(bars, chart.minutes)[-count:], now))
        return [_chart_message(one) for one in told]

    def _cancel_chart(self, subscriber: Subscriber, frame: Frame) -> Done:
        wanted = frame.args.get("subscriptionId") if isinstance(frame.args, dict) else None
        if not isinstance(wanted, int) or subscriber.charts.pop(wanted, None) is None:
            raise Refused(404, f"There is no chart {wanted}")
        return {}, []

    # --- telling ------------------------------------------------------------------------------------------------

    def watched(self) -> set[str]:
        """The walks somebody looks at."""
        contracts = self._library.contracts
        names: set[str] = set()
        for one in self._subscribers:
            names.update(contracts[key].product.walk for key in (*one.quotes, *one.doms))
            names.update(chart.contract.product.walk for chart in one.charts.values())
        return names

    def on_moved(self, walks: list[Walk]) -> None:
        """Prices moved: one message per contract, made once, shared by everybody who follows it."""
        moved = {walk.name for walk in walks}
        made: dict[tuple[str, int], bytes] = {}
        for subscriber in self._subscribers:
            subscriber.connection.push(*self._news(subscriber, moved, made))

    def _news(
        self, subscriber: Subscriber, moved: set[str], made: dict[tuple[str, int], bytes]
    ) -> list[bytes]:
        news = []
        wanted = [("quote", key) for key in subscriber.quotes] + [("dom", key) for key in subscriber.doms]
        for kind, key in wanted:
            contract = self._library.contracts[key]
            if contract.product.walk in moved:
                if (kind, key) not in made:
                    made[kind, key] = self._quote(contract) if kind == "quote" else self._dom(contract)
                news.append(made[kind, key])
        news += [self._chart_news(c) for c in subscriber.charts.values() if c.contract.product.walk in moved]
        return news

    def _chart_news(self, chart: Chart) -> bytes:
        now, walk = self._clock.now(), self._prices.walk_of(chart.contract)
        if not chart.minutes:
            return _chart_message(charts.tick_packet(chart.id, walk, chart.contract, now))
        bars = charts.grouped(charts.history(walk, chart.contract, now, chart.minutes), chart.minutes)
        return _chart_message(charts.packet(chart.id, bars[-1:], now))

    def _quote(self, contract: ContractInfo, *, full: bool = False) -> bytes:
        """Any entry may be missing: later quotes carry only what moves."""
        touch, walk = self._prices.touch(contract), self._prices.walk_of(contract)
        entries: dict[str, Any] = {}
        sizes = (("Bid", touch.bid, 7), ("Offer", touch.ask, 4), ("Trade", touch.last, 1))
        for name, price, size in sizes:
            if price is not None:
                entries[name] = {"price": price, "size": size}
        entries["TotalTradeVolume"] = {"size": walk.volume}
        if full:
            entries |= self._day_entries(walk, contract)
        quote = {"timestamp": self._clock.stamp(), "contractId": contract.id, "entries": entries}
        return encode({"e": "md", "d": {"quotes": [quote]}})

    def _day_entries(self, walk: Walk, contract: ContractInfo) -> dict[str, Any]:
        bars = list(walk.bars.values())
        prices = {
            "OpeningPrice": bars[0].open if bars else walk.price,
            "HighPrice": max((bar.high for bar in bars), default=walk.price),
            "LowPrice": min((bar.low for bar in bars), default=walk.price),
            "SettlementPrice": walk.product.start_price,
        }
        told: dict[str, Any] = {name: {"price": price + contract.basis} for name, price in prices.items()}
        return {**told, "OpenInterest": {"size": 70_211}}

    def _dom(self, contract: ContractInfo) -> bytes:
        touch = self._prices.touch(contract)
        dom = {
            "contractId": contract.id,
            "timestamp": self._clock.stamp(),
            "bids": _levels(touch.bid, -contract.tick),
            "offers": _levels(touch.ask, contract.tick),
        }
        return encode({"e": "md", "d": {"doms": [dom]}})


def _count(told: dict[str, Any], name: str, default: int) -> int:
    value = told.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= charts.MOST_BARS:
        raise Refused(400, f"{name} must be a number from 1 to {charts.MOST_BARS}")
    return value


def _chart_message(told: dict[str, Any]) -> bytes:
    return encode({"e": "chart", "d": {"charts": [told]}})


def _levels(best: Decimal | None, step: Decimal) -> list[dict[str, Any]]:
    if best is None:
        return []
    return [{"price": best + step * place, "size": 7 + 3 * place} for place in range(DEPTH)]
