"""What an alert means for its strategy as a whole, before any account is looked at.

Target mode: the alert says the position after it. Order mode: the alert says an action. Each instruction also remembers what
the chart holds after it, which is the "before" of the next alert.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from brokers.domain import Side
from strategies.execution.terms import ZERO, Denial, PreviousTarget, StrategyTerms
from strategies.webhooks.alert import Action, Alert, QuantityKind
from tradeproject.common.money import sign


class Kind(StrEnum):
    TARGET = "target"  # be ``base`` (signed)
    ENTER = "enter"  # the opposite side out, then in by ``base`` (unsigned) on ``side``
    REDUCE = "reduce"  # out by ``part`` of what is held on the side opposite to ``side`` (all when None)
    CANCEL = "cancel"  # working entries are canceled, nothing else
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the strategy wants, on its own scale. ``chart`` is the chart's signed size after it, for the next alert.

    ``covers``: nobody told the position before, so ``base`` may include what closes the opposite side.
    """

    kind: Kind
    side: Side | None = None
    base: Decimal = ZERO
    part: Decimal | None = None
    percent: Decimal | None = None
    reduces_only: bool = False
    adds: bool = False
    covers: bool = False
    chart: Decimal | None = None
    problem: Denial | None = None


def instruct(alert: Alert, terms: StrategyTerms, previous: PreviousTarget | None) -> Instruction:
    """The strategy-level meaning of an alert (see the tables of the alert formats).

    What only touches working orders is no target, even when its template tells a position.
    """
    if alert.mode == "target" and alert.action not in _MOVES_NOTHING:
        return _target(alert, terms, previous)
    return _order(alert, terms, previous)


# --- target mode -------------------------------------------------------------------------------------------------------


def _target(alert: Alert, terms: StrategyTerms, previous: PreviousTarget | None) -> Instruction:
    after = alert.signed_target or ZERO
    before = alert.signed_before
    if before is None and previous is not None:
        before = previous.chart
    base = _target_base(after, before, terms, previous)
    side = Side.of(after) if after else None
    return Instruction(Kind.TARGET, side=side, base=base, reduces_only=alert.is_exit, chart=after)


def _target_base(
    after: Decimal, before: Decimal | None, terms: StrategyTerms, previous: PreviousTarget | None
) -> Decimal:
    """The signed target on the strategy's scale: the chart's own size, or built from position size and add."""
    if not after or (terms.position_size is None and terms.position_add is None):
        return after
    first = (terms.position_size if terms.position_size is not None else abs(after)) * sign(after)
    if before is None or sign(before) != sign(after):
        return first
    known = previous is not None and sign(previous.base) == sign(after)
    prior = previous.base if known and previous is not None else first
    if known and previous is not None and previous.chart == after:
        return prior  # this very state was applied already; saying it again changes nothing
    if abs(after) > abs(before):
        step = terms.position_add if terms.position_add is not None else abs(first)
        return prior + sign(after) * step
    return prior * abs(after) / abs(before)


# --- order mode ----------------------------------------------------------------------------------------------------------


def _order(alert: Alert, terms: StrategyTerms, previous: PreviousTarget | None) -> Instruction:
    problem = _quantity_problem(alert, terms)
    if problem is not None:
        return Instruction(Kind.UNAVAILABLE, side=_SIDES.get(alert.action), problem=problem)
    match alert.action:
        case Action.EXIT:
            return _exit(alert, terms, _chart_after_exit(alert, previous))
        case Action.BUY | Action.SELL:
            return _buy_or_sell(alert, terms, previous)
        case Action.ADD:
            size = _size(alert, terms, adding=True)
            return Instruction(Kind.ENTER, base=size, adds=True, chart=_chart_after_add(alert, previous))
        case Action.REVERSE:
            return Instruction(
                Kind.ENTER, base=_size(alert, terms), chart=_chart_after_reversal(alert, previous)
            )
        case Action.CANCEL:
            return Instruction(Kind.CANCEL)
        case _:
            return Instruction(
                Kind.UNAVAILABLE, problem=Denial("ACTION_NOT_AVAILABLE", {"action": alert.action.value})
            )


