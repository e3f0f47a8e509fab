"""The venue's entities as our reports. Pure; strict about what money depends on, deaf to fields we do not use.

An order is told by several entities: the order itself (status, side, contract), the version (quantity, type, prices) of the
last command that was not refused, commands (our client id), command reports and execution reports (reasons, cumulative
quantity) and fills. ``OrderParts`` gathers them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from brokers.adapters.tradovate.constants import (
    COMMAND_REFUSED,
    CURRENCIES,
    ORDER_TYPES,
    SIDES,
    STATUSES,
)
from brokers.adapters.tradovate.wire import Entity
from brokers.domain import (
    ZERO,
    AccountInfo,
    AccountReport,
    Environment,
    FillReport,
    OrderReport,
    OrderStatus,
    OrderType,
    PositionReport,
)
from brokers.errors import ProtocolSurprise
from tradeproject.common.clock import parse_iso
from tradeproject.common.money import to_decimal

LARGEST_EXPONENT = 24
FEES = ("clearingFee", "exchangeFee", "nfaFee", "orderRoutingFee", "brokerageFee", "ipFee")


@dataclass(slots=True)
class OrderParts:
    """Everything known of one order. Lists are in any order; ``client_order_id`` is what the commands do not tell."""

    order: Entity
    versions: Iterable[Entity] = ()
    commands: Iterable[Entity] = ()
    command_reports: Iterable[Entity] = ()
    executions: Iterable[Entity] = ()
    fills: Iterable[Entity] = ()
    client_order_id: str = ""
    _version: Entity | None = field(default=None, init=False)

    def version(self) -> Entity:
        """The terms in force: those of the last New or Modify command that was not refused (they share their id)."""
        if self._version is None:
            refused = {row.get("commandId") for row in self.command_reports if _is_refused(row)}
            refused |= {row.get("id") for row in self.commands if _is_refused(row)}
            standing = [row for row in self.versions if row.get("id") not in refused] or list(self.versions)
            self._version = max(standing, key=lambda row: row.get("id", 0), default={})
        return self._version


def _is_refused(row: Entity) -> bool:
    return str(row.get("commandStatus")) in COMMAND_REFUSED


# --- fields -----------------------------------------------------------------------------------------------------


def _surprise(row: Entity, key: str) -> ProtocolSurprise:
    return ProtocolSurprise(
        f"Tradovate sent {key}={row.get(key)!r:.60} in entity {row.get('id', '?')}, which we do not know. "
        "This report is left out; look at the account on Tradovate's own screen."
    )


def known(values: Iterable[str], row: Entity, key: str) -> str:
    """A word that must be one of ``values``."""
    word = row.get(key)
    if not isinstance(word, str) or word not in values:
        raise _surprise(row, key)
    return word


def number(row: Entity, key: str) -> Decimal:
    """A number that must be there."""
    try:
        value = to_decimal(row.get(key))
    except ValueError as error:
        raise _surprise(row, key) from error
    if abs(value.adjusted()) > LARGEST_EXPONENT:
        raise _surprise(row, key)
    return value


def maybe_number(row: Entity, key: str) -> Decimal | None:
    return number(row, key) if row.get(key) is not None else None


def whole(row: Entity, key: str) -> int:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _surprise(row, key)
    return value


def moment(row: Entity, key: str = "timestamp") -> datetime:
    try:
        return parse_iso(str(row.get(key)))
    except ValueError as error:
        raise _surprise(row, key) from error


def _id(row: Entity, *keys: str) -> str:
    """The first id that is there, as text."""
    return next((str(row[key]) for key in keys if row.get(key)), "")


# --- orders -----------------------------------------------------------------------------------------------------


def order_report(parts: OrderParts) -> OrderReport:
    """One order as it stands. Raises ProtocolSurprise."""
    order, version = parts.order, parts.version()
    filled, average = _filled(parts)
    quantity = maybe_number(version, "orderQty")
    status = _status(known(STATUSES, order, "ordStatus"), quantity, filled)
    return OrderReport(
        account_id=str(whole(order, "accountId")),
        venue_order_id=str(whole(order, "id")),
        status=status,
        side=SIDES[known(SIDES, order, "action")],
        venue_instrument_id=_id(order, "contractId"),
        updated_at=_updated(parts),
        client_order_id=client_order_id(parts),
        order_type=_order_type(version),
        quantity=quantity,
        filled_quantity=quantity if status is OrderStatus.FILLED and not filled and quantity else filled,
        average_price=average,
        limit_price=maybe_number(version, "price"),
        stop_price=maybe_number(version, "stopPrice"),
        reason=_reason(parts) if status is OrderStatus.REJECTED else "",
        parent_venue_order_id=_id(order, "parentId"),
        linked_venue_order_id=_id(order, "ocoId", "linkedId"),
    )


def unknown_report(order: Entity, client_id: str) -> OrderReport:
    """An order that exists but says something we do not know: unknown, so that it is not taken for gone."""
    return OrderReport(
        account_id=str(whole(order, "accountId")),
        venue_order_id=str(whole(order, "id")),
        status=OrderStatus.UNKNOWN,
        side=SIDES[known(SIDES, order, "action")],
        venue_instrument_id=_id(order, "contractId"),
        updated_at=moment(order),
        client_order_id=client_id,
    )


def client_order_id(parts: OrderParts) -> str:
    """Our id of the order, as the command that created it carries it."""
    named = [
        row
        for row in parts.commands
        if row.get("clOrdId") and str(row.get("commandType")) not in {"Modify", "Cancel"}
    ]
    first = min(named, key=lambda row: row.get("id", 0), default=None)
    return str(first["clOrdId"]) if first is not None else parts.client_order_id


def _status(word: str, quantity: Decimal | None, filled: Decimal) -> OrderStatus:
    status = STATUSES[word]
    if word == "Completed":
        whole_quantity = filled > 0 and (quantity is None or filled >= quantity)
        return OrderStatus.FILLED if whole_quantity else OrderStatus.CANCELED
    if status is OrderStatus.ACCEPTED and filled > 0:
        return OrderStatus.PARTIALLY_FILLED
    return status


def _order_type(version: Entity) -> OrderType | None:
    return ORDER_TYPES[known(ORDER_TYPES, version, "orderType")] if version else None


def _filled(parts: OrderParts) -> tuple[Decimal, Decimal | None]:
    """Cumulative quantity and average price: from the fills, or from execution reports that are ahead of them."""
    fills = list(parts.fills)
    active = [row for row in fills if row.get("active") is not False]
    quantity = sum((number(row, "qty") for row in active), ZERO)
    value = sum((number(row, "qty") * number(row, "price") for row in active), ZERO)
    average = value / quantity if quantity else None
    if len(active) < len(fills):
        return quantity, average  # an execution was taken back: the reports before it count too much
    told = [row for row in parts.executions if row.get("cumQty")]
    ahead = max(told, key=lambda row: (number(row, "cumQty"), row.get("id", 0)), default=None)
    if ahead is None or number(ahead, "cumQty") <= quantity:
        return quantity, average
    return number(ahead, "cumQty"), maybe_number(ahead, "avgPx")


def _updated(parts: OrderParts) -> datetime:
    rows = [*parts.commands, *parts.command_reports, *parts.executions, *parts.fills]
    return max([moment(parts.order), *(moment(row) for row in rows if row.get("timestamp"))])


def _reason(parts: OrderParts) -> str:
    """Why it was rejected: the venue's code and its words."""
    rows = [*parts.command_reports, *parts.executions]
    told = [
        row for row in rows if str(row.get("rejectReason") or "Success") != "Success" or _is_rejection(row)
    ]
    last = max(told, key=lambda row: str(row.get("timestamp", "")), default={})
    words = [str(last[key]) for key in ("rejectReason", "text") if last.get(key)]
    return ": ".join(words)[:500]


