"""The strategy's secret address: a new one on demand, the old one for a while if wished."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.services import create_api_key
from strategies.models import WebhookKey
from tests.factories import StrategyFactory, WebhookKeyFactory
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def strategy(owner):
    return WebhookKeyFactory(strategy=StrategyFactory(user=owner)).strategy


def rotate(client, strategy, **body):
    return client.post(f"/api/v1/strategies/{strategy.pk}/rotate-webhook", body)


def test_a_new_address_replaces_the_old_one_at_once(api, strategy):
    old = strategy.webhook_url
    answer = rotate(api, strategy).json()
    assert answer == {"webhook_url": strategy.webhook_url}
    assert answer["webhook_url"] != old
    assert WebhookKey.objects.count() == 1


def test_the_old_one_can_live_on_for_some_minutes(api, strategy):
    old = strategy.current_key()
    rotate(api, strategy, grace_minutes=30)
    old.refresh_from_db()
    left = old.retires_at - utc_now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert strategy.current_key().pk != old.pk


def test_rotating_again_without_grace_ends_every_old_one(api, strategy):
    rotate(api, strategy, grace_minutes=30)
    rotate(api, strategy)
    assert WebhookKey.objects.count() == 1


@pytest.mark.parametrize("minutes", [-1, 10_081, "soon"])
def test_the_grace_has_bounds(api, strategy, minutes):
    answer = rotate(api, strategy, grace_minutes=minutes)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["grace_minutes"])
    assert WebhookKey.objects.count() == 1


def test_it_is_written_down_without_the_secret(api, strategy):
    rotate(api, strategy)
    entry = AuditEntry.objects.get(action="strategy_webhook_rotated")
    assert strategy.current_key().secret not in str(entry.detail)


def test_a_key_for_reading_sees_everything_but_the_address(owner, strategy):
    """Whoever holds the address can trade."""
    addresses = (f"/api/v1/strategies/{strategy.pk}", f"/api/v1/strategies/{strategy.pk}/alert-template")
    for scopes, visible in ((["read"], False), (["read", "trade"], True)):
        _, secret = create_api_key(owner, name="k", scopes=scopes)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Api-Key {secret}")
        for address in addresses:
            shown = client.get(address).json()["webhook_url"]
            assert (shown == strategy.webhook_url) is visible
        listed = client.get("/api/v1/strategies").json()["strategies"][0]["webhook_url"]
        assert (listed is not None) is visible
        assert rotate(client, strategy).status_code == (200 if visible else 403)
