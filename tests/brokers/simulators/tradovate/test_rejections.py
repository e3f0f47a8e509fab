"""Rejections that come after a 200 with an orderId."""

from __future__ import annotations

import pytest

from brokers.simulators.tradovate.clock import is_trading, trade_date_at
from tests.brokers.simulators.tradovate.people import front


async def rejected(trader, **terms) -> str | None:
    order_id = await trader.place(**terms)
    assert (await trader.row("order", order_id))["ordStatus"] == "Rejected"
    assert await trader.get("fill/deps", masterid=order_id) == []
    return await trader.reason(order_id)


@pytest.mark.parametrize(
    "terms",
    [
        {"orderType": "Limit", "price": 25000.1},
        {"orderType": "Stop", "stopPrice": 25010.13},
        {"orderType": "StopLimit", "stopPrice": 25010, "price": 25010.3},
        {"orderType": "TrailingStop", "stopPrice": 25010, "pegDifference": 0.3},
        {"orderType": "Limit", "price": -5},
    ],
)
async def test_it_rejects_prices_off_the_tick(trader, terms):
    assert await rejected(trader, **terms) == "InvalidPrice"


@pytest.mark.parametrize(
    ("action", "stop"), [("Buy", 24990), ("Buy", 25000), ("Sell", 25010), ("Sell", 25000)]
)
async def test_it_rejects_a_stop_on_the_wrong_side(trader, action, stop):
    assert await rejected(trader, action=action, orderType="Stop", stopPrice=stop) == "InvalidPrice"


async def test_it_leaves_the_text_on_the_report(trader):
    order_id = await trader.place(orderType="Limit", price=25000.1)
    command = (await trader.get("command/deps", masterid=order_id))[0]
    assert command["commandStatus"] == "RiskRejected"
    report = (await trader.get("commandReport/deps", masterid=command["id"]))[-1]
    assert (report["commandStatus"], report["ordStatus"]) == ("RiskRejected", "Rejected")
    assert "tick" in report["text"]
    execution = (await trader.get("executionReport/deps", masterid=command["id"]))[-1]
    assert (execution["execType"], execution["rejectReason"]) == ("Rejected", "InvalidPrice")


@pytest.mark.parametrize("kind", ["MIT", "QTS", "LimitIfTouched", "TrailingStopLimit"])
async def test_it_does_not_support_exotic_types(trader, kind):
    assert await rejected(trader, orderType=kind, price=25000, stopPrice=25010) == "Unsupported"


async def test_it_rejects_market_orders_without_a_quote(venue, trader):
    venue.control.call("market", {"symbol": "MNQ", "silent": True})
    assert await rejected(trader) == "NoQuote"
    venue.control.call("market", {"symbol": "MNQ", "silent": False})
    await trader.place()


async def test_it_rejects_everything_of_a_locked_account(venue, trader):
    venue.control.call("locks", {"account": str(trader.account.id), "reason": "TradingLocked"})
    assert await rejected(trader) == "TradingLocked"
    status = await trader.get("accountRiskStatus/item", id=trader.account.id)
    assert status["adminAction"] == "LockTradingImmediately"
    venue.control.call("locks", {"account": trader.account.name, "reason": ""})
    await trader.place()


async def test_it_lets_a_liquidation_only_account_reduce(venue, trader):
    await trader.place(orderQty=2)
    venue.control.call("locks", {"account": str(trader.account.id), "reason": "LiquidationOnly"})
    assert await rejected(trader) == "LiquidationOnly"
    assert await rejected(trader, action="Sell", orderQty=3) == "LiquidationOnly"
    order_id = await trader.place(action="Sell", orderQty=2)
    assert (await trader.row("order", order_id))["ordStatus"] == "Filled"


async def test_it_rejects_a_contract_that_has_expired(venue, trader):
    expired = next(
        c for c in venue.simulator.library.chains["MNQ"] if c.expires < venue.simulator.clock.now()
    )
    assert await rejected(trader, symbol=expired.name) == "InvalidContract"
    assert front(venue, "MNQ").name != expired.name


async def test_it_is_closed_when_the_exchange_is_if_told_to(venue, trader):
    venue.control.call("settings", {"trades_at_all_hours": False})
    clock = venue.simulator.clock
    while is_trading(clock.now()):
        clock.advance(600)
    await trader.log_in()
    assert await rejected(trader) == "SessionClosed"


# 2026-11-20 is a Friday; New York is five hours behind UTC then.
@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-20T16:00", True),
        ("2026-11-20T22:30", False),
        ("2026-11-21T12:00", False),
        ("2026-11-22T22:59", False),
        ("2026-11-22T23:00", True),
        ("2026-11-23T22:30", False),
        ("2026-11-23T23:00", True),
    ],
)
def test_it_knows_the_exchanges_hours(at, is_open):
    assert is_trading(seconds(at)) is is_open


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-19T22:59", "2026-11-19"),
        ("2026-11-19T23:00", "2026-11-20"),
        ("2026-11-20T23:30", "2026-11-23"),
        ("2026-11-21T12:00", "2026-11-23"),
        ("2026-11-22T23:30", "2026-11-23"),
    ],
)
def test_it_turns_the_trade_date_at_six_in_the_evening(at, day):
    assert str(trade_date_at(seconds(at))) == day


def seconds(text: str) -> float:
    from datetime import UTC, datetime

    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
