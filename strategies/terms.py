"""What is known of a strategy's contract, for explanations."""

from __future__ import annotations

from collections.abc import Iterable

from brokers.models import BrokerAccount, Instrument, SymbolMapping
from brokers.symbols import normalize_symbol


def contract_of(symbol: str, accounts: Iterable[BrokerAccount]) -> Instrument | None:
    """The contract a symbol stands for at the first of these accounts' brokers that was asked before; None if none was."""
    places = {(account.connection.broker, account.environment) for account in accounts}
    name = normalize_symbol(symbol)
    if not name or not places:
        return None
    rows = SymbolMapping.objects.filter(symbol=name).select_related("instrument").order_by("-resolved_at")
    return next((row.instrument for row in rows if (row.broker, row.environment) in places), None)
