"""Reading broker logins, accounts and instruments, always scoped to an owner."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Prefetch, QuerySet

from brokers.models import BrokerAccount, BrokerConnection, Instrument, SymbolMapping

if TYPE_CHECKING:
    from accounts.models import User


def connections_of(user: User) -> QuerySet[BrokerConnection]:
    accounts = BrokerAccount.objects.exclude(state=BrokerAccount.State.MISSING)
    return BrokerConnection.objects.owned_by(user).prefetch_related(Prefetch("accounts", queryset=accounts))


def broker_accounts_of(user: User) -> QuerySet[BrokerAccount]:
    return (
        BrokerAccount.objects.owned_by(user)
        .exclude(state=BrokerAccount.State.MISSING)
        .select_related("connection")
    )


def fresh_mapping(broker: str, environment: str, symbol: str, now: datetime) -> Instrument | None:
    """The contract a symbol stands for, if that was asked of the venue within the last hours."""
    mapping = (
        SymbolMapping.objects.filter(broker=broker, environment=environment, symbol=symbol)
        .select_related("instrument")
        .first()
    )
    if mapping is None or now - mapping.resolved_at > SymbolMapping.FRESH:
        return None
    return mapping.instrument


def instruments_by_venue_id(broker: str, environment: str, venue_ids: set[str]) -> dict[str, Instrument]:
    found = Instrument.objects.filter(broker=broker, environment=environment, venue_id__in=venue_ids)
    return {instrument.venue_id: instrument for instrument in found}
