"""Which events a trader is told of in the product, and in which words. Pure: event in, message out.

What is missing here (a fill, a changed stop, an account's balance) is seen on the pages and interrupts nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from notifications.models import Notification
from tradeproject.common.events import StoredEvent

Level = Notification.Level
MAX_TITLE, MAX_BODY = 200, 500


@dataclass(frozen=True, slots=True)
class Message:
    """What to tell. Events with the same non-empty ``subject`` share one row; a ``recovery`` is only told when the last
    message with this link was about a trouble."""

    level: str
    title: str
    body: str = ""
    link: str = ""
    subject: str = ""
    recovery: bool = False


Maker = Callable[[Mapping[str, Any]], Message | None]


def message_for(event: StoredEvent) -> Message | None:
    """The message of an event, None when it is not worth one."""
    maker = MAKERS.get(event.type)
    return maker(event.data) if maker is not None and event.user_id is not None else None


def handled_types() -> frozenset[str]:
    return frozenset(MAKERS)


def _connection(data: Mapping[str, Any]) -> Message | None:
    label, reason = data["label"], data.get("reason") or ""
    link = f"/user/accounts#connection-{data['connection']}"
    if data["state"] == "needs_reauthorization":
        body = reason or "The broker wants you to sign in again. Until then its accounts take no orders."
        return Message(Level.PROBLEM, f"{label}: sign in again", body, link)
    if data["state"] == "error":
        return Message(Level.WARNING, f"{label} does not answer", reason, link)
    if data["state"] == "connected":
        return Message(Level.GOOD, f"{label} is connected again", "", link, recovery=True)
    return None


def _signal_link(data: Mapping[str, Any]) -> str:
    return f"/user/signals/{data['signal']}" if data.get("signal") else "/user/orders"


def _answered(data: Mapping[str, Any]) -> Message | None:
    """Orders that did not go through: one message per signal, whatever its number of accounts and batches."""
    counts = data.get("counts") or {}
    troubled = {name: counts.get(name, 0) for name in ("unknown", "rejected", "denied") if counts.get(name)}
    if not troubled:
        return None
    words = {"unknown": "without a clear answer", "rejected": "rejected", "denied": "held back"}
    level = Level.PROBLEM if "unknown" in troubled or "rejected" in troubled else Level.WARNING
    title = "Orders " + ", ".join(words[name] for name in troubled)
    first: Mapping[str, Any] = next(iter(data.get("problems") or []), {})
    said = f"{first.get('account', '')}: {first.get('message', '')}".strip(": ")
    subject = f"signal:{data['signal']}" if data.get("signal") else ""
    return Message(level, title, said, _signal_link(data), subject)


def _undecided(data: Mapping[str, Any]) -> Message | None:
    """An order of which nobody knows: told when it lasts, and how it ended."""
    of, account = f"order:{data['order']}", f"{data['symbol']} on {data['account']}"
    link = f"/user/orders?order={data['order']}"
    if data["outcome"] == "found":
        return Message(Level.GOOD, f"Order found: {account}", data["message"], link, of, recovery=True)
    if data["outcome"] == "expired":
        return Message(Level.PROBLEM, f"Order not carried out: {account}", data["message"], link, of)
    return Message(Level.PROBLEM, f"Outcome of an order not known: {account}", data["message"], link, of)


def _stored(data: Mapping[str, Any]) -> Message | None:
    if data["status"] == "rejected":
        body = "It was stored and nothing was sent. The signal's page shows what came in and what to change."
        return Message(
            Level.PROBLEM,
            f"Alert not understood ({str(data.get('code', '')).replace('_', ' ')})",
            body,
            _signal_link(data),
        )
    if data["status"] == "ignored":
        reason = str(data.get("code", "")).replace("_", " ")
        return Message(
            Level.WARNING, f"Alert not carried out ({reason})", data.get("intent") or "", _signal_link(data)
        )
    return None


def _position(data: Mapping[str, Any], what: str, level: str, body: str = "") -> Message | None:
    """One message for all accounts of a signal; a position without a strategy is not the product's business."""
    if not data.get("strategy"):
        return None
    side = {"Buy": "long", "Sell": "short"}.get(data["side"], str(data["side"]).lower())
    link = f"/user/strats/{data['strategy']}"
    of = f"signal:{data['signal']}" if data.get("signal") else f"position:{data['position']}"
    return Message(level, f"{data['symbol']} {side} {what}", body, link, of)


