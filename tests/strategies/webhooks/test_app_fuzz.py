from __future__ import annotations

import random

import pytest

from strategies.models import Signal
from tests.strategies.webhooks.fuzz import SEEDS, mutate

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = [
    "application/json",
    "text/plain; charset=utf-16",
    "application/x-www-form-urlencoded",
    "\u00ff" * 200,
    "a\x00b",
]


def test_it_answers_no_body_with_a_5xx_and_stores_every_one(door, url, settings):
    settings.WEBHOOK_ALERTS_PER_MINUTE = 10_000
    rng = random.Random(7)
    seen: set[str] = set()
    for number in range(600):
        sent = mutate(rng, rng.choice(SEEDS))
        path = url + ("?dry_run=1" if number % 10 == 0 else "")
        kind = rng.choice(KINDS).encode("latin-1")
        answer = door.post(path, sent, headers={b"content-type": kind})
        assert answer.status_code in {200, 202, 400}, (answer.status_code, sent)
        told = answer.json()
        seen.add(told["status"])
        if told["status"] in {"accepted", "rejected", "ignored"}:
            assert Signal.objects.get(pk=told["signal_id"]).body == sent
    assert {"accepted", "rejected", "dry_run"} <= seen


def test_it_survives_odd_generic_bodies(door, strategy):
    rng = random.Random(8)
    for _ in range(150):
        sent = mutate(
            rng, b'{"key":"%s","strategy":"Morning","action":"buy"}' % strategy.user.webhook_secret.encode()
        )
        assert door.post("/webhook", sent).status_code in {200, 202, 400, 404}
