"""Reading, changing and removing a strategy."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from strategies.models import ControlState, Strategy
from tests.factories import OrderFactory, SignalFactory
from tradeproject.common.models import DomainEvent

pytestmark = pytest.mark.django_db

URL = "/api/v1/strategies"


@pytest.fixture
def made(api) -> dict:
    return api.post(URL, {"name": "S", "symbol": "MNQ1!", "position_size": "2"}).json()


def changes() -> list[str]:
    return list(DomainEvent.objects.filter(type="strategy.changed").values_list("data__change", flat=True))


def test_what_was_read_can_be_put_back(api, made):
    address = f"{URL}/{made['id']}"
    read = api.get(address).json()
    put = api.put(address, read).json()
    same = set(read) - {"updated_at", "logs"}
    assert {name: put[name] for name in same} == {name: read[name] for name in same}
    assert changes() == ["created"]


def test_put_needs_name_and_symbol(api, made):
    answer = api.put(f"{URL}/{made['id']}", {"name": "T"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["symbol"])


def test_an_edit_is_told_with_before_and_after(api, made, owner):
    api.patch(f"{URL}/{made['id']}", {"position_size": "3", "symbol": "MNQ1!"})
    assert changes() == ["created", "edited"]
    assert AuditEntry.objects.get(action="strategy_edited").detail == {"position_size": ["2", "3"]}


def test_switching_off_and_on_is_told_as_such(api, made):
    for active in (False, False, True):
        api.patch(f"{URL}/{made['id']}", {"active": active})
    assert changes() == ["created", "deactivated", "activated"]


def test_an_edit_that_changes_nothing_tells_nothing(api, made):
    api.patch(f"{URL}/{made['id']}", {"name": "S", "position_size": "2.0", "allocations": []})
    assert changes() == ["created"]


def test_removing_it_removes_its_switch_and_is_written_down(api, made, owner):
    ControlState.objects.create(scope="strategy", object_id=made["id"], state="halted")
    assert api.delete(f"{URL}/{made['id']}").status_code == 204
    assert not Strategy.objects.exists()
    assert not ControlState.objects.exists()
    assert AuditEntry.objects.get(action="strategy_deleted").detail["name"] == "S"
    assert changes() == ["created", "deleted"]
    assert api.get(f"{URL}/{made['id']}").status_code == 404


@pytest.mark.parametrize("status", ["pending", "submitted", "unknown", "accepted", "partially_filled"])
def test_it_stays_while_an_order_is_on_its_way(api, owner, status):
    order = OrderFactory(signal__strategy__user=owner, status=status)
    answer = api.delete(f"{URL}/{order.strategy_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "orders_unfinished")
    assert Strategy.objects.filter(pk=order.strategy_id).exists()


def test_it_goes_when_its_orders_have_ended(api, owner):
    order = OrderFactory(signal__strategy__user=owner, status="filled")
    assert api.delete(f"{URL}/{order.strategy_id}").status_code == 204


def test_the_detail_tells_what_happened_newest_first(api, made):
    strategy = Strategy.objects.get()
    SignalFactory(strategy=strategy, intent="enter long 2 MNQ")
    SignalFactory(strategy=strategy, status="rejected", code="malformed_json", message="It is no JSON.")
    api.patch(f"{URL}/{made['id']}", {"symbol": "ES1!"})
    logs = api.get(f"{URL}/{made['id']}").json()["logs"]
    assert [entry["kind"] for entry in logs] == [
        "strategy_edited",
        "signal_rejected",
        "signal_accepted",
        "strategy_created",
    ]
    assert [entry["level"] for entry in logs] == ["info", "problem", "info", "info"]
    assert "symbol" in logs[0]["message"]
    assert api.get(f"{URL}/{made['id']}/logs/").json() == {"logs": logs}
