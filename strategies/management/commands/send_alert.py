"""Plays TradingView against this server's webhook."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from brokers.domain import OrderStatus
from strategies.models import Order, Signal, Strategy
from strategies.webhooks.sender import Attempt, deliver, make_client
from tradeproject.common.clock import iso, milliseconds_between, utc_now
from tradeproject.common.money import plain

ACTIONS = ("buy", "sell", "exit")
POLL_SECONDS = 0.1


def find_strategy(name: str, email: str | None) -> Strategy:
    """The strategy of this name or id. Raises CommandError when there is none, or several and no e-mail says whose."""
    wanted: QuerySet[Strategy] = Strategy.objects.select_related("user")
    if email:
        wanted = wanted.filter(user__email=email.lower())
    try:
        found = list(wanted.filter(pk=uuid.UUID(name)))
    except ValueError:
        found = list(wanted.filter(name=name)) or list(wanted.filter(name__iexact=name))
    if not found:
        names = ", ".join(sorted(set(wanted.values_list("name", flat=True)))[:10]) or "none"
        raise CommandError(f"There is no strategy {name!r}. Known: {names}. Give a name or an id.")
    if len(found) > 1:
        owners = ", ".join(sorted(strategy.user.email for strategy in found))
        raise CommandError(f"Several strategies are called {name!r} ({owners}). Add --user <e-mail>.")
    return found[0]


def position(text: str) -> tuple[str, str | None]:
    """``long:2``, ``short`` or ``flat`` as (side, size)."""
    side, _, size = text.partition(":")
    if side not in {"long", "short", "flat"}:
        raise ValueError(text)
    return side, size or ("0" if side == "flat" else None)


def make_body(strategy: Strategy, options: dict[str, Any]) -> bytes:
    """Our template filled in: every value quoted, a fresh order_id, and the position only if it was given."""
    quantity, after = options["quantity"], options["position_after"]
    size = options["size_after"] or ("0" if after == "flat" else quantity if after else None)
    before, before_size = options["prev"] or (None, None)
    fields = {
        "v": 1,
        "ticker": options["ticker"] or strategy.symbol,
        "action": options["action"],
        "contracts": quantity,
        "price": options["price"],
        "market_position": after,
        "market_position_size": size,
        "prev_market_position": before,
        "prev_market_position_size": before_size,
        "order_id": f"send_alert {uuid.uuid4().hex[:12]}",
        "timenow": utc_now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


class Command(BaseCommand):
    help = (
        "Send an alert to a strategy's webhook as TradingView would: HTTP/1.1, three seconds to answer, and the same "
        "bytes again after a 5xx. Example: manage.py send_alert Demo buy 2 --wait"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("strategy", help="name or id")
        parser.add_argument("action", nargs="?", choices=ACTIONS)
        parser.add_argument("quantity", nargs="?", help="contracts, before any account's multiplier")
        parser.add_argument("--user", help="the owner's e-mail, when several have a strategy of this name")
        parser.add_argument("--ticker", help="default: the strategy's symbol")
        parser.add_argument("--price", help="the price when the alert fires")
        parser.add_argument("--position-after", choices=("long", "short", "flat"))
        parser.add_argument("--size-after", help="default: the quantity, or 0 when flat")
        parser.add_argument("--prev", type=position, help="the position before: long:2, short:1 or flat")
        parser.add_argument("--body", help="send this file's bytes instead; - reads standard input")
        parser.add_argument("--dry-run", action="store_true", help="plan, but send no order")
        parser.add_argument("--repeat", type=int, default=1, metavar="N", help="send N alerts")
        parser.add_argument(
            "--rate", type=float, default=0.0, help="alerts a second, whatever the answers do"
        )
        parser.add_argument("--url", default=settings.SITE_URL, help="the server, default SITE_URL")
        parser.add_argument(
            "--wait", action="store_true", help="wait for the orders and show what became of them"
        )
        parser.add_argument("--timeout", type=float, default=30.0, help="seconds to --wait")

    def handle(self, *args: Any, **options: Any) -> None:
        strategy = find_strategy(options["strategy"], options["user"])
        key = strategy.current_key()
        if key is None:
            raise CommandError(f"{strategy} has no webhook address. Make one on the strategy's page.")
        url = f"{options['url'].rstrip('/')}/webhook/{key.secret}" + (
            "?dry_run=1" if options["dry_run"] else ""
        )
        fates = asyncio.run(self._send_all(url, self._bodies(strategy, options), options))
        if options["wait"]:
            for signal_id in filter(None, map(signal_of, fates)):
                self._show_trace(signal_id, options["timeout"])
        failed = sum(not fate.succeeded for fate in fates)
        if failed:
            raise CommandError(f"{failed} of {len(fates)} alerts were not taken; the lines above say why.")

    def _bodies(self, strategy: Strategy, options: dict[str, Any]) -> Callable[[], bytes]:
        """What to send, made anew for every alert unless the bytes were given."""
        if options["body"]:
            given = sys.stdin.buffer.read() if options["body"] == "-" else Path(options["body"]).read_bytes()
            return lambda: given
        if not options["action"]:
            raise CommandError("Say what to do: buy, sell or exit, or give --body.")
        return lambda: make_body(strategy, options)

    async def _send_all(self, url: str, make: Callable[[], bytes], options: dict[str, Any]) -> list[Attempt]:
        """One after the other, or with --rate on a fixed beat whatever the answers do. Returns each alert's fate."""
        async with make_client() as client:

            async def send() -> Attempt:
                attempts = await deliver(client, url, make())
                for attempt in attempts:
                    self.stdout.write(line_of(attempt))
                return attempts[-1]

            if not options["rate"]:
                return [await send() for _ in range(options["repeat"])]
            tasks = []
            for _ in range(options["repeat"]):
                tasks.append(asyncio.create_task(send()))
                await asyncio.sleep(1 / options["rate"])
            return await asyncio.gather(*tasks)

    def _show_trace(self, signal_id: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not is_settled(signal_id) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        for line in trace_of(Signal.objects.get(pk=signal_id)):
            self.stdout.write(line)
        if not is_settled(signal_id):
            self.stdout.write(f"  not settled after {timeout:g} s; the signal's page goes on")


def line_of(attempt: Attempt) -> str:
    told = f"{attempt.status} {attempt.text}" if attempt.status is not None else attempt.problem
    return f"{told}  ({attempt.seconds * 1000:.1f} ms)"


def signal_of(attempt: Attempt) -> str | None:
    try:
        answer = json.loads(attempt.text)
    except ValueError:
        return None
    return answer.get("signal_id") if isinstance(answer, dict) else None


def is_settled(signal_id: str) -> bool:
    """Nothing more will happen by itself: the signal is through and every order of it has reached its end."""
    unfinished = {Signal.Progress.QUEUED.value, Signal.Progress.EXECUTING.value}
    if Signal.objects.filter(pk=signal_id, progress__in=unfinished).exists():
        return False
    return not Order.objects.unfinished().filter(signal_id=signal_id).exists()


def trace_of(signal: Signal) -> list[str]:
    """The signal and its orders in a few lines, times in milliseconds since its first byte."""
    lines = [
        f"{signal.status} {signal.progress}: {signal.intent or signal.message}  ({iso(signal.received_at)})"
    ]
    orders = (
        Order.objects.filter(signal=signal)
        .select_related("broker_account")
        .order_by("broker_account__name", "leg")
    )
    for order in orders:
        lines.append("  " + _order_line(signal, order))
    return lines


def _order_line(signal: Signal, order: Order) -> str:
    reason = order.deny_code or order.reject_reason
    filled = (
        f" {plain(order.filled_quantity)} at {plain(order.average_price)}" if order.filled_quantity else ""
    )
    stamps = (("sent", order.sent_at), ("answered", order.answered_at), ("filled", order.filled_at))
    times = ", ".join(
        f"{name} +{milliseconds_between(signal.received_at, at):.1f} ms" for name, at in stamps if at
    )
    status = OrderStatus(order.status).value
    head = f"{order.broker_account}: {order} {status}{filled}"
    return head + (f" ({reason})" if reason else "") + (f"  {times}" if times else "")
