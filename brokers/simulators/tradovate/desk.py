"""The trading desk of one host: orders in, matching, fills out, every step reported and booked."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from brokers.domain import OrderType, Side, TimeInForce
from brokers.matching import Event, EventKind, InvalidChange, MatchingEngine, NewOrder, Touch
from brokers.simulators.tradovate.accounting import Books
from brokers.simulators.tradovate.faults import Fault, FaultBook, Subject
from brokers.simulators.tradovate.library import ContractInfo, Library
from brokers.simulators.tradovate.prices import Prices
from brokers.simulators.tradovate.records import OrderRecord
from brokers.simulators.tradovate.reports import Caller, Reporter
from brokers.simulators.tradovate.risk import Risk, Verdict
from brokers.simulators.tradovate.store import Ids, Store
from brokers.simulators.tradovate.terms import Terms

Later = Callable[[float, Callable[[], None]], None]
"""Run something after so many seconds, then settle what it changed."""

ENGINE_TYPES = {
    "Market": OrderType.MARKET,
    "Limit": OrderType.LIMIT,
    "Stop": OrderType.STOP,
    "StopLimit": OrderType.STOP_LIMIT,
    "TrailingStop": OrderType.TRAILING_STOP,
}
ENGINE_TIMES = {
    "Day": TimeInForce.DAY,
    "GTC": TimeInForce.GTC,
    "GTD": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
}
ENGINE_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
REJECTIONS = {"no_quote": "NoQuote", "parent": "ParentRejected"}


class Desk:
    """``on_done`` hears of every order that filled completely or ended, after its step is complete."""

    def __init__(
        self,
        store: Store,
        library: Library,
        ids: Ids,
        prices: Prices,
        faults: FaultBook,
        reporter: Reporter,
        books: Books,
        risk: Risk,
        later: Later,
    ) -> None:
        self._store, self._library, self._ids, self._prices = store, library, ids, prices
        self._faults, self._reporter, self._books, self._risk = faults, reporter, books, risk
        self._later = later
        self.engine = MatchingEngine()
        self.on_done: Callable[[OrderRecord], None] = lambda _record: None

    @property
    def records(self) -> dict[int, OrderRecord]:
        return self._store.records["orderRecord"]

    def living(self, account_id: int, contract_id: int) -> list[OrderRecord]:
        """Orders that have not ended, the oldest first."""
        orders = self._store.of_account("order", account_id)
        found = (self.records[order.id] for order in orders if order.contractId == contract_id)
        return [record for record in found if not record.is_final]

    # --- entering -----------------------------------------------------------------------------------------------

    def open(
        self,
        caller: Caller,
        account_id: int,
        contract: ContractInfo,
        terms: Terms,
        *,
        order_id: int | None = None,
        parent_id: int | None = None,
        oco_id: int | None = None,
        group: int | None = None,
        strategy_id: int | None = None,
        admin: bool = False,
    ) -> OrderRecord:
        """Write a new order down as PendingNew. Nothing is matched before ``submit``."""
        command_id = self._ids.next()
        record = OrderRecord(
            id=order_id or self._ids.next(),
            account_id=account_id,
            contract_id=contract.id,
            action=terms.action,
            order_type=terms.order_type,
            qty=terms.qty,
            status="PendingNew",
            command_id=command_id,
            new_command_id=command_id,
            cl_ord_id=terms.cl_ord_id,
            custom_tag=terms.custom_tag,
            is_automated=terms.is_automated,
            text=terms.text,
            parent_id=parent_id,
            oco_id=oco_id,
            group=group,
            strategy_id=strategy_id,
            source=caller.source,
            transport=caller.transport,
            path=caller.path,
            received_wall=caller.wall,
            received_monotonic_ns=caller.monotonic_ns,
        )
        self._take_terms(record, contract, terms)
        self._reporter.enter(caller, record, terms, admin=admin)
        return record

    def _take_terms(self, record: OrderRecord, contract: ContractInfo, terms: Terms) -> None:
        record.order_type, record.qty, record.tif = terms.order_type, terms.qty, terms.tif
        record.price, record.stop_price = terms.price, terms.stop_price
        record.trail = abs(terms.trail) if terms.trail is not None else None
        if terms.order_type == "TrailingStop" and record.trail is None and terms.stop_price is not None:
            mark = self._prices.mark(contract)
            record.trail = abs(mark - terms.stop_price) if mark is not None else contract.tick

    def submit(
        self, subject: Subject, *entries: tuple[OrderRecord, Terms], verdict: Verdict | None = None
    ) -> None:
        """Judge orders that belong together, then send all of them to the market or none.

        ``verdict`` is a rejection of the first one that is decided already.
        """
        contract = self._library.contracts[entries[0][0].contract_id]
        verdicts = [self._judge(contract, record, terms) for record, terms in entries]
        verdicts[0] = verdict or verdicts[0]
        first = next((verdict for verdict in verdicts if verdict is not None), None)
        if first is None:
            self._send(subject, contract, [record for record, _ in entries])
        elif first.delay_ms:
            self._later(first.delay_ms / 1000, lambda: self._reject(entries, verdicts, first))
        else:
            self._reject(entries, verdicts, first)

    def _judge(self, contract: ContractInfo, record: OrderRecord, terms: Terms) -> Verdict | None:
        return self._risk.check(record.account_id, contract, terms, is_child=record.parent_id is not None)

    def _reject(
        self, entries: tuple[tuple[OrderRecord, Terms], ...], verdicts: list[Verdict | None], first: Verdict
    ) -> None:
        for (record, _), verdict in zip(entries, verdicts, strict=True):
            if verdict is None:
                verdict = Verdict.of("ParentRejected") if record.parent_id is not None else first
            self._reporter.reject(record, verdict.reason, verdict.text)
            self.on_done(record)

    def _send(self, subject: Subject, contract: ContractInfo, records: list[OrderRecord]) -> None:
        for record in records:
            self._reporter.accept(record, suspended=record.parent_id is not None)
        hold = self._faults.take(frozenset({"fill_delay", "no_fill"}), subject)
        split = self._faults.take(frozenset({"partial"}), subject)
        if split is not None:
            records[0].max_fill = -(-records[0].qty // int(split.get("pieces", 2)))
        orders = [self._for_engine(record, held=hold is not None) for record in records]
        self.apply(self.engine.on_quote(contract.id, self._prices.touch(contract)))
        self.apply(self.engine.submit(*orders))
        if split is not None:
            self._go_on(records[0].id, split)
        if hold is not None and hold.kind == "fill_delay":
            self._later(float(hold.get("ms", 100)) / 1000, lambda: self._release([r.id for r in records]))

    def _for_engine(self, record: OrderRecord, *, held: bool = False) -> NewOrder:
        return NewOrder(
            order_id=record.id,
            instrument=record.contract_id,
            side=ENGINE_SIDES[record.action],
            quantity=Decimal(record.qty),
            order_type=ENGINE_TYPES[record.order_type],
            limit_price=record.price,
            stop_price=record.stop_price,
            trail_offset=record.trail,
            time_in_force=ENGINE_TIMES[record.tif],
            parent_id=record.parent_id,
            oco_group=record.group,
            max_fill=None if record.max_fill is None else Decimal(record.max_fill),
            held=held,
        )

    def _go_on(self, order_id: int, split: Fault) -> None:
        """The next piece of a split fill: at once, or after the pause asked for."""
        pause = float(split.get("interval_ms", 0)) / 1000
        while order_id in self.engine and self.engine.would_fill(order_id):
            if pause:
                self._later(pause, lambda: self._next_piece(order_id, split))
                return
            self.apply(self.engine.advance(order_id))

    def _next_piece(self, order_id: int, split: Fault) -> None:
        if order_id in self.engine and self.engine.would_fill(order_id):
            self.apply(self.engine.advance(order_id))
            self._go_on(order_id, split)

    def _release(self, order_ids: list[int]) -> None:
        for order_id in order_ids:
            if order_id in self.engine:
                self.apply(self.engine.release(order_id))

    # --- changing -----------------------------------------------------------------------------------------------

    def modify(self, caller: Caller, record: OrderRecord, terms: Terms) -> int:
        """Returns the command's id; whether it worked is told by the reports that follow."""
        contract = self._library.contracts[record.contract_id]
        suspended = self.engine.is_suspended(record.id)
        command_id = self._reporter.change(caller, record, terms)
        verdict = self._risk.check(record.account_id, contract, terms, is_child=suspended)
        before = (record.order_type, record.qty, record.tif, record.price, record.stop_price, record.trail)
        self._take_terms(record, contract, terms)
        try:
            events = [] if verdict else self.engine.change(record.id, **self._terms_for_engine(record))
        except InvalidChange:
            verdict = Verdict("InvalidPrice", "The order cannot be changed to these terms")
        if verdict is not None:
            record.order_type, record.qty, record.tif, record.price, record.stop_price, record.trail = before
            self._reporter.refuse_command(
                record, command_id, verdict.reason, verdict.text, suspended=suspended
            )
            return command_id
        self._reporter.replaced(record, command_id, suspended=suspended)
        self.apply(events)
        return command_id

    def _terms_for_engine(self, record: OrderRecord) -> dict[str, object]:
        order = self._for_engine(record)
        names = ("quantity", "order_type", "limit_price", "stop_price", "trail_offset", "time_in_force")
        return {name: getattr(order, name) for name in names}

    def cancel(self, caller: Caller, record: OrderRecord, terms: Terms | None = None) -> int:
        command_id = self._reporter.ask_cancel(caller, record, terms)
        self._reporter.cancel_command_done(record, command_id)
        self.apply(self.engine.cancel(record.id))
        return command_id

    def refuse_cancel(self, caller: Caller, record: OrderRecord, terms: Terms, verdict: Verdict) -> int:
        suspended = self.engine.is_suspended(record.id)
        command_id = self._reporter.ask_cancel(caller, record, terms)
        self._reporter.refuse_command(record, command_id, verdict.reason, verdict.text, suspended=suspended)
        return command_id

    def expire_day_orders(self) -> None:
        self.apply(self.engine.expire(lambda order: order.time_in_force is TimeInForce.DAY))

    def bust(self, fill_id: int) -> bool:
        """Void a fill of this session that nothing was paired with. Returns whether it could be done."""
        fill = self._store.get("fill", fill_id)
        if fill is None or not fill.active or fill.finallyPaired:
            return False
        record = self.records[fill.orderId]
        self._books.bust(record.account_id, fill)
        self._reporter.busted(record, fill)
        return True

    # --- what the market does -----------------------------------------------------------------------------------

    def on_quote(self, contract_id: int, touch: Touch) -> None:
        self.apply(self.engine.on_quote(contract_id, touch))

    def apply(self, events: list[Event]) -> None:
        """Report and book what the engine did."""
        done: dict[int, OrderRecord] = {}
        for event in events:
            record = self.records[int(event.order_id)]
            self._apply_one(event, record)
            if record.is_final:
                done[record.id] = record
        for record in done.values():
            self.on_done(record)

    def _apply_one(self, event: Event, record: OrderRecord) -> None:
        kind = event.kind
        if kind is EventKind.FILL and event.price is not None:
            fill = self._reporter.fill(record, int(event.quantity), event.price)
            self._books.book(record.account_id, fill)
            self._reporter.filled(record)
        elif kind is EventKind.ACTIVATED:
            self._reporter.activate(record)
        elif kind is EventKind.TRIGGERED:
            record.triggered = True
            self._store.put_record("orderRecord", record, record.account_id)
        elif kind is EventKind.RESIZED:
            self._reporter.resize(record, record.filled + int(event.quantity))
        elif kind is EventKind.CANCELED:
            self._reporter.ended(record, "Canceled")
        elif kind is EventKind.EXPIRED:
            self._reporter.ended(record, "Expired")
        elif kind is EventKind.REJECTED:
            verdict = Verdict.of(REJECTIONS.get(event.reason, "OtherExecutionRelated"))
            self._reporter.reject(record, verdict.reason, verdict.text, by_risk=False)

    # --- restart ------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Put every living order back into the market. One whose judgement was still out is rejected."""
        for record in sorted(self.records.values(), key=lambda one: one.id):
            if record.is_final:
                continue
            if record.status == "PendingNew":
                self._reporter.reject(record, "RiskCheckTimeout", "The risk check did not finish")
                continue
            self.engine.restore(
                self._for_engine(record),
                filled=Decimal(record.filled),
                triggered=record.triggered,
                suspended=record.status == "Suspended",
            )
