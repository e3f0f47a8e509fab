"""The list of signals: newest first, filtered, without bodies."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strategies.models import Signal
from tests.factories import OrderFactory, SignalFactory, StrategyFactory
from tradeproject.common.clock import iso, utc_now

pytestmark = pytest.mark.django_db

URL = "/api/v1/signals"


def ids(answer) -> list[str]:
    return [row["id"] for row in answer.json()["results"]]


def test_it_counts_what_became_of_each(api, owner):
    signal = SignalFactory(strategy__user=owner, strategy__name="Scalper")
    for status in ("filled", "filled", "denied", "accepted"):
        OrderFactory(signal=signal, status=status)
    row = api.get(URL).json()["results"][0]
    assert (row["orders"], row["filled"], row["refused"]) == (4, 2, 1)
    assert row["strategy_name"] == "Scalper"
    assert "raw_body" not in row


def test_it_is_newest_first_and_paginated(api, owner):
    made = [str(SignalFactory(strategy__user=owner).pk) for _ in range(3)]
    page = api.get(URL, {"page_size": 2})
    assert ids(page) == made[::-1][:2]
    assert page.json()["count"] == 3
    assert ids(api.get(page.json()["next"])) == made[:1]


def test_it_filters_by_strategy_status_and_time(api, owner):
    strategy = StrategyFactory(user=owner)
    now = utc_now()
    old = SignalFactory(strategy=strategy, received_at=now - timedelta(days=2))
    ignored = SignalFactory(strategy=strategy, status=Signal.Status.IGNORED)
    other = SignalFactory(strategy=StrategyFactory(user=owner), status=Signal.Status.REJECTED)
    assert set(ids(api.get(URL, {"strategy": strategy.pk}))) == {str(old.pk), str(ignored.pk)}
    assert set(ids(api.get(URL, {"status": "IGNORED,rejected"}))) == {str(ignored.pk), str(other.pk)}
    assert ids(api.get(URL, {"until": iso(now - timedelta(days=1))})) == [str(old.pk)]
    assert len(ids(api.get(URL, {"since": iso(now - timedelta(days=1))}))) == 2


def test_a_filter_that_cannot_be_read_is_refused(api):
    answer = api.get(URL, {"strategy": "x"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["strategy"])


def test_it_never_reads_the_bodies(api, owner, django_assert_max_num_queries):
    SignalFactory.create_batch(5, strategy__user=owner)
    with django_assert_max_num_queries(3) as queries:
        api.get(URL)
    assert not [query for query in queries if "raw_body" in query["sql"]]
