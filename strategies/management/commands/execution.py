"""The execution worker: a Celery worker for the queue ``execution`` with the executor's loop in a thread of its own."""

from __future__ import annotations

import logging
import os
import threading
from argparse import ArgumentParser
from typing import Any

import uvloop
from celery import signals
from django.core.management.base import BaseCommand

from strategies.engine import current
from strategies.engine.runner import ExecutionEngine
from strategies.holdings import held_by_other_strategies
from tradeproject.celery import app
from tradeproject.common.latency import spare_what_stays, take_short_turns
from tradeproject.common.threads import in_thread

logger = logging.getLogger(__name__)

START_SECONDS = 20.0
STOP_SECONDS = 8.0


class Command(BaseCommand):
    help = "Runs the execution worker: takes stored signals and sends their orders."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--shard", type=int, default=0, help="Which shard of the logins this worker serves."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # The executor's loop gets the interpreter back quickly from Celery's threads.
        take_short_turns()
        thread = EngineThread(options["shard"])
        signals.worker_ready.connect(thread.start, weak=False)
        signals.worker_shutting_down.connect(thread.stop, weak=False)
        # Threads, not processes: the sockets live in this process, and a task only wakes its loop.
        queue = "execution" if not options["shard"] else f"execution-{options['shard']}"
        app.worker_main(
            ["--quiet", "worker", "--pool=threads", "--concurrency=2", f"--queues={queue}",
             f"--hostname=execution-{os.getpid()}@%h", "--loglevel=WARNING", "--without-gossip", "--without-mingle",
             "--without-heartbeat"]
        )  # fmt: skip
        thread.stop()


class EngineThread:
    """The executor's event loop beside Celery's own threads."""

    def __init__(self, shard: int) -> None:
        self._engine = ExecutionEngine(shard=shard, held_by_others=_held_by_others)
        self._thread: threading.Thread | None = None
        self._up = threading.Event()

    def start(self, **_: Any) -> None:
        self._thread = threading.Thread(target=self._run, name="executor", daemon=True)
        self._thread.start()
        if not self._up.wait(START_SECONDS):
            logger.error("the executor did not start in time; the worker ends and is started again")
            os._exit(1)
        spare_what_stays()

    def _run(self) -> None:
        current.install(self._engine)
        try:
            uvloop.run(self._engine.run(started=self._up.set))
        except Exception:
            # Without its executor this process would take hints and do nothing: end it, the supervisor starts another.
            logger.exception("the executor failed; the worker ends and is started again")
            os._exit(1)
        finally:
            current.install(None)

    def stop(self, **_: Any) -> None:
        self._engine.stop()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)


async def _held_by_others(account: Any, instrument: int, strategy: Any) -> Any:
    return await in_thread(held_by_other_strategies, account, instrument, strategy)