def _opened(data: Mapping[str, Any]) -> Message | None:
    return _position(data, "opened", Level.INFO)


def _closed(data: Mapping[str, Any]) -> Message | None:
    reason = data.get("exit_reason") or ""
    return _position(data, "closed", Level.INFO, f"Exit by {reason.lower()}." if reason else "")


def _control(data: Mapping[str, Any]) -> Message | None:
    scope = {"user": "all your strategies", "platform": "everybody on this server"}.get(
        str(data["scope"]), f"this {str(data['scope']).replace('_', ' ')}"
    )
    titles = {
        "running": (Level.GOOD, f"Trading runs again for {scope}"),
        "reducing": (Level.WARNING, f"Exits only for {scope}"),
        "halted": (Level.PROBLEM, f"Trading is halted for {scope}"),
    }
    level, title = titles[data["state"]]
    return Message(level, title, data.get("reason") or "", "/user/dashboard")


def _differs(data: Mapping[str, Any]) -> Message | None:
    body = (
        f"The broker says {data['held']}, the recorded fills add up to {data['recorded']}. What was traded elsewhere, or "
        "before this login was linked, explains it; else compare with the broker's own statement."
    )
    title = f"{data['account_name']}: {data['symbol']} is not as recorded"
    subject = f"differs:{data['broker_account']}:{data['symbol']}"[:80]
    return Message(Level.WARNING, title, body, "/user/dashboard", subject)


def _held_words(data: Mapping[str, Any]) -> str:
    held = "is not known" if data.get("held") is None else data["held"]
    return f"Wanted {data['wanted']}, holds {held} ({data['strategy_name']})."


def _drift(data: Mapping[str, Any]) -> Message | None:
    """One row per account and contract: out of step, and back again. What is not known is the login's trouble."""
    link, subject = f"/user/strats/{data['strategy']}#drift", f"drift:{data['drift']}"
    where = f"{data['symbol']} on {data['account']}"
    if data["state"] == "drifted":
        return Message(Level.WARNING, f"{where} is out of step", _held_words(data), link, subject)
    if data["state"] == "synced" and data["before"] == "drifted":
        return Message(
            Level.GOOD, f"{where} is in step again", f"Holds {data['held']} as wanted.", link, subject
        )
    return None


def _drift_left(data: Mapping[str, Any]) -> Message | None:
    title = f"{data['symbol']} on {data['account']} needs you"
    body = f"{_held_words(data)} It was brought back {data['tries']} times this hour; it is left to you now."
    return Message(Level.PROBLEM, title, body, f"/user/strats/{data['strategy']}#drift")


def _guard(data: Mapping[str, Any]) -> Message | None:
    return Message(
        Level.PROBLEM, f"{data['symbol']} on {data['account']} had no stop", data["text"], "/user/orders"
    )


def _halt(data: Mapping[str, Any]) -> Message | None:
    """Only how it ended: the page shows what is between."""
    scope = str(data["scope"]).replace("_", " ")
    if data["phase"] == "needs_you":
        body = " ".join(data.get("problems") or [])
        return Message(Level.PROBLEM, f"The halt of this {scope} needs you", body[:500], "/user/control")
    if data["phase"] == "verified":
        title = f"The halt of this {scope} is verified"
        return Message(Level.GOOD, title, "Checked at the broker.", "/user/control")
    return None


MAKERS: dict[str, Maker] = {
    "connection.state": _connection,
    "signal.answered": _answered,
    "signal.stored": _stored,
    "order.undecided": _undecided,
    "position.opened": _opened,
    "position.closed": _closed,
    "control.changed": _control,
    "record.differs": _differs,
    "control.progress": _halt,
    "drift.changed": _drift,
    "drift.left": _drift_left,
    "guard.acted": _guard,
}
