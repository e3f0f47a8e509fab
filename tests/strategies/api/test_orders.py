"""Orders: listed, filtered, read, canceled."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from strategies.models import BracketLeg, Order, OrderEvent
from tests.factories import OrderFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/orders"
FIELDS = {
    "id", "signal", "strategy", "broker_account", "client_order_id", "venue_order_id", "symbol", "venue_symbol", "side",
    "quantity", "order_type", "limit_price", "stop_price", "time_in_force", "bracket", "status", "deny_code",
    "reject_reason", "filled_quantity", "average_price", "planned_at", "sent_at", "answered_at", "filled_at",
}  # fmt: skip


@pytest.fixture
def order(owner):
    return OrderFactory(signal__strategy__user=owner, status="accepted", venue_order_id="901")


def ids(answer) -> set[str]:
    return {row["id"] for row in answer.json()["results"]}


def test_it_has_the_contracts_fields_and_plain_numbers(api, order):
    BracketLeg.objects.create(order=order, kind="stop_loss", offset="5.500", quantity="1")
    shown = api.get(f"{URL}/{order.pk}").json()
    assert set(shown) >= FIELDS
    assert (shown["quantity"], shown["filled_quantity"], shown["limit_price"]) == ("1", "0", None)
    assert shown["bracket"]["take_profit"] is None
    assert shown["bracket"]["stop_loss"]["offset"] == "5.5"
    assert api.get(URL).json()["results"][0] == shown


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"signal": "own"}, True),
        ({"strategy": "own"}, True),
        ({"broker_account": "own"}, True),
        ({"status": "accepted"}, True),
        ({"status": "Accepted, filled"}, True),
        ({"status": "filled"}, False),
        ({"symbol": "mnq"}, True),
        ({"signal": "0190a0a0-0000-7000-8000-000000000000"}, False),
        ({"since": "2099-01-01T00:00:00Z"}, False),
    ],
)
def test_it_filters(api, order, query, found):
    own = {
        "signal": order.signal_id,
        "strategy": order.strategy_id,
        "broker_account": order.broker_account_id,
    }
    query = {name: own[name] if value == "own" else value for name, value in query.items()}
    assert (str(order.pk) in ids(api.get(URL, query))) is found


def test_canceling_asks_the_executor_and_is_written_down(api, order, owner):
    answer = api.post(f"{URL}/{order.pk}/cancel")
    assert answer.status_code == 202
    assert answer.json()["cancel_requested_at"] is not None
    assert answer.json()["status"] == "accepted"
    assert "by owner@example.com" in OrderEvent.objects.get(order=order).message
    assert AuditEntry.objects.get(action="order_cancel_requested").owner == owner


def test_it_cancels_an_order_at_once_of_which_nothing_was_sent(api, order, owner):
    Order.objects.update(status="pending", venue_order_id="")
    answer = api.post(f"{URL}/{order.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
    stored = Order.objects.get()
    assert stored.settled_at == stored.cancel_requested_at is not None
    event = OrderEvent.objects.get(order=order)
    assert (event.kind, event.message) == ("canceled", "Canceled before it was sent by owner@example.com.")
    assert AuditEntry.objects.get(action="order_cancel_requested").owner == owner


def test_it_cancels_an_order_once_of_which_nothing_was_sent(api, order):
    Order.objects.update(status="pending", venue_order_id="")
    api.post(f"{URL}/{order.pk}/cancel")
    assert api.post(f"{URL}/{order.pk}/cancel").status_code == 409
    assert OrderEvent.objects.filter(order=order).count() == 1


@pytest.mark.parametrize("status", ["filled", "canceled", "rejected", "expired", "denied"])
def test_what_has_ended_cannot_be_canceled(api, order, status):
    Order.objects.update(status=status)
    answer = api.post(f"{URL}/{order.pk}/cancel/")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_final")
    assert status in answer.json()["message"]
    assert Order.objects.get().cancel_requested_at is None


@pytest.mark.django_db(transaction=True)
def test_the_executor_is_woken_at_the_commit(api, order):
    import psycopg

    from tradeproject.common.postgres import conninfo

    with psycopg.connect(conninfo(), autocommit=True) as listener:
        listener.execute("LISTEN orders")
        api.post(f"{URL}/{order.pk}/cancel")
        notice = next(listener.notifies(timeout=5, stop_after=1))
    assert (notice.channel, notice.payload) == ("orders", str(order.pk))


def test_the_list_costs_the_same_for_many(api, owner, django_assert_max_num_queries):
    OrderFactory.create_batch(10, signal__strategy__user=owner)
    with django_assert_max_num_queries(4):
        assert api.get(URL).json()["count"] == 10
