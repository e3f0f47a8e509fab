"""The JSON of the record, as the API, the sockets and the trace of a signal show it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from recorder.models import Fill, RecordedPosition
from tradeproject.common.clock import iso
from tradeproject.common.money import plain


def _id(value: object) -> str | None:
    return None if value is None else str(value)


def position_json(position: RecordedPosition) -> dict[str, Any]:
    """A recorded position, open or closed."""
    return {
        "id": str(position.pk),
        "strategy": _id(position.strategy_id),
        "broker_account": str(position.broker_account_id),
        "symbol": position.symbol,
        "side": position.side,
        "quantity": plain(position.quantity),
        "open_quantity": plain(position.open_quantity),
        "entry_price": plain(position.entry_price),
        "entry_timestamp": iso(position.entry_timestamp),
        "exit_price": plain(position.exit_price),
        "exit_timestamp": iso(position.exit_timestamp),
        "exit_reason": position.exit_reason or None,
        "pnl": plain(position.pnl),
        "pnl_percent": plain(position.pnl_percent),
        "commission": plain(position.commission),
        "net_pnl": plain(position.net_pnl),
        "stop_loss_price": plain(position.stop_loss_price),
        "take_profit_price": plain(position.take_profit_price),
        "slippage": plain(position.slippage),
        "status": position.status,
        "signal": _id(position.signal_id),
        "venue_position_id": position.venue_position_id,
    }


def fill_json(fill: Fill) -> dict[str, Any]:
    """One execution; commission and fees are null while the venue has not told them."""
    return {
        "id": str(fill.pk),
        "venue_fill_id": fill.venue_fill_id,
        "leg": fill.leg.kind if fill.leg else None,
        "side": fill.side,
        "quantity": plain(fill.quantity),
        "price": plain(fill.price),
        "commission": plain(fill.commission),
        "fees": plain(fill.fees),
        "executed_at": iso(fill.executed_at),
    }


def fills_by_order(order_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """The executions of orders and of their protective legs, oldest first; voided ones are left out."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    ids = list(order_ids)
    rows = Fill.objects.filter(Q(order__in=ids) | Q(leg__order__in=ids), voided=False)
    for fill in rows.select_related("leg").order_by("executed_at", "pk"):
        order = fill.leg.order_id if fill.leg else fill.order_id
        if order is not None:
            found.setdefault(order, []).append(fill_json(fill))
    return found


def analytics_json(found: Mapping[str, Any]) -> dict[str, Any]:
    """Analytics as JSON: decimals as text, days as dates, moments in UTC."""
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
