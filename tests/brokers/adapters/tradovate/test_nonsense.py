"""Whatever JSON the venue sends, the adapter answers in the errors and outcomes it promises."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokers.adapters.tradovate.book import Book
from brokers.adapters.tradovate.confirm import Confirmations
from brokers.adapters.tradovate.constants import SYNCED
from brokers.adapters.tradovate.events import entities_of
from brokers.adapters.tradovate.outcomes import command_result, read_body
from brokers.adapters.tradovate.reporter import Reporter
from brokers.adapters.tradovate.wire import Answer
from brokers.domain import InstrumentQuery, OrderIntent, Outcome, Side, SubmitResult
from brokers.errors import BrokerError
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, NOW, FakeVenue, entities

leaves = (
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.decimals(allow_nan=False, allow_infinity=False)
)
values = st.recursive(leaves | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=4)
LIBRARY = {
    "name",
    "contractMaturityId",
    "productId",
    "expirationDate",
    "tickSize",
    "valuePerPoint",
    "uuid",
    "status",
}
FIELDS = sorted({key for rows in entities().values() for row in rows for key in row} | LIBRARY)
rows = st.dictionaries(st.sampled_from(FIELDS), values, max_size=12)
json_values = values | rows | st.lists(rows, max_size=3)
broken = st.tuples(st.sampled_from(sorted(entities())), rows)


@given(status=st.sampled_from([200, 201, 400, 401, 404, 423, 429, 500, 0]), body=json_values)
def test_it_gives_every_answer_an_outcome(status, body):
    answer = Answer(status, body)
    result = command_result(answer, "orderId")
    assert isinstance(result, SubmitResult)
    if result.outcome is Outcome.ACCEPTED:
        assert result.venue_order_id.isdigit()
    try:
        read_body(answer, "order/list")
    except BrokerError as error:
        assert error.message


@settings(max_examples=200, deadline=None)
@given(changes=st.lists(broken, max_size=6))
def test_it_reports_or_refuses_any_rows(changes):
    book = Book({"33112"})
    reporter = Reporter(book)
    for kind, rows_of_kind in entities().items():
        book.put_all(kind, rows_of_kind)
    for kind, change in changes:
        base = entities()[kind][0] if entities()[kind] else {}
        try:
            book.put(kind, {**base, **change})
            reports = reporter.changes()
        except BrokerError:
            continue
        assert all(report.account_id == "33112" for report in reports)
    try:
        reporter.snapshot(NOW, {"33112"})
    except BrokerError as error:
        assert error.message


@given(
    event=st.dictionaries(st.sampled_from(["e", "d"]), json_values)
    | rows.map(lambda row: {"e": "props", "d": row})
)
def test_it_takes_any_event(event):
    kind, _, found = entities_of(event)
    assert isinstance(kind, str)
    for row in found:
        Confirmations().hear(row)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(sorted(SYNCED.values())), body=json_values)
def test_it_raises_only_what_it_promises(kind, body):
    async def ask_everything():
        venue = FakeVenue()
        for verb in ("list", "item", "items", "deps", "ldeps", "find", "suggest"):
            venue.answers[f"{kind}/{verb}"] = lambda _: (200, _floats(body))
            venue.answers[f"contract/{verb}"] = lambda _: (200, _floats(body))
        adapter = venue.adapter()
        reads = [
            adapter.order_reports(),
            adapter.fill_reports(),
            adapter.position_reports(),
            adapter.accounts(),
            adapter.order_report(ACCOUNT, client_order_id="sig-8f2ct"),
            adapter.order_report(ACCOUNT, venue_order_id="94510"),
            adapter.instruments(InstrumentQuery("MNQ1!")),
            adapter.instruments(InstrumentQuery(venue_id="1")),
            adapter.submit(OrderIntent("sig-1", ACCOUNT, MNQ, Side.BUY, Decimal(1))),
            adapter.flatten(ACCOUNT, MNQ, "sig-1"),
            adapter.cancel(ACCOUNT, "94510", "sig-1"),
        ]
        return await asyncio.gather(*reads, return_exceptions=True)

    for result in asyncio.run(ask_everything()):
        assert not isinstance(result, Exception) or isinstance(result, BrokerError), repr(result)


def _floats(value):
    """What the fake venue can write as JSON."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return {key: _floats(item) for key, item in value.items()} if isinstance(value, dict) else value
