"""From an alert's meaning to the orders of one account.

Target mode moves the account to where the strategy is, whatever was lost before. In order mode the account's real position is
the "before". Exits act on what the account holds and never open.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from brokers.domain import Side
from strategies.execution.entries import entry_draft
from strategies.execution.gate import Occasion, check
from strategies.execution.meaning import Instruction, Kind, instruct
from strategies.execution.sizing import quantity_step, scaled, zero_denial
from strategies.execution.terms import (
    ZERO,
    AccountPlan,
    AccountView,
    Denial,
    OrderDraft,
    Purpose,
    StrategyTerms,
)
from strategies.webhooks.alert import Action, Alert
from tradeproject.common.money import floor_to_step, sign

__all__ = ["Instruction", "Kind", "instruct", "plan_account"]


def plan_account(
    alert: Alert, instruction: Instruction, terms: StrategyTerms, account: AccountView, occasion: Occasion
) -> AccountPlan:
    """The drafts for one account, each passed through the gate, or the reason for doing nothing."""
    if not account.allocation_enabled:
        return AccountPlan(account, no_action="This account is switched off in the strategy.")
    if instruction.kind is Kind.CANCEL:
        return AccountPlan(account, no_action="Working entry orders of this strategy are canceled.")
    if account.instrument is None or instruction.problem is not None or account.net is None:
        return AccountPlan(account, (_refused(alert, instruction, account, terms, occasion),))
    plan = _drafts(alert, instruction, terms, account, account.net)
    return replace(plan, drafts=tuple(_gated(draft, account, terms, occasion) for draft in plan.drafts))


def _gated(draft: OrderDraft, account: AccountView, terms: StrategyTerms, occasion: Occasion) -> OrderDraft:
    if draft.denial is not None:
        return draft
    return replace(draft, denial=check(draft, account, terms, occasion))


def _refused(
    alert: Alert, instruction: Instruction, account: AccountView, terms: StrategyTerms, occasion: Occasion
) -> OrderDraft:
    """A row for what could not even be sized: no contract, an unknown position, an action we cannot do here."""
    exits = instruction.reduces_only or instruction.kind is Kind.REDUCE
    side = instruction.side or (Side.SELL if alert.action is Action.SELL or exits else Side.BUY)
    draft = OrderDraft(Purpose.EXIT if exits else Purpose.ENTRY, side, ZERO)
    gated = check(draft, account, terms, occasion)
    problem = instruction.problem
    if problem is not None:  # the strategy-level meaning knows no broker, its sentence names one
        problem = replace(problem, context={**problem.context, "broker": occasion.broker})
    return replace(draft, denial=problem or gated or Denial("POSITION_UNKNOWN"))


def _drafts(
    alert: Alert, instruction: Instruction, terms: StrategyTerms, account: AccountView, net: Decimal
) -> AccountPlan:
    if instruction.kind is Kind.TARGET:
        return _to_target(alert, instruction, terms, account, net)
    if instruction.kind is Kind.ENTER:
        return _enter(alert, instruction, terms, account, net)
    return _reduce(instruction, account, net)


def _to_target(
    alert: Alert, instruction: Instruction, terms: StrategyTerms, account: AccountView, net: Decimal
) -> AccountPlan:
    wanted = scaled(instruction.base, account) * sign(instruction.base)
    if not _direction_allows(sign(wanted), terms):
        wanted = ZERO
    if instruction.reduces_only:
        return _shrink_to(wanted, account, net)
    if wanted == ZERO and instruction.side is not None:
        return _no_entry(instruction, terms, account, net)
    if sign(wanted) == sign(net) and abs(net) > abs(wanted):
        return _shrink_to(wanted, account, net)
    if wanted == net:
        return AccountPlan(account, no_action=f"The account already holds {abs(net).normalize():f}.")
    side = Side.of(wanted)
    drafts = [_close(net, abs(net))] if sign(net) == -sign(wanted) else []
    missing = abs(wanted) - (abs(net) if sign(net) == sign(wanted) else ZERO)
    return AccountPlan(account, (*drafts, entry_draft(alert, terms, account, side, missing)))


def _shrink_to(wanted: Decimal, account: AccountView, net: Decimal) -> AccountPlan:
    """Only ever closer to flat: an exit alert never enlarges or reopens a position."""
    keep = abs(wanted) if sign(wanted) == sign(net) else ZERO
    if abs(net) <= keep:
        reason = "The account is already flat." if not net else "The account already holds no more than that."
        return AccountPlan(account, no_action=reason)
    return AccountPlan(account, (_close(net, abs(net) - keep),), remaining=keep)


def _no_entry(
    instruction: Instruction, terms: StrategyTerms, account: AccountView, net: Decimal
) -> AccountPlan:
    """The wanted size came to nothing, or the direction is not traded: close the opposite side, refuse the rest."""
    side = instruction.side or Side.BUY
    denial = (
        zero_denial(instruction.base, account)
        if _direction_allows(side.sign, terms)
        else Denial("DIRECTION_NOT_ALLOWED", {"direction": terms.direction.lower()})
    )
    refused = OrderDraft(Purpose.ENTRY, side, ZERO, denial=denial)
    if sign(net) == -side.sign:
        return AccountPlan(account, (_close(net, abs(net)), refused))
    return AccountPlan(account, (refused,))


def _enter(
    alert: Alert, instruction: Instruction, terms: StrategyTerms, account: AccountView, net: Decimal
) -> AccountPlan:
    side = instruction.side
    if side is None and not net:
        what = "add to" if instruction.adds else "reverse"
        return AccountPlan(account, no_action=f"There is no position to {what}.")
    if side is None:
        side = Side.of(net) if instruction.adds else Side.of(-net)
    if not _direction_allows(side.sign, terms):
        return _no_entry(replace(instruction, side=side), terms, account, net)
    size = instruction.base
    if sign(net) == side.sign and not instruction.adds and terms.position_add is not None:
        size = terms.position_add
    opposite = sign(net) == -side.sign
    # A reversal's quantity is always more than what it closes; one that is not means a new position as it stands.
    covered = (
        opposite and instruction.covers and scaled(size, replace(account, max_contracts=None)) > abs(net)
    )
    quantity = _with_room(scaled(size, account, less=abs(net) if covered else ZERO), account, net, side)
    drafts = [_close(net, abs(net))] if opposite else []
    if quantity <= 0:
        entry = OrderDraft(Purpose.ENTRY, side, ZERO, denial=zero_denial(size, account))
    else:
        entry = entry_draft(alert, terms, account, side, quantity)
    return AccountPlan(account, (*drafts, entry))


def _with_room(quantity: Decimal, account: AccountView, net: Decimal, side: Side) -> Decimal:
    """The account's maximum bounds the position, not only one order: adds stop at it."""
    if account.max_contracts is None or sign(net) != side.sign:
        return quantity
    room = floor_to_step(account.max_contracts - abs(net), quantity_step(account))
    return min(quantity, max(ZERO, room))


def _reduce(instruction: Instruction, account: AccountView, net: Decimal) -> AccountPlan:
    if not net:
        return AccountPlan(account, no_action="The account is already flat.")
    if instruction.side is not None and sign(net) == instruction.side.sign:
        return AccountPlan(account, no_action="The account holds nothing on the side that this alert closes.")
    part = _part(instruction, account, abs(net))
    return AccountPlan(account, (_close(net, part),), remaining=abs(net) - part)


def _part(instruction: Instruction, account: AccountView, held: Decimal) -> Decimal:
    """How much to close: at least one step, at most everything."""
    step = quantity_step(account)
    if instruction.percent is not None:
        wanted = floor_to_step(held * instruction.percent / 100, step)
    elif instruction.part is not None:
        wanted = floor_to_step(instruction.part * account.multiplier * account.account_multiplier, step)
    else:
        return held
    return min(held, max(wanted, step))


def _close(net: Decimal, quantity: Decimal) -> OrderDraft:
    return OrderDraft(Purpose.EXIT, Side.of(-net), quantity)


def _direction_allows(direction: int, terms: StrategyTerms) -> bool:
    return terms.direction == "Both" or direction == 0 or (terms.direction == "Long") == (direction > 0)
