"""Updating many rows at once, and repeating what PostgreSQL broke off."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DataError, OperationalError
from django.db import connection as database

from recorder.bulk import ATTEMPTS, in_transaction, update_rows
from strategies.models import Order
from tests.factories import BrokerAccountFactory

pytestmark = pytest.mark.django_db


def test_it_writes_numbers_texts_times_and_references(desk):
    first, second = desk.order("900"), desk.order("901")
    moment = datetime(2026, 3, 2, 14, 30, 0, 123456, tzinfo=UTC)
    first.filled_quantity, first.average_price, first.filled_at = (
        Decimal("0.00000001"),
        Decimal("1E-10"),
        moment,
    )
    second.average_price, second.reject_reason, second.strategy_id = None, 'it\'s "no"', None
    fields = ["filled_quantity", "average_price", "filled_at", "reject_reason", "strategy"]
    assert update_rows([first, second], fields) == 2
    stored = {order.pk: order for order in Order.objects.all()}
    for order in (first, second):
        assert [getattr(stored[order.pk], name) for name in fields] == [
            getattr(order, name) for name in fields
        ]


def test_it_leaves_other_rows_and_fields_alone(desk):
    order, other = desk.order("900"), desk.order("901")
    order.status, order.symbol = "filled", "unsaved"
    update_rows([order], ["status"])
    order.refresh_from_db()
    other.refresh_from_db()
    assert (order.status, order.symbol, other.status) == ("filled", "MNQ", "accepted")


def test_it_refuses_text_that_is_too_long_instead_of_cutting_it(desk):
    order = desk.order("900")
    order.venue_order_id = "9" * 65
    with pytest.raises(DataError):
        update_rows([order], ["venue_order_id"])


def test_it_does_nothing_without_rows_or_fields(desk, django_assert_num_queries):
    account = BrokerAccountFactory()
    with django_assert_num_queries(0):
        assert update_rows([], ["label"]) == update_rows([account], []) == 0


def broken_off(sqlstate: str) -> OperationalError:
    error = OperationalError("broken off")
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": sqlstate})()
    return error


@pytest.mark.django_db(transaction=True)
def test_it_repeats_work_after_a_deadlock():
    failures = [broken_off("40P01")] * (ATTEMPTS - 1)

    def work():
        assert database.in_atomic_block
        if failures:
            raise failures.pop()
        return "done"

    assert in_transaction(work) == "done"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("sqlstate", "calls"), [("40P01", ATTEMPTS), ("57P01", 1)])
def test_it_gives_up_in_the_end_and_at_once_when_it_would_not_help(sqlstate, calls):
    seen = []

    def work():
        seen.append(1)
        raise broken_off(sqlstate)

    with pytest.raises(OperationalError):
        in_transaction(work)
    assert len(seen) == calls


def test_it_leaves_repeating_to_whoever_holds_the_transaction():
    seen = []

    def work():
        seen.append(1)
        raise broken_off("40P01")

    with pytest.raises(OperationalError):
        in_transaction(work)
    assert len(seen) == 1
