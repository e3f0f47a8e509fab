"""Every page in both looks and both sizes: nothing in the console, nothing refused by the policy, no other host asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.desk import Desk, build_desk
from tests.e2e.conftest import DESKTOP, PHONE

SHOTS = os.environ.get("SHOTS", "")
STICKING_OUT = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const out = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 1);
  return out.slice(0, 12).map((e) => `${e.tagName}.${e.className}`);
}"""
# A table may scroll in its own frame on a desktop; the cards that it becomes on a phone have no reason to.
CUT_CARDS = """() => [...document.querySelectorAll(".table-cards, .follow-table")]
  .filter((table) => table.scrollWidth > table.parentElement.clientWidth + 1)
  .map((table) => `${table.parentElement.ariaLabel || table.className}: ${table.scrollWidth}`)"""


@pytest.fixture
def desk(owner, transactional_db) -> Desk:
    return build_desk(owner)


def pages(desk: Desk) -> dict[str, str]:
    strategy, login = desk.strategy.pk, desk.connections[0].pk
    return {
        "dashboard": "/user/dashboard",
        "recorders": "/user/strats",
        "strategy": f"/user/strats/{strategy}",
        "edit": f"/user/strats/{strategy}/edit",
        "new": "/user/strats/new",
        "logs": f"/user/strats/{strategy}/logs",
        "accounts": "/user/accounts",
        "connect": "/user/accounts/connect/tradovate",
        "reconnect": f"/user/accounts/login/{login}/reconnect",
        "signals": "/user/signals",
        "trace": f"/user/signals/{desk.signal.pk}",
        "orders": "/user/orders",
        "settings": "/user/settings",
        "notifications": "/user/notifications",
        "sessions": "/accounts/sessions/",
        "keys": "/accounts/api-keys/",
        "activity": "/accounts/activity/",
    }


def test_it_shows_a_newcomer_every_page_cleanly(window, owner):
    found = window(owner, size=PHONE)
    for name in (
        "dashboard",
        "strats",
        "strats/new",
        "accounts",
        "signals",
        "orders",
        "settings",
        "notifications",
    ):
        page = found.open(f"/user/{name}")
        found.settle()
        assert page.evaluate(STICKING_OUT) == [], f"{name} scrolls sideways"
        assert found.problems == [], name


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_shows_every_page_cleanly(window, owner, desk, theme, size):
    owner.theme = theme
    owner.save(update_fields=["theme"])
    found = window(owner, size=size)
    for name, path in pages(desk).items():
        page = found.open(path)
        found.settle()
        assert page.locator("html").get_attribute("data-bs-theme") == theme
        assert page.evaluate(STICKING_OUT) == [], f"{name} scrolls sideways"
        if size is PHONE or name in {"edit", "new"}:
            assert page.evaluate(CUT_CARDS) == [], f"{name} cuts its rows off"
        if SHOTS:
            kind = "phone" if size is PHONE else "desktop"
            page.screenshot(path=str(Path(SHOTS) / f"{name}-{theme}-{kind}.png"), full_page=True)
        assert found.problems == [], name
