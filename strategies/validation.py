"""What may stand in a strategy. Every field has one cleaner; all problems of an input are told at once.

A missing field stays as it is, null means "not set", zero means zero. Numbers come as text or JSON numbers and are kept
as Decimals; enumerations are read whatever their case and kept as the contract spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import TextChoices

from brokers.domain import TimeInForce
from strategies.execution.sessions import exchange_of, parse_window
from strategies.models import Strategy
from strategies.webhooks.formats import AUTO, SUPPORTED
from tradeproject.common.clock import iso, parse_iso
from tradeproject.common.money import plain, to_decimal

Cleaner = Callable[[Any], Any]

MAX_BLACKOUTS = 50
_DIGITS = 24
_SESSION_KEYS = frozenset({"start", "end", "timezone", "days", "exchange"})


# --- single values --------------------------------------------------------------------------------------------------


def text(label: str, longest: int) -> Cleaner:
    def clean(value: Any) -> str:
        found = value.strip() if isinstance(value, str) else ""
        if not found:
            raise ValidationError(f"{label} is needed. Give 1 to {longest} printable characters.")
        if len(found) > longest or not found.isprintable():
            raise ValidationError(f"{label} takes 1 to {longest} printable characters.")
        return found

    return clean


def choice(choices: type[TextChoices]) -> Cleaner:
    spellings = {value.lower(): value for value in choices.values}

    def clean(value: Any) -> str:
        found = spellings.get(value.strip().lower()) if isinstance(value, str) else None
        if found is None:
            raise ValidationError(f"{str(value)[:40]!r} is none of: {', '.join(choices.values)}.")
        return found

    return clean


def decimal(places: int, *, above_zero: bool = False, largest: Decimal | None = None) -> Cleaner:
    """A number of at most ``places`` decimals, zero or more; or null."""
    least = "more than zero, or empty for none" if above_zero else "zero or more, or empty for none"

    def clean(value: Any) -> Decimal | None:
        if value is None:
            return None
        try:
            number = to_decimal(value)
        except ValueError:
            raise ValidationError(f"{str(value)[:40]!r} is not a plain decimal number.") from None
        if number < 0 or (above_zero and not number):
            raise ValidationError(f"It must be {least}.")
        if largest is not None and number > largest:
            raise ValidationError(f"It must be at most {plain(largest)}.")
        return _fitting(number, places)

    return clean


def _fitting(number: Decimal, places: int) -> Decimal:
    """Refuse what the database could not keep exactly."""
    if number >= Decimal(10) ** (_DIGITS - places):
        raise ValidationError(f"It has more than {_DIGITS - places} digits before the point.")
    kept = number.quantize(Decimal(1).scaleb(-places))
    if kept != number:
        raise ValidationError(f"It has more than {places} decimals.")
    return number


def whole(least: int, most: int, *, off: str = "or empty for none") -> Cleaner:
    def clean(value: Any) -> int | None:
        if value is None:
            return None
        try:
            number = to_decimal(value)
        except ValueError:
            raise ValidationError(f"{str(value)[:40]!r} is not a whole number.") from None
        if number != number.to_integral_value() or not least <= number <= most:
            raise ValidationError(f"It must be a whole number from {least} to {most}, {off}.")
        return int(number)

    return clean


def boolean(value: Any) -> bool:
    words = {"true": True, "false": False}
    found = value if isinstance(value, bool) else words.get(str(value).strip().lower())
    if found is None:
        raise ValidationError("It must be true or false.")
    return found


def time_in_force(value: Any) -> str | None:
    """Of entries whose alert does not say; null = day."""
    name = str(value or "").strip().lower()
    if name and name not in set(TimeInForce):
        raise ValidationError(f"{name[:40]!r} is none of: {', '.join(TimeInForce)}.")
    return name or None


def alert_format(value: Any) -> str:
    name = str(value).strip().lower()
    if name != AUTO and name not in SUPPORTED:
        raise ValidationError(f"{name[:40]!r} is none of: {', '.join([AUTO, *SUPPORTED])}.")
    return name


# --- risk -------------------------------------------------------------------------------------------------------------


def _amount(places: int, largest: Decimal | None = None) -> Cleaner:
    """A limit above zero, kept in JSON as text."""
    number = decimal(places, above_zero=True, largest=largest)
    return lambda value: plain(number(value))


def _limit(most: int) -> Cleaner:
    return whole(1, most, off="or empty for none")


def session(value: Any) -> dict[str, Any] | None:
    """A trading window: {"start","end"} as HH:MM, "timezone" and "days" (0 = Monday) as wished, or an "exchange"; or null."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or value.keys() - _SESSION_KEYS:
        raise ValidationError(f"A session has only {', '.join(sorted(_SESSION_KEYS))}.")
    try:
        start, end, zone, days = parse_window(value)
    except ValueError as error:
        raise ValidationError(str(error)) from None
    found = {"start": start.strftime("%H:%M"), "end": end.strftime("%H:%M")}
    exchange = exchange_of(value)
    named = {"exchange": exchange.name} if exchange is not None else {}
    return {**found, "timezone": str(zone), "days": sorted(days), **named}


