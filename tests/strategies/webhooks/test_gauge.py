from __future__ import annotations

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from strategies.webhooks.gauge import RateGauge


def test_it_counts_each_strategy_for_itself():
    gauge, one, other = RateGauge(), uuid4(), uuid4()
    assert [gauge.count(one, 0.0), gauge.count(one, 1.0), gauge.count(other, 1.0)] == [1, 2, 1]


def test_it_forgets_what_is_older_than_a_minute():
    gauge, strategy = RateGauge(), uuid4()
    for _ in range(50):
        gauge.count(strategy, 10.0)
    assert gauge.count(strategy, 200.0) == 1


@given(st.lists(st.floats(0, 5), min_size=1, max_size=200))
def test_it_is_never_far_from_the_true_count_of_a_steady_sender(gaps):
    gauge, strategy, now, sent = RateGauge(), uuid4(), 0.0, []
    for gap in gaps:
        now += gap
        sent.append(now)
        told = gauge.count(strategy, now)
        within_a_minute = sum(moment > now - 60 for moment in sent)
        within_two = sum(moment > now - 120 for moment in sent)
        assert 1 <= told <= within_two
        assert told >= sum(moment >= now // 60 * 60 for moment in sent) or within_a_minute == told
