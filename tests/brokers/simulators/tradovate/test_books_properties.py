"""The books balance whatever is traded."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.simulators.tradovate import Options, create_simulator
from brokers.simulators.tradovate.reports import Caller
from tests.brokers.simulators.tradovate.people import front, set_price

TRADES = st.lists(
    st.tuples(st.sampled_from(["Buy", "Sell"]), st.integers(1, 5), st.integers(-200, 200)),
    min_size=1,
    max_size=12,
)


def play(trades):
    venue = create_simulator(Options(logins=1, frozen=True))
    login = venue.simulator.default_logins[0]
    account, contract = login.on("demo")[0], front(venue, "MNQ")
    caller = Caller(login.user_id, login.name, 1, "rest", "order/placeorder", 0.0, 0)
    commands = venue.simulator.venues["demo"].commands
    body = {"accountId": account.id, "symbol": contract.name, "orderType": "Market", "isAutomated": True}
    for action, quantity, ticks in trades:
        set_price(venue, float(Decimal(25_000) + ticks * contract.tick))
        commands.place_order(caller, login, {**body, "action": action, "orderQty": quantity})
    return venue, account, contract


@settings(max_examples=60, deadline=None)
@given(TRADES)
def test_it_balances_cash_pairs_and_positions(trades):
    venue, account, contract = play(trades)
    host = venue.simulator.venues["demo"]
    told = venue.control.call("ledger", {"account": str(account.id)})["accounts"][0]
    signs = {"Buy": 1, "Sell": -1}
    assert host.books.net(account.id, contract.id) == sum(signs[a] * q for a, q, _ in trades)
    assert told["cash"] == 50_000 + told["net_pnl"]
    flows = (
        sum(-signs[f["action"]] * f["quantity"] * f["price"] for f in told["fills"]) * contract.point_value
    )
    mark = venue.simulator.prices.mark(contract)
    worth = host.books.net(account.id, contract.id) * mark * contract.point_value
    assert flows + worth == told["realized_pnl"] + (told["open_pnl"] or 0)


@settings(max_examples=60, deadline=None)
@given(TRADES)
def test_it_pairs_every_contract_once(trades):
    venue, account, _ = play(trades)
    store = venue.simulator.venues["demo"].store
    net = abs(store.of_account("position", account.id)[0].netPos)
    fills, pairs = store.of_account("fill", account.id), store.of_account("fillPair", account.id)
    assert sum(fill.qty - fill.finallyPaired for fill in fills) == net
    assert all(0 <= fill.finallyPaired <= fill.qty for fill in fills)
    assert sum(fill.finallyPaired for fill in fills) == 2 * sum(pair.qty for pair in pairs)
    prices = [fill.price for fill in fills]
    average = store.of_account("position", account.id)[0].netPrice
    assert average is None if not net else min(prices) <= average <= max(prices)
