"""Limits in the executor: the facts it gathers are true, and what a limit stops is stopped."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from strategies.engine.turns import Turn
from strategies.models import Allocation, ControlState
from strategies.risk_models import RiskLimits, RiskState
from tests.factories import AllocationFactory, StrategyFactory
from tests.fakes.venue import MNQ
from tests.strategies.engine.desk import eventually
from tradeproject.common.threads import in_thread

LIMITED = {"order_type": "limit", "limit_price": "20000"}


async def limit(desk, scope="broker_account", kind="own", **limits) -> None:
    key = {"broker_account": desk.account.pk, "user": desk.user.pk, "platform": ""}[scope]
    user = None if scope == "platform" else desk.user
    make = partial(
        RiskLimits.objects.create, scope=scope, object_id=str(key), user=user, kind=kind, limits=limits
    )
    await in_thread(make)


async def denied(desk, signal) -> str:
    (order,) = await desk.until_status(signal, "denied")
    return order.deny_code


async def halted(scope: str) -> bool:
    rows = ControlState.objects.filter(scope=scope, state="halted")
    return await in_thread(rows.exists)


async def test_an_accounts_own_limit_holds(desk):
    await limit(desk, max_position="2")
    await desk.start()
    assert await denied(desk, await desk.target(3)) == "POSITION_ABOVE_LIMIT"
    await desk.done(await desk.target(2))
    await desk.settled(2)


async def test_a_cap_of_the_platform_holds_on_whoever_set_nothing(desk):
    await limit(desk, "platform", "cap", max_order_quantity="1")
    await desk.start()
    assert await denied(desk, await desk.target(2)) == "QUANTITY_ABOVE_LIMIT"


async def test_it_counts_the_days_orders_and_never_refuses_the_exit(desk):
    await limit(desk, max_orders_per_day=2)
    await desk.start()
    await desk.done(await desk.target(1))
    await desk.settled(1)
    await desk.done(await desk.target(2))
    await desk.settled(2)
    assert await denied(desk, await desk.target(3)) == "ORDERS_PER_DAY_REACHED"
    await desk.done(await desk.exit())
    await desk.settled(0)


async def test_it_counts_a_strategys_trades_by_signal_not_by_account(open_desk):
    desk = await open_desk(accounts=3, risk={"max_trades_per_day": 1})
    await desk.start()
    await desk.done(await desk.target(1))
    await desk.settled(1)
    orders = await desk.until_status(await desk.target(2), "denied")
    assert {order.deny_code for order in orders} == {"TRADES_PER_DAY_REACHED"} and len(orders) == 3


async def test_a_loop_of_alerts_halts_its_strategy_until_a_person_resumes(open_desk):
    desk = await open_desk(risk={"max_orders_per_minute": 2})
    await desk.start()
    for net in (1, 2):
        await desk.done(await desk.target(net))
        await desk.settled(net)
    assert await denied(desk, await desk.target(3)) == "EXECUTION_REPEATED"
    await eventually(partial(halted, "strategy"))
    assert await denied(desk, await desk.target(4)) == "CONTROL_HALTED"


async def test_refusals_in_a_row_halt_the_account(desk):
    await limit(desk, max_rejects_in_a_row=2)
    await desk.start()
    desk.login.conduct.submits.extend(["reject", "reject"])
    for net in (1, 2):
        await desk.until_status(await desk.target(net), "rejected")
    assert await denied(desk, await desk.target(3)) == "REJECTS_IN_A_ROW"
    await eventually(partial(halted, "broker_account"))


async def test_an_accepted_order_ends_the_row_of_refusals(desk):
    await limit(desk, max_rejects_in_a_row=2)
    await desk.start()
    desk.login.conduct.submits.extend(["reject", "accept", "reject"])
    for net, status in ((1, "rejected"), (2, "filled"), (3, "rejected")):
        await desk.until_status(await desk.target(net), status)
    await desk.until_status(await desk.target(4), "filled")


async def test_it_counts_working_orders(desk):
    await limit(desk, max_working_orders=1)
    await desk.start()
    first = await desk.signal(quantity="1", order_id="a", **LIMITED)
    await desk.until_status(first, "accepted")
    assert await denied(desk, await desk.signal(quantity="1", order_id="b", **LIMITED)) == (
        "WORKING_ORDERS_ABOVE_LIMIT"
    )


async def test_it_sees_another_strategys_opposing_order(desk):
    other = await in_thread(partial(StrategyFactory, user=desk.user))
    await in_thread(partial(AllocationFactory, strategy=other, broker_account=desk.account))
    await desk.start()
    resting = await desk.signal(strategy=other, action="sell", quantity="1", **LIMITED)
    await desk.until_status(resting, "accepted")
    (order,) = await desk.until_status(await desk.signal(quantity="1"), "denied")
    assert (order.deny_code, order.deny_context) == (
        "OPPOSING_ORDER",
        {"order": f"sell 1 {MNQ.venue_symbol}"},
    )


async def test_it_limits_the_orders_a_second(desk):
    await limit(desk, max_orders_per_second="0.4")
    await desk.start()
    await desk.done(await desk.target(1))
    await desk.settled(1)
    assert await denied(desk, await desk.target(2)) == "MESSAGE_RATE_ABOVE_LIMIT"
    await desk.done(await desk.exit())
    await desk.settled(0)


async def test_it_limits_a_users_alerts_a_second(desk):
    await limit(desk, "user", max_alerts_per_second="0.4")
    await desk.start()
    await desk.done(await desk.target(1))
    assert await denied(desk, await desk.target(2)) == "MESSAGE_RATE_ABOVE_LIMIT"


async def test_it_sums_up_the_fan_out(open_desk):
    desk = await open_desk(accounts=3, risk={"max_fan_out": "5"})
    await desk.change(Allocation, (await desk.allocation(desk.accounts[2])).pk, enabled=False)
    await desk.start()
    orders = await desk.until_status(await desk.target(3), "denied")
    assert {order.deny_context["quantity"] for order in orders} == {"6"}
    await desk.done(await desk.target(2))
    await desk.settled(2, 2, 0)


async def test_without_a_word_on_the_result_a_loss_limit_refuses(open_desk):
    desk = await open_desk(risk={"max_daily_loss": "500"})
    await desk.start()
    assert await denied(desk, await desk.target(1)) == "RESULT_UNKNOWN"


async def test_it_knows_what_the_day_came_to(open_desk):
    desk = await open_desk(risk={"max_daily_loss": "500"})
    make = partial(
        RiskState.objects.create, user=desk.user, scope="strategy", object_id=str(desk.strategy.pk),
        day_start="2026-10-06T00:00:00Z", day_pnl=Decimal(-499), total=Decimal(-499),
    )  # fmt: skip
    state = await in_thread(make)
    await desk.start()
    await desk.done(await desk.target(1))
    await desk.settled(1)
    await desk.change(RiskState, state.pk, day_pnl=Decimal("-500.5"))
    (order,) = await desk.until_status(await desk.target(2), "denied")
    assert order.deny_context == {"scope": "strategy", "loss": "500.5", "limit": "500"}
    await desk.done(await desk.exit())
    await desk.settled(0)


async def test_a_lock_that_has_ended_holds_nothing(desk):
    make = partial(
        ControlState.objects.create, scope="strategy", object_id=str(desk.strategy.pk), kind="risk",
        state="reducing", until="2020-01-01T00:00:00Z",
    )  # fmt: skip
    await in_thread(make)
    await desk.start()
    await desk.until_status(await desk.target(1), "filled")


async def test_it_tells_the_end_of_the_days_orders_beforehand(desk):
    await limit(desk, max_orders_per_day=1)
    await desk.start()
    (order,) = await desk.until_status(await desk.target(1), "filled")
    await eventually(partial(desk.says, order, "order 1 of the 1"))


async def test_a_signal_that_is_read_again_keeps_its_limits(open_desk, monkeypatch):
    desk = await open_desk(risk={"max_position": "2"})

    async def others_went_before(self, read_at) -> bool:
        return True

    monkeypatch.setattr(Turn, "wait", others_went_before)
    await desk.start()
    assert await denied(desk, await desk.target(3)) == "POSITION_ABOVE_LIMIT"
    await desk.until_status(await desk.target(2), "filled")
