from __future__ import annotations

import pytest

from strategies.models import AlertDigest, Signal
from tests.strategies.webhooks.helpers import body

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "empty_body"),
        (b"MNQ crossed", "malformed_json"),
        (b"\xff\xfe\x00", "invalid_encoding"),
        (b'{"a":"\\u0000"}', "control_characters"),
        (b"[1]", "not_an_object"),
        (b'{"action":"buy","action":"sell"}', "duplicate_key"),
        (body(contracts="1,050"), "invalid_number"),
        (body(action="{{strategy.order.action}}"), "unresolved_placeholder"),
        (b'{"token":"x","data":"buy"}', "unsupported_format"),
    ],
    # The bodies carry the time of day, which must not become part of a test's name.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_stores_what_it_does_not_understand_for_its_owner_to_see(door, strategy, url, sent, code):
    answer = door.post(url, sent)
    assert answer.status_code == 400
    signal = Signal.objects.get()
    assert answer.json() == {
        "status": "rejected",
        "code": code,
        "message": signal.message,
        "signal_id": str(signal.pk),
    }
    assert signal.body == sent
    assert (signal.status, signal.code, signal.progress) == ("rejected", code, "none")
    assert (signal.strategy, signal.user) == (strategy, strategy.user)
    assert door.wakes.ids == []


def test_it_rejects_the_same_body_each_time_it_comes(door, url):
    assert [door.post(url, b"nonsense").status_code for _ in range(2)] == [400, 400]
    assert Signal.objects.count() == 2
    assert not AlertDigest.objects.exists()


def test_it_keeps_an_alert_that_a_fault_of_ours_left_unread(door, url, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("canary")

    monkeypatch.setattr("strategies.webhooks.intake.parse", broken)
    answer = door.post(url, body())
    assert (answer.status_code, answer.json()["code"]) == (400, "internal_error")
    assert "canary" not in answer.text
    assert Signal.objects.get().status == "rejected"


def test_it_says_how_the_strategys_pinned_format_is_wrong(door, strategy, url):
    strategy.alert_format = "morse"
    strategy.save()
    assert door.post(url, body()).json()["code"] == "unknown_format"
