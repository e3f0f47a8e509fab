from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from strategies.models import AlertDigest, Signal
from tests.factories import WebhookKeyFactory
from tests.strategies.webhooks.helpers import body, fired

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_stores_fifty_parallel_equal_alerts_once(door, url):
    answers = door.post_together(url, [body()] * 50)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 49 + [202]
    assert len({answer.json()["signal_id"] for answer in answers}) == 1
    signal = Signal.objects.get()
    assert signal.duplicates == 49
    assert len(door.wakes.ids) == 1


def test_it_answers_a_repetition_with_the_first_signals_id(door, url):
    sent = body()
    first, again = door.post(url, sent), door.post(url, sent)
    assert again.status_code == 200
    assert again.json() == {"status": "duplicate", "signal_id": first.json()["signal_id"]}
    assert Signal.objects.get().duplicates == 1


def test_it_knows_the_same_alert_in_other_bytes_when_it_has_a_fire_time(door, url):
    when = fired()
    assert door.post(url, body(timenow=when)).status_code == 202
    spaced = body(timenow=when).replace(b'": "', b'" :   "')
    assert door.post(url, spaced).json()["status"] == "duplicate"
    assert door.post(url, body(timenow=when, key="rotated")).json()["status"] == "duplicate"


def test_it_takes_an_alert_fired_at_another_time_for_another(door, url):
    assert door.post(url, body(timenow=fired(30))).status_code == 202
    assert door.post(url, body(timenow=fired(1))).status_code == 202


@pytest.mark.parametrize("change", [{"order_id": "2"}, {"comment": "second"}, {"contracts": "2"}])
def test_it_takes_an_alert_that_differs_in_anything_for_another(door, url, change):
    when = {"timenow": fired(1)}
    assert door.post(url, body(**when)).status_code == 202
    assert door.post(url, body(**{**when, **change})).status_code == 202


def test_it_remembers_an_alert_with_a_fire_time_or_id_for_a_week(door, url):
    door.post(url, body())
    door.post(url, body(timenow=None, id="17"))
    for digest in AlertDigest.objects.all():
        assert abs(digest.expires_at - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=1)


def test_it_remembers_bare_bytes_for_a_resends_time_and_warns(door, url):
    sent = body(timenow=None)
    first = door.post(url, sent)
    assert any(warning.startswith("weak dedupe key") for warning in first.json()["warnings"])
    assert door.post(url, sent).json()["status"] == "duplicate"
    expires = AlertDigest.objects.get().expires_at - datetime.now(UTC)
    assert timedelta(seconds=25) < expires <= timedelta(seconds=40)


def test_it_takes_over_a_digest_that_has_expired(door, url):
    sent = body(timenow=None)
    first = door.post(url, sent).json()["signal_id"]
    AlertDigest.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    second = door.post(url, sent)
    assert second.status_code == 202
    assert str(AlertDigest.objects.get().signal_id) == second.json()["signal_id"] != first


def test_it_answers_a_repetition_of_an_ignored_alert_as_one(door, strategy, url):
    strategy.active = False
    strategy.save()
    sent = body()
    assert door.post(url, sent).json()["status"] == "ignored"
    assert door.post(url, sent).json()["status"] == "duplicate"


def test_it_keeps_strategies_apart(door, url):
    other = WebhookKeyFactory()
    sent = body()
    assert door.post(url, sent).status_code == 202
    assert door.post(f"/webhook/{other.secret}", sent).status_code == 202


def test_it_takes_two_addresses_of_one_strategy_for_one(door, strategy, url):
    other = WebhookKeyFactory(strategy=strategy)
    sent = body()
    assert door.post(url, sent).status_code == 202
    assert door.post(f"/webhook/{other.secret}", sent).json()["status"] == "duplicate"


def test_it_answers_with_the_first_id_even_after_that_row_was_purged(door, url):
    sent = body()
    first = door.post(url, sent).json()["signal_id"]
    Signal.objects.all().delete()
    assert door.post(url, sent).json() == {"status": "duplicate", "signal_id": first}
