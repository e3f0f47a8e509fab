"""What accounts hold, as far as it was recorded. The recorder, which stands above this app, provides the answers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

Holdings = dict[tuple[UUID, int], Decimal]
"""(broker account, instrument row) → signed quantity. A pair that is missing was never asked of the venue."""

_snapshot: Callable[[Collection[UUID]], Holdings] | None = None
_others: Callable[[UUID, int, UUID], Decimal] | None = None
_open: Callable[[UUID], int] | None = None
_fills: Callable[[Collection[UUID]], dict[UUID, list[dict[str, Any]]]] | None = None


def provide(
    *,
    snapshot: Callable[[Collection[UUID]], Holdings],
    others: Callable[[UUID, int, UUID], Decimal],
    open_positions: Callable[[UUID], int],
) -> None:
    """Called once at start-up by the app that records positions."""
    global _snapshot, _others, _open  # one wiring per process, like a registered receiver
    _snapshot, _others, _open = snapshot, others, open_positions


def net_positions(broker_accounts: Collection[UUID]) -> Holdings:
    """The venue's last word on what these accounts hold."""
    return _snapshot(broker_accounts) if _snapshot is not None else {}


def held_by_other_strategies(broker_account: UUID, instrument: int, strategy: UUID) -> Decimal:
    """The signed quantity that strategies other than this one hold there."""
    return _others(broker_account, instrument, strategy) if _others is not None else Decimal(0)


def open_positions_of(strategy: UUID) -> int:
    """How many positions of this strategy are open, according to the record."""
    return _open(strategy) if _open is not None else 0


@dataclass(frozen=True, slots=True)
class Earned:
    """Money of one scope: round trips that ended since its day began, and what open ones stand at (None: unknown)."""

    closed: Decimal
    open: Decimal | None


Watched = tuple[str, str, datetime]
"""A scope (user, broker_account, strategy), its id, and when its day began."""
_earned: Callable[[UUID, Collection[Watched]], dict[tuple[str, str], Earned]] | None = None


def provide_earnings(
    provider: Callable[[UUID, Collection[Watched]], dict[tuple[str, str], Earned]],
) -> None:
    """Called once at start-up by the app that records round trips."""
    global _earned  # noqa: PLW0603 - one wiring per process
    _earned = provider


def earned_by(user: UUID, watched: Collection[Watched]) -> dict[tuple[str, str], Earned]:
    """What each of these scopes of one user earned; a scope that is missing is unknown."""
    return _earned(user, watched) if _earned is not None and watched else {}


def provide_fills(provider: Callable[[Collection[UUID]], dict[UUID, list[dict[str, Any]]]]) -> None:
    """Called once at start-up by the app that records executions."""
    global _fills  # noqa: PLW0603 - one wiring per process
    _fills = provider


def fills_of(order_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """The executions of these orders, oldest first, as JSON (see ``recorder.shapes.fill_json``)."""
    return _fills(order_ids) if _fills is not None and order_ids else {}


# --- what the comparison with the strategies' wishes needs ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill as far as it matters here: signed, of a stop or target of ours (``strategy``), or of nobody's order (None)."""

    broker_account: UUID
    instrument: int
    strategy: UUID | None
    signed: Decimal
    at: datetime


Facts = Callable[[Collection[UUID], datetime], list[Execution]]
_covered: Callable[[Collection[UUID]], dict[UUID, datetime]] | None = None
_protective: Facts | None = None
_external: Facts | None = None


def provide_facts(
    *, covered: Callable[[Collection[UUID]], dict[UUID, datetime]], protective: Facts, external: Facts
) -> None:
    """Called once at start-up by the app that records positions."""
    global _covered, _protective, _external  # one wiring per process, too
    _covered, _protective, _external = covered, protective, external


def covered_at(broker_accounts: Collection[UUID]) -> dict[UUID, datetime]:
    """When the venue last told all that these accounts hold; one that is missing was never told of."""
    return _covered(broker_accounts) if _covered is not None and broker_accounts else {}


def protective_fills(broker_accounts: Collection[UUID], since: datetime) -> list[Execution]:
    """Executions of stops and targets of ours."""
    return _protective(broker_accounts, since) if _protective is not None and broker_accounts else []


def external_fills(broker_accounts: Collection[UUID], since: datetime) -> list[Execution]:
    """Executions that no order of ours explains: traded by hand, or by another program."""
    return _external(broker_accounts, since) if _external is not None and broker_accounts else []
