"""The JSON of broker logins and accounts, as the API and the pages' scripts get it. Credentials have no place here."""

from __future__ import annotations

from typing import Any

from brokers.domain import AccountInfo
from brokers.models import BrokerAccount, BrokerConnection
from tradeproject.common.clock import iso
from tradeproject.common.money import plain


def connection_json(connection: BrokerConnection) -> dict[str, Any]:
    """A login with its accounts; take it from ``brokers.selectors.connections_of`` to have them prefetched."""
    return {
        "id": str(connection.pk),
        "broker": connection.broker,
        "environment": connection.environment,
        "label": connection.label,
        "state": connection.state,
        "state_reason": connection.state_reason,
        "stream_state": connection.stream_state,
        "token_expires_at": iso(connection.token_expires_at),
        "last_used_at": iso(connection.last_used_at),
        "created_at": iso(connection.created_at),
        "accounts": [_account_json(account, connection) for account in connection.accounts.all()],
    }


def broker_account_json(account: BrokerAccount) -> dict[str, Any]:
    return _account_json(account, account.connection)


def _account_json(account: BrokerAccount, connection: BrokerConnection) -> dict[str, Any]:
    return {
        "id": str(account.pk),
        "connection": str(connection.pk),
        "broker": connection.broker,
        "environment": account.environment,
        "external_id": account.external_id,
        "name": account.name,
        "label": account.label,
        "currency": account.currency,
        "balance": plain(account.balance),
        "equity": plain(account.equity),
        "open_pnl": plain(account.open_pnl),
        "enabled": account.enabled,
        "multiplier": plain(account.multiplier),
        "max_contracts": plain(account.max_contracts),
        "state": account.state,
        "last_synced_at": iso(account.last_synced_at),
    }


def found_account_json(info: AccountInfo) -> dict[str, Any]:
    """An account that a login opens, before anything is stored."""
    return {
        "external_id": info.id,
        "name": info.name,
        "environment": info.environment.value,
        "currency": info.currency,
        "active": info.active,
        "detail": info.detail,
    }
