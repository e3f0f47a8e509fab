"""Asking for the snapshot: the classic way, the newer way, and what to do when neither tells of our accounts."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from brokers.domain import Tokens
from brokers.errors import AuthExpired, AuthPenalty, AuthRevoked, StreamClosed
from tests.brokers.adapters.tradovate.venue import OURS, FakeTokens


async def first(adapter):
    async with contextlib.aclosing(adapter.stream()) as stream:
        return await anext(stream)


def sync_bodies(venue):
    return [call.body for call in venue.named("user/syncrequest")]


async def test_it_asks_in_the_newer_way_when_the_classic_one_tells_nothing(live, adapter):
    def newer_only(body):
        return live.snapshot(body) if "accounts" in body else (200, {"users": [], "contractGroups": []})

    live.sync = newer_only
    assert len((await first(adapter)).orders) == 5
    second = sync_bodies(live)[1]
    assert (second["splitResponses"], second["accounts"]) == (False, [33112, 33113])
    assert {"order", "fill", "position", "orderVersion", "command", "account"} <= set(second["entityTypes"])


async def test_it_asks_in_the_newer_way_when_one_of_our_accounts_is_missing(live, adapter):
    def one_missing(body):
        status, message = live.snapshot(body)
        if "accounts" not in body:
            message = {**message, "accounts": [{"id": 33112}], "positions": []}
        return status, message

    live.sync = one_missing
    assert len((await first(adapter)).positions) == 1


async def test_it_does_not_call_everything_flat_when_nothing_is_told(live, adapter):
    live.sync = lambda body: (200, {"users": [], "contractGroups": []})
    with pytest.raises(StreamClosed, match="does not tell"):
        await first(adapter)


async def test_it_goes_on_for_the_other_accounts_when_one_is_gone(live, adapter):
    def gone(body):
        status, message = live.snapshot(body)
        return status, {**message, "accounts": [{"id": 33112}]}

    live.sync = gone
    snapshot = await first(adapter)
    assert snapshot.positions[0].account_id == OURS
    assert snapshot.covered == (OURS,)


async def test_it_covers_every_account_that_the_venue_tells_of(live, adapter):
    assert (await first(adapter)).covered == ("33112", "33113")


async def test_it_keeps_the_classic_answer_when_the_newer_way_is_refused(live, adapter):
    def refused(body):
        status, message = live.snapshot(body)
        return (
            (400, "Unknown field")
            if "accounts" in body
            else (status, {**message, "accounts": [{"id": 33112}]})
        )

    live.sync = refused
    assert len((await first(adapter)).positions) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, "Access is denied"), AuthRevoked),
        ((401, "Expired Access Token"), AuthExpired),
        ((200, {"p-ticket": "t", "p-time": 5}), AuthPenalty),
        ((429, None), StreamClosed),
        ((500, "oops"), StreamClosed),
        ((200, None), StreamClosed),
    ],
)
async def test_it_says_what_to_do_when_no_snapshot_is_given(live, adapter, answer, error):
    live.sync = lambda body: answer
    with pytest.raises(error):
        await first(adapter)


async def test_it_needs_an_open_socket(venue):
    with pytest.raises(StreamClosed):
        await first(venue.adapter())


async def test_it_does_not_sync_twice_on_one_socket(live, adapter):
    await first(adapter)
    with pytest.raises(StreamClosed):
        await first(adapter)
    await adapter.open()
    assert (await first(adapter)).orders


@pytest.mark.parametrize("me", [(404, ""), (401, "Access is denied"), (200, {"errorText": "not yet"})])
async def test_it_learns_the_user_from_the_user_list_when_auth_me_lags(live, me):
    class Nameless(FakeTokens):
        async def current(self) -> Tokens:
            return replace(await super().current(), venue_user_id="")

    live.answers |= {"auth/me": me, "user/list": (200, [{"id": 777, "name": "jdoe01"}])}
    adapter = live.adapter(Nameless())
    await adapter.open()
    await first(adapter)
    assert sync_bodies(live)[0] == {"users": [777]}
    await adapter.close()
