from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest
import uvicorn
from django.core.management import CommandError, call_command

from strategies.models import Order, Signal
from strategies.webhooks.app import WebhookRoute
from tests.factories import OrderFactory, StrategyFactory, WebhookKeyFactory
from tests.strategies.webhooks.conftest import Wakes, django_stands_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(key) -> Iterator[str]:
    """The webhook on a real port, spoken to over HTTP/1.1."""
    route = WebhookRoute(
        django_stands_in, waker=Wakes(), preview=lambda signal_id: {"orders": [], "warnings": []}
    )
    config = uvicorn.Config(route, port=0, lifespan="off", log_level="error", proxy_headers=False)
    instance = uvicorn.Server(config)

    async def serve() -> None:
        await instance.serve()
        await route.database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    while not instance.started:
        thread.join(0.01)
    yield f"http://127.0.0.1:{instance.servers[0].sockets[0].getsockname()[1]}"
    instance.should_exit = True
    thread.join(10)


def send(server: str, *arguments: str, **options) -> str:
    out = StringIO()
    call_command("send_alert", *arguments, url=server, stdout=out, **options)
    return out.getvalue()


def test_it_plays_an_order_from_action_and_quantity(server, strategy):
    assert send(server, "Morning", "buy", "2").startswith('202 {"status":"accepted"')
    signal = Signal.objects.get()
    assert signal.intent == "enter long 2 MNQ"
    assert signal.content_type == "application/json; charset=utf-8"
    assert signal.warnings == []


def test_it_finds_a_strategy_by_id_or_any_case_and_asks_whose(server, strategy):
    assert "accepted" in send(server, str(strategy.pk), "exit")
    assert "accepted" in send(server, "morning", "sell", "1")
    twin = StrategyFactory(name="Morning")
    WebhookKeyFactory(strategy=twin)
    with pytest.raises(CommandError, match="--user"):
        send(server, "Morning", "buy", "1")
    assert "accepted" in send(server, "Morning", "buy", "1", user=twin.user.email)
    assert Signal.objects.latest("id").strategy == twin
    with pytest.raises(CommandError, match="no strategy"):
        send(server, "Evening", "buy", "1")


def test_it_plays_a_reversal_with_positions(server, strategy):
    send(server, "Morning", "sell", "4", "--position-after", "short", "--size-after", "2", "--prev", "long:2")
    assert Signal.objects.get().intent == "reverse to short 2 MNQ"
    send(server, "Morning", "buy", "2", "--position-after", "flat", "--ticker", "MES1!", "--price", "5891.25")
    signal = Signal.objects.latest("id")
    assert (signal.intent, signal.alert["signal_price"]) == ("exit short MES, all", "5891.25")


def test_it_makes_every_alert_a_new_one_and_repeats_given_bytes(server, strategy, tmp_path):
    send(server, "Morning", "buy", "1", repeat=3)
    send(server, "Morning", "buy", "1", repeat=3, rate=50.0)
    assert Signal.objects.count() == 6
    file = tmp_path / "alert.json"
    file.write_text(json.dumps({"action": "sell", "contracts": 1, "timenow": datetime.now(UTC).isoformat()}))
    told = send(server, "Morning", body=str(file), repeat=2)
    assert [line.split(",")[0] for line in told.splitlines()] == [
        '202 {"status":"accepted"',
        '200 {"status":"duplicate"',
    ]


def test_it_can_only_plan(server, strategy):
    assert '"status":"dry_run"' in send(server, "Morning", "buy", "1", dry_run=True)
    assert Signal.objects.get().status == "dry_run"


def test_it_fails_when_an_alert_is_not_taken(server, strategy, tmp_path):
    file = tmp_path / "alert.txt"
    file.write_text("MNQ crossed above")
    with pytest.raises(CommandError, match="1 of 1"):
        send(server, "Morning", body=str(file))
    with pytest.raises(CommandError, match="buy, sell or exit"):
        send(server, "Morning")
    with pytest.raises(CommandError, match="not taken"):
        send("http://127.0.0.1:9", "Morning", "buy", "1")


def test_it_says_when_there_is_no_address_to_send_to(strategy):
    with pytest.raises(CommandError, match="no webhook address"):
        send("http://127.0.0.1:9", "Morning", "buy", "1")


def test_it_waits_for_the_orders_and_shows_what_became_of_them(server, strategy, monkeypatch):
    from strategies.management.commands import send_alert

    def execute(signal_id: str) -> bool:
        """What the executor does, at the first look."""
        signal = Signal.objects.get(pk=signal_id)
        if not Order.objects.filter(signal=signal).exists():
            OrderFactory(
                signal=signal, status="filled", quantity=2, filled_quantity=2, average_price="21875.25"
            )
            OrderFactory(signal=signal, status="denied", deny_code="QUANTITY_ZERO")
            Signal.objects.filter(pk=signal_id).update(progress="done")
        return real(signal_id)

    real = send_alert.is_settled
    monkeypatch.setattr(send_alert, "is_settled", execute)
    told = send(server, "Morning", "buy", "2", wait=True)
    assert "accepted done: enter long 2 MNQ" in told
    assert "filled 2 at 21875.25" in told
    assert "denied (QUANTITY_ZERO)" in told


def test_it_stops_waiting_in_the_end(server, strategy):
    assert "not settled" in send(server, "Morning", "buy", "2", wait=True, timeout=0.2)


def test_it_prints_no_secret(server, strategy, key):
    assert key.secret not in send(server, "Morning", "buy", "1")
