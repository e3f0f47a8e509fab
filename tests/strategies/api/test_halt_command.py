"""``manage.py halt`` and ``resume``: what they do, and that they say whom it touches."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from recorder.models import PositionSnapshot
from strategies import control
from strategies.control import effective_state
from strategies.management.commands import halt
from strategies.models import ControlState, Halt, Order
from tests.factories import (
    AllocationFactory,
    BrokerAccountFactory,
    ConnectionFactory,
    InstrumentFactory,
    StrategyFactory,
)
from tradeproject.common import heartbeat
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def account(owner):
    return BrokerAccountFactory(connection=ConnectionFactory(user=owner), name="DEMO1")


@pytest.fixture
def strategy(owner, account):
    strategy = StrategyFactory(user=owner, name="Scalper")
    AllocationFactory(strategy=strategy, broker_account=account)
    return strategy


def test_without_arguments_it_is_the_whole_platform(owner, account):
    said = run("halt", "--reason", "fire drill")
    assert "HALTED: platform the platform" in said
    assert "touches 1 broker account(s) of 1 user(s)" in said
    state = effective_state(owner)
    assert (state.state, state.scope, state.reason) == ("halted", "platform", "fire drill")
    assert "RUNNING: platform" in run("resume")
    assert effective_state(owner).state == "running"


@pytest.mark.parametrize(
    ("arguments", "scope"),
    [
        (["--user", "owner@example.com"], "user"),
        (["--strategy", "Scalper"], "strategy"),
        (["--user", "owner@example.com", "--strategy", "Scalper"], "strategy"),
        (["--account", "DEMO1"], "broker_account"),
        (["--broker", "tradovate"], "broker"),
    ],
)
def test_it_halts_what_is_named(owner, strategy, account, arguments, scope):
    run("halt", *arguments)
    assert ControlState.objects.get().scope == scope
    assert effective_state(owner, strategy=strategy, broker_account=account).state == "halted"
    run("resume", *arguments)
    assert effective_state(owner, strategy=strategy, broker_account=account).state == "running"


def test_it_closes_when_told_to(owner, strategy, account):
    PositionSnapshot.objects.create(
        broker_account=account,
        instrument=InstrumentFactory(),
        net_quantity=Decimal(2),
        as_of=utc_now(),
        source="stream",
    )
    said = run("halt", "--strategy", "Scalper", "--flatten")
    assert "1 positions are being closed" in said
    assert "DEMO1: sell 2 MNQZ6" in said
    assert Order.objects.get().purpose == "flatten"


def test_without_an_executor_the_block_holds_and_it_says_so(owner):
    assert "no executor is running: the block holds" in run("halt", "--user", "owner@example.com")
    assert Halt.objects.get().phase == "blocked"


def test_it_tells_how_it_ended(owner):
    heartbeat.beat("execution")

    def finish() -> None:
        values = {"phase": "needs_you", "problems": ["DEMO1: still holds 2."], "finished_at": utc_now()}
        Halt.objects.update(**values)

    command = halt.Command(stdout=StringIO())
    change = control.stop("user", owner.pk, actor=None)
    finish()
    command._follow(change)
    said = command.stdout._out.getvalue()
    assert "needs you" in said and "still holds 2" in said


def test_exits_can_be_let_through(owner):
    assert "EXITS ONLY" in run("halt", "--user", "owner@example.com", "--exits-only")
    assert effective_state(owner).state == "reducing"


def test_resuming_tells_what_still_stands(owner, strategy):
    run("halt", "--strategy", "Scalper")
    run("halt")
    assert f"still halted: strategy {strategy.pk}" in run("resume")


@pytest.mark.parametrize(
    "arguments",
    [["--user", "nobody@example.com"], ["--strategy", "None"], ["--account", "X"], ["--broker", "x"]],
)
def test_what_is_not_there_is_an_error_and_changes_nothing(owner, arguments):
    with pytest.raises(CommandError):
        run("halt", *arguments)
    assert not ControlState.objects.exists()


def test_an_ambiguous_account_is_not_guessed(owner, stranger, account):
    BrokerAccountFactory(connection=ConnectionFactory(user=stranger), name="DEMO1")
    with pytest.raises(CommandError, match="Several"):
        run("halt", "--account", "DEMO1")
    run("halt", "--account", "DEMO1", "--user", "owner@example.com")
    assert ControlState.objects.get().object_id == str(account.pk)


def test_it_works_with_redis_down(owner, settings):
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
    }
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    run("halt")
    assert effective_state(owner).state == "halted"
    assert AuditEntry.objects.filter(action="control_changed").exists()