_SIDES = {Action.BUY: Side.BUY, Action.SELL: Side.SELL}
_MOVES_NOTHING = {Action.CANCEL, Action.BREAKEVEN}
_ENTRIES = {Action.BUY, Action.SELL, Action.ADD, Action.REVERSE}


def _quantity_problem(alert: Alert, terms: StrategyTerms) -> Denial | None:
    """A share of the position says how much to close, never how much to buy."""
    if alert.quantity_kind is QuantityKind.FIXED or alert.action not in _ENTRIES or alert.is_exit:
        return None
    own = terms.position_add if alert.action is Action.ADD and terms.position_add is not None else None
    if own is not None or terms.position_size is not None:
        return None
    return Denial("QUANTITY_KIND_NOT_AVAILABLE", {"kind": alert.quantity_kind.value.replace("_", " ")})


def _size(alert: Alert, terms: StrategyTerms, *, adding: bool = False) -> Decimal:
    """The strategy's own size when it is set (zero included), else the alert's, else one."""
    if adding and terms.position_add is not None:
        return terms.position_add
    if terms.position_size is not None:
        return terms.position_size
    return alert.quantity if alert.quantity is not None else Decimal(1)


def _exit(alert: Alert, terms: StrategyTerms, chart: Decimal | None, side: Side | None = None) -> Instruction:
    """Trim "All" closes everything; "Partial" closes the alert's quantity or percentage, when it names one."""
    percent = alert.quantity if alert.quantity_kind is QuantityKind.PERCENT_OF_POSITION else None
    part = alert.quantity if percent is None else None
    if terms.trim == "All" and percent is None:
        part = None
    return Instruction(Kind.REDUCE, side=side, part=part, percent=percent, reduces_only=True, chart=chart)


def _buy_or_sell(alert: Alert, terms: StrategyTerms, previous: PreviousTarget | None) -> Instruction:
    side = _SIDES[alert.action]
    along, against = ("long", "short") if side is Side.BUY else ("short", "long")
    chart = _chart_after(alert, side, previous)
    guard = alert.sentiment or alert.position_after
    if guard == "flat":
        return Instruction(Kind.REDUCE, side=side, reduces_only=True, chart=ZERO)
    if guard == against:
        return _exit(alert, replace(terms, trim="Partial"), chart, side)
    size = _size(alert, terms)
    told = guard == along and terms.position_size is None and chart is not None
    if (
        told
        and previous is not None
        and sign(previous.chart) == -side.sign
        and sign(chart or ZERO) == side.sign
    ):
        # The alert's quantity of a reversal includes what closes the old position: only the rest is the new one.
        size = abs(chart or ZERO)
    return Instruction(Kind.ENTER, side=side, base=size, chart=chart, covers=told and previous is None)


# What the chart holds after an order, as far as the alerts so far tell it: the "before" of the next one.


def _chart_after(alert: Alert, side: Side, previous: PreviousTarget | None) -> Decimal | None:
    if alert.quantity is None or alert.quantity_kind is not QuantityKind.FIXED:
        return None
    return (previous.chart if previous is not None else ZERO) + side.sign * alert.quantity


def _chart_after_exit(alert: Alert, previous: PreviousTarget | None) -> Decimal | None:
    if alert.quantity is None:
        return ZERO
    if previous is None:
        return None
    size = abs(previous.chart)
    is_share = alert.quantity_kind is QuantityKind.PERCENT_OF_POSITION
    closed = size * alert.quantity / 100 if is_share else alert.quantity
    return max(ZERO, size - closed) * sign(previous.chart)


def _chart_after_add(alert: Alert, previous: PreviousTarget | None) -> Decimal | None:
    if alert.quantity is None or previous is None or not previous.chart:
        return None
    return previous.chart + sign(previous.chart) * alert.quantity


def _chart_after_reversal(alert: Alert, previous: PreviousTarget | None) -> Decimal | None:
    if previous is None or not previous.chart:
        return None
    size = alert.quantity if alert.quantity is not None else Decimal(1)
    return -sign(previous.chart) * size
