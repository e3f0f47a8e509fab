"""The message users paste: filled in as the chart would, our own parser reads it without a warning."""

from __future__ import annotations

import re

import pytest

from strategies.webhooks.parser import parse
from tests.factories import StrategyFactory, WebhookKeyFactory

pytestmark = pytest.mark.django_db

CHART = {
    "ticker": "MNQ1!",
    "exchange": "CME_MINI",
    "strategy.order.action": "buy",
    "strategy.order.contracts": "2",
    "strategy.order.price": "21000.25",
    "strategy.market_position": "long",
    "strategy.market_position_size": "2",
    "strategy.prev_market_position": "flat",
    "strategy.prev_market_position_size": "0",
    "strategy.order.id": "Long entry",
    "interval": "5",
    "time": "2026-03-02T14:30:00Z",
    "timenow": "2026-03-02T14:35:01Z",
    "close": "21000.25",
}


@pytest.mark.parametrize(
    ("pinned", "mode"), [("auto", "target"), ("tradingview", "target"), ("traderspost", "order")]
)
def test_it_is_understood(api, owner, pinned, mode):
    strategy = StrategyFactory(user=owner, alert_format=pinned)
    WebhookKeyFactory(strategy=strategy)
    given = api.get(f"/api/v1/strategies/{strategy.pk}/alert-template/").json()
    assert given["webhook_url"] == strategy.webhook_url

    filled = re.sub(r"\{\{([^}]+)\}\}", lambda match: CHART[match[1]], given["message"])
    parsed = parse(filled.encode(), pinned=pinned)

    assert parsed.error is None
    assert parsed.warnings == ()
    assert parsed.repairs == ()
    assert parsed.format == given["format"]
    assert parsed.alert.mode == mode
    assert parsed.alert.quantity == 2
