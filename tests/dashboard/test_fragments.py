"""A fragment is the very part of the page: first paint and refresh cannot differ."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

pytestmark = pytest.mark.django_db
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
VOID = {"input", "img", "br", "hr", "meta", "link", "use", "path"}


class Part(HTMLParser):
    """Cuts the element with an id out of a page."""

    def __init__(self, html: str, wanted: str) -> None:
        super().__init__(convert_charrefs=False)
        self.wanted, self.depth, self.start, self.end = wanted, 0, -1, -1
        self._lines = [0]
        for line in html.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self.feed(html)
        self.html = html[self.start : self.end]

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag, attrs):
        if self.start < 0 and dict(attrs).get("id") == self.wanted:
            self.start, self.depth = self._here(), 1
        elif self.start >= 0 and self.end < 0 and tag not in VOID:
            self.depth += 1

    def handle_endtag(self, tag):
        if self.start >= 0 and self.end < 0 and tag not in VOID:
            self.depth -= 1
            if self.depth == 0:
                self.end = self._here() + len(f"</{tag}>")


def stable(html: str) -> str:
    """Without what changes from answer to answer: tokens, and seconds that went by."""
    html = TOKEN.sub("", html)
    html = re.sub(r"(<time [^>]*>)[^<]*(</time>)", r"\1\2", html)
    return re.sub(r"\s+", " ", html).strip()


def pages(desk):
    strategy, signal = desk.strategy.pk, desk.signal.pk
    return [
        ("/user/dashboard", ["kpis", "positions", "signals", "health", "control"]),
        ("/user/strats", ["cards"]),
        (f"/user/strats/{strategy}", ["record", "positions", "signals", "logs"]),
        ("/user/signals", ["signal-list"]),
        (f"/user/signals/{signal}", ["trace"]),
        ("/user/orders", ["order-list"]),
        ("/user/accounts", ["logins"]),
        ("/user/notifications", ["notification-list"]),
    ]


def test_every_fragment_equals_its_part_of_the_page(browser, small_desk):
    for address, parts in pages(small_desk):
        page = browser.get(address).content.decode()
        for part in parts:
            answer = browser.get(address, headers={"HX-Request": "true", "HX-Target": part})
            fragment = answer.content.decode()
            assert answer.status_code == 200
            assert "<html" not in fragment, (address, part)
            assert stable(fragment) == stable(Part(page, part).html), (address, part)


def test_a_request_for_no_known_part_gets_the_page(browser, small_desk):
    answer = browser.get("/user/dashboard", headers={"HX-Request": "true", "HX-Target": "body"})
    assert "<html" in answer.content.decode()
    assert "HX-Target" in answer["Vary"]
