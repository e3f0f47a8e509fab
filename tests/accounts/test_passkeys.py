"""The passkey ceremony in a real browser, under the strict policy, with a virtual authenticator."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import User
from tests.factories import PASSWORD

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        CHROMIUM is None, reason="Chromium is not installed: the passkey ceremony did not run"
    ),
]
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
SHORT = 15_000


class Visitor:
    """One browser window with a virtual authenticator; remembers what the content policy refused."""

    def __init__(self, page: Any, site: str) -> None:
        self.page, self.site = page, site
        self.refused: list[str] = []
        page.on("console", self._listen)
        page.set_default_timeout(SHORT)
        self.cdp = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    def _listen(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.refused.append(message.text)

    def open(self, path: str, site: str = "") -> None:
        self.page.goto(f"{site or self.site}{path}")

    def fill_password(self, email: str = "") -> None:
        if email:
            self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_label("Password").press("Enter")

    def is_signed_in(self) -> bool:
        answer = self.page.request.get(f"{self.site}/api/v1/auth/check-auth")
        return bool(answer.json()["authenticated"])


@pytest.fixture
def visitor(live_server: Any, owner: User) -> Iterator[Visitor]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield Visitor(browser.new_page(), live_server.url)
        finally:
            browser.close()


def add_passkey(visitor: Visitor) -> None:
    visitor.open("/accounts/login/")
    visitor.fill_password("owner@example.com")
    visitor.page.wait_for_url("**/user/dashboard")
    visitor.open("/accounts/2fa/webauthn/add/")
    visitor.fill_password()  # adding a factor asks for the password again
    visitor.page.get_by_label("Passwordless").check()
    visitor.page.get_by_role("button", name="Add").click()
    visitor.page.wait_for_url("**/2fa/recovery-codes/")


def sign_out(visitor: Visitor) -> None:
    visitor.open("/accounts/logout/")
    visitor.page.locator("main").get_by_role("button", name="Sign out").click()
    visitor.page.wait_for_url("**/accounts/login/**")


def test_a_passkey_is_added_signs_in_alone_and_is_removed(visitor):
    add_passkey(visitor)
    sign_out(visitor)
    assert not visitor.is_signed_in()

    visitor.page.get_by_role("button", name="Sign in with a passkey").click()
    visitor.page.wait_for_url("**/user/dashboard")
    assert visitor.is_signed_in()

    visitor.open("/accounts/2fa/webauthn/")
    visitor.page.get_by_role("link", name="Remove").click()
    visitor.page.get_by_role("link", name="Use a passkey").click()  # instead of the password again
    visitor.page.get_by_role("button", name="Use a passkey").click()
    visitor.page.get_by_role("button", name="Remove").click()
    visitor.page.get_by_text("No passkeys yet").wait_for()
    assert visitor.refused == []


def test_a_passkey_is_asked_for_after_the_password(visitor):
    add_passkey(visitor)
    sign_out(visitor)

    visitor.fill_password("owner@example.com")
    visitor.page.wait_for_url("**/2fa/authenticate/")
    assert not visitor.is_signed_in()
    visitor.page.get_by_role("button", name="Use a passkey").click()
    visitor.page.wait_for_url("**/user/dashboard")

    assert visitor.is_signed_in()
    assert visitor.refused == []


def test_a_ceremony_that_fails_says_why(visitor, live_server):
    visitor.open("/accounts/login/")
    visitor.page.get_by_role("button", name="Sign in with a passkey").click()
    visitor.page.get_by_role("alert").filter(has_text="Try again").wait_for()

    by_address = live_server.url.replace("localhost", "127.0.0.1")
    visitor.open("/accounts/login/", site=by_address)
    visitor.page.get_by_role("button", name="Sign in with a passkey").click()
    visitor.page.get_by_role("alert").filter(has_text="host name").wait_for()
