"""Periodic work on broker logins: tokens are renewed before they run out, accounts and contracts kept current."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from brokers.errors import AuthRevoked, BrokerError
from brokers.models import BrokerConnection, SymbolMapping
from brokers.services import remember_symbol
from brokers.tokens import fresh_tokens
from tradeproject.common.clock import utc_now

logger = logging.getLogger(__name__)

ROLL_AFTER = timedelta(hours=3)


@shared_task(name="brokers.tasks.refresh_tokens", time_limit=60, soft_time_limit=50)
def refresh_tokens() -> None:
    """Have every token renewed that runs out within the threshold; one task per login, so one cannot hold up another."""
    due = utc_now() + timedelta(seconds=settings.TOKEN_REFRESH_THRESHOLD)
    waiting = BrokerConnection.objects.usable().filter(
        Q(token_expires_at__lte=due) | Q(token_expires_at__isnull=True)
    )
    for connection_id in waiting.values_list("pk", flat=True):
        refresh_token.delay(str(connection_id))


@shared_task(name="brokers.tasks.refresh_token", time_limit=60, soft_time_limit=45)
def refresh_token(connection_id: str) -> None:
    """Renew one login's token. A venue whose tokens live shorter than the threshold is renewed at half their life."""
    connection = BrokerConnection.objects.filter(pk=connection_id).first()
    if connection is None:
        return
    within = timedelta(seconds=settings.TOKEN_REFRESH_THRESHOLD)
    if connection.token_expires_at is not None and connection.tokens_stored_at is not None:
        within = min(within, (connection.token_expires_at - connection.tokens_stored_at) / 2)
    try:
        fresh_tokens(connection.pk, within=within)
    except AuthRevoked as error:
        logger.warning("login needed", extra={"connection": connection_id, "reason": error.message})
    except BrokerError as error:
        logger.warning("token not renewed yet", extra={"connection": connection_id, "reason": error.message})


@shared_task(name="brokers.tasks.roll_contracts", time_limit=60, soft_time_limit=50)
def roll_contracts() -> None:
    """Ask again what the symbols in use mean, before an alert has to wait for it."""
    old = SymbolMapping.objects.filter(resolved_at__lt=utc_now() - ROLL_AFTER).values_list("pk", flat=True)
    for mapping_id in old[:500]:
        roll_contract.delay(mapping_id)


@shared_task(name="brokers.tasks.roll_contract", time_limit=60, soft_time_limit=45)
def roll_contract(mapping_id: int) -> None:
    import asyncio

    from brokers.domain import InstrumentQuery
    from brokers.registry import open_adapter

    mapping = SymbolMapping.objects.filter(pk=mapping_id).first()
    if mapping is None:
        return
    connection = (
        BrokerConnection.objects.usable()
        .filter(broker=mapping.broker, accounts__environment=mapping.environment)
        .order_by(F("last_used_at").asc(nulls_first=True))
        .first()
    )
    if connection is None:
        return

    async def ask():  # type: ignore[no-untyped-def] # noqa: ANN202
        async with open_adapter(connection, mapping.environment) as adapter:
            return await adapter.instruments(InstrumentQuery(text=mapping.symbol))

    BrokerConnection.objects.filter(pk=connection.pk).update(last_used_at=Now())
    try:
        found = asyncio.run(ask())
    except BrokerError as error:
        logger.warning("contract not checked", extra={"symbol": mapping.symbol, "reason": error.message})
        return
    remember_symbol(mapping.broker, mapping.environment, mapping.symbol, found)
