from __future__ import annotations

import pytest

from strategies.models import Signal
from strategies.webhooks.request import peer_address
from tests.strategies.webhooks.helpers import body


def scope(client, *forwarded: str) -> dict:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": client, "headers": headers}


PEER = ("198.51.100.4", 5)


@pytest.mark.parametrize(
    ("found", "proxies", "expected"),
    [
        (scope(PEER), 0, "198.51.100.4"),
        (scope(PEER, "203.0.113.9"), 0, "198.51.100.4"),  # no proxy of ours: the header is the sender's own
        (scope(PEER, "203.0.113.9"), 1, "203.0.113.9"),
        (scope(PEER, "6.6.6.6, 203.0.113.9"), 1, "203.0.113.9"),
        (scope(PEER, "6.6.6.6", "203.0.113.9"), 1, "203.0.113.9"),
        (scope(PEER, "6.6.6.6, 203.0.113.9, 10.0.0.2"), 2, "203.0.113.9"),
        (scope(PEER, "203.0.113.9"), 2, "198.51.100.4"),
        (scope(PEER), 1, "198.51.100.4"),
        (scope(PEER, "not an address"), 1, None),
        (scope(("::ffff:203.0.113.9", 1)), 0, "203.0.113.9"),
        (scope(("2001:db8::1", 1)), 0, "2001:db8::1"),
        (scope(("fe80::1%eth0", 1)), 0, "fe80::1"),
        (scope(None), 0, None),
        (scope(("testclient", 1)), 0, None),
    ],
)
def test_it_finds_the_true_peer(found, proxies, expected):
    assert peer_address(found, proxies) == expected


@pytest.mark.django_db(transaction=True)
def test_it_stores_the_peer_and_not_what_the_sender_claims(door, url, settings):
    door.post(url, body(order_id="1"), headers={"x-forwarded-for": "6.6.6.6"})
    assert Signal.objects.get().source_address == "203.0.113.7"
    settings.TRUSTED_PROXY_COUNT = 1
    door.post(url, body(order_id="2"), headers={"x-forwarded-for": "6.6.6.6, 192.0.2.1"})
    assert Signal.objects.latest("id").source_address == "192.0.2.1"
