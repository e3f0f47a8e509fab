"""What the venue keeps about an order for itself: the terms and the truth that the API spreads over many entities."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from brokers.simulators.tradovate.wire import plain_number

FINAL = frozenset({"Filled", "Canceled", "Rejected", "Expired", "Completed"})


class OrderRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """``value`` is the sum of price times quantity over its fills; ``command_id`` is that of the present version."""

    id: int
    account_id: int
    contract_id: int
    action: str
    order_type: str
    qty: int
    status: str
    command_id: int
    new_command_id: int
    tif: str = "Day"
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Decimal | None = None
    text: str | None = None
    cl_ord_id: str | None = None
    custom_tag: str | None = None
    is_automated: bool = False
    parent_id: int | None = None
    oco_id: int | None = None
    group: int | None = None
    strategy_id: int | None = None
    filled: int = 0
    value: Decimal = Decimal(0)
    reject_reason: str | None = None
    reject_text: str | None = None
    triggered: bool = False
    max_fill: int | None = None
    source: str = "api"
    transport: str = ""
    path: str = ""
    received_wall: float = 0.0
    received_monotonic_ns: int = 0
    trade_date: str = ""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def average(self) -> Decimal | None:
        return average(self.value, self.filled)


def average(value: Decimal, quantity: int) -> Decimal | None:
    """A mean price to ten places, None for no quantity."""
    if not quantity:
        return None
    return plain_number((value / quantity).quantize(Decimal("1e-10")))
