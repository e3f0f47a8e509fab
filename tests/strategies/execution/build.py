"""What the pure core is given, with a test naming only what it is about, and what its plans do to a position.

Positions and orders are written as signed numbers: -3 is a short of three, or a sell of three.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from brokers.domain import AssetClass, Capabilities, Instrument, OrderType, Side, TimeInForce
from strategies.execution.gate import Occasion
from strategies.execution.meaning import Instruction, instruct
from strategies.execution.planner import plan_account
from strategies.execution.terms import (
    AccountPlan,
    AccountView,
    OrderDraft,
    PreviousTarget,
    Purpose,
    StrategyTerms,
)
from strategies.webhooks.alert import Action, Alert, Position, ProtectiveSpec

TUESDAY = datetime(2026, 10, 6, 14, 0, tzinfo=UTC)
SOME_ID = UUID(int=7)

MNQ = Instrument(
    venue_id="101",
    venue_symbol="MNQZ6",
    root="MNQ",
    asset_class=AssetClass.FUTURES,
    tick_size=Decimal("0.25"),
    point_value=Decimal(2),
)
ABLE = Capabilities(
    order_types=frozenset(OrderType),
    time_in_force=frozenset(TimeInForce),
    bracket=True,
    bracket_offsets=True,
    modify=True,
    trailing_stop=True,
    reduce_only=False,
    client_id_lookup=True,
    order_stream=True,
    market_data=True,
)
_NUMBERS = {"position_size", "position_add", "take_profit", "stop_loss"}
_MORE_NUMBERS = {"multiplier", "account_multiplier", "max_contracts", "net", "held"}


def exact(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _exactly(fields: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: exact(value) if name in names else value for name, value in fields.items()}


def terms(**fields: Any) -> StrategyTerms:
    return StrategyTerms(**{"id": SOME_ID, "symbol_root": "MNQ", **_exactly(fields, _NUMBERS)})


def account(net: Any = 0, **fields: Any) -> AccountView:
    """An account in order that holds ``net`` (None: nobody knows), all of it by this strategy."""
    values = {"net": net, "held": net, "instrument": MNQ, "capabilities": ABLE, **fields}
    return AccountView(
        allocation_id=SOME_ID, broker_account_id=SOME_ID, **_exactly(values, _NUMBERS | _MORE_NUMBERS)
    )


def occasion(**fields: Any) -> Occasion:
    values = {
        "now": TUESDAY,
        "signal_age": 0.5,
        "max_age": 120,
        "broker": "tradovate",
        "symbol_root": "MNQ",
        **fields,
    }
    return Occasion(**values)


def order(action: Action | str, quantity: Any = None, **fields: Any) -> Alert:
    """An alert that tells an action."""
    return Alert(format="t", ticker="MNQ", action=Action(action), quantity=exact(quantity), **fields)


def target(after: Any, before: Any = None, action: Action | str | None = None, **fields: Any) -> Alert:
    """An alert that tells the position after it, and the one before it unless that is None."""
    side, size = position(after)
    prior, prior_size = (None, None) if before is None else position(before)
    rises = Decimal(str(after)) > Decimal(str(before or 0))
    return Alert(
        format="t",
        ticker="MNQ",
        action=Action(action) if action else Action.BUY if rises else Action.SELL,
        position_after=side,
        position_after_size=size,
        position_before=prior,
        position_before_size=prior_size,
        **fields,
    )


def position(signed: Any) -> tuple[Position, Decimal]:
    number = Decimal(str(signed))
    side = Position.LONG if number > 0 else Position.SHORT if number < 0 else Position.FLAT
    return side, abs(number)


def away(**measure: Any) -> ProtectiveSpec:
    """A target or stop by one measure: price, offset, percent or money."""
    return ProtectiveSpec(**{n: v if n == "trailing" else exact(v) for n, v in measure.items()})


def applied(base: Any, chart: Any = None) -> PreviousTarget:
    """The strategy's last target: ``base`` on its own scale, ``chart`` on the chart's (the same when not given)."""
    return PreviousTarget(Decimal(str(base)), Decimal(str(base if chart is None else chart)), TUESDAY)


def plan(
    alert: Alert,
    view: AccountView,
    strategy: StrategyTerms | None = None,
    previous: PreviousTarget | None = None,
    moment: Occasion | None = None,
) -> AccountPlan:
    strategy = strategy or terms()
    moment = moment or occasion(is_target=alert.mode == "target", signal_price=alert.signal_price)
    return plan_account(alert, instruct(alert, strategy, previous), strategy, view, moment)


def remembered(instruction: Instruction, previous: PreviousTarget | None) -> PreviousTarget | None:
    """What the next alert is told about this one."""
    if instruction.chart is None:
        return previous
    base = instruction.base * (
        instruction.side.sign if instruction.kind == "enter" and instruction.side else 1
    )
    return PreviousTarget(base, instruction.chart, TUESDAY)


def sent(outcome: AccountPlan) -> list[OrderDraft]:
    """The orders that go: what is not denied; the entry after an exit that is denied does not go either."""
    drafts = []
    for draft in outcome.drafts:
        if draft.denial is not None:
            break
        drafts.append(draft)
    return drafts


def steps(outcome: AccountPlan) -> list[tuple[str, Decimal]]:
    """Its orders as ("exit" or "entry", signed quantity)."""
    return [(draft.purpose.value, draft.side.sign * draft.quantity) for draft in sent(outcome)]


def denials(outcome: AccountPlan) -> list[str]:
    return [draft.denial.code for draft in outcome.drafts if draft.denial is not None]


def path(net: Decimal, outcome: AccountPlan) -> list[Decimal]:
    """The position before the first order and after each one is filled."""
    positions = [net]
    for _, signed in steps(outcome):
        positions.append(positions[-1] + signed)
    return positions


def entry(quantity: Any = 1, side: Side = Side.BUY, **fields: Any) -> OrderDraft:
    return OrderDraft(Purpose.ENTRY, side, Decimal(str(quantity)), **fields)


def exit_of(held: Any, quantity: Any = None) -> OrderDraft:
    """The order that closes ``quantity`` (all when None) of a position."""
    net = Decimal(str(held))
    return OrderDraft(Purpose.EXIT, Side.of(-net), exact(quantity) if quantity is not None else abs(net))


def contract(**fields: Any) -> Instrument:
    return replace(MNQ, **fields)
