"""What a restart, a killed process and a half-written line leave of the venue's memory."""

from __future__ import annotations

import json

import pytest

from brokers.simulators.tradovate import Options, create_simulator
from brokers.simulators.tradovate.journal import FILE
from tests.brokers.simulators.tradovate.people import Person, front, set_price


def start(folder, **options):
    return create_simulator(
        Options(**{"logins": 2, "accounts_per_login": 2, "frozen": True, "state_dir": folder, **options})
    )


async def again(venue, folder, person=None):
    """Another process on the same folder; the first one is simply forgotten, as after kill -9."""
    fresh = start(folder)
    if person is None:
        return fresh, None
    same = Person(fresh)
    same.token, same.md_token = person.token, person.md_token
    return fresh, same


async def test_it_keeps_tokens_orders_positions_and_money(tmp_path):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    await person.place(orderQty=3, clOrdId="c-1")
    await person.place(action="Sell")
    await person.place(orderType="Limit", price=24000)
    kinds = ("order", "command", "orderVersion", "fill", "fillFee", "fillPair", "position", "cashBalance")
    before = {kind: await person.rows(kind) for kind in kinds}
    ledger = venue.control.call("ledger", {})
    fresh, same = await again(venue, tmp_path, person)
    assert {kind: await same.rows(kind) for kind in kinds} == before
    assert fresh.control.call("ledger", {}) == ledger


async def test_it_never_gives_out_an_id_twice(tmp_path):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    first = await person.place()
    _, same = await again(venue, tmp_path, person)
    assert await same.place() > first
    ids = [row["id"] for row in await same.rows("executionReport")]
    assert len(ids) == len(set(ids))


async def test_it_goes_on_working_orders_and_brackets(tmp_path):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    legs = {
        "bracket1": {"action": "Sell", "orderType": "Limit", "price": 25050},
        "bracket2": {"action": "Sell", "orderType": "Stop", "stopPrice": 24950},
    }
    told = await person.post(
        "order/placeoso", **person.order(orderType="Limit", price=24990, orderQty=2, **legs)
    )
    fresh, same = await again(venue, tmp_path, person)
    set_price(fresh, 24989)
    assert (await same.row("order", told["oso1Id"]))["ordStatus"] == "Working"
    fresh, same = await again(fresh, tmp_path, same)
    set_price(fresh, 25051)
    states = [(await same.row("order", one))["ordStatus"] for one in told.values()]
    assert states == ["Filled", "Filled", "Canceled"]
    assert fresh.control.call("ledger", {})["accounts"][0]["positions"] == []


async def test_it_pairs_with_lots_from_before(tmp_path):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    await person.place(orderQty=2)
    venue.control.call("roll", {})
    fresh, same = await again(venue, tmp_path, person)
    set_price(fresh, 25100.25)
    await same.place(action="Sell", orderQty=2)
    told = fresh.control.call("ledger", {})["accounts"][0]
    assert (told["realized_pnl"], len(told["fills"])) == (400, 2)
    assert await same.rows("fill") != []


async def test_it_keeps_made_logins_prices_devices_locks_and_rolls(tmp_path):
    venue = start(tmp_path)
    made = venue.control.call("logins", {"count": 4, "prefix": "x-", "accounts_per_login": 2})
    set_price(venue, 26000, freeze=True)
    venue.control.call("devices", {"username": "x-1", "device_id": "d"})
    venue.control.call("locks", {"account": str(made[0]["accounts"][0]["id"])})
    venue.control.call("roll", {})
    session = venue.simulator.venues["demo"].session
    await venue.simulator.stop()
    fresh, _ = await again(venue, tmp_path)
    assert fresh.control.call("logins", {"count": 4, "prefix": "x-", "accounts_per_login": 2}) == made
    assert fresh.control.call("quotes", {"symbol": "MNQ"})["bid"] == 26000
    assert fresh.simulator.directory.by_name["x-1"].devices == {"d"}
    assert fresh.simulator.venues["demo"].risk.locks == {made[0]["accounts"][0]["id"]: "TradingLocked"}
    assert fresh.simulator.venues["demo"].session == session


async def test_it_keeps_who_was_kicked_out(tmp_path):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    venue.control.call("sessions/kick", {"username": "sim-1"})
    _, same = await again(venue, tmp_path, person)
    assert (await same.send("account/list")).status_code == 408


async def test_it_writes_before_it_answers(tmp_path):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    venue.control.call("faults", {"kind": "status", "status": 500, "when": "after"})
    assert (await person.send("order/placeorder", person.order())).status_code == 500
    _, same = await again(venue, tmp_path, person)
    assert [row["ordStatus"] for row in await same.rows("order")] == ["Filled"]


async def test_it_stops_reading_at_a_line_cut_short(tmp_path):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    await person.place()
    await venue.simulator.stop()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"h":"demo","k":"order","a":1,"e":{"id":')
    fresh, same = await again(venue, tmp_path, person)
    assert len(await same.rows("order")) == 1
    assert all(json.loads(line) for line in (tmp_path / FILE).read_text().splitlines())
    await fresh.simulator.stop()


async def test_it_rejects_an_order_whose_judgement_was_lost(tmp_path):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    venue.control.call("faults", {"kind": "reject", "reason": "TooLate", "when": "late", "delay_ms": 60_000})
    order_id = await person.place()
    _, same = await again(venue, tmp_path, person)
    assert (await same.row("order", order_id))["ordStatus"] == "Rejected"
    await venue.simulator.stop()


@pytest.mark.parametrize("rounds", [3])
async def test_it_does_not_grow_by_restarts(tmp_path, rounds):
    venue = start(tmp_path)
    person = Person(venue)
    await person.log_in()
    for _ in range(20):
        await person.place(symbol=front(venue, "MNQ").name)
    sizes = []
    for _ in range(rounds):
        venue, _ = await again(venue, tmp_path)
        sizes.append((tmp_path / FILE).stat().st_size)
    assert max(sizes) - min(sizes) < 500
