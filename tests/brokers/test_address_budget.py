"""All logins that leave by one address share what the venue allows it; exits are never held back there."""

from __future__ import annotations

import pytest

from brokers.addresses import LOCAL, SERVER, AddressBudget, Addresses, egress_to
from brokers.domain import RateLimit
from brokers.lanes import Lane
from brokers.ratelimit import LoginBudget
from tests.brokers.test_login_budget import Clock

LIMITS = (RateLimit("address", "orders", 20, 60), RateLimit("address", "*", 100, 60))


@pytest.fixture
def clock():
    return Clock()


def logins(clock, address, count=2) -> list[LoginBudget]:
    made = [LoginBudget(1000, 10_000, clock) for _ in range(count)]
    for login in made:
        login.share_address(address)
    return made


def drain(login, lane=Lane.ENTRY) -> int:
    count = 0
    while count < 500 and login.try_take(lane):
        count += 1
    return count


def test_two_logins_together_keep_to_the_addresss_number(clock):
    one, two = logins(clock, AddressBudget("broker", SERVER, LIMITS, clock=clock))
    assert [one.try_take(Lane.ENTRY) for _ in range(10)] == [True] * 10
    assert drain(two) == 8  # two of the twenty are kept for exits
    assert not one.try_take(Lane.ENTRY)
    assert drain(one, Lane.EXIT) == 500
    clock.advance(60)
    assert drain(one) == 18


def test_executors_divide_it_until_they_hear_of_each_other(clock):
    (login,) = logins(clock, AddressBudget("broker", SERVER, LIMITS, executors=4, clock=clock), 1)
    assert drain(login) == 4


def test_a_broker_beside_us_is_counted_and_never_waited_for(clock):
    address = AddressBudget("broker", LOCAL, LIMITS, clock=clock)
    (login,) = logins(clock, address, 1)
    assert drain(login) == 500
    assert [windows.used(60) for windows in address.windows.values()] == [500, 500]


def test_one_login_that_is_told_to_slow_down_is_its_own_matter_three_are_the_addresss(clock):
    one, two, three, other = logins(clock, AddressBudget("broker", SERVER, LIMITS, clock=clock), 4)
    one.slow_down(5)
    one.slow_down(5)
    two.slow_down(5)
    assert other.wait_seconds(Lane.ENTRY) == 0
    three.slow_down(5)
    assert other.wait_seconds(Lane.ENTRY) == 5
    assert other.wait_seconds(Lane.EXIT) == 0
    clock.advance(5)
    assert drain(other) == 9  # half of it, one kept


def test_complaints_of_long_ago_are_not_together(clock):
    one, two, three, other = logins(clock, AddressBudget("broker", SERVER, LIMITS, clock=clock), 4)
    for login in (one, two, three):
        login.slow_down(5)
        clock.advance(40)
    assert other.wait_seconds(Lane.ENTRY) == 0


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://live.tradovateapi.com/v1", SERVER),
        ("https://203.0.113.9/v1", LOCAL),  # reserved for documentation: no public address
        ("https://93.184.216.34/v1", SERVER),
        ("http://127.0.0.1:9001/v1", LOCAL),
        ("http://[::1]:9001/v1", LOCAL),
        ("http://localhost:9001", LOCAL),
        ("http://simulator:9001/v1", LOCAL),
        ("http://10.1.2.3/v1", LOCAL),
    ],
)
def test_only_what_leaves_for_the_internet_is_metered(url, name):
    assert egress_to(url) == name


async def test_logins_of_one_broker_and_address_get_the_same_budget():
    class Adapter:
        kind, limits, adaptation = "broker", LIMITS, None

    names = {"live": SERVER, "demo": LOCAL, "other": SERVER}
    addresses = Addresses(lambda kind, environment: names[environment])
    live, demo, other = (addresses.of(Adapter(), environment) for environment in names)
    assert live is other
    assert live is not demo
