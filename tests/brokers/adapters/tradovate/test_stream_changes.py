"""After the snapshot: every change once, joined from its pieces, whatever the order they come in."""

from __future__ import annotations

import asyncio
from decimal import Decimal as D

import pytest

from brokers.domain import AccountReport, OrderReport, OrderStatus, PositionReport
from brokers.errors import StreamClosed
from tests.brokers.adapters.tradovate.telling import COMMAND, FILL, ORDER, VERSION, told
from tests.brokers.adapters.tradovate.venue import OURS, SECOND, entities, fixture, props


async def test_it_joins_a_new_order_from_its_pieces(live, stream):
    pieces = [props("order", ORDER), props("command", COMMAND), props("orderVersion", VERSION)]
    (report,) = await told(live, stream, *pieces)
    assert isinstance(report, OrderReport)
    assert (report.client_order_id, report.quantity, report.limit_price) == ("sig-new", D(2), D("21950.25"))


async def test_it_tells_nothing_twice(live, stream):
    pieces = [
        props("order", ORDER),
        props("command", COMMAND),
        props("orderVersion", VERSION),
        props("fill", FILL),
    ]
    assert len(await told(live, stream, *pieces)) == 2
    assert await told(live, stream, *pieces) == []
    assert await told(live, stream, props("fill", FILL), props("order", ORDER)) == []


async def test_it_tells_nothing_of_what_the_snapshot_told(live, stream):
    rows = entities()
    events = [
        props(kind, rows[kind])
        for kind in ("order", "fill", "position", "command", "orderVersion", "cashBalance")
    ]
    assert await told(live, stream, *events) == []


async def test_it_takes_one_entity_or_an_array_and_leaves_strangers_out(live, stream):
    items = await told(live, stream, fixture("ws_props_array"))
    assert [(item.venue_order_id, item.status) for item in items] == [("94511", OrderStatus.PENDING_CANCEL)]


async def test_it_does_not_let_an_older_position_overwrite_a_newer_one(live, stream):
    row = entities()["position"][0]
    newer = {**row, "netPos": 0, "timestamp": "2026-11-20T14:33:00Z"}
    older = {**row, "netPos": 1, "timestamp": "2026-11-20T14:32:00Z"}
    (report,) = await told(live, stream, props("position", newer), props("position", older))
    assert (report.net_quantity, report.average_price) == (D(0), None)


async def test_it_tells_flat_when_a_position_is_deleted(live, stream):
    (report,) = await told(live, stream, props("position", {"id": 771}, "Deleted"))
    assert (report.account_id, report.net_quantity) == (OURS, D(0))


async def test_it_does_not_bring_a_finished_order_back_to_life(live, stream):
    row = entities()["order"][0]
    assert await told(live, stream, props("order", {**row, "ordStatus": "Working"})) == []


async def test_it_leaves_an_unknown_state_out_and_goes_on(live, stream, caplog):
    strange = {**ORDER, "ordStatus": "Hibernating"}
    position = {**entities()["position"][1], "netPos": 1, "timestamp": "2026-11-20T14:33:00Z"}
    items = await told(live, stream, props("order", strange), props("position", position))
    assert [(type(item), item.account_id) for item in items] == [(PositionReport, SECOND)]
    assert "Hibernating" in str([getattr(record, "reason", "") for record in caplog.records])


async def test_it_tells_money_of_our_accounts(live, stream):
    cash = {**entities()["cashBalance"][0], "amount": 50000.5, "timestamp": "2026-11-20T14:33:00Z"}
    foreign = {**entities()["cashBalance"][1], "amount": 7, "timestamp": "2026-11-20T14:33:00Z"}
    (report,) = await told(live, stream, props("cashBalance", [cash, foreign]))
    assert isinstance(report, AccountReport)
    assert (report.account_id, report.balance) == (OURS, D("50000.5"))


async def test_it_names_orders_of_a_strategy_when_the_link_arrives_late(live, stream):
    stop = {**VERSION, "orderType": "Stop", "stopPrice": 21990}
    await told(live, stream, props("order", {**ORDER, "action": "Buy"}), props("orderVersion", stop))
    strategy = {
        "id": 7001,
        "accountId": 33112,
        "action": "Sell",
        "uuid": "sig-strategy",
        "status": "ActiveStrategy",
    }
    link = {"id": 1, "orderStrategyId": 7001, "orderId": ORDER["id"], "label": "StopLoss"}
    (report,) = await told(live, stream, props("orderStrategyLink", link), props("orderStrategy", strategy))
    assert report.client_order_id == "sig-strategys"


async def test_it_hands_on_what_came_before_the_end(live, stream):
    position = {**entities()["position"][0], "netPos": 5, "timestamp": "2026-11-20T14:33:00Z"}
    await live.tell(live.sockets[-1], props("position", position), fixture("ws_shutdown"))
    async with asyncio.timeout(10):
        assert (await anext(stream)).net_quantity == D(5)
        with pytest.raises(StreamClosed, match="ConnectionQuotaReached"):
            await anext(stream)


async def test_it_ends_when_the_connection_breaks(live, stream):
    live.sockets[-1].transport.abort()
    async with asyncio.timeout(10):
        with pytest.raises(StreamClosed):
            await anext(stream)
