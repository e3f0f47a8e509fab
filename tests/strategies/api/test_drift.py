"""Drift over the API: where accounts stand, what would bring one back, and the automatic mode."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from strategies.models import Drift, DriftPolicy, Signal
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    StrategyFactory,
    SymbolMappingFactory,
)

pytestmark = pytest.mark.django_db
URL = "/api/v1/drift"


@pytest.fixture
def row(owner) -> Drift:
    from recorder.models import PositionSnapshot
    from tradeproject.common.clock import utc_now

    account = BrokerAccountFactory(connection=ConnectionFactory(user=owner), name="DEMO1")
    allocation = AllocationFactory(strategy=StrategyFactory(user=owner), broker_account=account)
    instrument = InstrumentFactory()
    SymbolMappingFactory(instrument=instrument)
    PositionSnapshot.objects.create(
        broker_account=account, instrument=instrument, net_quantity=1, as_of=utc_now(), source="stream"
    )
    return Drift.objects.create(
        allocation=allocation,
        root="MNQ",
        instrument=instrument,
        state="drifted",
        wanted=Decimal(2),
        held=Decimal(1),
    )


def test_it_lists_where_my_accounts_stand(api, row):
    (found,) = api.get(URL).json()["results"]
    assert (found["state"], found["wanted"], found["held"], found["account_name"]) == (
        "drifted", "2", "1", "DEMO1",
    )  # fmt: skip


def test_what_is_not_known_is_null_and_never_flat(api, row):
    Drift.objects.update(state="unknown", held=None, why="The live connection is down.")
    (found,) = api.get(URL).json()["results"]
    assert (found["state"], found["held"], found["why"]) == ("unknown", None, "The live connection is down.")
    answer = api.post(f"{URL}/{row.pk}/bring-back")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_drifted")


def test_one_shows_the_order_that_would_bring_it_back(api, row):
    found = api.get(f"{URL}/{row.pk}").json()
    assert [(o["side"], o["quantity"], o["purpose"], o["deny_code"]) for o in found["orders"]] == [
        ("buy", "1", "entry", "")
    ]
    assert not Signal.objects.exists()


def test_bringing_back_is_a_signal_with_a_trace(api, owner, row):
    answer = api.post(f"{URL}/{row.pk}/bring-back")
    assert answer.status_code == 202
    trace = api.get(f"/api/v1/signals/{answer.json()['signal']}").json()
    assert (trace["source"], trace["status"]) == ("bring_back", "accepted")
    assert "bring back DEMO1" in trace["intent"]
    assert AuditEntry.objects.get(action="position_brought_back").detail["wanted"] == "2"
    again = api.post(f"{URL}/{row.pk}/bring-back")
    assert again.json()["signal"] == answer.json()["signal"] and Signal.objects.count() == 1


def test_only_the_owner_may(stranger_api, row):
    for answer in (stranger_api.get(f"{URL}/{row.pk}"), stranger_api.post(f"{URL}/{row.pk}/bring-back")):
        assert answer.status_code == 404
    assert stranger_api.get(URL).json()["count"] == 0
    assert not Signal.objects.exists()


def test_the_automatic_mode_is_off_until_it_is_switched_on(api, row):
    url = f"/api/v1/strategies/{row.allocation.strategy_id}/drift"
    found = api.get(url).json()
    assert (found["automatic"], found["per_hour"], len(found["drifts"])) == (False, 3, 1)
    assert api.patch(url, {"automatic": True, "per_hour": 5}).json()["per_hour"] == 5
    assert DriftPolicy.objects.get().automatic
    assert api.patch(url, {"per_hour": 500}).status_code == 400
    assert AuditEntry.objects.filter(action="drift_policy_changed").count() == 1
