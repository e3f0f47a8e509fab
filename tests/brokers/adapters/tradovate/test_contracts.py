"""From a name to the contract to trade, with the roll before expiry."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from brokers.adapters.tradovate.client import Client
from brokers.adapters.tradovate.contracts import Contracts
from brokers.adapters.tradovate.outcomes import read_body
from brokers.adapters.tradovate.wire import Answer, answer_of, encode
from brokers.domain import AssetClass, InstrumentQuery
from brokers.errors import ProtocolSurprise, Unavailable
from tests.brokers.adapters.tradovate.venue import envelope


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def library(venue):
    venue.tables = {
        "contract": envelope("http_contract_suggest")[1],
        "contractMaturity": envelope("http_contractMaturity_items")[1],
        "product": [envelope("http_product_item")[1]],
        "exchange": [envelope("http_exchange_item")[1]],
    }
    venue.answers["contract/suggest"] = envelope("http_contract_suggest")
    return venue


def contracts(venue, now="2026-11-20T14:00:00"):
    async def ask(operation, query, body):
        venue.calls.append((operation, query))
        status, content = venue.answer(operation, query, body)
        return read_body(
            answer_of(status, encode(content)) if content is not None else Answer(status), operation
        )

    return Contracts(Client(ask), lambda: at(now))


async def names(venue, text, now="2026-11-20T14:00:00"):
    return [found.venue_symbol for found in await contracts(venue, now).find(InstrumentQuery(text))]


async def test_it_defines_the_contract_completely(library):
    instrument = (await contracts(library).find(InstrumentQuery("CME_MINI:MNQ1!")))[0]
    assert (instrument.venue_id, instrument.venue_symbol, instrument.root) == ("3570918", "MNQZ6", "MNQ")
    assert (instrument.tick_size, instrument.point_value) == (D("0.25"), D(2))
    assert (instrument.currency, instrument.exchange, instrument.asset_class) == (
        "USD",
        "CME",
        AssetClass.FUTURES,
    )
    assert instrument.expires_at == at("2026-12-18T14:30:00")


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("MNQ", "2026-11-20T14:00:00", ["MNQZ6", "MNQH7", "MNQM7"]),
        ("MNQ1!", "2026-12-10T14:00:00", ["MNQZ6", "MNQH7", "MNQM7"]),
        ("MNQ1!", "2026-12-10T15:00:00", ["MNQH7", "MNQM7"]),
        ("MNQ2!", "2026-11-20T14:00:00", ["MNQH7", "MNQM7"]),
        ("MNQ2!", "2026-12-11T14:00:00", ["MNQM7"]),
        ("MNQ9!", "2026-11-20T14:00:00", []),
        ("MNQ1!", "2027-06-17T14:00:00", ["MNQM7"]),
        ("MNQ1!", "2028-01-01T14:00:00", []),
    ],
)
async def test_it_rolls_eight_days_before_an_index_expires(library, text, now, expected):
    assert await names(library, text, now) == expected


@pytest.mark.parametrize("text", ["MNQZ6", "MNQZ26", "MNQZ2026", "CME_MINI:MNQZ2026", "mnqz6"])
async def test_it_finds_a_dated_contract_even_in_its_roll_week(library, text):
    assert await names(library, text, "2026-12-15T14:00:00") == ["MNQZ6"]


@pytest.mark.parametrize("text", ["MNQZ2036", "MNQZ16", "MNQX6", "NOPE", "NQ1!/ES1!"])
async def test_it_finds_nothing_rather_than_something_near(library, text):
    library.answers["contract/suggest"] = (200, [])
    assert await names(library, text) == []


async def test_it_rolls_before_the_first_intent_day_when_that_is_earlier(library):
    library.tables["contractMaturity"][0]["firstIntentDate"] = "2026-11-21T00:00Z"
    assert await names(library, "MNQ1!") == ["MNQH7", "MNQM7"]


async def test_it_finds_a_contract_by_the_venues_id(library):
    found = await contracts(library).find(InstrumentQuery(venue_id="3570919"))
    assert [i.venue_symbol for i in found] == ["MNQH7"]
    assert await contracts(library).find(InstrumentQuery(venue_id="1")) == []
    assert await contracts(library).find(InstrumentQuery(venue_id="x")) == []


async def test_it_goes_through_the_product_when_others_crowd_the_suggestions_out(library):
    library.answers["contract/suggest"] = (
        200,
        [{"id": 3570990, "name": "MNQTZ6", "contractMaturityId": 53999}],
    )
    assert await names(library, "MNQ1!") == ["MNQZ6", "MNQH7", "MNQM7"]


async def test_it_asks_for_a_definition_once_and_for_the_front_every_time(library):
    found = contracts(library)
    for _ in range(3):
        await found.find(InstrumentQuery("MNQ1!"))
    operations = [operation for operation, _ in library.calls]
    assert operations.count("contract/suggest") == 3
    assert operations.count("contractMaturity/items") == operations.count("product/item") == 1


async def test_it_asks_for_few_ids_at_a_time(library):
    rows, maturities = [], []
    for n in range(24):
        rows.append({"id": 100 + n, "name": f"MNQ{'HMUZ'[n % 4]}{n // 4}", "contractMaturityId": 200 + n})
        maturities.append(
            {
                "id": 200 + n,
                "productId": 1158,
                "expirationMonth": 203000,
                "expirationDate": f"20{30 + n}-03-01T00:00Z",
            }
        )
    library.answers["contract/suggest"] = (200, rows)
    library.tables["contractMaturity"] = maturities
    assert len(await names(library, "MNQ")) == 24


async def test_it_goes_without_the_exchange_when_the_key_may_not_read_it(library):
    library.answers["exchange/item"] = (401, "Access is denied")
    (instrument, *_) = await contracts(library).find(InstrumentQuery("MNQ"))
    assert instrument.exchange == ""


async def test_it_does_not_trade_what_has_no_tick(library):
    library.tables["product"][0]["tickSize"] = 0
    with pytest.raises(ProtocolSurprise, match="tick"):
        await names(library, "MNQ")


async def test_it_does_not_take_a_failed_query_for_an_unknown_symbol(library):
    library.answers["contract/suggest"] = (500, None)
    with pytest.raises(Unavailable):
        await names(library, "MNQ")
