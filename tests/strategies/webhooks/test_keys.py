from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from strategies.models import AlertDigest, Signal
from strategies.webhooks import intake
from tests.factories import StrategyFactory, WebhookKeyFactory
from tests.strategies.webhooks.helpers import body

pytestmark = pytest.mark.django_db(transaction=True)


def wrong_addresses(key):
    other = WebhookKeyFactory()
    return [
        "/webhook/wrong-key",
        f"/webhook/{key.secret}x",
        f"/webhook/{key.secret}/x",
        f"/webhook/{uuid.uuid4()}/{key.secret}",
        f"/webhook/{other.strategy_id}/{key.secret}",
        f"/webhook/{key.strategy_id}/{other.secret}",
        f"/webhook/{key.strategy_id}/wrong-key",
        f"/webhook/not-an-id/{key.secret}",
        f"/webhook/{key.strategy_id}",
        f"/webhook//{key.secret}",
        f"/webhook/a/b/c/{key.secret}",
        "/webhook/" + "x" * 3000,
        "/webhook/%00",
        f"/webhook/%00/{key.secret}",
        f"/webhook/{key.strategy_id}%00/{key.secret}",
        f"/webhook/{key.strategy_id}/{key.secret}%00",
        "/webhook/%F0%9F%98%80",
        "/webhook/' OR 1=1 --",
    ]


def test_it_gives_every_wrong_address_one_answer_and_stores_nothing(door, key):
    texts = set()
    for path in wrong_addresses(key):
        answer = door.post(path, body())
        assert answer.status_code == 404, path
        texts.add(answer.text)
    assert len(texts) == 1
    assert not Signal.objects.exists()
    assert not AlertDigest.objects.exists()
    assert door.wakes.ids == []


def test_it_does_the_same_work_for_a_wrong_key_as_for_a_wrong_strategy(door, key, monkeypatch):
    """Timing: one digest and one query in either case, before anything else is decided."""
    asked = []
    real = intake._find

    async def counting(connection, statement, query, raw):
        asked.append((statement, sorted(query)))
        return await real(connection, statement, query, raw)

    monkeypatch.setattr(intake, "_find", counting)
    for path in (
        "/webhook/wrong-key",
        f"/webhook/{key.strategy_id}/wrong-key",
        f"/webhook/{uuid.uuid4()}/wrong-key",
    ):
        door.post(path, body())
    assert len(asked) == 3
    assert len({str(item) for item in asked}) == 1


def test_it_takes_the_key_alone_or_with_its_strategys_id_and_an_optional_slash(door, key):
    for number, path in enumerate((f"/webhook/{key.secret}", f"/webhook/{key.strategy_id}/{key.secret}")):
        for slash in ("", "/"):
            answer = door.post(path + slash, body(order_id=f"{number}{slash}"))
            assert answer.status_code == 202


def test_it_takes_a_retired_key_until_its_time_is_over(door, strategy, key):
    key.retires_at = datetime.now(UTC) + timedelta(minutes=5)
    key.save()
    assert door.post(f"/webhook/{key.secret}", body()).status_code == 202
    key.retires_at = datetime.now(UTC) - timedelta(seconds=1)
    key.save()
    assert door.post(f"/webhook/{key.secret}", body()).status_code == 404


def test_it_knows_no_key_of_a_user_who_was_shut_out(door, strategy, url):
    strategy.user.is_active = False
    strategy.user.save()
    assert door.post(url, body()).status_code == 404


def test_it_files_the_alert_with_the_keys_own_strategy(door):
    keys = [WebhookKeyFactory(strategy=StrategyFactory()) for _ in range(3)]
    for key in keys:
        door.post(f"/webhook/{key.secret}", body())
    assert set(Signal.objects.values_list("strategy_id", "user_id")) == {
        (key.strategy_id, key.strategy.user_id) for key in keys
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_it_answers_other_methods_without_telling_whether_the_key_is_right(door, url, method):
    right, wrong = door.request(method, url), door.request(method, "/webhook/wrong-key")
    assert right.status_code == wrong.status_code == 405
    assert right.headers["allow"] == "POST"
    assert (right.content, sorted(right.headers)) == (wrong.content, sorted(wrong.headers))
    assert door.request(method, "/webhook").status_code == 405
    assert not Signal.objects.exists()
