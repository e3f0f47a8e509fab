"""The strategy form. It shows and explains; what may stand in a field is decided by ``strategies.services`` alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from brokers.models import BrokerAccount
from strategies.execution.exchanges import EXCHANGES
from strategies.models import Allocation, Strategy
from strategies.webhooks.formats import AUTO, SUPPORTED
from tradeproject.common.money import parse_plain, plain

FORMATS = [(AUTO, "Detect it (recommended)"), *((name, name) for name in SUPPORTED)]
SIZES = ("max_order_quantity", "max_position", "max_fan_out", "price_collar_percent", "max_signal_age")
COUNTS = ("max_orders_per_day", "max_trades_per_day", "max_orders_per_minute")
LOSSES = ("max_daily_loss", "max_drawdown")
ADDS = ("max_adds",)
RISKS = (*SIZES, *COUNTS, *LOSSES, *ADDS)
TRUTHS = ("flatten_on_breach", "no_average_down")
WINDOW = ("start", "end", "timezone", "exchange")
GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("What it trades", "", ("name", "symbol", "strat_type", "directional_strategy")),
    (
        "Orders",
        "For entries that wait in the market for their price.",
        ("time_in_force",),
    ),
    (
        "How much",
        "Quantity on an account = size × allocation multiplier × account multiplier, rounded down, then capped.",
        ("position_size", "position_add", "trim"),
    ),
    (
        "Take profit and stop loss",
        "Placed at the broker together with the entry, measured from the real fill.",
        ("take_profit", "stop_loss", "tpsl_units"),
    ),
    (
        "Limits",
        "Checked before every order. They refuse entries and never exits. Empty means off.",
        (*SIZES, *COUNTS, *(f"session_{name}" for name in WINDOW)),
    ),
    (
        "Adding to a position",
        "Counted per account since it was last flat; an entry in several parts counts once.",
        (*ADDS, "no_average_down"),
    ),
    (
        "Losses",
        "Of all its accounts together, with open positions. When one is reached only exits go until the next day.",
        (*LOSSES, "flatten_on_breach"),
    ),
    ("Options only", "Used when the type is Options.", ("days_to_expiry", "strike_offset")),
    ("Alerts and recording", "", ("alert_format", "demo_account", "active", "recording_enabled")),
)


def _text(label: str, help_text: str, **attributes: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", **attributes})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=widget)


def _number(label: str, help_text: str) -> forms.CharField:
    return _text(label, help_text, inputmode="decimal")


class StrategyForm(forms.Form):
    """Every setting of the contract, as text; an empty number means "not set"."""

    name = _text("Name", "Must be yours alone; alerts of the generic webhook name it.")
    symbol = _text(
        "Symbol", "As on your chart: MNQ1! follows the front month, MNQZ2026 stays on one contract."
    )
    strat_type = forms.ChoiceField(label="Type", choices=Strategy.Kind.choices, required=False)
    directional_strategy = forms.ChoiceField(
        label="Direction",
        choices=Strategy.Direction.choices,
        required=False,
        help_text="Entries the other way are refused; exits always work.",
    )
    time_in_force = forms.ChoiceField(
        label="Entries stay valid",
        choices=[("", "until the day ends, unless the alert says otherwise"), ("gtc", "until canceled"),
                 ("ioc", "at once, the rest is canceled"), ("fok", "at once and whole, or not at all")],
        required=False,
        help_text="The alert's timeInForce wins.",
    )  # fmt: skip
    position_size = _number(
        "Position size", "Replaces the alert's quantity. Empty: the alert decides. 0 opens nothing."
    )
    position_add = _number(
        "Add size", "What a further entry in the same direction adds. Empty: the position size."
    )
    trim = forms.ChoiceField(
        label="Exits close",
        choices=[(Strategy.Trim.ALL, "All of the position"), (Strategy.Trim.PARTIAL, "The alert's quantity")],
        required=False,
        help_text="When an exit alert names a quantity.",
    )
    take_profit = _number("Take profit", "Empty: none from here.")
    stop_loss = _number("Stop loss", "If it cannot be placed, the entry is not sent.")
    tpsl_units = forms.ChoiceField(
        label="Measured in",
        choices=Strategy.Units.choices,
        required=False,
        help_text="Dollars are for the whole entry; percent is of the fill price.",
    )
    max_order_quantity = _number("Largest order", "An entry above it is refused, not cut.")
    max_position = _number("Largest position", "Per account, after the order.")
    max_signal_age = _text(
        "Oldest alert, seconds", "Entries older than this are refused.", inputmode="numeric"
    )
    max_fan_out = _number("Largest of all accounts", "Contracts of one alert over all accounts together.")
    price_collar_percent = _number("Price collar, %", "How far an entry's price may lie from the market.")
    max_orders_per_day = _text(
        "Alerts a day", "Carried out ones, on however many accounts.", inputmode="numeric"
    )
    max_trades_per_day = _text("Entries a day", "Alerts that enter a position.", inputmode="numeric")
    max_orders_per_minute = _text(
        "Alerts a minute", "One more halts the strategy until you resume it.", inputmode="numeric"
    )
    max_daily_loss = _number("Daily loss", "In the account's currency.")
    max_drawdown = _number("Drawdown", "Below the best it ever had since this was set.")
    max_adds = _text("Adds to a position", "After the first entry. 0: never add.", inputmode="numeric")
    no_average_down = forms.BooleanField(label="Never add to a position that loses", required=False)
    flatten_on_breach = forms.BooleanField(label="Close positions when one is reached", required=False)
    session_start = _text("Trading from", "For example 09:30.", placeholder="09:30")
    session_end = _text("Trading until", "Before the start means the next day.", placeholder="16:00")
    session_timezone = _text("Timezone of the window", "For example America/New_York.", placeholder="UTC")
    session_exchange = forms.ChoiceField(
        label="Exchange",
        choices=[("", "any hour"), *((name, name) for name in EXCHANGES)],
        required=False,
        help_text="Must be open too, on its own calendar. Without times above it alone decides.",
    )
    days_to_expiry = _text(
        "Days to expiry", "The nearest expiry at least this far away.", inputmode="numeric"
    )
    strike_offset = _text("Strike offset", "Strikes away from the money; negative is in the money.")
    alert_format = forms.ChoiceField(
        label="Alert format",
        choices=FORMATS,
        required=False,
        help_text="Pin it when all alerts come from one sender.",
    )
    demo_account = forms.ChoiceField(
        label="Also record trades made by hand on",
        required=False,
        help_text="What is traded there outside of this product counts for this strategy while it records.",
    )
    active = forms.BooleanField(label="Switched on: alerts are carried out", required=False)
    recording_enabled = forms.BooleanField(label="Recording on", required=False)

    def __init__(
        self, data: Any = None, *, accounts: Iterable[BrokerAccount], strategy: Strategy | None
    ) -> None:
        super().__init__(data, initial=initial_of(strategy))
        choices = [("", "no account"), *((str(account.pk), str(account)) for account in accounts)]
        self.fields["demo_account"].choices = choices  # type: ignore[attr-defined]

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The form in the order it is shown."""
        return [
            {"title": title, "note": note, "fields": [self[name] for name in names]}
            for title, note, names in GROUPS
        ]

    def values(self) -> dict[str, Any]:
        """What was typed in, as ``create_strategy`` and ``update_strategy`` take it."""
        given = self.data
        values: dict[str, Any] = {
            name: _or_none(given.get(name))
            for name in self.fields
            if name not in {*RISKS, *TRUTHS} and not name.startswith("session_")
        }
        values |= {name: name in given for name in ("active", "recording_enabled")}
        for name in ("name", "symbol"):
            values[name] = given.get(name, "")
        values["risk"] = {name: _or_none(given.get(name)) for name in RISKS} | {
            "session": _window(given),
            **{name: True if name in given else None for name in TRUTHS},
        }
        return values

    def take_errors(self, error: ValidationError) -> dict[str, list[str]]:
        """Put the service's complaints at their fields. Returns those that belong to the table of accounts."""
        others: dict[str, list[str]] = {}
        for path, sentences in _by_path(error).items():
            name = path.removeprefix("risk.")
            name = "session_start" if name == "session" else name
            if name.startswith("allocations"):
                others[name] = sentences
            else:
                for sentence in sentences:
                    self.add_error(name if name in self.fields else None, sentence)
        return others


