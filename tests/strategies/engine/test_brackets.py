"""Entries with a target and a stop: at the venue from the first moment, gone with the position (laws 5 and 6)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.strategies.engine.desk import eventually


@pytest.fixture
async def traded(desk):
    """A strategy with 40 ticks of target and 20 of stop."""
    await desk.change_strategy(take_profit=Decimal(40), stop_loss=Decimal(20))
    return desk


def _legs(desk) -> dict[str, tuple[Decimal, Decimal]]:
    """Working legs: the type with its price and quantity."""
    working = [o for o in desk.venue.working(desk.account.external_id) if o.group]
    return {o.order_type.value: (o.limit_price or o.stop_price, o.open) for o in working}


async def _stand(desk, quantity: int) -> None:
    wanted = {"limit": (Decimal(20010), quantity), "stop": (Decimal(19995), quantity)}
    await eventually(lambda: _legs(desk) == wanted)


@pytest.mark.parametrize("takes_brackets", [True, False])
async def test_the_legs_stand_as_soon_as_the_entry_is_filled(traded, takes_brackets):
    traded.login.conduct.takes_brackets = takes_brackets
    await traded.start()
    signal = await traded.target(2)
    await _stand(traded, 2)
    await traded.until_status(signal, "filled")
    await eventually(lambda: traded.leg_states({"accepted"}))
    assert not traded.venue.could_open(traded.account.external_id)


@pytest.mark.parametrize("takes_brackets", [True, False])
async def test_a_full_exit_takes_the_legs_away_first(traded, takes_brackets):
    traded.login.conduct.takes_brackets = takes_brackets
    await traded.start()
    await traded.done(await traded.target(2))
    await _stand(traded, 2)
    await traded.done(await traded.exit())
    await traded.settled(0)
    commands = [command for command, *_ in traded.venue.commands]
    assert commands.index("cancel") < len(commands) - 1 - commands[::-1].index("submit")
    assert not traded.venue.working(traded.account.external_id)
    await eventually(lambda: traded.leg_states({"canceled"}))


@pytest.mark.parametrize("takes_brackets", [True, False])
async def test_a_partial_exit_leaves_protection_of_the_right_size(traded, takes_brackets):
    traded.login.conduct.takes_brackets = takes_brackets
    await traded.change_strategy(trim="Partial")
    await traded.start()
    await traded.done(await traded.target(3))
    await _stand(traded, 3)
    await traded.done(await traded.exit(quantity="2"))
    await traded.settled(1)
    await _stand(traded, 1)
    await traded.done(await traded.exit())
    await traded.settled(0)
    await eventually(lambda: not traded.venue.working(traded.account.external_id))


async def test_a_second_partial_exit_uses_other_handles(traded):
    await traded.change_strategy(trim="Partial")
    await traded.start()
    await traded.done(await traded.target(3))
    for left in (2, 1):
        await traded.done(await traded.exit(quantity="1"))
        await traded.settled(left)
        await _stand(traded, left)
    handles = [order.client_id for order in traded.venue.placed(legs=True)]
    assert len(handles) == len(set(handles)) == 6


async def test_a_reversal_protects_the_new_side_only(traded):
    await traded.start()
    await traded.done(await traded.target(1))
    await _stand(traded, 1)
    await traded.done(await traded.target(-1))
    await traded.settled(-1)
    await eventually(lambda: len(_legs(traded)) == 2)
    assert {order.side.value for order in traded.venue.working(traded.account.external_id)} == {"buy"}
    assert not traded.venue.could_open(traded.account.external_id)


async def test_adds_are_protected_beside_the_first_entry(traded):
    await traded.start()
    await traded.done(await traded.target(1))
    await traded.done(await traded.target(3))
    await traded.settled(3)
    working = [o for o in traded.venue.working(traded.account.external_id) if o.group]
    assert sorted(int(order.open) for order in working) == [1, 1, 2, 2]
    await traded.done(await traded.exit())
    await traded.settled(0)
    assert not traded.venue.working(traded.account.external_id)


async def test_partial_fills_are_protected_as_they_come(traded):
    traded.login.conduct.takes_brackets = False
    traded.login.conduct.partial_fills, traded.login.conduct.rest_delay = True, 0.2
    await traded.start()
    await traded.target(3)
    await _stand(traded, 1)
    await _stand(traded, 3)
    assert not traded.venue.could_open(traded.account.external_id)


async def test_a_stop_that_fills_while_the_exit_comes_closes_only_once(traded):
    await traded.start()
    await traded.done(await traded.target(2))
    await _stand(traded, 2)
    traded.login.conduct.position_delay = 0.1
    stop = next(o for o in traded.venue.working(traded.account.external_id) if o.stop_price)
    traded.venue.fill(stop.venue_id, None, 0.1)
    await traded.done(await traded.exit())
    assert traded.nets() == [0] and max(traded.venue.peaks.values()) == 2
    assert [net for *_, net in traded.venue.history] == [2, 0]


async def test_a_venue_without_stops_gets_no_entry_that_asks_for_one(traded, monkeypatch):
    from dataclasses import replace

    from brokers import registry
    from brokers.domain import OrderType

    spec = registry.BROKERS["tradovate"]
    able = replace(spec.capabilities, bracket=False, order_types=frozenset({OrderType.MARKET}))
    monkeypatch.setitem(registry.BROKERS, "tradovate", replace(spec, capabilities=able))
    await traded.start()
    signal = await traded.target(1)
    (order,) = await traded.until_status(signal, "denied")
    assert order.deny_code == "STOP_NOT_POSSIBLE" and not traded.venue.commands
