"""The limits of a strategy: typed, named when wrong, null = off."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.models import Strategy
from strategies.validation import RISK, clean_strategy

URL = "/api/v1/strategies"
GOOD = {
    "max_order_quantity": "3",
    "max_position": "6.5",
    "max_orders_per_day": 40,
    "max_orders_per_minute": 6,
    "max_daily_loss": "500",
    "max_drawdown": "1500.25",
    "max_signal_age": 30,
    "price_collar_percent": "0.5",
    "session": {"start": "09:30", "end": "16:00", "timezone": "America/New_York", "days": [0, 1, 2, 3, 4]},
    "blackout": [{"start": "2026-12-24T18:00:00.000Z", "end": "2026-12-26T00:00:00.000Z"}],
}

ALL_OFF = dict.fromkeys(RISK)


@pytest.fixture
def made(api) -> dict:
    return api.post(URL, {"name": "S", "symbol": "MNQ1!", "risk": GOOD}).json()


@pytest.mark.django_db
def test_it_comes_back_as_it_was_given(made):
    assert made["risk"] == ALL_OFF | GOOD
    assert Strategy.objects.get().risk == GOOD


@pytest.mark.django_db
def test_null_switches_one_off_and_leaves_the_others(api, made):
    answer = api.patch(f"{URL}/{made['id']}", {"risk": {"session": None, "max_position": None}}).json()
    assert answer["risk"] == {**ALL_OFF, **GOOD, "session": None, "max_position": None}
    assert "session" not in Strategy.objects.get().risk


@pytest.mark.django_db
def test_null_for_all_of_it_switches_everything_off(api, made):
    answer = api.patch(f"{URL}/{made['id']}", {"risk": None}).json()
    assert set(answer["risk"].values()) == {None}
    assert Strategy.objects.get().risk == {}


@pytest.mark.django_db
def test_put_replaces_it_as_a_whole(api, made):
    body = {"name": "S", "symbol": "MNQ1!", "risk": {"max_position": "1"}}
    answer = api.put(f"{URL}/{made['id']}", body).json()
    assert {name: value for name, value in answer["risk"].items() if value is not None} == {
        "max_position": "1"
    }


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name in GOOD if name not in {"session", "blackout"}])
@pytest.mark.parametrize("value", ["0", 0, "-1", "many", True, [], {}, ""])
def test_a_limit_is_above_zero_or_null(api, name, value):
    answer = api.post(URL, {"name": "S", "symbol": "M", "risk": {name: value}})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [f"risk.{name}"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_signal_age", 86_401),
        ("max_orders_per_day", 1.5),
        ("price_collar_percent", "100.5"),
        ("session", "09:30-16:00"),
        ("session", {"start": "09:30"}),
        ("session", {"start": "25:00", "end": "16:00"}),
        ("session", {"start": "09:30", "end": "16:00", "timezone": "Mars/Olympus"}),
        ("session", {"start": "09:30", "end": "16:00", "days": [7]}),
        ("session", {"start": "09:30", "end": "16:00", "holidays": []}),
        ("session", {"exchange": "MOON"}),
        ("day_start", {"time": "25:00"}),
        ("lock_until", "17:00"),
        ("lock_until", {"time": "17:00", "timezone": "Mars/Olympus"}),
        ("flatten_on_breach", "perhaps"),
        ("no_average_down", "sometimes"),
        ("max_adds", -1),
        ("max_adds", "1.5"),
        ("max_working_orders", 3),
        ("blackout", {}),
        ("blackout", [{"start": "2026-01-01T00:00:00Z"}]),
        ("blackout", [{"start": "tomorrow", "end": "2026-01-01T00:00:00Z"}]),
        ("blackout", [{"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}]),
    ],
)
def test_it_refuses_by_name(api, name, value):
    answer = api.post(URL, {"name": "S", "symbol": "M", "risk": {name: value}})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [f"risk.{name}"])


@pytest.mark.django_db
def test_no_adds_at_all_is_not_the_same_as_no_limit(api):
    given = {"max_adds": 0, "no_average_down": True}
    made = api.post(URL, {"name": "S", "symbol": "M", "risk": given}).json()
    assert {name: made["risk"][name] for name in given} == given


AMOUNTS = st.decimals(min_value="0.0001", max_value="100", places=4)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {}, optional={"max_position": AMOUNTS, "max_drawdown": AMOUNTS, "max_signal_age": st.none()}
    )
)
def test_cleaning_what_was_cleaned_changes_nothing(limits):
    once = clean_strategy({"risk": limits})["risk"]
    assert clean_strategy({"risk": once})["risk"] == once
    assert set(once) <= set(RISK)


@pytest.mark.django_db
def test_it_has_nothing_to_warn_of(api, made):
    assert api.get(f"{URL}/{made['id']}").json()["warnings"] == []
