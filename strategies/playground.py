"""Playing TradingView from the product itself: a test alert takes the very way in that a real one takes."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from django.utils.module_loading import import_string

from brokers.domain import Environment
from strategies.models import Allocation, Strategy
from tradeproject.common.clock import utc_now

ACTIONS: dict[str, str] = {"buy": "long", "sell": "short", "exit": "flat"}


@dataclass(frozen=True, slots=True)
class Played:
    """The webhook's answer to a test alert: its HTTP status and body, and the alert that was sent."""

    status: int
    body: Mapping[str, Any]
    sent: str

    @property
    def signal_id(self) -> str:
        return str(self.body.get("signal_id") or "")

    @property
    def would_send(self) -> bool:
        """Whether any of a dry run's orders would leave."""
        return any(not order.get("deny_code") for order in self.body.get("orders") or ())

    @property
    def would_be_ignored(self) -> bool:
        """Whether a dry run was told that the alert itself would not be carried out, on whatever account."""
        return any(str(warning).startswith("would be ignored") for warning in self.body.get("warnings") or ())


def test_body(strategy: Strategy, action: str, quantity: str) -> str:
    """The template that users copy, filled in as their chart would: the position after the order included."""
    position = ACTIONS[action]
    now = utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {
        "v": 1,
        "ticker": strategy.symbol,
        "action": action,
        "contracts": quantity,
        "market_position": position,
        "market_position_size": "0" if position == "flat" else quantity,
        "order_id": f"test {uuid.uuid4().hex[:8]}",
        "time": now,
        "timenow": now,
    }
    return json.dumps(fields, indent=2)


def why_not_for_real(strategy: Strategy) -> str:
    """Why a test may not be carried out for this strategy; "" when every account is demo or paper."""
    rows = Allocation.objects.filter(strategy=strategy, enabled=True).select_related("broker_account")
    accounts = [row.broker_account for row in rows]
    if not accounts:
        return "No account follows this strategy yet, so there is nothing to trade on. A dry run works."
    live = [str(account) for account in accounts if account.environment == Environment.LIVE]
    if not live:
        return ""
    shown = ", ".join(live[:3]) + (" and others" if len(live) > 3 else "")
    return f"{shown} trade real money. Tests for real are only for demo and paper accounts; a dry run works."


def play(strategy: Strategy, action: str, quantity: str, *, dry_run: bool) -> Played:
    """Send a test alert to the strategy's own address, in this process. Raises ValueError when it has no address."""
    key = strategy.current_key()
    if key is None:
        raise ValueError("The strategy has no webhook address. Make a new one on its page.")
    body = test_body(strategy, action, quantity)
    path = f"/webhook/{key.secret}" + ("?dry_run=1" if dry_run else "")
    answer = asyncio.run(_deliver(path, body.encode()))
    return Played(answer.status_code, answer.json(), body)


async def _deliver(path: str, body: bytes) -> httpx.Response:
    """Through the webhook's own door, without the network in between. The door is an edge like the pages, so they know
    one another by name only."""
    route = import_string("strategies.webhooks.app.WebhookRoute")(_nothing_else)
    transport = httpx.ASGITransport(route, client=("127.0.0.1", 0))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://webhook.internal") as client:
            return await client.post(path, content=body, headers={"content-type": "application/json"})
    finally:
        await route.database.close()


async def _nothing_else(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("only the webhook is served here")
