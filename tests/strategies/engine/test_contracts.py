"""Which contract a signal is about: asked once, exits on the one that is really held."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.models import SymbolMapping
from tests.factories import InstrumentFactory
from tests.fakes.venue import MNQ
from tests.strategies.engine.desk import eventually
from tradeproject.common.threads import in_thread

OLD = replace(MNQ, venue_id="3500000", venue_symbol="MNQU6")


async def _forget_symbols(desk) -> None:
    await in_thread(lambda: SymbolMapping.objects.all().delete())


async def test_an_unknown_symbol_is_asked_of_the_venue_once(open_desk):
    desk = await open_desk(accounts=6, logins=2)
    await _forget_symbols(desk)
    desk.venue.symbols["MNQ1!"] = [MNQ]
    await desk.start()
    await desk.done(await desk.target(1))
    assert desk.nets() == [1] * 6
    assert sum(login.queried["instruments"] for login in desk.logins.values()) == 1


async def test_a_symbol_the_venue_does_not_know_is_denied_with_a_suggestion(desk):
    await _forget_symbols(desk)
    await desk.start()
    signal = await desk.target(1)
    (order,) = await desk.until_status(signal, "denied")
    assert order.deny_code == "INSTRUMENT_UNKNOWN" and "Check the symbol" in order.deny_context["suggestion"]


async def test_a_venue_that_hangs_over_a_symbol_does_not_hold_the_other_broker_up(open_desk):
    desk = await open_desk(accounts=2, logins=2)
    slow = desk.accounts[1]
    await desk.change(type(slow), slow.pk, environment="live")
    desk.login_of(slow).conduct.queries = "hang"
    await desk.start(ready=False)
    await eventually(lambda: desk.login_of(desk.accounts[0]).listeners)
    signal = await desk.target(1)
    await eventually(lambda: desk.nets() == [1, 0], seconds=0.35)
    await desk.until_status(signal, "filled", "denied")


@pytest.fixture
async def rolled(desk):
    """The symbol means the new contract by now; the account still holds the old one."""
    await in_thread(lambda: InstrumentFactory(venue_id=OLD.venue_id, venue_symbol=OLD.venue_symbol))
    desk.venue.instruments[OLD.venue_id] = OLD
    desk.venue.positions[desk.account.external_id, OLD.venue_id] = Decimal(2)
    await desk.start()
    return desk


def _both(desk) -> tuple[int, int]:
    account = desk.account.external_id
    return int(desk.venue.net(account, OLD)), int(desk.venue.net(account))


async def test_an_exit_closes_the_contract_that_is_held(rolled):
    signal = await rolled.exit()
    (order,) = await rolled.until_status(signal, "filled")
    assert order.venue_symbol == "MNQU6" and _both(rolled) == (0, 0)


async def test_a_target_counts_the_contract_that_is_held(rolled):
    await rolled.done(await rolled.target(2))
    assert _both(rolled) == (2, 0) and not rolled.sends()


async def test_a_reversal_closes_the_old_contract_and_enters_the_new(rolled):
    await rolled.done(await rolled.target(-1))
    await eventually(lambda: _both(rolled) == (0, -1))


async def test_another_product_is_left_alone(desk):
    other = replace(MNQ, venue_id="77", venue_symbol="ESZ6", root="ES")
    await in_thread(lambda: InstrumentFactory(venue_id="77", venue_symbol="ESZ6", root="ES"))
    desk.venue.positions[desk.account.external_id, "77"] = Decimal(5)
    await desk.start()
    await desk.done(await desk.exit())
    await desk.done(await desk.target(1))
    assert desk.venue.net(desk.account.external_id, other) == 5 and desk.nets() == [1]
