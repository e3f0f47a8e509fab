from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.strategies.webhooks.helpers import parsed, read, refusal

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "ticker", "exchange", "delayed"),
    [
        ("MNQ1!", "MNQ1!", "", False),
        (" mnqz2026 ", "MNQZ2026", "", False),
        ("CME_MINI:NQ1!", "NQ1!", "CME_MINI", False),
        ("CME_MINI_DL:NQ1!", "NQ1!", "CME_MINI", True),
        ("NYMEX_DLY:CL1!", "CL1!", "NYMEX", True),
        ("M_M", "M_M", "", False),
        ("BTCUSDT.P", "BTCUSDT.P", "", False),
    ],
)
def test_it_splits_what_names_the_instrument(sent, ticker, exchange, delayed):
    alert = read(ticker=sent)
    assert (alert.ticker, alert.exchange, alert.delayed) == (ticker, exchange, delayed)


@pytest.mark.parametrize("ticker", ["NQ1!/ES1!", "1/EURUSD", "ES1!*2", "(A+B)", "x" * 70, "É1", "MNQ1!;DROP"])
def test_it_refuses_spreads_and_formulas(ticker):
    assert refusal(ticker=ticker) == "invalid_ticker"


def test_it_says_when_neither_alert_nor_strategy_names_an_instrument():
    assert refusal(ticker=None) == "missing_ticker"


def test_it_reads_the_fire_time_in_its_usual_shapes():
    for sent in (
        "2026-11-18T12:00:00Z",
        "2026-11-18T13:00:00+01:00",
        "1795003200",
        1795003200,
        "1795003200000",
    ):
        assert read(timenow=sent).alert_time == NOON


def test_it_takes_time_for_the_bars_and_not_the_alerts():
    alert = read(timenow=None, time="2026-11-18T12:00:00Z")
    assert (alert.alert_time, alert.bar_time) == (None, NOON)


@pytest.mark.parametrize("sent", ["yesterday", "", "NaN", "2026-13-45T00:00:00Z", True])
def test_it_leaves_out_a_time_it_cannot_read(sent):
    found = parsed(timenow=sent)
    assert found.alert is not None
    assert found.alert.alert_time is None
    assert found.warnings


@pytest.mark.parametrize(
    "field", ["ticker", "contracts", "timenow", "order_type", "price", "test", "market_position"]
)
def test_it_refuses_a_placeholder_left_in_a_field_that_matters(field):
    assert refusal(**{field: "{{strategy.order.x}}"}) == "unresolved_placeholder"


@pytest.mark.parametrize(
    "field", ["comment", "order_id", "strategy", "exchange", "interval", "id", "anything"]
)
def test_it_only_warns_of_a_placeholder_in_free_text(field):
    found = parsed(**{field: "{{strategy.name}}"})
    assert found.alert is not None, found.error
    assert any(field in warning for warning in found.warnings)


def test_it_takes_no_id_from_a_placeholder_that_was_not_filled_in():
    assert read(alert_id="{{alert_id}}").explicit_id == ""
    assert read(alert_id="a-17").explicit_id == "a-17"


def test_it_keeps_what_it_does_not_know_as_extras_without_secrets():
    alert = read(comment="x", ratio=1.5, key="s1", api_key="s2", extras={"a": {"token": "s3", "b": 1}})
    assert alert.extras == {"comment": "x", "ratio": "1.5", "a": {"b": 1}}


def test_it_hands_the_secret_out_apart():
    for name in ("key", "token", "secret", "passphrase", "Key"):
        found = parsed(**{name: "canary-1"})
        assert found.secret == "canary-1"
        assert found.alert is not None
        assert "canary-1" not in str(found.alert)
    assert parsed(action="byu", key="canary-2", strategy="Morning").secret == "canary-2"


def test_it_tells_the_strategys_name_even_when_the_alert_is_refused():
    assert parsed(strategy="Morning").strategy_name == "Morning"
    assert parsed(strategy="Morning", action="byu").strategy_name == "Morning"


def test_it_reads_flags_however_they_are_written():
    for yes in (True, "true", 1, "1", "Yes"):
        assert read(test=yes).test
    for no in (False, "false", 0, "0", "no", ""):
        assert not read(test=no).test
    assert refusal(test="perhaps") == "invalid_boolean"
    assert read(cancel=True).cancel_first is True
