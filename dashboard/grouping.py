"""Open positions as people read them: one line per strategy and contract, whatever the number of accounts. Pure.

Rows are live positions in the API's shape; money and quantities in them are decimal text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tradeproject.common.money import plain

Row = Mapping[str, Any]
ZERO = Decimal(0)
_WORST_FIRST = ("drifted", "unknown", "synced")
SHARED = (
    "strategy",
    "strategy_name",
    "symbol",
    "venue_symbol",
    "side",
    "currency",
    "current_price",
    "price_source",
    "stop_loss_price",
    "take_profit_price",
    "distance_to_stop",
    "distance_to_target",
)


def group_key(row: Row) -> str:
    return f"{row.get('strategy') or 'none'}:{row['venue_symbol']}:{row['side']}:{row.get('currency') or ''}"


def group_positions(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Groups by strategy name and contract; ``members`` by account name."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[group_key(row)].append(row)
    groups = [{**summary(key, members), "members": _sorted(members)} for key, members in found.items()]
    return sorted(
        groups, key=lambda group: (group["strategy_name"] or "~", group["venue_symbol"], group["side"])
    )


def summaries(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The groups without their members: what the socket keeps current."""
    return [{k: v for k, v in group.items() if k != "members"} for group in group_positions(rows)]


def _sorted(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.get("account_name") or "", str(row["id"])))


def summary(key: str, rows: Sequence[Row]) -> dict[str, Any]:
    """What holds for all of a group: shared values where they are the same, sums and averages where they add up."""
    return {
        "id": key,
        **{name: _same(rows, name) for name in SHARED},
        "accounts": len(rows),
        "quantity": plain(sum((Decimal(row["quantity"]) for row in rows), ZERO)),
        "entry_price": plain(_average_entry(rows)),
        "unrealized_pnl": plain(total(rows, "unrealized_pnl")),
        "realized_pnl": plain(total(rows, "realized_pnl")),
        "opened_at": min((row["opened_at"] for row in rows if row.get("opened_at")), default=None),
        "sync": next(
            (state for state in _WORST_FIRST if any(r.get("sync") == state for r in rows)), "unknown"
        ),
    }


def _same(rows: Sequence[Row], name: str) -> Any:
    first = rows[0].get(name)
    return first if all(row.get(name) == first for row in rows) else None


def total(rows: Iterable[Row], name: str) -> Decimal | None:
    """The sum of what is known; None when nothing is."""
    known = [Decimal(row[name]) for row in rows if row.get(name) is not None]
    return sum(known, ZERO) if known else None


def _average_entry(rows: Sequence[Row]) -> Decimal | None:
    """Weighted by quantity, in the decimals that the entries have; None when one of them is not known."""
    if any(row.get("entry_price") is None for row in rows):
        return None
    size = sum((Decimal(row["quantity"]) for row in rows), ZERO)
    if not size:
        return None
    worth = sum((Decimal(row["quantity"]) * Decimal(row["entry_price"]) for row in rows), ZERO)
    finest = min(Decimal(row["entry_price"]).as_tuple().exponent for row in rows)
    return (worth / size).quantize(Decimal(1).scaleb(min(int(finest), -2)))


def currencies(rows: Iterable[Row]) -> list[str]:
    return sorted({str(row.get("currency") or "") for row in rows})
