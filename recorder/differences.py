"""After the trade: does the record add up to what the venue says an account holds (RTS 6, article 17)?

A fill may come seconds after the position it made, so only what has stood still for a minute counts. Nothing is stored: each
minute looks at what stopped changing in the minute before, once a day everything is looked at.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from recorder.events import RecordDiffers
from recorder.models import PositionSnapshot, RecordedPosition
from tradeproject.common.clock import utc_now
from tradeproject.common.events import publish

SETTLED = timedelta(seconds=60)
ROUND = timedelta(seconds=60)
ZERO = Decimal(0)
Pair = tuple[UUID, int]


@transaction.atomic
def tell_differences(*, everything: bool = False) -> int:
    """Tell owners where record and venue differ. Returns how many differences there are to tell."""
    now = utc_now()
    latest = now - SETTLED
    earliest = None if everything else latest - ROUND
    found = _differing(earliest, latest)
    publish(*found)
    return len(found)


def _differing(earliest: datetime | None, latest: datetime) -> list[RecordDiffers]:
    trips = _changed(RecordedPosition.objects.all(), "updated_at", earliest)
    held = _changed(PositionSnapshot.objects.all(), "changed_at", earliest)
    pairs = {(account, instrument) for account, instrument in (*trips, *held)}
    snapshots = PositionSnapshot.objects.filter(_at(pairs), broker_account__state="ready").select_related(
        "broker_account", "instrument"
    )
    recorded, touched = _recorded(pairs)
    found = []
    for snapshot in snapshots:
        pair = (snapshot.broker_account_id, snapshot.instrument_id)
        net, last = recorded.get(pair, ZERO), max(snapshot.changed_at, touched.get(pair, snapshot.changed_at))
        if snapshot.net_quantity != net and last <= latest and (earliest is None or last > earliest):
            found.append(_event(snapshot, net))
    return found


def _changed(rows: Any, name: str, earliest: datetime | None) -> Any:
    if earliest is not None:
        rows = rows.filter(**{f"{name}__gt": earliest})
    elif name == "updated_at":
        rows = rows.filter(status=RecordedPosition.Status.OPEN)
    return rows.order_by().values_list("broker_account_id", "instrument_id").distinct()


def _at(pairs: Collection[Pair]) -> Q:
    return Q(
        broker_account__in={account for account, _ in pairs},
        instrument__in={instrument for _, instrument in pairs},
    )


def _recorded(pairs: Collection[Pair]) -> tuple[dict[Pair, Decimal], dict[Pair, datetime]]:
    """What the open round trips add up to, and when one of them was last touched."""
    nets: dict[Pair, Decimal] = {}
    touched: dict[Pair, datetime] = {}
    rows = RecordedPosition.objects.filter(_at(pairs), status=RecordedPosition.Status.OPEN).order_by()
    for account, instrument, side, quantity, at in rows.values_list(
        "broker_account_id", "instrument_id", "side", "open_quantity", "updated_at"
    ):
        pair = (account, instrument)
        nets[pair] = nets.get(pair, ZERO) + (quantity if side == "Buy" else -quantity)
        touched[pair] = max(at, touched.get(pair, at))
    return nets, touched


def _event(snapshot: PositionSnapshot, recorded: Decimal) -> RecordDiffers:
    account = snapshot.broker_account
    return RecordDiffers(
        user_id=account.user_id,
        broker_account=account.pk,
        account_name=str(account),
        symbol=snapshot.instrument.venue_symbol,
        held=snapshot.net_quantity,
        recorded=recorded,
    )
