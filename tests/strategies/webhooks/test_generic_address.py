from __future__ import annotations

import pytest

from strategies.models import Signal
from tests.factories import StrategyFactory
from tests.strategies.webhooks.helpers import body

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("name", ["key", "token", "secret", "passphrase"])
def test_it_finds_user_and_strategy_by_the_body(door, strategy, name):
    answer = door.post("/webhook", body(strategy="Morning", **{name: strategy.user.webhook_secret}))
    assert answer.status_code == 202
    signal = Signal.objects.get()
    assert (signal.strategy, signal.user) == (strategy, strategy.user)
    assert strategy.user.webhook_secret not in str(signal.alert)


def test_it_takes_the_strategys_id_for_its_name(door, strategy):
    sent = body(strategy=str(strategy.pk), key=strategy.user.webhook_secret)
    answer = door.post("/webhook/", sent)
    assert answer.status_code == 202
    assert answer.json()["warnings"] == []


def test_it_reads_with_the_strategys_own_format_and_symbol(door, strategy):
    strategy.alert_format = "traderspost"
    strategy.save()
    door.post("/webhook", body(ticker=None, strategy="Morning", key=strategy.user.webhook_secret))
    signal = Signal.objects.get()
    assert (signal.format, signal.alert["ticker"]) == ("traderspost", "MNQ1!")


def test_it_answers_404_for_a_missing_or_wrong_secret_and_stores_nothing(door, strategy):
    answers = [
        door.post("/webhook", body(strategy="Morning")),
        door.post("/webhook", body(strategy="Morning", key="wrong")),
        door.post("/webhook", body(strategy="Morning", key="")),
        door.post("/webhook", body(strategy="Morning", key=["x"])),
        door.post("/webhook", b"not json"),
        door.post("/webhook", b""),
        door.post("/webhook/wrong", body()),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert not Signal.objects.exists()


def test_it_stores_an_alert_for_a_strategy_that_its_user_does_not_have(door, strategy):
    StrategyFactory(name="Evening")  # another user's
    for name, code in (("Evening", "unknown_strategy"), (None, "missing_strategy")):
        answer = door.post("/webhook", body(strategy=name, key=strategy.user.webhook_secret))
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        signal = Signal.objects.get(pk=answer.json()["signal_id"])
        assert (signal.user, signal.strategy, signal.status) == (strategy.user, None, "rejected")


def test_it_stores_an_alert_it_cannot_read_under_the_strategy_it_names(door, strategy):
    answer = door.post("/webhook", body(action="byu", strategy="Morning", key=strategy.user.webhook_secret))
    assert answer.json()["code"] == "invalid_action"
    assert Signal.objects.get().strategy == strategy


def test_it_does_not_take_a_strategys_key_for_a_users_secret(door, strategy, key):
    assert door.post("/webhook", body(strategy="Morning", key=key.secret)).status_code == 404
    assert door.post(f"/webhook/{strategy.user.webhook_secret}", body()).status_code == 404
