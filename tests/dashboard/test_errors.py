"""Pages for what went wrong, and the files that every page names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client

from dashboard.context import current_item


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "500"])
def test_every_error_page_stands_without_a_request(code):
    html = render_to_string(f"{code}.html")
    assert "To the dashboard" in html
    assert "style=" not in html


@pytest.mark.django_db
def test_an_unknown_address_gets_the_page(settings):
    settings.DEBUG = False
    answer = Client().get("/user/nothing-here")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_the_style_sheets_name_files_that_exist():
    for sheet in ("tokens", "base", "layout", "components/controls", "components/cards", "components/tables"):
        path = finders.find(f"css/{sheet}.css")
        assert path
        for url in re.findall(r'url\("([^"]+)"\)', Path(path).read_text(encoding="utf-8")):
            assert finders.find(url.removeprefix("../")), url


def test_every_icon_that_a_template_names_is_drawn(settings):
    drawn = set(re.findall(r'symbol id="([a-z-]+)"', Path(finders.find("img/sprite.svg")).read_text()))
    named = set()
    for template in (settings.BASE_DIR / "templates").rglob("*.html"):
        named |= set(re.findall(r'{% icon "([a-z-]+)"', template.read_text()))
    from dashboard.context import NAVIGATION

    assert named | {item.icon for item in NAVIGATION} <= drawn


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/user/strats/x/edit", "/user/strats"),
        ("/user/stratsen", ""),
        ("/user/dashboard", "/user/dashboard"),
        ("/accounts/login/", ""),
    ],
)
def test_the_navigation_knows_where_a_page_belongs(path, expected):
    assert current_item(path) == expected
