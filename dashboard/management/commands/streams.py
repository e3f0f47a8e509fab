"""The streams process: takes in what the brokers say, tells what happened, follows prices."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import uvloop
from django.core.management.base import BaseCommand

from dashboard.streams import Streams


class Command(BaseCommand):
    help = "Runs the recorder's intake, the event relay and the quote feed. One per installation."

    def handle(self, *args: Any, **options: Any) -> None:
        uvloop.run(self._main())

    async def _main(self) -> None:
        streams = Streams()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, streams.stop)
        await streams.run()
