"""The JSON of strategies, signals and orders, as the API, the sockets and the dry run show it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from brokers import domain
from brokers.domain import LegSpec
from brokers.models import BrokerAccount
from strategies.execution.denials import explain
from strategies.execution.terms import OrderDraft
from strategies.models import Allocation, BracketLeg, Order, Signal, Strategy
from strategies.selectors import webhook_url_of
from strategies.validation import RISK
from tradeproject.common.clock import iso
from tradeproject.common.money import plain


def _id(value: object) -> str | None:
    return None if value is None else str(value)


# --- strategies -----------------------------------------------------------------------------------------------------


def strategy_json(strategy: Strategy, *, with_secret: bool = True) -> dict[str, Any]:
    """A strategy; without ``with_secret`` its address is left out, for whoever holds that can trade."""
    return {
        "id": str(strategy.pk),
        "name": strategy.name,
        "symbol": strategy.symbol,
        "strat_type": strategy.strat_type,
        "position_size": plain(strategy.position_size),
        "position_add": plain(strategy.position_add),
        "take_profit": plain(strategy.take_profit),
        "stop_loss": plain(strategy.stop_loss),
        "tpsl_units": strategy.tpsl_units,
        "trim": strategy.trim,
        "directional_strategy": strategy.directional_strategy,
        "time_in_force": strategy.time_in_force,
        "days_to_expiry": strategy.days_to_expiry,
        "strike_offset": strategy.strike_offset,
        "active": strategy.active,
        "recording_enabled": strategy.recording_enabled,
        "demo_account": _id(strategy.demo_account_id),
        "webhook_url": webhook_url_of(strategy) if with_secret else None,
        "allocations": [allocation_json(row) for row in strategy.allocations.all()],
        "risk": {name: (strategy.risk or {}).get(name) for name in RISK},
        "warnings": [],
        "alert_format": strategy.alert_format,
        "created_at": iso(strategy.created_at),
        "updated_at": iso(strategy.updated_at),
    }


def allocation_json(allocation: Allocation) -> dict[str, Any]:
    return {
        "broker_account": str(allocation.broker_account_id),
        "multiplier": plain(allocation.multiplier),
        "max_contracts": plain(allocation.max_contracts),
        "enabled": allocation.enabled,
    }


# --- signals --------------------------------------------------------------------------------------------------------


def signal_json(signal: Signal) -> dict[str, Any]:
    """One line of the signal list; counts of orders only where the query brought them."""
    return {
        "id": str(signal.pk),
        "strategy": _id(signal.strategy_id),
        "strategy_name": signal.strategy.name if signal.strategy else None,
        "source": signal.source,
        "received_at": iso(signal.received_at),
        "stored_at": iso(signal.stored_at),
        "alert_time": iso(signal.alert_time),
        "due_at": iso(signal.due_at),
        "format": signal.format,
        "status": signal.status,
        "code": signal.code,
        "message": signal.message,
        "intent": signal.intent,
        "repairs": signal.repairs,
        "warnings": signal.warnings,
        "duplicates": signal.duplicates,
        "progress": signal.progress,
        "orders": getattr(signal, "order_count", None),
        "filled": getattr(signal, "filled_count", None),
        "refused": getattr(signal, "refused_count", None),
    }


# --- orders ---------------------------------------------------------------------------------------------------------


def order_json(order: Order) -> dict[str, Any]:
    """An order as the contract has it. ``order.legs`` should be prefetched."""
    return {
        "id": str(order.pk),
        "signal": _id(order.signal_id),
        "strategy": _id(order.strategy_id),
        "broker_account": str(order.broker_account_id),
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id,
        "symbol": order.symbol,
        "venue_symbol": order.venue_symbol,
        "side": order.side,
        "quantity": plain(order.quantity),
        "order_type": order.order_type,
        "limit_price": plain(order.limit_price),
        "stop_price": plain(order.stop_price),
        "time_in_force": order.time_in_force,
        "cancel_after": order.cancel_after,
        "bracket": bracket_json(order.legs.all()),
        "status": order.status,
        "deny_code": order.deny_code,
        "reject_reason": order.reject_reason,
        "filled_quantity": plain(order.filled_quantity),
        "average_price": plain(order.average_price),
        "planned_at": iso(order.planned_at),
        "sent_at": iso(order.sent_at),
        "answered_at": iso(order.answered_at),
        "filled_at": iso(order.filled_at),
        "purpose": order.purpose,
        "cancel_requested_at": iso(order.cancel_requested_at),
    }


def bracket_json(legs: Iterable[BracketLeg]) -> dict[str, Any] | None:
    """``{"take_profit": {…}, "stop_loss": {…}}``; None without legs."""
    found = {leg.kind: _leg_json(leg) for leg in legs}
    return {kind: found.get(kind) for kind in ("take_profit", "stop_loss")} if found else None


def _leg_json(leg: BracketLeg) -> dict[str, Any]:
    return {
        "price": plain(leg.price),
        "offset": plain(leg.offset),
        "trailing": leg.trailing,
        "quantity": plain(leg.quantity),
        "venue_order_id": leg.venue_order_id,
        "status": leg.status,
        "reject_reason": leg.reject_reason,
        "filled_quantity": plain(leg.filled_quantity),
        "average_price": plain(leg.average_price),
    }


def draft_json(
    draft: OrderDraft,
    *,
    strategy: Strategy,
    account: BrokerAccount,
    instrument: domain.Instrument | None,
    symbol: str,
) -> dict[str, Any]:
    """An order that was only planned: the same fields, without ids and without a life of its own."""
    return {
        "strategy": str(strategy.pk),
        "broker_account": str(account.pk),
        "symbol": instrument.root if instrument else symbol,
        "venue_symbol": instrument.venue_symbol if instrument else "",
        "side": draft.side.value,
        "quantity": plain(draft.quantity),
        "order_type": draft.order_type.value,
        "limit_price": plain(draft.limit_price),
        "stop_price": plain(draft.stop_price),
        "time_in_force": draft.time_in_force.value,
        "cancel_after": draft.cancel_after,
        "bracket": _planned_bracket(draft.legs, draft.quantity),
        "status": "denied" if draft.denial else "pending",
        "deny_code": draft.denial.code if draft.denial else "",
        "deny_message": explain(draft.denial.code, draft.denial.context) if draft.denial else "",
        "purpose": draft.purpose.value,
    }


def _planned_bracket(legs: Iterable[LegSpec], quantity: Decimal) -> dict[str, Any] | None:
    found = {
        leg.kind.value: {
            "price": plain(leg.price),
            "offset": plain(leg.offset),
            "trailing": leg.trailing,
            "quantity": plain(quantity),
        }
        for leg in legs
    }
    return {kind: found.get(kind) for kind in ("take_profit", "stop_loss")} if found else None
