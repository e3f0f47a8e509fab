"""Legs without a price to measure from become an order strategy; their orders are found by its uuid."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal as D

import httpx
import pytest

from brokers.domain import BRACKET_UNSUPPORTED, LegKind, LegSpec, OrderIntent, Outcome, Side
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, envelope

TARGET, STOP = LegKind.TAKE_PROFIT, LegKind.STOP_LOSS
BOTH = (LegSpec(TARGET, offset=D("30.1")), LegSpec(STOP, offset=D(15)))
INTENT = OrderIntent("sig-strategy", ACCOUNT, MNQ, Side.SELL, D(3), legs=BOTH)
START = "orderStrategy/startorderstrategy"


@pytest.fixture
def strategy_orders(venue):
    """A strategy whose three orders are visible."""
    strategy = envelope("http_startorderstrategy")[1]["orderStrategy"]
    stamp = {
        "accountId": 33112,
        "contractId": 3570918,
        "timestamp": "2026-11-20T14:31:07.301Z",
        "admin": False,
    }
    rows = [(1, "Sell", "Market"), (2, "Buy", "Limit"), (3, "Buy", "Stop")]
    venue.tables = {
        "order": [{"id": n, "action": side, "ordStatus": "Working", **stamp} for n, side, _ in rows],
        "orderVersion": [{"id": n, "orderId": n, "orderQty": 3, "orderType": kind} for n, _, kind in rows],
        "orderStrategyLink": [
            {"id": 10 + n, "orderStrategyId": 7001, "orderId": n, "label": "x"} for n, _, _ in rows
        ],
        "orderStrategy": [strategy],
        **{kind: [] for kind in ("command", "commandReport", "executionReport", "fill")},
    }
    venue.answers[START] = envelope("http_startorderstrategy")
    return venue


async def test_it_starts_a_strategy_with_signed_distances_as_text(strategy_orders):
    await strategy_orders.adapter().submit(INTENT)
    sent = strategy_orders.named(START)[0].body
    assert (sent["orderStrategyTypeId"], sent["uuid"], sent["isAutomated"]) == (2, "sig-strategy", True)
    assert (sent["action"], sent["symbol"], sent["accountId"]) == ("Sell", "MNQZ6", 33112)
    assert json.loads(sent["params"]) == {
        "entryVersion": {"orderQty": 3, "orderType": "Market", "timeInForce": "Day"},
        "brackets": [{"qty": 3, "profitTarget": -30.25, "stopLoss": 15, "trailingStop": False}],
    }


async def test_it_turns_the_signs_for_a_long(strategy_orders):
    await strategy_orders.adapter().submit(replace(INTENT, side=Side.BUY))
    bracket = json.loads(strategy_orders.named(START)[0].body["params"])["brackets"][0]
    assert (bracket["profitTarget"], bracket["stopLoss"]) == (30.25, -15)


async def test_it_names_the_strategys_orders_by_their_roles(strategy_orders):
    result = await strategy_orders.adapter().submit(INTENT)
    assert (result.outcome, result.venue_order_id) == (Outcome.ACCEPTED, "1")
    assert result.leg_order_ids == {TARGET: "2", STOP: "3"}


async def test_it_stays_accepted_when_the_orders_are_not_visible_yet(strategy_orders):
    strategy_orders.tables["orderStrategyLink"] = []
    result = await strategy_orders.adapter().submit(INTENT)
    assert (result.outcome, result.venue_order_id) == (Outcome.ACCEPTED, "")


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        ((200, {"errorText": "Invalid parameters"}), Outcome.REJECTED, "ERROR"),
        (
            (200, {"orderStrategy": {"id": 1, "status": "ExecutionFailed"}}),
            Outcome.REJECTED,
            "ExecutionFailed",
        ),
        ((200, {"failureReason": "TradingLocked"}), Outcome.REJECTED, "TradingLocked"),
        ((200, {}), Outcome.UNKNOWN, "UNEXPECTED_ANSWER"),
        ((500, ""), Outcome.UNKNOWN, "HTTP_500"),
    ],
)
async def test_it_judges_a_strategys_answer_like_an_orders(venue, answer, outcome, code):
    venue.answers[START] = answer
    result = await venue.adapter().submit(INTENT)
    assert (result.outcome, result.code, result.venue_order_id) == (outcome, code, "")


async def test_it_refuses_a_price_and_a_distance_that_nothing_joins(venue):
    legs = (LegSpec(TARGET, price=D("21800")), LegSpec(STOP, offset=D(15)))
    result = await venue.adapter().submit(replace(INTENT, legs=legs))
    assert (result.outcome, result.code, venue.calls) == (Outcome.REJECTED, "LEGS", [])


@pytest.mark.parametrize(
    ("handle", "venue_id"), [("sig-strategy", "1"), ("sig-strategyt", "2"), ("sig-strategys", "3")]
)
async def test_it_finds_a_strategys_orders_again_by_our_id(strategy_orders, handle, venue_id):
    report = await strategy_orders.adapter().order_report(ACCOUNT, client_order_id=handle)
    assert (report.venue_order_id, report.client_order_id) == (venue_id, handle)


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (httpx.ReadTimeout("late"), Outcome.UNKNOWN, "ANSWER_LOST"),
        (httpx.ConnectError("refused"), Outcome.REJECTED, "NOT_SENT"),
        ((200, {"p-ticket": "t", "p-time": 5}), Outcome.REJECTED, "PENALTY_TICKET"),
        ((404, ""), Outcome.REJECTED, BRACKET_UNSUPPORTED),
    ],
)
async def test_it_knows_what_became_of_a_strategy(venue, error, outcome, code):
    venue.answers[START] = error
    result = await venue.adapter().submit(INTENT)
    assert (result.outcome, result.code) == (outcome, code)


async def test_it_stays_accepted_when_its_orders_cannot_be_read(strategy_orders):
    strategy_orders.answers["orderStrategyLink/deps"] = (500, "")
    assert (await strategy_orders.adapter().submit(INTENT)).outcome is Outcome.ACCEPTED