def _by_path(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"": error.messages}


def _or_none(text: Any) -> str | None:
    cleaned = str(text or "").strip()
    return cleaned or None


def _window(given: Mapping[str, Any]) -> dict[str, Any] | None:
    found = {name: _or_none(given.get(f"session_{name}")) for name in WINDOW}
    if not any(found.values()):
        return None
    return {name: value for name, value in found.items() if value is not None}


def initial_of(strategy: Strategy | None) -> dict[str, Any]:
    """The fields of a stored strategy as text; of none, the defaults of a new one."""
    shown = strategy or Strategy()
    risk = shown.risk or {}
    numbers = ("position_size", "position_add", "take_profit", "stop_loss")
    texts = (
        "name",
        "symbol",
        "strat_type",
        "directional_strategy",
        "time_in_force",
        "trim",
        "tpsl_units",
        "alert_format",
    )
    window = risk.get("session") or {}
    return {
        **{name: getattr(shown, name) for name in (*texts, "days_to_expiry", "strike_offset", "active")},
        **{name: plain(getattr(shown, name)) for name in numbers},
        **{name: risk.get(name) for name in (*RISKS, *TRUTHS)},
        **{f"session_{name}": window.get(name) for name in WINDOW},
        "recording_enabled": shown.recording_enabled,
        "demo_account": str(shown.demo_account_id or ""),
    }