def blackout(value: Any) -> list[dict[str, str | None]] | None:
    """Times without entries: a list of {"start","end"} as ISO instants; or null."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > MAX_BLACKOUTS:
        raise ValidationError(f'A blackout is a list of at most {MAX_BLACKOUTS} {{"start","end"}}.')
    return [_span(item) for item in value]


def _span(item: Any) -> dict[str, str | None]:
    if not isinstance(item, Mapping) or set(item) != {"start", "end"}:
        raise ValidationError('Each blackout has exactly "start" and "end".')
    try:
        start, end = parse_iso(str(item["start"])), parse_iso(str(item["end"]))
    except ValueError as error:
        raise ValidationError(f"{error}. Write it as 2026-12-24T18:00:00Z.") from None
    if end <= start:
        raise ValidationError("A blackout must end after its start.")
    return {"start": iso(start), "end": iso(end)}


def clock(value: Any) -> dict[str, str] | None:
    """A time of day: {"time": "17:00", "timezone": "America/Chicago"}; or null."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or "time" not in value or value.keys() - {"time", "timezone"}:
        raise ValidationError('It has "time" as HH:MM, and "timezone" as wished.')
    window = {"start": value["time"], "end": value["time"], "timezone": value.get("timezone") or "UTC"}
    try:
        start, _, zone, _ = parse_window(window)
    except ValueError:
        raise ValidationError('"time" is HH:MM, "timezone" one such as America/Chicago.') from None
    return {"time": start.strftime("%H:%M"), "timezone": str(zone)}


def _yes(value: Any) -> bool | None:
    return None if value is None else boolean(value)


_percent = _amount(4, Decimal(100))

# What one order, or one strategy or account, may do: the same names at every scope.
LIMITS: dict[str, Cleaner] = {
    "max_order_quantity": _amount(8),
    "max_position": _amount(8),
    "max_orders_per_day": _limit(1_000_000),
    "max_orders_per_minute": _limit(100_000),
    "max_daily_loss": _amount(4),
    "max_drawdown": _amount(4),
    "max_signal_age": _limit(86_400),
    "price_collar_percent": _percent,
    "session": session,
    "blackout": blackout,
    "max_trades_per_day": _limit(1_000_000),
    "max_reversals_per_minute": _limit(100_000),
    "max_orders_per_second": _amount(4),
    "max_alerts_per_second": _amount(4),
    "max_working_orders": _limit(100_000),
    "max_rejects_in_a_row": _limit(100_000),
    "max_order_notional": _amount(4),
    "max_margin_percent": _percent,
    "margin_per_contract": _amount(4),
    "max_quote_age": _limit(86_400),
    "max_spread_percent": _percent,
    "max_fan_out": _amount(8),
    "max_adds": whole(0, 1000),
    "no_average_down": _yes,
    "flatten_on_breach": _yes,
    "day_start": clock,
    "lock_until": clock,
}
# Those that are measured on an account or a user, and on no single strategy.
NOT_A_STRATEGYS = frozenset(
    {"max_orders_per_second", "max_alerts_per_second", "max_working_orders", "max_rejects_in_a_row"}
)
RISK = {name: cleaner for name, cleaner in LIMITS.items() if name not in NOT_A_STRATEGYS}


def risk(value: Any) -> dict[str, Any]:
    """A strategy's limits that were given; a null one is kept as null, so that it can switch off what was set."""
    return dict.fromkeys(RISK) if value is None else _named(value, RISK)


def clean_limits(value: Any) -> dict[str, Any]:
    """The same of a user or an account. Raises ValidationError as {limit: [sentences]}."""
    return _named(value, LIMITS)


def _named(value: Any, cleaners: Mapping[str, Cleaner]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValidationError("It must be an object of limits.")
    unknown = sorted(str(name)[:40] for name in value if name not in cleaners)
    errors = {name: f"There is no such limit. Known: {', '.join(cleaners)}." for name in unknown}
    return _clean_all({name: value[name] for name in cleaners if name in value}, cleaners, errors)


# --- the whole --------------------------------------------------------------------------------------------------------


FIELDS: dict[str, Cleaner] = {
    "name": text("A name", 120),
    "symbol": text("A symbol", 64),
    "strat_type": choice(Strategy.Kind),
    "position_size": decimal(8),
    "position_add": decimal(8),
    "take_profit": decimal(10),
    "stop_loss": decimal(10),
    "tpsl_units": choice(Strategy.Units),
    "trim": choice(Strategy.Trim),
    "directional_strategy": choice(Strategy.Direction),
    "time_in_force": time_in_force,
    "days_to_expiry": whole(0, 3650),
    "strike_offset": whole(-1000, 1000),
    "active": boolean,
    "recording_enabled": boolean,
    "risk": risk,
    "alert_format": alert_format,
}

ALLOCATION: dict[str, Cleaner] = {
    "multiplier": decimal(8),
    "max_contracts": decimal(8),
    "enabled": boolean,
}


def clean_strategy(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields among ``values`` that a strategy has, cleaned. Raises ValidationError as {field path: [sentences]}."""
    return _clean_all({name: values[name] for name in FIELDS if name in values}, FIELDS, {})


def clean_allocation(values: Mapping[str, Any]) -> dict[str, Any]:
    found = _clean_all({name: values[name] for name in ALLOCATION if name in values}, ALLOCATION, {})
    if found.get("multiplier", Decimal(1)) is None:
        raise ValidationError({"multiplier": "It must be zero or more; leave it out for 1."})
    return found


def _clean_all(
    values: Mapping[str, Any], cleaners: Mapping[str, Cleaner], errors: dict[str, Any]
) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        try:
            cleaned[name] = cleaners[name](value)
        except ValidationError as error:
            errors.update(under(name, error))
    if errors:
        raise ValidationError(errors)
    return cleaned


def under(name: str, error: ValidationError) -> dict[str, list[str]]:
    """The problems of a part as problems of the whole: {"session": …} of ``risk`` becomes "risk.session"."""
    if hasattr(error, "error_dict"):
        return {f"{name}.{field}": messages for field, messages in error.message_dict.items()}
    return {name: error.messages}
