from __future__ import annotations

import json
from uuid import UUID

import pytest
from django.db import connection

from strategies.models import Signal
from strategies.webhooks.alert import Alert
from tests.strategies.webhooks.helpers import body, target

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_stores_before_it_answers_and_says_what_was_understood(door, strategy, url):
    answer = door.post(url, target("buy", "flat", "long 2", "2"))
    assert answer.status_code == 202
    signal = Signal.objects.get()
    assert answer.json() == {
        "status": "accepted",
        "signal_id": str(signal.pk),
        "intent": "enter long 2 MNQ",
        "warnings": [],
    }
    assert (signal.status, signal.progress, signal.source) == ("accepted", "queued", "webhook")
    assert (signal.strategy, signal.user, signal.format) == (strategy, strategy.user, "tradingview")
    assert signal.received_at <= signal.stored_at
    assert signal.alert_time is not None


def test_it_keeps_the_canonical_alert_for_the_planner(door, url):
    door.post(url, target("sell", "long 2", "short 2", "4", price="21870.25"))
    alert = Alert.from_json(Signal.objects.get().alert)
    assert alert.signed_target == -2
    assert str(alert.signal_price) == "21870.25"


def test_it_keeps_the_raw_body_sealed_and_secrets_out_of_everything_else(door, url):
    sent = body(token="canary-5151", extras={"note": "x", "password": "canary-5151"})
    door.post(url, sent)
    signal = Signal.objects.get()
    assert signal.body == sent
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(s)::text FROM strategies_signal s")
        stored = cursor.fetchone()[0]
    assert "canary-5151" not in stored
    assert signal.alert["extras"] == {"note": "x"}


def test_it_takes_any_content_type(door, url):
    for number, kind in enumerate(("text/plain", "application/x-www-form-urlencoded", "image/png", "")):
        answer = door.post(url, body(order_id=str(number)), headers={"content-type": kind})
        assert answer.status_code == 202
    assert set(Signal.objects.values_list("content_type", flat=True)) == {
        "text/plain",
        "application/x-www-form-urlencoded",
        "image/png",
        "",
    }


def test_it_wakes_the_executor_only_for_what_is_to_be_executed(door, strategy, url):
    answer = door.post(url, body())
    assert door.wakes.ids == [UUID(answer.json()["signal_id"])]
    strategy.active = False
    strategy.save()
    door.post(url, body(order_id="2"))
    door.post(url, b"nonsense")
    assert len(door.wakes.ids) == 1


def test_it_notifies_listeners_of_the_channel_with_the_commit(door, url):
    with connection.cursor() as cursor:
        cursor.execute("LISTEN signals")
        answer = door.post(url, body())
        cursor.execute("SELECT 1")
        heard = [note.payload for note in connection.connection.notifies(timeout=2, stop_after=1)]
        cursor.execute("UNLISTEN signals")
    assert heard == [answer.json()["signal_id"]]


def test_it_uses_the_strategys_symbol_when_the_alert_names_none(door, url):
    answer = door.post(url, body(ticker=None))
    assert answer.json()["intent"] == "enter long 1 MNQ"
    assert Signal.objects.get().alert["ticker"] == "MNQ1!"


def test_it_lists_repairs_among_the_warnings(door, url):
    answer = door.post(url, b'{"ticker":"MNQ1!","action":"buy","contracts":1,}')
    assert answer.status_code == 202
    assert answer.json()["warnings"][0] == "repaired: removed a trailing comma"
    signal = Signal.objects.get()
    assert signal.repairs == ["removed a trailing comma"]
    assert signal.warnings == answer.json()["warnings"][1:]


def test_it_answers_with_headers_that_keep_the_address_private(door, url):
    headers = door.post(url, body()).headers
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_it_leaves_every_other_path_to_django(door):
    for path in ("/", "/webhooks", "/webhook2/x", "/api/v1/signals"):
        assert door.request("GET", path).text == "django"


def test_it_warns_when_the_alert_names_another_strategy(door, url):
    warnings = door.post(url, body(strategy="Evening")).json()["warnings"]
    assert any("another strategy" in warning for warning in warnings)
    assert json.dumps(warnings).count("Evening") == 0
