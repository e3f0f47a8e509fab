"""One broker simulator in the foreground, until it is told to stop."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from brokers.simulators import MODULES


class Command(BaseCommand):
    help = "Run a broker simulator. Prints one JSON line with its addresses and logins once it listens."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=sorted(MODULES))
        parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--seed", type=int, default=1, help="logins, ids and prices follow from it")
        parser.add_argument("--latency-ms", type=float, default=0, help="before every request is processed")
        parser.add_argument(
            "--jitter-ms", type=float, default=0, help="up to so much more latency, by chance"
        )
        parser.add_argument("--state-dir", type=Path, help="keep the venue's memory here over restarts")
        parser.add_argument("--logins", type=int, help="how many logins exist from the start")
        parser.add_argument("--accounts-per-login", type=int)
        parser.add_argument("--market-data", action=BooleanOptionalAction, help="grant market data to all")
        parser.add_argument("--session-roll", dest="rolls_sessions", action=BooleanOptionalAction)
        parser.add_argument("--control-token", default="", help="the control endpoint asks for it")

    def handle(self, *args: Any, kind: str, **options: Any) -> None:
        module = import_module(MODULES[kind])
        try:
            module.run(options)
        except OSError as error:
            address = f"{options['host']}:{options['port']}"
            raise CommandError(f"Cannot listen on {address}: {error}. Choose another --port.") from error
