"""An expired token is renewed once and the request sent once more; a denial is not argued with."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.domain import OrderIntent, Outcome, Side
from brokers.errors import AuthError, AuthExpired, AuthPenalty, AuthRevoked, Unavailable
from tests.brokers.adapters.tradovate.venue import ACCOUNT, MNQ, FakeTokens, envelope

INTENT = OrderIntent("sig-1", ACCOUNT, MNQ, Side.BUY, Decimal(1))
EXPIRED = (401, "Expired Access Token")


async def test_it_renews_once_and_sends_the_order_again(venue):
    venue.answers["order/placeorder"] = [EXPIRED, envelope("http_placeorder")]
    tokens = FakeTokens("AT-first", "AT-second")
    result = await venue.adapter(tokens).submit(INTENT)
    assert result.outcome is Outcome.ACCEPTED
    assert [call.token for call in venue.named("order/placeorder")] == ["AT-first", "AT-second"]
    assert tokens.renewals == 1


async def test_it_takes_an_expired_token_in_a_400_for_the_same(venue):
    venue.answers["order/placeorder"] = [(400, "Expired Access Token"), envelope("http_placeorder")]
    tokens = FakeTokens("AT-first", "AT-second")
    assert (await venue.adapter(tokens).submit(INTENT)).outcome is Outcome.ACCEPTED


async def test_it_gives_up_after_one_renewal(venue):
    venue.answers["order/placeorder"] = EXPIRED
    tokens = FakeTokens("AT-first", "AT-second", "AT-third")
    result = await venue.adapter(tokens).submit(INTENT)
    assert (result.outcome, result.code, result.not_taken) == (Outcome.REJECTED, "AUTH_EXPIRED", True)
    assert (tokens.renewals, len(venue.named("order/placeorder"))) == (1, 2)


async def test_it_does_not_renew_when_access_is_denied(venue):
    venue.answers["order/placeorder"] = (401, "Access is denied")
    tokens = FakeTokens("AT-first", "AT-second")
    result = await venue.adapter(tokens).submit(INTENT)
    assert (result.outcome, result.code, tokens.renewals) == (Outcome.REJECTED, "ACCESS_DENIED", 0)
    assert "e-mail" in result.message


@pytest.mark.parametrize(
    ("error", "not_taken", "wait"),
    [
        (AuthRevoked("Sign in again."), False, None),
        (AuthPenalty("Wait.", retry_after=30.0), True, 30.0),
        (Unavailable("The token server is away."), True, 1.0),
    ],
)
async def test_it_calls_an_order_refused_when_no_token_can_be_had(venue, error, not_taken, wait):
    venue.answers["order/placeorder"] = EXPIRED
    result = await venue.adapter(FakeTokens(error=error)).submit(INTENT)
    assert (result.outcome, result.not_taken, result.retry_after) == (Outcome.REJECTED, not_taken, wait)
    assert result.message == error.message


async def test_it_renews_for_a_read_once(venue):
    venue.answers["position/list"] = [EXPIRED, (200, [])]
    tokens = FakeTokens("AT-first", "AT-second")
    assert await venue.adapter(tokens).position_reports() == []
    assert tokens.renewals == 1


async def test_it_says_so_when_the_fresh_token_is_expired_too(venue):
    venue.answers["position/list"] = EXPIRED
    with pytest.raises(AuthExpired):
        await venue.adapter().position_reports()


async def test_it_names_a_missing_permission(venue):
    venue.answers["position/list"] = (401, "Access is denied")
    tokens = FakeTokens()
    with pytest.raises(AuthError) as caught:
        await venue.adapter(tokens).position_reports()
    assert (caught.value.code, tokens.renewals) == ("ACCESS_DENIED", 0)


async def test_it_renews_over_the_socket_and_sends_the_order_by_http(live):
    tokens = FakeTokens("AT-first", "AT-second")
    adapter = live.adapter(tokens)
    await adapter.open()
    live.answers["order/placeorder"] = [EXPIRED, envelope("http_placeorder")]
    result = await adapter.submit(INTENT)
    assert result.outcome is Outcome.ACCEPTED
    assert [(call.by, call.token) for call in live.named("order/placeorder")] == [
        ("socket", ""),
        ("rest", "AT-second"),
    ]
    await adapter.close()
