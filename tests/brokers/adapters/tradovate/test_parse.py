"""Entities become reports: strict where money hangs on a word, deaf to fields nobody uses."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from brokers.adapters.tradovate.parse import (
    OrderParts,
    account_info,
    cash_report,
    fill_report,
    order_report,
    position_report,
)
from brokers.domain import Environment, OrderStatus, OrderType, Side
from brokers.errors import ProtocolSurprise
from tests.brokers.adapters.tradovate.venue import entities

ROWS = entities()
ORDER = ROWS["order"][1]
FILL = ROWS["fill"][0]


def parts(status="Working", filled=0, cumulative=None, **version):
    terms = {
        "id": 1,
        "orderId": 94511,
        "orderQty": 2,
        "orderType": "Limit",
        "price": D("21900.25"),
        **version,
    }
    fills = [{**FILL, "id": 1, "orderId": 94511, "qty": filled, "price": D("21900.5")}] if filled else []
    executions = [{"id": 9, "cumQty": cumulative, "avgPx": D("21900.75")}] if cumulative else []
    return OrderParts({**ORDER, "ordStatus": status}, versions=[terms], fills=fills, executions=executions)


@pytest.mark.parametrize(
    ("word", "filled", "status"),
    [
        ("PendingNew", 0, "accepted"),
        ("Working", 0, "accepted"),
        ("Suspended", 0, "accepted"),
        ("PendingReplace", 0, "accepted"),
        ("Working", 1, "partially_filled"),
        ("PendingReplace", 1, "partially_filled"),
        ("PendingCancel", 1, "pending_cancel"),
        ("Filled", 2, "filled"),
        ("Canceled", 1, "canceled"),
        ("Rejected", 0, "rejected"),
        ("Expired", 0, "expired"),
        ("Completed", 2, "filled"),
        ("Completed", 1, "canceled"),
        ("Completed", 0, "canceled"),
        ("Unknown", 0, "unknown"),
    ],
)
def test_it_translates_every_state(word, filled, status):
    report = order_report(parts(word, filled))
    assert (report.status, report.filled_quantity) == (OrderStatus(status), D(filled))


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (order, key)
        for order in ({"ordStatus": "Cancelled"}, {"ordStatus": None}, {"action": "SellShort"})
        for key in order
    ],
)
def test_it_refuses_a_word_it_does_not_know(row, key):
    with pytest.raises(ProtocolSurprise, match=key):
        order_report(OrderParts({**ORDER, **row}))


@pytest.mark.parametrize("row", [{"id": None}, {"accountId": "33112"}, {"timestamp": "yesterday"}])
def test_it_refuses_an_order_without_what_makes_it_one(row):
    with pytest.raises(ProtocolSurprise):
        order_report(OrderParts({**ORDER, **row}))


def test_it_refuses_an_unknown_order_type_but_knows_types_we_have_no_word_for():
    with pytest.raises(ProtocolSurprise, match="orderType"):
        order_report(parts(orderType="Iceberg"))
    assert order_report(parts(orderType="MIT")).order_type is None
    assert order_report(parts()).order_type is OrderType.LIMIT


def test_it_reports_an_order_whose_terms_are_not_told_yet():
    report = order_report(OrderParts(ORDER))
    assert (report.quantity, report.order_type, report.side) == (None, None, Side.SELL)
    assert (report.parent_venue_order_id, report.linked_venue_order_id) == ("94510", "94512")


def test_it_believes_execution_reports_that_are_ahead_of_the_fills():
    report = order_report(parts(filled=1, cumulative=2))
    assert (report.filled_quantity, report.average_price) == (D(2), D("21900.75"))
    report = order_report(parts(filled=2, cumulative=1))
    assert (report.filled_quantity, report.average_price) == (D(2), D("21900.5"))


def test_it_takes_back_what_the_venue_took_back():
    busted = {**FILL, "id": 2, "qty": 1, "price": D(1), "active": False}
    report = order_report(
        OrderParts(ORDER, fills=[FILL, busted], executions=[{"id": 1, "cumQty": 2, "avgPx": D(9)}])
    )
    assert (report.filled_quantity, report.average_price) == (D(1), D(str(FILL["price"])))


def test_it_takes_a_filled_order_without_fills_for_filled_in_full():
    assert order_report(parts("Filled")).filled_quantity == D(2)


def test_it_names_the_newest_moment_it_knows_of():
    command = {"id": 1, "timestamp": "2026-11-20T14:40Z"}
    report = order_report(OrderParts(ORDER, commands=[command]))
    assert report.updated_at == datetime(2026, 11, 20, 14, 40, tzinfo=UTC)


def test_it_takes_our_id_from_the_command_that_made_the_order():
    commands = [
        {"id": 3, "commandType": "Modify", "clOrdId": "modify"},
        {"id": 1, "commandType": "New", "clOrdId": "first"},
    ]
    assert order_report(OrderParts(ORDER, commands=commands)).client_order_id == "first"
    assert order_report(OrderParts(ORDER, commands=commands[:1])).client_order_id == ""


@pytest.mark.parametrize(
    "row", [{"qty": 0}, {"price": "x"}, {"price": D("1E+400")}, {"action": "Hold"}, {"orderId": None}]
)
def test_it_refuses_a_fill_that_cannot_be_right(row):
    with pytest.raises(ProtocolSurprise):
        fill_report({**FILL, **row}, ORDER, None)


def test_it_adds_up_every_fee_and_takes_missing_ones_for_none():
    fee = {"id": 1, "clearingFee": D("0.19"), "exchangeFee": D("0.35"), "brokerageFee": D("0.06")}
    report = fill_report(FILL, ORDER, fee)
    assert (report.commission, report.fees) == (D(0), D("0.60"))


def test_it_reads_a_flat_position_without_a_price():
    report = position_report(ROWS["position"][1])
    assert (report.net_quantity, report.average_price) == (D(0), None)


def test_it_reads_cash():
    report = cash_report(ROWS["cashBalance"][0])
    assert (report.account_id, report.currency, report.equity) == ("33112", "USD", None)


def test_it_calls_a_read_only_account_inactive():
    info = account_info({"id": 1, "name": "A", "active": True, "readonly": True}, Environment.LIVE)
    assert (info.active, info.detail) == (False, "read only")