# --- the table of accounts ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class AllocationRow:
    """One account in the table: whether it follows, and on which terms, as text."""

    account: BrokerAccount
    follows: bool = False
    multiplier: str = "1"
    max_contracts: str = ""
    stored: bool = False
    errors: list[str] = field(default_factory=list)


def allocation_rows(
    accounts: Iterable[BrokerAccount], stored: Iterable[Allocation], data: Mapping[str, Any] | None = None
) -> list[AllocationRow]:
    """A row per account: as typed in when ``data`` is given, else as stored."""
    known = {row.broker_account_id: row for row in stored}
    return [_row(account, known.get(account.pk), data) for account in accounts]


def _row(account: BrokerAccount, stored: Allocation | None, data: Mapping[str, Any] | None) -> AllocationRow:
    if data is not None:
        key = str(account.pk)
        return AllocationRow(
            account,
            f"follow-{key}" in data,
            str(data.get(f"multiplier-{key}", "1")).strip(),
            str(data.get(f"max-{key}", "")).strip(),
            stored is not None,
        )
    if stored is None:
        return AllocationRow(account)
    return AllocationRow(
        account,
        stored.enabled,
        plain(stored.multiplier) or "1",
        plain(stored.max_contracts) or "",
        stored=True,
    )


def allocation_items(rows: Iterable[AllocationRow]) -> list[dict[str, Any]]:
    """What ``set_allocations`` takes. An account that no longer follows keeps its terms, switched off."""
    return [
        {
            "broker_account": str(row.account.pk),
            "multiplier": row.multiplier or "1",
            "max_contracts": row.max_contracts or None,
            "enabled": row.follows,
        }
        for row in rows
        if row.follows or row.stored
    ]


def put_row_errors(rows: list[AllocationRow], errors: Mapping[str, list[str]]) -> None:
    """``allocations.3.multiplier`` belongs to the fourth of the rows that were sent."""
    sent = [row for row in rows if row.follows or row.stored]
    for path, sentences in errors.items():
        index = path.split(".")[1] if "." in path else ""
        target = sent[int(index)] if index.isdigit() and int(index) < len(sent) else None
        if target is not None:
            target.errors.extend(sentences)


def decimal_or_none(text: Any) -> Decimal | None:
    """What a half-typed field may hold: a number, or nothing usable."""
    try:
        number = parse_plain(str(text or ""))
    except ValueError:
        return None
    return number if number >= 0 else None
