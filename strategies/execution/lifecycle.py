"""The one table of order states. Late and repeated reports are no-ops; facts about fills always win.

    PENDING → DENIED | SUBMITTED
    SUBMITTED ↔ UNKNOWN            (until the broker's answer, or a look-up, decides)
    SUBMITTED | UNKNOWN → REJECTED | ACCEPTED → PARTIALLY_FILLED → FILLED
    working → PENDING_CANCEL → CANCELED, or back when the cancel was refused
    anything sent → EXPIRED        (the venue ended it, or it provably never reached the venue)

A state that the venue ended may still become FILLED: an execution can cross a cancel on its way, and an order that could
not be found may turn up late.
"""

from __future__ import annotations

from brokers.domain import OrderStatus as S

_WORKING = {S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_CANCEL}
_ENDS = {S.FILLED, S.CANCELED, S.EXPIRED}

TRANSITIONS: dict[S, frozenset[S]] = {
    S.PENDING: frozenset({S.DENIED, S.SUBMITTED}),
    S.SUBMITTED: frozenset({S.UNKNOWN, S.REJECTED} | _WORKING | _ENDS),
    S.UNKNOWN: frozenset({S.SUBMITTED, S.REJECTED} | _WORKING | _ENDS),
    S.ACCEPTED: frozenset({S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.REJECTED} | _ENDS),
    S.PARTIALLY_FILLED: frozenset({S.PENDING_CANCEL} | _ENDS),
    S.PENDING_CANCEL: frozenset({S.ACCEPTED, S.PARTIALLY_FILLED} | _ENDS),
    S.EXPIRED: frozenset({S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.REJECTED}),
    S.CANCELED: frozenset({S.FILLED}),
    S.REJECTED: frozenset({S.FILLED}),
    S.DENIED: frozenset(),
    S.FILLED: frozenset(),
}


def may_follow(current: S, reported: S) -> bool:
    return reported in TRANSITIONS[current]


def next_status(current: S, reported: S) -> S:
    """The state after a report: the reported one if it may follow, else the current one (late or repeated report)."""
    return reported if may_follow(current, reported) else current
