"""Settings from the environment: understood, or the start stops with a sentence that names the variable."""

from __future__ import annotations

import os
import traceback
from decimal import Decimal

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from tradeproject import env

NAME = "TAS_TEST_SETTING"
KEY = "dGVzdC1maWVsZC1rZXktdGVzdC1maWVsZC1rZXktMDE="


@pytest.fixture(autouse=True)
def _not_set(monkeypatch):
    monkeypatch.delenv(NAME, raising=False)
    monkeypatch.delenv(f"{NAME}_FILE", raising=False)


@pytest.fixture
def given_value(monkeypatch):
    return lambda value: monkeypatch.setenv(NAME, value)


@pytest.fixture
def given_file(monkeypatch, tmp_path):
    def write(content: bytes) -> None:
        path = tmp_path / "secret"
        path.write_bytes(content)
        monkeypatch.setenv(f"{NAME}_FILE", str(path))

    return write


def shown(error: BaseException) -> str:
    """What stands on the terminal when the start stops."""
    return "".join(traceback.format_exception(error))


# --- text and files ---------------------------------------------------------------------------------------------------


def test_it_strips_what_surrounds_a_value(given_value):
    given_value("  hello \n")
    assert env.text(NAME) == "hello"


def test_it_falls_back_to_the_default():
    assert env.text(NAME, "usual") == "usual"


def test_it_reads_the_value_from_the_file_named_beside_it(given_file):
    given_file("naïve-secret\n".encode())
    assert env.text(NAME) == "naïve-secret"


def test_it_prefers_the_value_itself_over_the_file(given_value, given_file):
    given_file(b"from the file")
    given_value("from the environment")
    assert env.text(NAME) == "from the environment"


@pytest.mark.parametrize(
    ("read", "content", "value"),
    [
        (lambda: env.integer(NAME, 1), b"42\n", 42),
        (lambda: env.boolean(NAME, False), b"yes\n", True),
        (lambda: env.csv(NAME), b"a,b\n", ["a", "b"]),
        (lambda: env.decimal(NAME, "1"), b"0.25\n", Decimal("0.25")),
        (lambda: env.url(NAME), b"https://venue.test/v1\n", "https://venue.test/v1"),
        (lambda: env.database(NAME)["NAME"], b"postgresql://u@h/trade\n", "trade"),
    ],
)
def test_it_reads_every_kind_of_value_from_a_file(given_file, read, content, value):
    given_file(content)
    assert read() == value


def test_it_stops_when_the_file_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ImproperlyConfigured, match=rf"^{NAME}_FILE: .*nowhere cannot be read.*readable"):
        env.text(NAME)


def test_it_stops_when_the_file_is_a_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}_FILE: .*cannot be read"):
        env.text(NAME)


def test_it_stops_when_the_file_is_no_text(given_file):
    given_file(b"\xff\xfe\x00")
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}_FILE: .*text file"):
        env.text(NAME)


def test_it_stops_when_a_required_value_is_missing():
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}: is not set. Set {NAME} or {NAME}_FILE"):
        env.text(NAME, None)


def test_it_stops_when_a_required_value_is_empty(given_value):
    given_value(" ")
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}: is empty. Set {NAME} or {NAME}_FILE"):
        env.required(NAME)


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["", "ten", "1.5", "--5", "-", "5-", "1e3", "0x10", "٣", "1 000", "9" * 5000]
)
def test_it_refuses_what_is_no_whole_number(given_value, value):
    given_value(value)
    with pytest.raises(ImproperlyConfigured, match=rf"^{NAME}: .*Give a number from 1 to 100"):
        env.integer(NAME, 5, minimum=1, maximum=100)


@pytest.mark.parametrize("value", ["0", "-5", "101"])
def test_it_refuses_a_whole_number_out_of_range(given_value, value):
    given_value(value)
    with pytest.raises(
        ImproperlyConfigured, match=rf"^{NAME}: {value} is out of range. Give a number from 1 to 100"
    ):
        env.integer(NAME, 5, minimum=1, maximum=100)


@given(st.integers(-1000, 1000))
def test_it_reads_every_whole_number_in_range(number):
    os.environ[NAME] = f" {number} "
    try:
        assert env.integer(NAME, 0, minimum=-1000, maximum=1000) == number
    finally:
        del os.environ[NAME]


@pytest.mark.parametrize("value", ["", "fast", "1,5", "NaN", "sNaN", "Infinity", "-0.5"])
def test_it_refuses_what_is_no_decimal_in_range(given_value, value):
    given_value(value)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}: .*Give "):
        env.decimal(NAME, "0.5")


def test_it_keeps_a_decimal_exact(given_value):
    given_value("0.1")
    assert env.decimal(NAME, "0") == Decimal("0.1")


# --- words and lists --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("true", True),
        ("1", True),
        ("YES", True),
        ("On", True),
        ("false", False),
        ("0", False),
        ("No", False),
        ("off", False),
        ("", False),
    ],
)
def test_it_understands_yes_and_no(given_value, value, meaning):
    given_value(value)
    assert env.boolean(NAME, not meaning) is meaning


@pytest.mark.parametrize("default", [True, False])
def test_it_takes_the_default_for_a_yes_or_no_that_is_not_set(default):
    assert env.boolean(NAME, default) is default


@pytest.mark.parametrize("value", ["maybe", "2", "tru", "y e s"])
def test_it_refuses_what_is_neither_yes_nor_no(given_value, value):
    given_value(value)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}: .*Give true or false"):
        env.boolean(NAME, False)


def test_it_reads_a_list_without_its_gaps(given_value):
    given_value(" one, two ,,three, ")
    assert env.csv(NAME) == ["one", "two", "three"]


def test_it_reads_an_empty_list(given_value):
    given_value("")
    assert env.csv(NAME, "a,b") == []


def test_it_takes_a_known_word_in_any_case(given_value):
    given_value("warning")
    assert env.choice(NAME, "INFO", ("INFO", "WARNING")) == "WARNING"


def test_it_refuses_a_word_it_does_not_know(given_value):
    given_value("chatty")
    with pytest.raises(
        ImproperlyConfigured, match=f"^{NAME}: 'chatty' is not known. Give one of INFO, WARNING"
    ):
        env.choice(NAME, "INFO", ("INFO", "WARNING"))


@pytest.mark.parametrize("value", ["", "often", "10", "10/fortnight", "/min", "-1/min"])
def test_it_refuses_what_is_no_rate(given_value, value):
    given_value(value)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}: .*Give one such as 1200/min"):
        env.rate(NAME, "5/s")


# --- keys -------------------------------------------------------------------------------------------------------------


def test_it_takes_several_keys_newest_first(given_value):
    new, old = (Fernet.generate_key().decode() for _ in range(2))
    given_value(f"{new}, {old}")
    assert env.sealing_keys(NAME) == [new, old]


@pytest.mark.parametrize("value", [",", "canary-7731", f"{KEY},canary-7731"])
def test_it_refuses_a_key_that_is_none_and_does_not_repeat_it(given_value, value):
    given_value(value)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME}: .*Give at least one key made by") as caught:
        env.sealing_keys(NAME)
    assert "canary-7731" not in shown(caught.value)
