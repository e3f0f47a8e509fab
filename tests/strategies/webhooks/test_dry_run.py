from __future__ import annotations

import pytest

from strategies.models import AlertDigest, Signal
from strategies.webhooks import app
from tests.strategies.webhooks.helpers import body, fired
from tradeproject.common.ids import uuid7

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_answers_with_the_plan_and_sends_nothing(door, url):
    door.plan = {"orders": [{"symbol": "MNQ", "quantity": "2"}], "warnings": ["no quote"]}
    answer = door.post(url + "?dry_run=1", body(contracts="2"))
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "dry_run",
        "intent": "enter long 2 MNQ",
        "orders": [{"symbol": "MNQ", "quantity": "2"}],
        "warnings": ["no quote"],
    }
    signal = Signal.objects.get()
    assert (signal.status, signal.progress, signal.source) == ("dry_run", "none", "test")
    assert door.plans == [signal.pk]
    assert door.wakes.ids == []


def test_it_takes_the_bodys_word_for_a_test(door, url):
    for value in (True, "true", 1):
        assert door.post(url, body(test=value)).json()["status"] == "dry_run"
    assert door.post(url, body(test=False)).json()["status"] == "accepted"


def test_it_never_takes_a_test_for_a_repetition(door, url):
    sent = body()
    for _ in range(3):
        assert door.post(url + "?dry_run=true", sent).json()["status"] == "dry_run"
    assert not AlertDigest.objects.exists()
    assert door.post(url, sent).status_code == 202
    assert door.post(url + "?dry_run=1", sent).json()["status"] == "dry_run"


def test_it_plans_whatever_would_be_ignored_and_says_so(door, strategy, url):
    strategy.active = False
    strategy.save()
    warnings = door.post(url + "?dry_run=1", body(timenow=fired(900))).json()["warnings"]
    assert any("would be ignored (strategy_inactive)" in warning for warning in warnings)
    strategy.active = True
    strategy.save()
    warnings = door.post(url + "?dry_run=1", body(timenow=fired(900))).json()["warnings"]
    assert any("would be ignored (stale)" in warning for warning in warnings)


def test_it_rejects_a_test_that_is_not_understood(door, url):
    answer = door.post(url + "?dry_run=1", body(action="byu"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_action")
    assert Signal.objects.get().source == "test"
    assert door.plans == []


def test_it_says_so_when_the_plan_cannot_be_made(door, url):
    door.plan = None  # type: ignore[assignment]
    answer = door.post(url + "?dry_run=1", body())
    assert answer.status_code == 200
    assert answer.json()["orders"] == []
    assert any("plan could not be made" in warning for warning in answer.json()["warnings"])


def test_it_lists_repairs_of_a_test_too(door, url):
    answer = door.post(url + "?dry_run=1", b'{"ticker":"MNQ1!","action":"buy",}')
    assert answer.json()["warnings"] == ["repaired: removed a trailing comma"]


def test_it_takes_no_other_query_for_a_test(door, url):
    assert door.post(url + "?dry_run=0&x=1", body()).status_code == 202
    assert door.post(url + "?dry_run=", body(order_id="2")).status_code == 202


def test_it_asks_the_services_for_the_plan(monkeypatch):
    asked = []

    def plan(signal_id):
        asked.append(signal_id)
        return {"orders": [], "warnings": []}

    known = {"strategies.services.preview_signal": plan}
    monkeypatch.setattr(app, "import_string", known.__getitem__)
    signal_id = uuid7()
    assert app.preview_signal(signal_id) == {"orders": [], "warnings": []}
    assert asked == [signal_id]
