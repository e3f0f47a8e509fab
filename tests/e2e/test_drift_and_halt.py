"""Bringing an account back and pulling the kill switch, by hand in the browser."""

from __future__ import annotations

from decimal import Decimal

import pytest

from recorder.models import PositionSnapshot
from strategies.control import effective_state
from strategies.models import Drift, Halt, Signal
from tests.desk import build_desk
from tests.e2e.conftest import DESKTOP, PHONE
from tests.e2e.test_live_positions import tell
from tests.factories import PASSWORD, SymbolMappingFactory

LOOKS = [("dark", DESKTOP), ("light", DESKTOP), ("light", PHONE)]


@pytest.fixture
def desk(owner, transactional_db):
    desk = build_desk(owner, accounts=3, trades=4)
    SymbolMappingFactory(instrument=desk.instrument)
    return desk


@pytest.fixture
def drifted(desk) -> Drift:
    allocation = desk.strategy.allocations.get(broker_account=desk.accounts[0])
    PositionSnapshot.objects.filter(broker_account=allocation.broker_account).update(net_quantity=1)
    return Drift.objects.create(
        allocation=allocation, root="MNQ", instrument=desk.instrument, state="drifted",
        wanted=Decimal(2), held=Decimal(1), external=Decimal(-1),
    )  # fmt: skip


def test_bring_back_shows_the_order_asks_and_sends_it_once(window, owner, drifted):
    found = window(owner)
    page = found.open("/user/dashboard")
    found.settle()
    card = page.locator("#drift")
    card.get_by_text("wanted 2, holds 1 since").wait_for()
    card.get_by_role("button", name="Bring back").click()
    dialog = page.get_by_role("dialog")
    assert "Buy 1 MNQZ6 at market" in dialog.inner_text()
    dialog.get_by_role("button", name="Cancel").click()
    assert not Signal.objects.filter(source="bring_back").exists()
    card.get_by_role("button", name="Bring back").click()
    dialog.get_by_role("button", name="Bring back").click()
    card.get_by_text("on its way").wait_for()
    assert Signal.objects.filter(source="bring_back").count() == 1

    found.settle()
    page.wait_for_timeout(500)
    Signal.objects.filter(source="bring_back").update(progress="done")
    Drift.objects.update(state="synced", held=Decimal(2))
    tell(owner, "drift.changed")
    card.wait_for(state="hidden")
    assert found.problems == []


def test_a_drift_appears_by_itself(window, owner, drifted):
    Drift.objects.update(state="synced")
    found = window(owner)
    page = found.open("/user/dashboard")
    found.settle()
    assert page.locator("#drift").is_hidden()
    page.wait_for_timeout(500)
    Drift.objects.update(state="drifted")
    tell(owner, "drift.changed")
    page.locator("#drift").get_by_text("holds 1 since").wait_for()
    assert found.problems == []


def test_the_kill_switch_shows_its_course_and_starts_again_with_the_password_only(window, owner, desk):
    found = window(owner)
    page = found.open("/user/control")
    found.settle()
    mine = page.locator('[data-scope="user"]')
    mine.get_by_role("button", name="Stop").click()
    page.get_by_label("Also close what is open now").check()
    page.get_by_role("dialog").get_by_role("button", name="Stop trading").click()
    page.get_by_text("Stopped: nothing but cancels").wait_for()
    assert effective_state(owner).state == "halted"
    page.locator('.halt [aria-current="step"]').get_by_text("Blocked").wait_for()

    found.settle()
    page.wait_for_timeout(500)
    for phase, words in (("flattening", "asked again"), ("verified", "nothing is held")):
        Halt.objects.update(phase=phase, canceling=0, closing=2)
        tell(owner, "control.progress")
        page.locator(f'.halt[data-phase="{phase}"]').get_by_text(words).wait_for()

    mine.get_by_label("Password or one-time code").fill("not it")
    mine.get_by_role("button", name="Start").click()
    page.get_by_text("That was not right").wait_for()
    assert effective_state(owner).state == "halted"
    mine.get_by_label("Password or one-time code").fill(PASSWORD)
    mine.get_by_role("button", name="Start").click()
    page.get_by_text("Trading runs").first.wait_for()
    assert effective_state(owner).state == "running"
    assert found.problems == []


@pytest.mark.parametrize(("theme", "size"), LOOKS, ids=["dark", "light", "phone"])
def test_nothing_is_cut_off(window, owner, drifted, theme, size, tmp_path):
    owner.theme = theme
    owner.save(update_fields=["theme"])
    Drift.objects.create(
        allocation=drifted.allocation.strategy.allocations.last(), root="MNQ", instrument=drifted.instrument,
        state="unknown", wanted=Decimal(2), why="The live connection is down and the broker does not answer.",
    )  # fmt: skip
    Halt.objects.create(
        user=owner, scope="user", object_id=str(owner.pk), name=owner.email, flatten=True, phase="needs_you",
        attempts=3, problems=["DEMO4100: still holds 2.", "DEMO4101: its position could not be read from the broker."],
    )  # fmt: skip
    found = window(owner, size=size)
    for name, path in (
        ("dashboard", "/user/dashboard"),
        ("strategy", f"/user/strats/{drifted.allocation.strategy_id}"),
        ("control", "/user/control"),
    ):
        page = found.open(path)
        found.settle()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.screenshot(path=str(tmp_path / f"{name}.png"), full_page=True)
    assert found.problems == []
