"""The entry order of one account: its prices on the tick, and the protective legs that were asked for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from brokers.domain import Instrument, LegKind, LegSpec, OrderType, Side, TimeInForce
from strategies.execution.sizing import Distance, leg_for
from strategies.execution.terms import AccountView, Denial, OrderDraft, Purpose, StrategyTerms
from strategies.webhooks.alert import Alert, ProtectiveSpec
from tradeproject.common.money import ceil_to_step, floor_to_step


def entry_draft(
    alert: Alert, terms: StrategyTerms, account: AccountView, side: Side, quantity: Decimal
) -> OrderDraft:
    instrument = account.instrument
    if instrument is None:
        raise ValueError("an entry needs its instrument")
    draft = _priced(alert, terms, account, side, quantity)
    # Only an entry with a price of its own tells in advance where its legs will stand.
    own_price = draft.limit_price if draft.limit_price is not None else draft.stop_price
    if draft.order_type is OrderType.TRAILING_STOP:
        own_price = None
    reference = own_price if own_price is not None else alert.signal_price
    legs = [leg_for(wanted, side, quantity, instrument, reference) for wanted in _wanted_legs(alert, terms)]
    problem = next((leg for leg in legs if isinstance(leg, Denial)), None)
    made = tuple(leg for leg in legs if isinstance(leg, LegSpec))
    return replace(draft, legs=made, reference_price=own_price, denial=problem)


def _priced(
    alert: Alert, terms: StrategyTerms, account: AccountView, side: Side, quantity: Decimal
) -> OrderDraft:
    """The entry with the prices that its type uses, on the tick: a sell's up, a buy's down."""
    instrument = account.instrument
    if instrument is None:
        raise ValueError("an entry needs its instrument")
    kind = alert.order_type or OrderType.MARKET
    limited = kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}
    stopped = kind in {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP}
    return OrderDraft(
        purpose=Purpose.ENTRY,
        side=side,
        quantity=quantity,
        order_type=kind,
        limit_price=_on_tick(alert.limit_price, side, instrument) if limited else None,
        stop_price=_on_tick(alert.stop_price, side, instrument) if stopped else None,
        trail_offset=_trail(alert, instrument) if kind is OrderType.TRAILING_STOP else None,
        time_in_force=_time_in_force(alert, terms, account),
        cancel_after=None if kind is OrderType.MARKET else alert.cancel_after,
    )


_REST = {TimeInForce.DAY: TimeInForce.GTC, TimeInForce.GTC: TimeInForce.DAY}


def _time_in_force(alert: Alert, terms: StrategyTerms, account: AccountView) -> TimeInForce:
    """The alert's, else the strategy's, else the day. Of the two that rest, one stands in for the other at a venue that
    has only that; "at once or not at all" has no stand-in, the gate refuses it there.
    """
    wanted = alert.time_in_force or terms.time_in_force or TimeInForce.DAY
    able = account.capabilities
    if able is None or wanted in able.time_in_force:
        return wanted
    other = _REST.get(wanted)
    return other if other is not None and other in able.time_in_force else wanted


def _on_tick(price: Decimal | None, side: Side, instrument: Instrument) -> Decimal | None:
    if price is None:
        return None
    return (ceil_to_step if side is Side.SELL else floor_to_step)(price, instrument.tick_size)


def _trail(alert: Alert, instrument: Instrument) -> Decimal | None:
    """The distance a trailing entry keeps: as told, or per cent of the alert's price; at least one tick."""
    distance = alert.trail_offset
    if distance is None and alert.trail_percent is not None and alert.signal_price is not None:
        distance = abs(alert.signal_price) * alert.trail_percent / 100
    if distance is None:
        return None
    return max(floor_to_step(distance, instrument.tick_size), instrument.tick_size)


def _wanted_legs(alert: Alert, terms: StrategyTerms) -> list[Distance]:
    """The alert's own target and stop, else the strategy's."""
    settings = (
        (LegKind.TAKE_PROFIT, alert.take_profit, terms.take_profit),
        (LegKind.STOP_LOSS, alert.stop_loss, terms.stop_loss),
    )
    wanted = []
    for kind, asked, configured in settings:
        if asked is not None:
            wanted.append(_from_alert(kind, asked))
        elif configured is not None:
            wanted.append(Distance(kind, value=configured, units=terms.units))
    return wanted


def _from_alert(kind: LegKind, asked: ProtectiveSpec) -> Distance:
    units = {"offset": "Points", "percent": "Percent", "money": "Dollars"}
    for name, unit in units.items():
        value = getattr(asked, name)
        if value is not None:
            return Distance(kind, value=value, units=unit, trailing=asked.trailing)
    return Distance(kind, price=asked.price, trailing=asked.trailing)