def _is_rejection(row: Entity) -> bool:
    return _is_refused(row) or row.get("execType") == "Rejected"


# --- fills, positions, money ------------------------------------------------------------------------------------


def fill_report(fill: Entity, order: Entity, fee: Entity | None, client_id: str = "") -> FillReport:
    """One execution. The fill does not name its account; its order does. Raises ProtocolSurprise."""
    quantity = number(fill, "qty")
    if quantity <= 0:
        raise _surprise(fill, "qty")
    return FillReport(
        account_id=str(whole(order, "accountId")),
        venue_fill_id=str(whole(fill, "id")),
        venue_order_id=str(whole(fill, "orderId")),
        venue_instrument_id=str(whole(fill, "contractId")),
        side=SIDES[known(SIDES, fill, "action")],
        quantity=quantity,
        price=number(fill, "price"),
        executed_at=moment(fill),
        commission=None if fee is None else maybe_number(fee, "commission") or ZERO,
        fees=None if fee is None else sum((maybe_number(fee, key) or ZERO for key in FEES), ZERO),
        client_order_id=client_id,
        voided=fill.get("active") is False,
    )


def position_report(row: Entity) -> PositionReport:
    """What is held of one contract; flat rows stay in the venue's list for the rest of the session."""
    net = number(row, "netPos")
    price = maybe_number(row, "netPrice")
    return PositionReport(
        account_id=str(whole(row, "accountId")),
        venue_instrument_id=str(whole(row, "contractId")),
        net_quantity=net,
        average_price=(price if price is not None else maybe_number(row, "prevPrice")) if net else None,
        as_of=moment(row),
    )


def cash_report(row: Entity) -> AccountReport:
    """Booked cash of one account, as the stream tells it."""
    return AccountReport(
        account_id=str(whole(row, "accountId")),
        as_of=moment(row),
        balance=number(row, "amount"),
        realized_pnl=maybe_number(row, "realizedPnL"),
        currency=CURRENCIES.get(row.get("currencyId") or 0, ""),
    )


def snapshot_report(account_id: str, body: Entity, as_of: datetime) -> AccountReport:
    """Money in one account, as the cash snapshot tells it. P&L fields are left out by the venue when there is none."""
    return AccountReport(
        account_id=account_id,
        as_of=as_of,
        balance=maybe_number(body, "totalCashValue"),
        equity=maybe_number(body, "netLiq"),
        open_pnl=maybe_number(body, "openPnL"),
        realized_pnl=maybe_number(body, "realizedPnL"),
    )


def account_info(row: Entity, environment: Environment) -> AccountInfo:
    """An account of this login. Closed and read-only ones are told as inactive, with the reason."""
    marks = {"closed": "closed", "readonly": "read only", "restricted": "restricted"}
    notes = [note for key, note in marks.items() if row.get(key)]
    usable = row.get("active") is not False and not row.get("closed") and not row.get("readonly")
    return AccountInfo(
        id=str(whole(row, "id")),
        name=str(row.get("name") or row["id"]),
        environment=environment,
        active=usable,
        detail=", ".join(notes),
    )


# --- joins ------------------------------------------------------------------------------------------------------


def leg_role(order_type: OrderType | None) -> str:
    """The suffix of a protective order, known by its type: a target is a limit, a stop is any kind of stop."""
    if order_type is OrderType.LIMIT:
        return "t"
    return "s" if order_type in {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP} else ""


def role_of(version: Entity) -> str:
    return leg_role(ORDER_TYPES.get(str(version.get("orderType"))))
