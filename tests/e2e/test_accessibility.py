"""axe finds nothing serious on any page, in either look."""

from __future__ import annotations

import pytest

from tests.desk import build_desk
from tests.e2e.conftest import AXE, DESKTOP, PHONE
from tests.e2e.test_live_positions import say_price
from tests.e2e.test_pages_in_chromium import pages

RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const where = (node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`;
  return violations
    .filter((found) => ["serious", "critical"].includes(found.impact))
    .map((found) => `${found.id}: ${found.nodes.slice(0, 3).map(where).join(" | ")}`);
}"""


@pytest.fixture
def desk(owner, transactional_db):
    return build_desk(owner, accounts=4, trades=12)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
@pytest.mark.parametrize(("theme", "size"), [("dark", DESKTOP), ("light", PHONE)], ids=["dark", "light"])
def test_axe_finds_nothing_serious(window, owner, desk, theme, size):
    owner.theme = theme
    owner.save(update_fields=["theme"])
    say_price("21876.25")
    found = window(owner, size=size, bypass_csp=True)  # the checker itself is put in by the test
    troubles = {}
    for name, path in pages(desk).items():
        page = found.open(path)
        found.settle()
        page.add_script_tag(path=str(AXE))
        if violations := page.evaluate(RUN):
            troubles[name] = violations
    assert troubles == {}


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_old_prices_stay_readable(window, owner, desk, theme):
    owner.theme = theme
    owner.save(update_fields=["theme"])
    say_price("21880.00", seconds_old=40)
    found = window(owner, bypass_csp=True)
    page = found.open("/user/dashboard")
    page.locator('#positions[data-live="stale"]').wait_for()
    page.add_script_tag(path=str(AXE))
    assert page.evaluate(RUN) == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
def test_axe_finds_nothing_serious_for_the_signed_out(window, transactional_db):
    found = window(None, bypass_csp=True)
    for path in ("/accounts/login/", "/accounts/signup/", "/user/nothing"):
        page = found.open(path)
        page.add_script_tag(path=str(AXE))
        assert page.evaluate(RUN) == [], path
