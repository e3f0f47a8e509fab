"""The pictures of the README. Written only when asked for: ``scripts/test tests/e2e/test_screenshots.py --screenshots``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from brokers.models import BrokerAccount
from strategies.models import Strategy
from tests.desk import build_desk
from tests.e2e.test_live_positions import say_price

SIZE = {"width": 1440, "height": 1000}
LARGEST = 300 * 1024


@pytest.fixture
def desk(owner, transactional_db):
    owner.name = "Ada Example"
    owner.save(update_fields=["name"])
    desk = build_desk(owner, accounts=25, trades=140)
    Strategy.objects.filter(pk=desk.second.pk).update(active=True)
    BrokerAccount.objects.filter(user=owner).update(last_synced_at=datetime.now(UTC))
    return desk


def test_the_pictures_are_taken(window, owner, desk, pictures, tmp_path):
    folder = pictures or tmp_path
    say_price("21878.50")
    found = window(owner, size=SIZE)
    shots = {
        "dashboard-dark": "/user/dashboard",
        "strategy": f"/user/strats/{desk.strategy.pk}",
        "trace": f"/user/signals/{desk.signal.pk}",
        "accounts": "/user/accounts",
    }
    for name, path in shots.items():
        page = found.open(path)
        found.settle()
        if name == "dashboard-dark":
            page.locator("[data-field=current_price]").get_by_text("21,878.50").first.wait_for()
        page.screenshot(path=str(folder / f"{name}.png"))
        assert (folder / f"{name}.png").stat().st_size < LARGEST
    assert found.problems == []
