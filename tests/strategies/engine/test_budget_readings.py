"""What a login used is written down behind the orders."""

from __future__ import annotations

from brokers.models import BudgetReading
from tests.strategies.engine.desk import eventually
from tradeproject.common.threads import in_thread


async def test_the_executor_writes_down_what_each_login_used(open_desk):
    desk = await open_desk(accounts=1)
    await desk.start()
    await desk.done(await desk.target(2))

    async def reading():
        found = await in_thread(BudgetReading.objects.first)
        return found if found is not None and found.figures["used"]["minute"] else None

    figures = (await eventually(reading, 6)).figures
    assert figures["reads"] == {"minute": 0, "hour": 0}
    assert figures["factor"] == 1.0
    assert figures["hosts"]["demo"]["host"] == "closed"
