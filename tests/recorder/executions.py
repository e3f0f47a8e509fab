"""Executions for tests of the pure matcher, and strategies of hypothesis that draw them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

from hypothesis import strategies as st

from brokers.domain import Side
from recorder.matching import Execution, ExitReason

START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
SPACE = UUID(int=7)
A, B = UUID(int=0xA), UUID(int=0xB)


def execution(number: int, side: str, quantity: str | int, price: str | int, **more) -> Execution:
    """The ``number``-th fill, a second after the one before, of strategy A unless told otherwise."""
    more.setdefault("owner", A)
    more.setdefault("whole", True)
    return Execution(
        id=uuid5(SPACE, str(number)),
        venue_id=str(number),
        executed_at=more.pop("at", START + timedelta(seconds=number)),
        side=Side(side),
        quantity=Decimal(str(quantity)),
        price=Decimal(str(price)),
        **more,
    )


@st.composite
def executions(draw, owners=(A,), max_size: int = 30) -> list[Execution]:
    """Fills of one account and contract, some at the same moment, whole and free ones mixed."""
    size = draw(st.integers(1, max_size))
    gaps = draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    second, result = 0, []
    for number, gap in enumerate(gaps):
        second += gap
        result.append(
            execution(
                number + 1,
                draw(st.sampled_from(["buy", "sell"])),
                Decimal(draw(st.integers(1, 12))) / draw(st.sampled_from([1, 10])),
                Decimal(draw(st.integers(80_000, 90_000))) / 4,
                at=START + timedelta(seconds=second),
                owner=draw(st.sampled_from(owners)),
                whole=draw(st.booleans()),
                reason=draw(st.sampled_from(list(ExitReason))),
                costs=Decimal(draw(st.integers(0, 500))) / 100,
            )
        )
    return result
