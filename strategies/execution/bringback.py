"""A target for one account alone: what brings it back to where its strategy wants it. Pure, no Django.

It goes the way of an alert, through the same planner and gate. What it says is the account's own quantity, so nothing scales
it again; and it is no word of the strategy, so it decides nothing about the alerts that follow.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from brokers.domain import Side
from strategies.execution.meaning import Instruction, Kind
from strategies.execution.terms import ZERO, AccountView
from strategies.webhooks.alert import Action, Alert, Position, ProtectiveSpec

ASKED, BY_ITSELF = "bring_back", "auto_bring_back"
SOURCES = frozenset({ASKED, BY_ITSELF})
ALLOCATION = "allocation"


def bring_back_alert(
    allocation: UUID,
    ticker: str,
    wanted: Decimal,
    held: Decimal,
    stop_loss: ProtectiveSpec | None = None,
    take_profit: ProtectiveSpec | None = None,
    signal_price: Decimal | None = None,
) -> Alert:
    """The target of one allocation. An entry that it takes has the stop that the strategy's own alert asked for."""
    side = Position.FLAT if not wanted else Position.LONG if wanted > 0 else Position.SHORT
    return Alert(
        format=ASKED,
        ticker=ticker,
        action=Action.BUY if wanted > held else Action.SELL,
        position_after=side,
        position_after_size=abs(wanted) if wanted else None,
        stop_loss=stop_loss,
        take_profit=take_profit,
        signal_price=signal_price,
        extras={ALLOCATION: str(allocation)},
    )


def allocation_of(source: str, alert: Alert) -> UUID | None:
    """The only allocation that a signal of this source is for; None = for all of its strategy."""
    return UUID(str(alert.extras[ALLOCATION])) if source in SOURCES else None


def instruction_of(alert: Alert) -> Instruction:
    target = alert.signed_target or ZERO
    side = Side.of(target) if target else None
    return Instruction(Kind.TARGET, side=side, base=target, reduces_only=not target)


def unscaled(view: AccountView) -> AccountView:
    """The account as its own target is meant for: nothing multiplies it, its maximum still holds."""
    return replace(view, multiplier=Decimal(1), account_multiplier=Decimal(1))
