"""The track record of a sequence of closed trades. Pure: no Django, no I/O, no float.

Money is net of commissions and fees; ``gross_pnl`` and ``fees`` stand beside it. A trade counts on the calendar day of its
exit in the timezone asked for. Ratios and averages are rounded to four digits, half to even; where there is nothing to
average they are 0, and where a ratio has no meaning (no losses, fewer than two days, no known slippage) it is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any

ZERO = Decimal(0)
TRADING_DAYS = Decimal(252)
_UNIT = Decimal("0.0001")
_WIDE = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Trade:
    """A closed round trip. ``gross_pnl`` before, ``fees`` the commissions and fees paid (>= 0), in one currency.

    ``slippage`` is in price points per unit, positive = worse than the signal's price; None when that is not known.
    """

    opened_at: datetime
    closed_at: datetime
    gross_pnl: Decimal
    fees: Decimal = ZERO
    slippage: Decimal | None = None

    @property
    def net(self) -> Decimal:
        return self.gross_pnl - self.fees


def analyse(trades: Iterable[Trade], timezone: tzinfo) -> dict[str, Any]:
    """Every figure of the record. Decimals for money and ratios, dates for days, datetimes for the equity curve.

    - ``total_trades``, and ``win_rate`` = 100 × trades with net > 0 ÷ all trades (a trade of exactly 0 is neither)
    - ``average_win``, ``average_loss`` (negative), ``largest_win``, ``largest_loss`` (negative)
    - ``total_pnl`` = Σ net, ``gross_pnl`` = Σ before costs, ``fees`` = Σ costs
    - ``profit_factor`` = Σ wins ÷ |Σ losses|; None without losses
    - ``max_drawdown``: the deepest fall of the closed-trade equity from its highest point so far (which starts at 0), >= 0
    - ``sharpe_ratio`` = mean ÷ sample deviation of the daily P&L × √252, over the days that closed a trade
    - ``expectancy`` = Σ net ÷ number of trades
    - ``average_time_in_trade`` in seconds; ``average_slippage`` over the trades that know theirs
    - ``best_day``, ``worst_day``: {date, pnl} of the highest and lowest day (the earliest of equals); None without trades
    - ``daily``, ``weekly``, ``monthly``: [{date, pnl, trades}]; a week's date is its Monday, a month's its first day
    - ``equity_curve``: [{t, pnl}], the running Σ net after each exit
    """
    ordered = sorted(trades, key=lambda trade: (trade.closed_at, trade.opened_at))
    with localcontext(_WIDE):
        daily = _by_period(ordered, timezone, lambda day: day)
        curve = _equity_curve(ordered)
        return {
            **_totals(ordered),
            "max_drawdown": _max_drawdown([point["pnl"] for point in curve]),
            "sharpe_ratio": _sharpe_ratio([day["pnl"] for day in daily]),
            "best_day": _extreme(daily, max),
            "worst_day": _extreme(daily, min),
            "daily": daily,
            "weekly": _by_period(ordered, timezone, lambda day: day - timedelta(days=day.weekday())),
            "monthly": _by_period(ordered, timezone, lambda day: day.replace(day=1)),
            "equity_curve": curve,
        }


def _totals(trades: Sequence[Trade]) -> dict[str, Any]:
    nets = [trade.net for trade in trades]
    wins, losses = [net for net in nets if net > 0], [net for net in nets if net < 0]
    slippages = [trade.slippage for trade in trades if trade.slippage is not None]
    seconds = [Decimal(str((trade.closed_at - trade.opened_at).total_seconds())) for trade in trades]
    return {
        "total_trades": len(trades),
        "win_rate": _ratio(Decimal(100 * len(wins)), len(trades)),
        "average_win": _ratio(sum(wins, ZERO), len(wins)),
        "average_loss": _ratio(sum(losses, ZERO), len(losses)),
        "largest_win": max(wins, default=ZERO),
        "largest_loss": min(losses, default=ZERO),
        "total_pnl": sum(nets, ZERO),
        "gross_pnl": sum((trade.gross_pnl for trade in trades), ZERO),
        "fees": sum((trade.fees for trade in trades), ZERO),
        "profit_factor": _rounded(sum(wins, ZERO) / -sum(losses, ZERO)) if losses else None,
        "expectancy": _ratio(sum(nets, ZERO), len(nets)),
        "average_time_in_trade": _ratio(sum(seconds, ZERO), len(seconds)),
        "average_slippage": _ratio(sum(slippages, ZERO), len(slippages)) if slippages else None,
    }


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_UNIT, ROUND_HALF_EVEN)


def _ratio(total: Decimal, count: int) -> Decimal:
    return _rounded(total / count) if count else ZERO


def _by_period(
    trades: Sequence[Trade], timezone: tzinfo, period_of: Callable[[date], date]
) -> list[dict[str, Any]]:
    periods: dict[date, dict[str, Any]] = {}
    for trade in trades:
        start = period_of(trade.closed_at.astimezone(timezone).date())
        row = periods.setdefault(start, {"date": start, "pnl": ZERO, "trades": 0})
        row["pnl"] += trade.net
        row["trades"] += 1
    return [periods[start] for start in sorted(periods)]


def _equity_curve(trades: Sequence[Trade]) -> list[dict[str, Any]]:
    curve: list[dict[str, Any]] = []
    equity = ZERO
    for trade in trades:
        equity += trade.net
        curve.append({"t": trade.closed_at, "pnl": equity})
    return curve


def _max_drawdown(equity: Sequence[Decimal]) -> Decimal:
    peak = deepest = ZERO
    for value in equity:
        peak = max(peak, value)
        deepest = max(deepest, peak - value)
    return deepest


def _sharpe_ratio(days: Sequence[Decimal]) -> Decimal | None:
    if len(days) < 2:
        return None
    mean = sum(days, ZERO) / len(days)
    variance = sum(((day - mean) ** 2 for day in days), ZERO) / (len(days) - 1)
    if not variance:
        return None
    return _rounded(mean / variance.sqrt() * TRADING_DAYS.sqrt())


def _extreme(daily: Sequence[dict[str, Any]], choose: Callable[..., dict[str, Any]]) -> dict[str, Any] | None:
    if not daily:
        return None
    day = choose(daily, key=lambda row: row["pnl"])
    return {"date": day["date"], "pnl": day["pnl"]}
