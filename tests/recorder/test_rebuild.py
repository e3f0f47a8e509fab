"""Rebuilding everything from the fills gives what the small steps gave."""

from __future__ import annotations

from io import StringIO
from random import Random

import pytest
from django.core.management import CommandError, call_command

from brokers.domain import Side
from recorder.models import Fill, RecordedPosition
from tests.factories import BrokerAccountFactory, StrategyFactory
from tests.recorder.venue import Desk, at, fill

pytestmark = pytest.mark.django_db


def rebuild(*arguments: str) -> str:
    out = StringIO()
    call_command("rebuild_positions", *arguments, stdout=out)
    return out.getvalue()


def record():
    rows = RecordedPosition.objects.order_by("broker_account", "entry_timestamp", "pk")
    return list(rows.exclude(first_fill=None).values()), list(Fill.objects.order_by("pk").values())


def random_fills(desk: Desk, random: Random, count: int) -> list:
    """Fills of two strategies' entries, exits and legs, and of somebody trading by hand, on two accounts."""
    BrokerAccountFactory(connection=desk.connection, external_id="44", name="DEMO44")
    other = StrategyFactory(user=desk.account.user)
    orders = []
    for account in desk.connection.accounts.all():
        for strategy in (desk.strategy, other):
            for purpose in ("entry", "exit"):
                for side in ("buy", "sell"):
                    name = f"{account.external_id}/{strategy.name}/{purpose}/{side}"
                    order = desk.order(
                        name,
                        broker_account=account,
                        strategy=strategy,
                        purpose=purpose,
                        side=side,
                        quantity=99,
                    )
                    orders.append((account.external_id, name, side))
                    if purpose == "entry":
                        desk.leg(order, "stop_loss", f"{name}/stop", offset=4)
                        orders.append((account.external_id, f"{name}/stop", Side(side).opposite.value))
        orders += [(account.external_id, "by hand", "buy"), (account.external_id, "by hand", "sell")]
    result = []
    for number in range(1, count + 1):
        account, name, side = random.choice(orders)
        moment = at(number - random.choice([0, 0, 0, 1]))
        price = random.randrange(400, 440) / 4
        result.append(
            fill(
                number,
                name,
                side,
                random.randint(1, 3),
                price,
                account=account,
                executed_at=moment,
                fees=number % 7,
            )
        )
    return result


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_the_small_steps(desk, seed):
    random = Random(seed)
    fills = random_fills(desk, random, 60)
    late = fills.copy()
    for _ in range(10):  # some come late
        late.append(late.pop(random.randrange(len(late))))
    while late:
        size = random.randint(1, 4)
        desk.ingest(*late[:size])
        del late[:size]
    before = record()
    assert len(before[0]) > 5
    assert rebuild().endswith("0 recorded positions changed\n")
    assert record() == before


@pytest.mark.parametrize("seed", range(2))
def test_it_finds_the_same_trips_from_nothing(desk, seed):
    random = Random(seed)
    for item in random_fills(desk, random, 40):
        desk.ingest(item)
    generated = {"id", "updated_at"}
    before, fills = record()
    RecordedPosition.objects.all().delete()
    rebuild()
    after, fills_after = record()
    key = str
    strip = [
        sorted(({k: v for k, v in row.items() if k not in generated} for row in rows), key=key)
        for rows in (before, after)
    ]
    assert strip[0] == strip[1]
    assert fills == fills_after


def test_it_mends_a_record_that_was_damaged(desk):
    desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100))
    (trip,) = desk.trips()
    RecordedPosition.objects.update(entry_price=1, quantity=7)
    assert rebuild("--strategy", desk.strategy.name).endswith("1 recorded positions changed\n")
    (mended,) = desk.trips()
    assert (mended.pk, mended.entry_price, mended.quantity) == (trip.pk, 100, 1)


def test_it_leaves_other_strategies_alone(desk):
    other = StrategyFactory(user=desk.account.user)
    desk.order("900")
    desk.ingest(fill(1, "900", "buy", 1, 100))
    RecordedPosition.objects.update(quantity=7)
    rebuild("--strategy", str(other.pk))
    assert desk.trips()[0].quantity == 7


def test_it_says_which_strategy_it_did_not_find():
    with pytest.raises(CommandError, match="No strategy is called 'Nobody'"):
        rebuild("--strategy", "Nobody")


def test_it_does_not_guess_between_two_users_strategies(desk, stranger):
    StrategyFactory(user=stranger, name=desk.strategy.name)
    with pytest.raises(CommandError, match="Give its id"):
        rebuild("--strategy", desk.strategy.name)
