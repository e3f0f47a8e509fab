"""Addresses from the environment: understood, or refused by name, without repeating the password in them."""

from __future__ import annotations

import traceback

import pytest
from django.core.exceptions import ImproperlyConfigured

from tradeproject import env

NAME = "TAS_TEST_ADDRESS"


@pytest.fixture
def given_value(monkeypatch):
    return lambda value: monkeypatch.setenv(NAME, value)


def shown(error: BaseException) -> str:
    """What stands on the terminal when the start stops."""
    return "".join(traceback.format_exception(error))


def test_it_drops_the_last_slash_of_an_address(given_value):
    given_value("https://venue.test/v1/")
    assert env.url(NAME) == "https://venue.test/v1"


def test_it_says_that_no_address_is_set():
    assert env.url(NAME) == ""


@pytest.mark.parametrize(
    "value",
    [
        "venue.test",
        "//venue.test",
        "ftp://venue.test",
        "https://",
        "http:/venue.test",
        "https://:443",
        "http://[::1",
        "http://venue.test:port",
        "http://venue.test:99999",
    ],
)
def test_it_refuses_what_is_no_address(given_value, value):
    given_value(value)
    with pytest.raises(
        ImproperlyConfigured, match=f"^{NAME}: .*Give one that starts with http:// or https://"
    ):
        env.url(NAME)


@pytest.mark.parametrize("value", ["redi://:canary-7731@host:6379/0", "redis://:canary-7731@host:port/0"])
def test_it_does_not_tell_the_password_of_an_address_it_refuses(given_value, value):
    given_value(value)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}: ") as caught:
        env.url(NAME, schemes=("redis", "rediss"))
    assert "canary-7731" not in shown(caught.value)


def test_it_reads_the_address_of_a_database(given_value):
    given_value("postgresql://ann:p%40ss@db.test:6543/trade?sslmode=require")
    assert env.database(NAME) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "trade",
        "USER": "ann",
        "PASSWORD": "p@ss",
        "HOST": "db.test",
        "PORT": "6543",
        "OPTIONS": {"sslmode": "require"},
    }


def test_it_reads_the_address_of_a_database_behind_a_socket(given_value):
    given_value("postgresql://ann@%2Frun%2Fpg/trade")
    found = env.database(NAME)
    assert (found["HOST"], found["PORT"]) == ("/run/pg", "")


@pytest.mark.parametrize(
    "value",
    [
        "mysql://u@h/db",
        "postgresql://u:canary-7731@h:5432",
        "host=h dbname=trade password=canary-7731",
        "postgresql://u:canary-7731@h/db?nonsense=1",
        "postgresql://u:canary-7731@h:port/db",
        "postgresql://u:canary-7731@[::1/db",
    ],
)
def test_it_refuses_what_is_no_database(given_value, value):
    given_value(value)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}: .*Give postgresql://") as caught:
        env.database(NAME)
    assert "canary-7731" not in shown(caught.value)
