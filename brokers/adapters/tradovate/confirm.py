"""What became of a command after it was queued: the venue tells it through reports on the socket, not in its answer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from brokers.adapters.tradovate.constants import COMMAND_DONE, COMMAND_REFUSED
from brokers.adapters.tradovate.wire import Entity
from brokers.domain import SubmitResult

REMEMBERED = 2000


class Confirmations:
    """Deciding command reports, kept for a while: a report may come before the answer that names its command."""

    def __init__(self) -> None:
        self._decided: OrderedDict[int, Entity] = OrderedDict()
        self._waiting: dict[int, asyncio.Future[Entity]] = {}

    def hear(self, report: Entity) -> None:
        """Take one ``commandReport``."""
        command = report.get("commandId")
        if str(report.get("commandStatus")) not in COMMAND_DONE | COMMAND_REFUSED or not isinstance(
            command, int
        ):
            return
        self._decided[command] = report
        while len(self._decided) > REMEMBERED:
            self._decided.popitem(last=False)
        future = self._waiting.pop(command, None)
        if future is not None and not future.done():
            future.set_result(report)

    async def wait(self, command: int, seconds: float) -> Entity | None:
        """The report that decided ``command``, or None when none came within ``seconds``."""
        if command in self._decided:
            return self._decided[command]
        future = self._waiting.setdefault(command, asyncio.get_running_loop().create_future())
        await asyncio.wait([future], timeout=seconds)
        self._waiting.pop(command, None)
        return future.result() if future.done() else None


def refusal(report: Entity, venue_order_id: str) -> SubmitResult | None:
    """The rejection a report tells of, None when the command was carried out."""
    if str(report.get("commandStatus")) not in COMMAND_REFUSED:
        return None
    code = str(report.get("rejectReason") or report["commandStatus"])
    rejected = SubmitResult.rejected(code, str(report.get("text") or code)[:500])
    return SubmitResult(rejected.outcome, venue_order_id, code=rejected.code, message=rejected.message)
