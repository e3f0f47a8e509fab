"""What people ask for through rows: cancel, flatten, close."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from django.utils import timezone

from strategies.models import Order
from tests.factories import OrderFactory
from tests.strategies.engine.desk import eventually
from tradeproject.common.threads import in_thread


async def _ask(desk, purpose: str, side: str, quantity: int, **more: object) -> Order:
    make = partial(
        OrderFactory, signal=None, strategy=desk.strategy, user=desk.user, broker_account=desk.account,
        instrument=desk.instrument, purpose=purpose, side=side, quantity=Decimal(quantity), status="pending", **more,
    )  # fmt: skip
    return await in_thread(make)


async def _until(order: Order, *statuses: str) -> Order:
    async def look() -> Order | None:
        fresh = await in_thread(lambda: Order.objects.get(pk=order.pk))
        return fresh if fresh.status in statuses else None

    return await eventually(look)


async def test_a_requested_cancel_reaches_the_venue(desk):
    await desk.start()
    signal = await desk.target(1, order_type="limit", limit_price="19900")
    (order,) = await desk.until_status(signal, "accepted")
    await desk.change(Order, order.pk, cancel_requested_at=timezone.now())
    (order,) = await desk.until_status(signal, "canceled")
    await eventually(lambda: desk.says(order, "The cancel was accepted"))
    assert desk.nets() == [0] and not desk.venue.working(desk.account.external_id)


async def test_a_cancel_without_an_answer_is_asked_again(desk):
    await desk.start()
    signal = await desk.target(1, order_type="limit", limit_price="19900")
    (order,) = await desk.until_status(signal, "accepted")
    desk.login.conduct.cancels.extend(["lost", "busy", "hang", "crash"])
    await desk.change(Order, order.pk, cancel_requested_at=timezone.now())
    await desk.until_status(signal, "canceled")


async def test_a_requested_flatten_closes_everything_there(desk):
    await desk.start()
    await desk.done(await desk.target(3))
    order = await _ask(desk, "flatten", "sell", 3)
    await _until(order, "filled")
    assert desk.nets() == [0] and [c for c, *_ in desk.venue.commands][-1] == "flatten"


async def test_a_requested_exit_closes_at_most_what_is_held(desk):
    await desk.start()
    await desk.done(await desk.target(2))
    order = await _until(await _ask(desk, "exit", "sell", 5), "filled")
    assert order.quantity == 2 and desk.nets() == [0]


async def test_a_requested_exit_never_opens(desk):
    await desk.start()
    order = await _until(await _ask(desk, "exit", "sell", 5), "denied")
    assert order.deny_code == "EXIT_WOULD_OPEN" and not desk.venue.commands


async def test_a_flatten_and_an_exit_at_once_do_not_close_twice(desk):
    await desk.start()
    await desk.done(await desk.target(2))
    desk.login.conduct.fill_delay = desk.login.conduct.position_delay = 0.1
    leave = await desk.exit()
    await _until(await _ask(desk, "flatten", "sell", 2), "filled", "accepted", "denied", "expired")
    await desk.done(leave)
    await eventually(lambda: not desk.venue.working(desk.account.external_id))
    assert desk.nets() == [0] and min(net for *_, net in desk.venue.history) == 0


async def test_a_request_at_a_login_that_waits_for_its_owner_is_refused(desk):
    await desk.start()
    await desk.change(type(desk.account.connection), desk.account.connection_id, state="disabled")
    order = await _until(await _ask(desk, "exit", "sell", 1), "denied")
    assert order.deny_code == "CONNECTION_NOT_READY"


async def test_a_halted_account_can_still_be_flattened(desk):
    from strategies.models import ControlState

    await desk.start()
    await desk.done(await desk.target(2))
    await in_thread(partial(ControlState.objects.create, scope="platform", state="halted"))
    await _until(await _ask(desk, "flatten", "sell", 2), "filled")
    assert desk.nets() == [0]
