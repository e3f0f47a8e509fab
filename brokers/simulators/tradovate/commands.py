"""The order commands of the API on one host: body in, the venue's answer out. Everything else follows as reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from brokers.simulators.tradovate.accounting import Books
from brokers.simulators.tradovate.desk import Desk
from brokers.simulators.tradovate.faults import FaultBook, Subject
from brokers.simulators.tradovate.library import ContractInfo, Library
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.people import AccountInfo, Login
from brokers.simulators.tradovate.records import OrderRecord
from brokers.simulators.tradovate.reports import Caller
from brokers.simulators.tradovate.risk import Verdict
from brokers.simulators.tradovate.sessions import DENIED
from brokers.simulators.tradovate.store import Ids
from brokers.simulators.tradovate.terms import (
    Terms,
    Violation,
    body_of,
    flag,
    integer,
    parse_terms,
    text,
)
from brokers.simulators.tradovate.wire import Refused

Answer = dict[str, Any]


class Failure(Exception):
    """The command was refused outright; the answer says why and nothing was taken."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.answer: Answer = {"failureReason": reason, "failureText": words}


class Commands:
    def __init__(
        self,
        host: str,
        desk: Desk,
        books: Books,
        library: Library,
        ids: Ids,
        faults: FaultBook,
        options: Options,
    ) -> None:
        self._host, self._desk, self._books, self._library = host, desk, books, library
        self._ids, self._faults, self._options = ids, faults, options

    # --- addressing ---------------------------------------------------------------------------------------------

    def account_of(self, login: Login, args: dict[str, Any]) -> AccountInfo:
        """The account a body names. A foreign or unknown one is "Access is denied"; a missing id is a violation."""
        account_id = integer(args, "accountId")
        account = next((a for a in login.on(self._host) if a.id == account_id), None)
        spec = text(args, "accountSpec")
        if account is None or (spec is not None and spec not in {account.name, login.name}):
            raise Failure("UnknownReason", DENIED)
        return account

    def contract_of(self, args: dict[str, Any]) -> ContractInfo:
        symbol = text(args, "symbol")
        if symbol is None:
            raise Violation("symbol", None, "symbol is required")
        contract = self._library.by_name.get(symbol)
        if contract is None:
            raise Failure("InvalidContract", f"There is no contract {symbol}")
        return contract

    def _record_of(self, login: Login, args: dict[str, Any]) -> OrderRecord:
        order_id = integer(args, "orderId")
        record = self._desk.records.get(order_id)
        if record is None or record.account_id not in {a.id for a in login.on(self._host)}:
            raise Failure("UnknownReason", DENIED)
        return record

    def subject(self, caller: Caller, account_id: int, symbol: str = "") -> Subject:
        return Subject(caller.path, self._host, caller.transport, caller.user_name, account_id, symbol)

    def _decided(self, subject: Subject) -> Verdict | None:
        """A rejection ordered by a fault: outright (raises Failure), or after the answer (returned)."""
        fault = self._faults.take(frozenset({"reject"}), subject)
        if fault is None:
            return None
        verdict = Verdict.of(fault.get("reason", "UnknownReason"))
        verdict = replace(
            verdict, text=fault.get("text", verdict.text), delay_ms=float(fault.get("delay_ms", 0))
        )
        if fault.get("when", "answer") == "answer":
            raise Failure(verdict.reason, verdict.text)
        return verdict

    # --- placing ------------------------------------------------------------------------------------------------

    def place_order(self, caller: Caller, login: Login, args: Any) -> Answer:
        body = body_of(args)
        account, contract, terms = self.account_of(login, body), self.contract_of(body), parse_terms(body)
        subject = self.subject(caller, account.id, contract.name)
        verdict = self._decided(subject)
        slow = self._faults.take(frozenset({"risk_timeout"}), subject)
        record = self._desk.open(caller, account.id, contract, terms)
        self._desk.submit(subject, (record, terms), verdict=verdict)
        if slow is not None:
            words = "The risk check did not answer in time"
            return {"failureReason": "RiskCheckTimeout", "failureText": words, "orderId": record.id}
        return {"orderId": record.id}

    def place_oco(self, caller: Caller, login: Login, args: Any) -> Answer:
        body = body_of(args)
        account, contract, terms = self.account_of(login, body), self.contract_of(body), parse_terms(body)
        other = self._leg(body, "other", terms)
        if other is None:
            raise Violation("other", None, "other is required")
        subject = self.subject(caller, account.id, contract.name)
        verdict = self._decided(subject)
        first_id, second_id = self._ids.next(), self._ids.next()
        pair = (
            self._desk.open(
                caller, account.id, contract, one, order_id=own_id, oco_id=other_id, group=first_id
            )
            for one, own_id, other_id in ((terms, first_id, second_id), (other, second_id, first_id))
        )
        entries = list(zip(pair, (terms, other), strict=True))
        self._desk.submit(subject, *entries, verdict=verdict)
        return {"orderId": first_id, "ocoId": second_id}

    def place_oso(self, caller: Caller, login: Login, args: Any) -> Answer:
        body = body_of(args)
        account, contract, terms = self.account_of(login, body), self.contract_of(body), parse_terms(body)
        legs = [leg for name in ("bracket1", "bracket2") if (leg := self._leg(body, name, terms)) is not None]
        if "bracket1" not in body:
            raise Violation("bracket1", None, "bracket1 is required")
        subject = self.subject(caller, account.id, contract.name)
        verdict = self._decided(subject)
        parent_id, leg_ids = self._ids.next(), [self._ids.next() for _ in legs]
        entries = [
            (self._desk.open(caller, account.id, contract, terms, order_id=parent_id), terms),
            *self.open_legs(caller, account.id, contract, parent_id, list(zip(leg_ids, legs, strict=True))),
        ]
        self._desk.submit(subject, *entries, verdict=verdict)
        return {"orderId": parent_id} | dict(zip(("oso1Id", "oso2Id"), leg_ids, strict=False))

    def open_legs(
        self,
        caller: Caller,
        account_id: int,
        contract: ContractInfo,
        parent_id: int | None,
        legs: list[tuple[int, Terms]],
        strategy_id: int | None = None,
    ) -> list[tuple[OrderRecord, Terms]]:
        """Protective legs; two of them exclude each other."""
        ids = [leg_id for leg_id, _ in legs]
        entries = []
        for leg_id, terms in legs:
            partner = next((one for one in ids if one != leg_id), None)
            record = self._desk.open(
                caller,
                account_id,
                contract,
                terms,
                order_id=leg_id,
                parent_id=parent_id,
                oco_id=partner,
                group=ids[0] if partner is not None else None,
                strategy_id=strategy_id,
            )
            entries.append((record, terms))
        return entries

    def _leg(self, body: dict[str, Any], name: str, parent: Terms) -> Terms | None:
        """``other``, ``bracket1``, ``bracket2``: the quantity and who decided come from the order they belong to."""
        if body.get(name) is None:
            return None
        leg = parse_terms(body[name], is_leg=True)
        return replace(leg, qty=parent.qty, is_automated=parent.is_automated)

    # --- changing -----------------------------------------------------------------------------------------------

    def modify_order(self, caller: Caller, login: Login, args: Any) -> Answer:
        body = body_of(args)
        record = self._record_of(login, body)
        terms = parse_terms({**body, "action": record.action})
        contract = self._library.contracts[record.contract_id]
        self._decided(self.subject(caller, record.account_id, contract.name))
        self._must_live(record)
        return {"commandId": self._desk.modify(caller, record, terms)}

    def cancel_order(self, caller: Caller, login: Login, args: Any) -> Answer:
        body = body_of(args)
        record = self._record_of(login, body)
        terms = Terms(
            action=record.action,
            order_type=record.order_type,
            qty=record.qty,
            cl_ord_id=text(body, "clOrdId"),
            custom_tag=text(body, "customTag50"),
            is_automated=flag(body, "isAutomated"),
        )
        contract = self._library.contracts[record.contract_id]
        verdict = self._decided(self.subject(caller, record.account_id, contract.name))
        if record.is_final and self._options.late_cancel_is_401:
            raise Refused(401, DENIED)
        self._must_live(record)
        if verdict is not None:
            return {"commandId": self._desk.refuse_cancel(caller, record, terms, verdict)}
        return {"commandId": self._desk.cancel(caller, record, terms)}

    def _must_live(self, record: OrderRecord) -> None:
        if record.is_final:
            raise Failure("TooLate", f"The order is {record.status} already")
        if record.id not in self._desk.engine:
            raise Failure("AnotherCommandPending", "The order's first command is not finished")

    # --- liquidating --------------------------------------------------------------------------------------------

    def liquidate_position(self, caller: Caller, login: Login, args: Any) -> Answer:
        body = body_of(args)
        account = self.account_of(login, body)
        contract = self._library.contracts.get(integer(body, "contractId"))
        if "admin" not in body:
            raise Violation("admin", None, "admin is required")
        if contract is None:
            raise Failure("InvalidContract", "There is no such contract")
        terms_flag, tag = flag(body, "isAutomated"), text(body, "customTag50")
        return self.liquidate(caller, account.id, contract, is_automated=terms_flag, tag=tag)

    def liquidate_positions(self, caller: Caller, login: Login, args: Any) -> Answer:
        """The 2026 form: a list of position ids."""
        body = body_of(args)
        ids = body.get("positions")
        if not isinstance(ids, list):
            raise Violation("positions", None, "positions is required")
        own = {p.id: p for a in login.on(self._host) for p in self._books.positions(a.id)}
        if not all(one in own for one in ids):
            return {"ok": False, "errorText": DENIED}
        for one in ids:
            contract = self._library.contracts[own[one].contractId]
            self.liquidate(caller, own[one].accountId, contract, is_automated=flag(body, "isAutomated"))
        return {"ok": True}

    def liquidate(
        self,
        caller: Caller,
        account_id: int,
        contract: ContractInfo,
        *,
        is_automated: bool,
        tag: str | None = None,
    ) -> Answer:
        """Cancel what works for the contract, then close at market."""
        subject = self.subject(caller, account_id, contract.name)
        verdict = self._decided(subject)
        if not self._options.liquidation_keeps_orders:
            for record in self._desk.living(account_id, contract.id):
                if record.id in self._desk.engine:
                    self._desk.cancel(caller, record)
        net = self._books.net(account_id, contract.id)
        if net == 0:
            raise Failure("UnknownReason", "There is no position to liquidate")
        action = "Sell" if net > 0 else "Buy"
        terms = Terms(action, "Market", abs(net), custom_tag=tag, is_automated=is_automated)
        record = self._desk.open(caller, account_id, contract, terms)
        self._desk.submit(subject, (record, terms), verdict=verdict)
        return {"orderId": record.id}
