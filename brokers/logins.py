"""What people do with their broker logins and accounts: the services, and the audit entry that belongs to each act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest

from accounts.services import record_audit
from brokers import services
from brokers.events import AccountsChanged
from brokers.models import BrokerAccount, BrokerConnection
from tradeproject.common.events import publish
from tradeproject.common.money import plain

if TYPE_CHECKING:
    from accounts.models import User

ACCOUNT_FIELDS = ("enabled", "multiplier", "max_contracts", "label")


def add_login(
    user: User,
    broker: str,
    environment: str,
    credentials: Mapping[str, Any],
    label: str = "",
    *,
    request: HttpRequest | None = None,
) -> BrokerConnection:
    """Sign in and store. Raises CredentialProblem, UnknownBroker or BrokerError, each with sentences for the user."""
    connection = services.connect(user, broker, environment, credentials, label)
    note_added(connection, user, "credentials", request)
    return connection


def note_added(connection: BrokerConnection, user: User, way: str, request: HttpRequest | None) -> None:
    """The audit entry of a login that was just stored; ``way`` is how its owner proved it (credentials, browser)."""
    detail = {"way": way, "accounts": connection.accounts.count()}
    _record("connection_added", connection, user, detail, request)


def reconnect_login(
    connection: BrokerConnection,
    credentials: Mapping[str, Any] | None,
    actor: User,
    *,
    request: HttpRequest | None = None,
) -> BrokerConnection:
    connection = services.reconnect(connection, credentials)
    detail = {"way": "credentials" if credentials else "stored token"}
    _record("connection_reconnected", connection, actor, detail, request)
    return connection


def edit_login(
    connection: BrokerConnection,
    actor: User,
    *,
    label: str | None = None,
    enabled: bool | None = None,
    request: HttpRequest | None = None,
) -> BrokerConnection:
    """Rename a login, or switch it off (its sockets close, its accounts are refused) and on."""
    with transaction.atomic():
        detail: dict[str, Any] = {}
        if label is not None and label != connection.label:
            detail["label"] = [connection.label, label]
            connection.label = label
            connection.save(update_fields=["label"])
            publish(AccountsChanged(user_id=connection.user_id, connection=connection.pk))
        is_enabled = connection.state != BrokerConnection.State.DISABLED
        if enabled is not None and enabled != is_enabled:
            detail["enabled"] = [is_enabled, enabled]
            services.set_enabled(connection, enabled)
        if detail:
            _record("connection_edited", connection, actor, detail, request)
    return connection


def remove_login(connection: BrokerConnection, actor: User, *, request: HttpRequest | None = None) -> None:
    """Forget a login and its secrets; the history of its accounts stays."""
    with transaction.atomic():
        services.disconnect(connection)
        _record("connection_removed", connection, actor, {}, request)


def edit_account(
    account: BrokerAccount,
    actor: User,
    changes: Mapping[str, Any],
    *,
    request: HttpRequest | None = None,
) -> BrokerAccount:
    """Switch an account on or off, name it, or set its own multiplier and maximum (null = none)."""
    with transaction.atomic():
        account = (
            BrokerAccount.objects.select_for_update(of=("self",))
            .select_related("connection", "user")
            .get(pk=account.pk)
        )
        before = {
            name: getattr(account, name)
            for name in ACCOUNT_FIELDS
            if name in changes and getattr(account, name) != changes[name]
        }
        for name in before:
            setattr(account, name, changes[name])
        if before:
            account.save(update_fields=list(before))
            publish(AccountsChanged(user_id=account.user_id, connection=account.connection_id))
            detail = {name: [_plain(old), _plain(changes[name])] for name, old in before.items()}
            record_audit(
                "broker_account_edited",
                actor=actor,
                owner=account.user,
                object_type="broker_account",
                object_id=account.pk,
                detail=detail,
                request=request,
            )
    return account


def _plain(value: Any) -> Any:
    return plain(value) if hasattr(value, "as_tuple") else value


def _record(
    action: str,
    connection: BrokerConnection,
    actor: User,
    detail: Mapping[str, Any],
    request: HttpRequest | None,
) -> None:
    record_audit(
        action,
        actor=actor,
        owner=connection.user,
        object_type="connection",
        object_id=connection.pk,
        detail={
            "broker": connection.broker,
            "environment": connection.environment,
            "label": connection.label,
            **detail,
        },
        request=request,
    )
