"""Whatever a client sends, it gets one of the documented answers, and the books stay consistent."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokers.simulators.tradovate import Options, create_simulator
from brokers.simulators.tradovate.catalog import SPECS
from brokers.simulators.tradovate.framing import BadFrame, parse_frame
from brokers.simulators.tradovate.routes import COMMAND_PATHS
from tests.brokers.simulators.tradovate.people import Person, front

OTHER_PATHS = (
    "auth/accesstokenrequest",
    "auth/renewaccesstoken",
    "cashbalance/getcashbalancesnapshot",
    "cashbalance/changedemobalance",
    "contract/rollcontract",
    "contract/getproductfeeparams",
    "contract/suggest",
    "order/dryrun",
)
ENTITY_PATHS = tuple(
    f"{name}/{operation}" for name, spec in sorted(SPECS.items()) for operation in sorted(spec.operations)
)
PATHS = st.sampled_from((*sorted(COMMAND_PATHS), *OTHER_PATHS, *ENTITY_PATHS))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["Buy", "Sell", "Market", "Limit", "Stop", "TrailingStop", "Day", "FOK", "", "0", "x" * 70]
    ),
    st.text(max_size=12),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
FIELD_NAMES = """
    accountId accountSpec action symbol orderQty orderType price stopPrice pegDifference timeInForce isAutomated clOrdId
    orderId contractId admin other bracket1 bracket2 params orderStrategyTypeId orderStrategyId positions orders productIds
    name password forward ifExpired cashChange id ids masterid masterids t l p-ticket maxShow expireTime text
"""
FIELDS = st.sampled_from(FIELD_NAMES.split())
BODIES = st.one_of(st.dictionaries(FIELDS, VALUES, max_size=8), VALUES)


def world():
    venue = create_simulator(Options(logins=2, frozen=True, failed_logins_per_hour=None))
    return venue, Person(venue)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(PATHS, BODIES, st.booleans()), min_size=1, max_size=15))
def test_it_answers_every_request_with_a_documented_status(calls):
    async def play():
        venue, person = world()
        await person.log_in()
        for path, body, is_completed in calls:
            if is_completed and isinstance(body, dict):
                body = {**person.order(), "orderId": 1, "contractId": front(venue, "MNQ").id, **body}
            answer = await person.send(path, body)
            assert answer.status_code in {200, 400, 401, 404}, (path, body, answer.text)
            if answer.status_code == 200:
                answer.json()
        check_books(venue)
        await venue.simulator.stop()

    asyncio.run(play())


def check_books(venue):
    for account in venue.control.call("ledger", {})["accounts"]:
        fills = account["fills"]
        signs = {"Buy": 1, "Sell": -1}
        net: dict[int, int] = {}
        for fill in fills:
            net[fill["contract_id"]] = (
                net.get(fill["contract_id"], 0) + signs[fill["action"]] * fill["quantity"]
            )
        held = {position["contract_id"]: position["net"] for position in account["positions"]}
        assert held == {key: value for key, value in net.items() if value}
        assert all(isinstance(fill["price"], Decimal) for fill in fills)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.tuples(PATHS, st.integers(0, 9), st.text(max_size=9), BODIES)))
def test_it_reads_or_refuses_every_frame(given_frame):
    if isinstance(given_frame, tuple):
        path, number, query, body = given_frame
        text = f"{path}\n{number}\n{query}\n{json.dumps(body)}"
    else:
        text = given_frame
    try:
        frame = parse_frame(text)
    except BadFrame as bad:
        assert bad.status == 400
    else:
        assert frame.id >= 0


SYNC_FIELDS = st.sampled_from(
    ["users", "accounts", "entityTypes", "splitResponses", "shardingExpression", "cutoffTimestamp"]
)
CHART_FIELDS = st.sampled_from(["symbol", "chartDescription", "timeRange", "subscriptionId"])
CHART_VALUES = st.one_of(
    VALUES,
    st.sampled_from(["MNQZ6", "3504084", "99999999999999999999"]),
    st.dictionaries(
        st.sampled_from(["underlyingType", "elementSize", "asMuchAsElements", "closestTickId"]),
        st.one_of(st.sampled_from(["MinuteBar", "Tick", "DailyBar"]), VALUES),
        max_size=3,
    ),
)
SOCKET_CALLS = st.one_of(
    st.tuples(
        st.just("user/syncrequest"),
        st.dictionaries(SYNC_FIELDS, VALUES | st.dictionaries(st.text(max_size=5), VALUES)),
    ),
    st.tuples(
        st.sampled_from(["md/subscribequote", "md/subscribedom", "md/getchart", "md/cancelchart"]),
        st.dictionaries(CHART_FIELDS, CHART_VALUES),
    ),
)


class Wire:
    """A socket without a network: what the client says goes in, what the venue says comes out."""

    def __init__(self, frames):
        self.inbox = [{"type": "websocket.connect"}]
        self.inbox += [{"type": "websocket.receive", "text": frame} for frame in frames]
        self.inbox.append({"type": "websocket.disconnect", "code": 1000})
        self.said = []

    async def receive(self):
        await asyncio.sleep(0)
        return self.inbox.pop(0)

    async def send(self, message):
        self.said.append(message.get("text", ""))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SOCKET_CALLS, min_size=1, max_size=6))
def test_it_answers_every_socket_request(calls):
    async def play():
        venue, person = world()
        venue.simulator.options.market_data = True
        await person.log_in()
        for host in ("demo", "md"):
            frames = [f"authorize\n0\n\n{person.token}"]
            frames += [f"{path}\n{n}\n\n{json.dumps(body)}" for n, (path, body) in enumerate(calls, 1)]
            wire = Wire(frames)
            scope = {"type": "websocket", "path": f"/{host}/v1/websocket", "client": ("127.0.0.1", 1)}
            await venue.app(scope, wire.receive, wire.send)
            await asyncio.sleep(0)
        await venue.simulator.stop()

    asyncio.run(play())
