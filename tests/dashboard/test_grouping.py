"""Twenty-five accounts of one strategy are one line."""

from __future__ import annotations

from dashboard.grouping import group_positions, summaries


def row(number: int, **more):
    return {
        "id": str(number),
        "account_name": f"A{number:02}",
        "strategy": "s1",
        "strategy_name": "Breakout",
        "symbol": "MNQ",
        "venue_symbol": "MNQZ6",
        "side": "long",
        "currency": "USD",
        "quantity": "2",
        "entry_price": "100",
        "current_price": "101.5",
        "price_source": "quote",
        "unrealized_pnl": "6",
        "realized_pnl": "1",
        "opened_at": "2026-11-20T10:00:00.000Z",
        "stop_loss_price": "95",
        "take_profit_price": "110",
        "distance_to_stop": "6.5",
        "distance_to_target": "8.5",
        "sync": "synced",
        **more,
    }


def test_it_puts_the_accounts_of_a_strategy_and_contract_together():
    groups = group_positions([row(2), row(1), row(3, strategy="s2", strategy_name="Other")])
    assert [(g["strategy_name"], g["accounts"]) for g in groups] == [("Breakout", 2), ("Other", 1)]
    assert [member["id"] for member in groups[0]["members"]] == ["1", "2"]


def test_it_keeps_contracts_sides_and_currencies_apart():
    others = [row(2, venue_symbol="MNQH7"), row(3, side="short"), row(4, currency="EUR")]
    assert len(group_positions([row(1), *others])) == 4


def test_it_adds_what_adds_up_and_averages_the_entry_by_size():
    group = summaries([row(1), row(2, quantity="1", entry_price="103", unrealized_pnl="-1.5")])[0]
    assert (group["quantity"], group["entry_price"], group["unrealized_pnl"]) == ("3", "101", "4.5")


def test_it_says_nothing_where_the_accounts_differ():
    group = summaries([row(1), row(2, stop_loss_price="94", distance_to_stop="7.5")])[0]
    assert group["stop_loss_price"] is None
    assert group["take_profit_price"] == "110"


def test_it_sums_what_is_known_and_is_as_synced_as_its_worst():
    group = summaries([row(1), row(2, unrealized_pnl=None, sync="drifted"), row(3, sync="unknown")])[0]
    assert (group["unrealized_pnl"], group["sync"]) == ("12", "drifted")
    unknown = summaries([row(1, unrealized_pnl=None, entry_price=None)])[0]
    assert (unknown["unrealized_pnl"], unknown["entry_price"]) == (None, None)


def test_it_is_as_old_as_its_oldest_position():
    group = summaries([row(1), row(2, opened_at="2026-11-20T09:00:00.000Z"), row(3, opened_at=None)])[0]
    assert group["opened_at"] == "2026-11-20T09:00:00.000Z"
