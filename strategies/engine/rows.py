"""Orders that are known only by their rows: second attempts, requested ones, and what a crash left behind."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from psycopg.rows import DictRow

from brokers.domain import AccountRef, LegKind, LegSpec, OrderType, Side, TimeInForce
from brokers.sessions import SessionKey
from strategies.engine.context import Contract, instrument_from
from strategies.engine.orders import Parcel, intent_of
from strategies.execution.terms import OrderDraft, Purpose


def parcel_from(
    row: DictRow,
    legs: Sequence[DictRow],
    ref: AccountRef,
    handle: str,
    quantity: Decimal,
    fence: int,
    deadline: float,
    decided_at: float,
    held: Decimal | None,
) -> Parcel:
    """``row`` is one of ``upkeep.ORDER``, ``legs`` its ``upkeep.LEGS_OF``; ``deadline`` is loop time, ``decided_at`` pulse's."""
    draft = _draft(row, legs, quantity)
    contract = Contract(instrument_from(row), row["instrument_id"])
    return Parcel(
        order_id=row["id"],
        fence=fence,
        purpose=row["purpose"],
        intent=intent_of(draft, handle, ref, contract, row["strategy_id"]),
        broker=row["broker"],
        session_key=SessionKey(row["connection_id"], row["environment"]),
        user_id=row["user_id"],
        signal_id=row["signal_id"],
        strategy_id=row["strategy_id"],
        deadline=deadline,
        decided_at=decided_at,
        account_id=row["broker_account_id"],
        instrument_id=row["instrument_id"],
        held=held,
    )


def _draft(row: DictRow, legs: Sequence[DictRow], quantity: Decimal) -> OrderDraft:
    own_price = row["stop_price"] if row["limit_price"] is None else row["limit_price"]
    trails = row["order_type"] == OrderType.TRAILING_STOP.value
    return OrderDraft(
        purpose=Purpose.ENTRY if row["purpose"] == Purpose.ENTRY.value else Purpose.EXIT,
        side=Side(row["side"]),
        quantity=quantity,
        order_type=OrderType(row["order_type"]),
        limit_price=row["limit_price"],
        stop_price=row["stop_price"],
        trail_offset=row["trail_offset"],
        time_in_force=TimeInForce(row["time_in_force"]),
        legs=tuple(_leg(leg) for leg in legs),
        reference_price=None if trails else own_price,
    )


def _leg(leg: DictRow) -> LegSpec:
    return LegSpec(LegKind(leg["kind"]), leg["price"], leg["offset"], leg["trailing"])
