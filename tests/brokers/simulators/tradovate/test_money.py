from __future__ import annotations

from decimal import Decimal

from tests.brokers.simulators.tradovate.people import front, set_price

FEE = Decimal("0.81")  # clearing 0.19, exchange 0.35, nfa 0.02, commission 0.25: one micro contract, one side


async def snapshot(trader):
    return await trader.post("cashBalance/getcashbalancesnapshot", accountId=trader.account.id)


async def cash(trader):
    return (await trader.get("cashBalance/deps", masterid=trader.account.id))[0]


async def test_it_leaves_profit_figures_out_while_there_are_none(trader):
    assert not {"openPnL", "realizedPnL", "totalPnL"} & set(await snapshot(trader))
    assert "realizedPnL" not in await cash(trader)


async def test_it_charges_fees_at_every_fill(trader):
    order_id = await trader.place(orderQty=2)
    fill = (await trader.get("fill/deps", masterid=order_id))[0]
    fee = await trader.row("fillFee", fill["id"])
    assert (fee["clearingFee"], fee["exchangeFee"], fee["nfaFee"], fee["commission"]) == (
        0.38,
        0.7,
        0.04,
        0.5,
    )
    assert Decimal(str((await cash(trader))["amount"])) == 50_000 - 2 * FEE


async def test_it_values_the_open_position_at_the_last_trade(venue, trader):
    await trader.place(orderQty=2)
    set_price(venue, 25010.25)
    told = await snapshot(trader)
    assert told["openPnL"] == 2 * 10 * 2
    assert Decimal(str(told["netLiq"])) == Decimal(str(told["totalCashValue"])) + 40


async def test_it_books_the_closed_contracts_first_in_first_out(venue, trader):
    await trader.place(orderQty=2)
    set_price(venue, 25100)
    await trader.place(orderQty=1)
    set_price(venue, 25200)
    await trader.place(action="Sell", orderQty=2)
    pairs = await trader.rows("fillPair")
    assert [(row["qty"], row["buyPrice"], row["sellPrice"]) for row in pairs] == [(2, 25000.25, 25200)]
    assert (await cash(trader))["realizedPnL"] == 2 * 199.75 * 2
    position = (await trader.rows("position"))[0]
    assert (position["netPos"], position["netPrice"]) == (1, 25100.25)


async def test_it_flips_a_position_with_one_order(venue, trader):
    await trader.place(orderQty=1)
    await trader.place(action="Sell", orderQty=3)
    position = (await trader.rows("position"))[0]
    assert (position["netPos"], position["netPrice"]) == (-2, 25000)
    assert (position["bought"], position["sold"]) == (1, 3)
    assert (position["boughtValue"], position["soldValue"]) == (25000.25, 75000)


async def test_it_keeps_a_flat_row_without_a_price(trader):
    await trader.place()
    await trader.place(action="Sell")
    position = (await trader.rows("position"))[0]
    assert position["netPos"] == 0
    assert "netPrice" not in position


async def test_it_marks_fills_as_paired(trader):
    first = await trader.place(orderQty=3)
    await trader.place(action="Sell", orderQty=2)
    fills = {row["orderId"]: row["finallyPaired"] for row in await trader.rows("fill")}
    assert fills.pop(first) == 2
    assert list(fills.values()) == [2]
    pair = (await trader.get("fillPair/deps", masterid=(await trader.rows("position"))[0]["id"]))[0]
    assert pair["qty"] == 2


async def test_it_logs_every_change_of_cash(trader):
    await trader.place()
    await trader.place(action="Sell")
    rows = await trader.get("cashBalanceLog/deps", masterid=trader.account.id)
    kinds = [row["cashChangeType"] for row in rows]
    assert kinds == ["ClearingFee", "ExchangeFee", "NfaFee", "Commission"] * 2 + ["TradePaired"]
    total = sum(Decimal(str(row["delta"])) for row in rows)
    assert Decimal(str((await cash(trader))["amount"])) == 50_000 + total
    assert total == Decimal("-0.25") * 2 - 2 * FEE


async def test_it_asks_for_margin_while_something_is_open(venue, trader):
    await trader.place(orderQty=2)
    margin = (await trader.get("marginSnapshot/deps", masterid=trader.account.id))[0]
    assert margin["initialMargin"] == 200
    await trader.place(action="Sell", orderQty=2)
    margin = (await trader.get("marginSnapshot/deps", masterid=trader.account.id))[0]
    assert margin["totalUsedMargin"] == 0


async def test_it_changes_a_demo_balance(venue, trader):
    assert (
        await trader.post("cashBalance/changedemobalance", accountId=trader.account.id, cashChange=-1000.5)
    )["ok"]
    assert (await cash(trader))["amount"] == 48999.5
    told = await trader.post("cashBalance/changedemobalance", accountId=1, cashChange=1)
    assert told["ok"] is False


async def test_it_is_exact_where_floats_are_not(venue, trader):
    symbol = front(venue, "6J").name
    set_price(venue, 0.0065005, root="6J")
    await trader.place(symbol=symbol, orderQty=3)
    set_price(venue, 0.0065035, root="6J")
    await trader.place(symbol=symbol, action="Sell", orderQty=3)
    ledger = venue.control.call("ledger", {"account": str(trader.account.id)})["accounts"][0]
    assert ledger["realized_pnl"] == Decimal("0.0000025") * 3 * 12_500_000
    assert ledger["cash"] == 50_000 + ledger["net_pnl"]
