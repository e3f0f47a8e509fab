"""Whether what an alert says can be true, whatever its format (the table of side, position before and after)."""

from __future__ import annotations

from decimal import Decimal

from strategies.webhooks.alert import Action, Alert
from strategies.webhooks.refusal import Refusal
from tradeproject.common.money import plain

ONE_LOT = Decimal(1)


def check_meaning(alert: Alert) -> list[str]:
    """Warnings about an alert that can be followed. Raises Refusal for one that contradicts itself."""
    target = alert.signed_target
    if target is None or alert.action in {Action.CANCEL, Action.BREAKEVEN}:
        return []
    before = alert.signed_before
    if before is None:
        _check_sides(alert)
        return []
    if not _reachable(alert.action, before, target):
        raise _contradiction(alert)
    return _size_warnings(alert, before, target)


def _check_sides(alert: Alert) -> None:
    """Without sizes the sides alone can still be impossible: who was not short cannot be short after buying."""
    before, after = alert.position_before, alert.position_after
    if before is None or after is None:
        return
    rises = {Action.BUY: 1, Action.SELL: -1}.get(alert.action)
    if rises is not None and (after.sign - before.sign) * rises < 0:
        raise _contradiction(alert)


def _reachable(action: Action, before: Decimal, target: Decimal) -> bool:
    """Whether this action can lead from one signed position to the other."""
    if action is Action.BUY:
        return target >= before
    if action is Action.SELL:
        return target <= before
    same_side = before * target > 0
    if action is Action.EXIT:
        return target == 0 or (same_side and abs(target) <= abs(before))
    if action is Action.ADD:
        return same_side and abs(target) > abs(before)
    return before * target < 0  # reverse


def _contradiction(alert: Alert) -> Refusal:
    before = f"{alert.position_before} {plain(alert.position_before_size) or ''}".strip()
    after = f"{alert.position_after} {plain(alert.position_after_size) or ''}".strip()
    return Refusal(
        "contradiction",
        f"{alert.action} cannot lead from {before} to {after}. Check the placeholders of the alert's message.",
    )


def _size_warnings(alert: Alert, before: Decimal, target: Decimal) -> list[str]:
    moved = abs(target - before)
    if alert.quantity is None or abs(moved - alert.quantity) <= ONE_LOT:
        return []
    return [
        f"the quantity {plain(alert.quantity)} does not match the change of position ({plain(moved)}); "
        "the position was followed"
    ]
