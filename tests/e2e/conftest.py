"""The product in a real browser: the whole ASGI application behind uvicorn, on the test database, driven by Chromium.

``scripts/test tests/e2e/test_screenshots.py --screenshots`` writes the README's pictures into docs/screenshots.
"""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import User

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
BASE = Path(__file__).resolve().parents[2]
PICTURES = BASE / "docs" / "screenshots"
AXE = BASE / "node_modules" / "axe-core" / "axe.min.js"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the browser, and a database that other threads can see."""
    for item in items:
        if Path(__file__).parent in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))
            if CHROMIUM is None:
                item.add_marker(
                    pytest.mark.skip(reason="Chromium is not installed: apt-get install chromium")
                )


class Site:
    """uvicorn in a thread, with the static files served as they stand in the source."""

    def __init__(self) -> None:
        import uvicorn
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

        from tradeproject.asgi import application

        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            ASGIStaticFilesHandler(application),
            lifespan="off",
            log_level="error",
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="site", daemon=True)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 15
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert self._server.started, "the web server did not start"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture
def site(transactional_db: Any) -> Iterator[Site]:
    # Playwright's own loop runs in the test's thread; Django would refuse the ORM there.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    running = Site()
    running.start()
    try:
        yield running
    finally:
        running.stop()
        if before is None:
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        else:
            os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def chromium(site: Site) -> Iterator[Any]:
    """One browser per test: while Playwright runs, its loop stands in the way of everything else in this thread."""
    from django.db import connections
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        # Under Playwright's loop Django keeps a second connection for this thread; nothing else would close it.
        connections.close_all()
        browser.close()


@dataclass
class Window:
    """A browser window of one user, and what went wrong in it."""

    page: Any
    site: str
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)
        self.page.set_default_timeout(15_000)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"{message.type}: {message.text} at {message.location.get('url')}")

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != urlsplit(self.site).netloc:
            self.problems.append(f"asked another host: {request.url}")

    def _answered(self, response: Any) -> None:
        if response.status >= 500:
            self.problems.append(f"{response.status}: {response.url}")

    def open(self, path: str) -> Any:
        self.page.goto(f"{self.site}{path}")
        return self.page

    def settle(self) -> None:
        """Until the page is live and its curves are drawn."""
        if self.page.locator(".link-state").count():
            self.page.locator('.link-state[data-state="live"]').wait_for(timeout=10_000)
        for chart in self.page.locator('[data-widget="chart"]').all():
            chart.locator(".state[data-when=loading]").wait_for(state="hidden")


@pytest.fixture
def window(chromium: Any, site: Site) -> Iterator[Callable[..., Window]]:
    """Opens windows: ``window(user, theme=…, size=…)``. Signed in by a session of its own."""
    contexts = []

    def make(user: User | None = None, *, size: dict[str, int] | None = None, **options: Any) -> Window:
        size = size or DESKTOP
        context = chromium.new_context(
            viewport=size,
            device_scale_factor=options.pop("scale", 1),
            has_touch=size["width"] < 600,
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        if user is not None:
            context.add_cookies([{"name": "session", "value": session_of(user), "url": site.url}])
        found = Window(context.new_page(), site.url)
        found.watch()
        return found

    yield make
    for context in contexts:
        context.close()


def session_of(user: User) -> str:
    from django.test import Client

    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client.cookies["session"].value


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", action="store_true", help="write the README's pictures to docs/screenshots"
    )


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path | None:
    """Where to put pictures, None when none are wanted."""
    if not request.config.getoption("--screenshots", default=False):
        return None
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES
