from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from brokers.simulators.tradovate.expiries import expiry_of
from brokers.simulators.tradovate.library import Library
from brokers.simulators.tradovate.products import PRODUCTS
from tests.brokers.simulators.tradovate.people import front

NAME = re.compile(r"^(.+)([FGHJKMNQUVXZ])(\d)$")


async def test_it_suggests_the_nearest_first_and_other_roots_among_them(trader):
    names = [row["name"] for row in await trader.get("contract/suggest", t="ES", l=10)]
    assert all(NAME.match(name) for name in names)
    assert {NAME.match(name)[1] for name in names} == {"ES", "ESG"}
    own = [name for name in names if re.match(r"^ES[FGHJKMNQUVXZ]\d$", name)]
    months = [row["expirationMonth"] for row in [await maturity_of(trader, name) for name in own]]
    assert months == sorted(months)


async def maturity_of(trader, name):
    contract = await trader.get("contract/find", name=name)
    return await trader.row("contractMaturity", contract["contractMaturityId"])


async def test_it_leads_from_a_contract_to_its_tick_and_point_value(trader):
    contract = (await trader.get("contract/suggest", t="MNQ", l=1))[0]
    maturity = await trader.row("contractMaturity", contract["contractMaturityId"])
    product = await trader.row("product", maturity["productId"])
    assert (product["name"], product["tickSize"], product["valuePerPoint"]) == ("MNQ", 0.25, 2)
    assert len(str(maturity["expirationMonth"])) == 6
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\dZ$", maturity["expirationDate"]), (
        "no seconds, as at the venue"
    )
    deps = await trader.get("contract/deps", masterid=maturity["id"])
    assert [row["id"] for row in deps] == [contract["id"]]


async def test_it_has_every_product_with_its_months(trader):
    rows = {row["name"]: row for row in await trader.rows("product")}
    assert set(rows) == set(PRODUCTS)
    assert rows["GC"]["months"] == "GJMQVZ"
    assert (rows["ZN"]["priceFormatType"], rows["ZN"]["tickSize"]) == ("Fractional", 0.015625)
    assert rows["MNQ"]["isMicro"]


async def test_it_moves_the_front_flag_only_at_expiry(venue, trader):
    product = await trader.get("product/find", name="MNQ")
    before = front(venue, "MNQ")
    assert await fronts(trader, product) == [before.maturity_id]
    venue.simulator.options.token_seconds = 10**9
    await trader.log_in()
    venue.simulator.clock.advance(before.expires - venue.simulator.clock.now() - 5)
    assert await fronts(trader, product) == [before.maturity_id]
    venue.simulator.clock.advance(10)
    after = await fronts(trader, product)
    assert after != [before.maturity_id]
    assert [row["name"] for row in await trader.get("contract/suggest", t="MNQ", l=1)] != [before.name]


async def fronts(trader, product):
    rows = await trader.get("contractMaturity/deps", masterid=product["id"])
    return [row["id"] for row in rows if row["isFront"]]


async def test_it_rolls_a_contract_forward_and_back(venue, trader):
    near = front(venue, "MNQ").name
    later = (await trader.post("contract/rollcontract", name=near, forward=True, ifExpired=False))["contract"]
    assert later["name"] != near
    back = (await trader.post("contract/rollcontract", name=later["name"], forward=False))["contract"]
    assert back["name"] == near
    kept = (await trader.post("contract/rollcontract", name=near, forward=True, ifExpired=True))["contract"]
    assert kept["name"] == near
    assert "errorText" in await trader.post("contract/rollcontract", name="XYZZ9", forward=True)


async def test_it_tells_fees_and_margins(trader):
    product = await trader.get("product/find", name="MNQ")
    told = (await trader.post("contract/getproductfeeparams", productIds=[product["id"], 1]))["params"]
    assert [row["productId"] for row in told] == [product["id"]]
    assert told[0]["commission"] == 0.25
    assert told[0]["dayMargin"] < told[0]["nightMargin"]


async def test_it_has_no_contract_list_but_sessions_and_margins(trader):
    product = await trader.get("product/find", name="ES")
    session = (await trader.get("productSession/deps", masterid=product["id"]))[0]
    assert session["startTime"] == {"hour": 18, "minute": 0}
    assert (await trader.get("productMargin/item", id=product["id"]))["initialMargin"] > 0


@pytest.mark.parametrize(
    ("rule", "year", "month", "day"),
    [
        ("third_friday", 2026, 12, date(2026, 12, 18)),
        ("before_25th", 2026, 12, date(2026, 11, 20)),
        ("third_last_business_day", 2026, 12, date(2026, 12, 29)),
        ("last_friday", 2026, 11, date(2026, 11, 27)),
        ("before_third_wednesday", 2026, 12, date(2026, 12, 14)),
        ("before_15th", 2026, 12, date(2026, 12, 14)),
        ("near_month_end", 2026, 12, date(2026, 12, 22)),
    ],
)
def test_it_expires_by_the_exchanges_rules(rule, year, month, day):
    assert expiry_of(rule, year, month).date() == day


@pytest.mark.parametrize("today", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)])
def test_it_generates_living_chains_on_any_day(today):
    library = Library(today.timestamp())
    for root, chain in library.chains.items():
        living = [c for c in chain if c.expires > today.timestamp()]
        assert len(living) >= 5, root
        assert len({c.name for c in living}) == len(living)
        assert all(c.basis % c.tick == 0 for c in chain)
