"""Whether an alert that was understood is carried out now. Pure: what is known goes in, a verdict comes out.

Entries are refused when in doubt, exits never for age, rate or a wrong clock (law 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from strategies.webhooks.alert import Action, Alert

MAX_CLOCK_LEAD = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything about the strategy that the way in needs, as one query tells it.

    ``strategy_id`` is None when the sender is known but the strategy it names is not. ``recent`` counts the alerts of
    the last minute, ``max_age`` is in seconds.
    """

    user_id: UUID
    strategy_id: UUID | None
    name: str
    symbol: str
    active: bool
    alert_format: str
    max_age: Decimal
    control: str
    control_scope: str
    control_reason: str
    recent: int
    max_per_minute: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` is empty for an accepted alert; ``message`` is for its owner; ``warnings`` go with either."""

    reason: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()


def judge(alert: Alert, situation: Situation, received_at: datetime) -> Verdict:
    if not situation.active:
        return Verdict("strategy_inactive", "The strategy is switched off. Switch it on to trade its alerts.")
    if situation.control == "halted" and alert.action is not Action.CANCEL:
        return Verdict("halted", _switched(situation, "halted", "Start it again to trade."))
    age = None if alert.alert_time is None else received_at - alert.alert_time
    if alert.is_exit:
        return Verdict(warnings=_exit_warnings(age, situation.max_age))
    verdict = _judge_entry(alert, situation, received_at, age)
    if verdict.reason in {"reducing", "stale"} and _is_reversal(alert):
        # The new side is refused by the gate, account by account; the old one must not stay open for that.
        return Verdict(warnings=(f"only the closing half is carried out: {verdict.message}",))
    return verdict


def _is_reversal(alert: Alert) -> bool:
    before, target = alert.signed_before, alert.signed_target
    return before is not None and target is not None and before * target < 0


def _judge_entry(alert: Alert, situation: Situation, received_at: datetime, age: timedelta | None) -> Verdict:
    if situation.control == "reducing":
        return Verdict("reducing", _switched(situation, "taking exits only", "Start it again to enter."))
    if age is not None and age < -MAX_CLOCK_LEAD:
        return Verdict(
            "clock_in_future",
            f"The alert says that it fired {_seconds(-age)} s from now. Check the clock of this server and {{{{timenow}}}}.",
        )
    if age is not None and _is_older(age, situation.max_age):
        return Verdict(
            "stale",
            f"The alert was {_seconds(age)} s old; entries are taken up to {situation.max_age} s. "
            "Raise the strategy's max_signal_age if such delays are normal.",
        )
    if alert.expires_at is not None and alert.expires_at < received_at:
        return Verdict("stale", "The alert says not to be carried out after a time that has passed.")
    if situation.recent > situation.max_per_minute:
        return Verdict(
            "throttled",
            f"The strategy got more than {situation.max_per_minute} alerts within a minute. Check it for a loop.",
        )
    return Verdict()


def _switched(situation: Situation, state: str, remedy: str) -> str:
    what = {"platform": "Trading on this server", "user": "Your trading"}.get(
        situation.control_scope, "The strategy"
    )
    reason = f" ({situation.control_reason})" if situation.control_reason else ""
    return f"{what} is {state}{reason}. {remedy}"


def _exit_warnings(age: timedelta | None, max_age: Decimal) -> tuple[str, ...]:
    if age is None:
        return ()
    if age < -MAX_CLOCK_LEAD:
        return (
            f"the alert's clock is {_seconds(-age)} s ahead of ours; an exit is carried out all the same",
        )
    if _is_older(age, max_age):
        return (f"the alert is {_seconds(age)} s old; an exit is carried out all the same",)
    return ()


def _is_older(age: timedelta, seconds: Decimal) -> bool:
    return Decimal(age // timedelta(microseconds=1)) > seconds * 1_000_000


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
