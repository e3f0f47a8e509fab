"""How much: from the strategy's size to an account's quantity, and from a distance to a price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from brokers.domain import Instrument, LegKind, LegSpec, Side
from strategies.execution.terms import ZERO, AccountView, Denial
from tradeproject.common.money import ceil_to_step, floor_to_step, round_to_step

NOISE = Decimal("1E-12")  # a third, taken three times, is one


def scaled(size: Decimal, account: AccountView, *, less: Decimal = ZERO) -> Decimal:
    """``size`` × both multipliers, floored to the instrument's step, ``less`` what is taken off, capped at the maximum."""
    step = quantity_step(account)
    product = round_to_step(abs(size) * account.multiplier * account.account_multiplier, NOISE)
    quantity = max(ZERO, floor_to_step(product, step) - less)
    if account.max_contracts is None:
        return quantity
    return min(quantity, floor_to_step(account.max_contracts, step))


def quantity_step(account: AccountView) -> Decimal:
    return account.instrument.quantity_step if account.instrument else Decimal(1)


def zero_denial(size: Decimal, account: AccountView) -> Denial:
    cap = "no maximum" if account.max_contracts is None else account.max_contracts
    return Denial(
        "QUANTITY_ZERO",
        {"size": abs(size), "multiplier": account.multiplier * account.account_multiplier, "cap": cap},
    )


@dataclass(frozen=True, slots=True)
class Distance:
    """A take-profit or stop as it was asked for: one of an absolute price, or a value in units from the entry."""

    kind: LegKind
    price: Decimal | None = None
    value: Decimal | None = None
    units: str = "Points"  # Ticks, Points, Percent, Dollars (money for the whole entry)
    trailing: bool = False


def leg_for(
    wanted: Distance, side: Side, quantity: Decimal, instrument: Instrument, reference: Decimal | None
) -> LegSpec | Denial:
    """The protective leg on the tick grid, or why it cannot be made.

    A given price is rounded so that the leg never comes nearer to the entry than asked; a distance becomes an offset in
    price points, at least one tick.
    """
    what = wanted.kind.value.replace("_", "-")
    if wanted.price is not None:
        return LegSpec(
            wanted.kind, price=_on_grid(wanted.price, wanted.kind, side, instrument), trailing=wanted.trailing
        )
    value = wanted.value
    if value is None or value <= 0:
        return Denial("BRACKET_INVALID", {"what": what, "value": value, "units": wanted.units.lower()})
    if wanted.units == "Percent" and reference is None:
        return Denial("NO_REFERENCE_PRICE", {"what": what, "units": "percent"})
    points = _points(value, wanted.units, quantity, instrument, reference or ZERO)
    offset = max(round_to_step(points, instrument.tick_size), instrument.tick_size)
    return LegSpec(wanted.kind, offset=offset, trailing=wanted.trailing)


def _points(
    value: Decimal, units: str, quantity: Decimal, instrument: Instrument, reference: Decimal
) -> Decimal:
    if units == "Ticks":
        return value * instrument.tick_size
    if units == "Percent":
        return abs(reference) * value / 100
    if units == "Dollars":
        return value / (quantity * instrument.point_value)
    return value


def _on_grid(price: Decimal, kind: LegKind, side: Side, instrument: Instrument) -> Decimal:
    """Away from the entry: a long's target and a short's stop round up, the other two down."""
    up = (side is Side.BUY) == (kind is LegKind.TAKE_PROFIT)
    return ceil_to_step(price, instrument.tick_size) if up else floor_to_step(price, instrument.tick_size)


def leg_price(leg: LegSpec, side: Side, entry: Decimal, instrument: Instrument) -> Decimal:
    """Where a leg stands for an entry filled at ``entry``: its own price, or the entry ± its offset on the grid."""
    if leg.price is not None:
        return leg.price
    away = side.sign if leg.kind is LegKind.TAKE_PROFIT else -side.sign
    return _on_grid(entry + away * (leg.offset or ZERO), leg.kind, side, instrument)
