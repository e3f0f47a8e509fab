"""Numbers, times and small pieces of markup, formatted in one way. ``static/js/format.js`` does the same for live values."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from strategies.models import Strategy
from strategies.selectors import webhook_url_of
from tradeproject.common.clock import iso, parse_iso
from tradeproject.common.money import plain, to_decimal

register = template.Library()

NOTHING = "–"
MINUS = "−"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
CENT = Decimal("0.01")

TONES = {
    # orders
    "pending": "calm",
    "denied": "warn",
    "submitted": "busy",
    "unknown": "warn",
    "rejected": "bad",
    "accepted": "busy",
    "partially_filled": "busy",
    "filled": "good",
    "pending_cancel": "busy",
    "canceled": "calm",
    "expired": "calm",
    # signals
    "ignored": "calm",
    "dry_run": "info",
    # logins and their streams
    "connected": "good",
    "live": "good",
    "open": "good",
    "connecting": "busy",
    "needs_reauthorization": "bad",
    "disabled": "calm",
    "error": "bad",
    "down": "warn",
    "closed": "calm",
    # switches
    "running": "good",
    "reducing": "warn",
    "halted": "bad",
    # a halt
    "blocked": "warn",
    "canceling": "busy",
    "flattening": "busy",
    "verified": "good",
    "needs_you": "bad",
    # positions
    "stopped_out": "bad",
    "target_hit": "good",
    "synced": "good",
    "drifted": "warn",
}
WORDS = {
    "needs_reauthorization": "login needed",
    "partially_filled": "partly filled",
    "pending_cancel": "cancel asked",
    "dry_run": "dry run",
    "stopped_out": "stopped out",
    "target_hit": "target hit",
    "reducing": "exits only",
}


def _number(value: Any) -> Decimal | None:
    if value in (None, ""):
        return None
    try:
        return to_decimal(value)
    except ValueError:
        return None


def _grouped(number: Decimal, least: int = 0) -> str:
    """Thousands grouped, without trailing zeros beyond ``least`` decimals."""
    whole, _, fraction = (plain(abs(number)) or "0").partition(".")
    fraction = fraction.ljust(least, "0")
    return f"{int(whole):,}" + (f".{fraction}" if fraction else "")


@register.filter
def money(value: Any, currency: str = "USD") -> str:
    """``-1234.5`` as ``−$1,234.50``; an unknown currency is named by its code."""
    number = _number(value)
    if number is None:
        return NOTHING
    cents = number.quantize(CENT, rounding=ROUND_HALF_EVEN)
    symbol = SYMBOLS.get(currency, f"{currency} " if currency else "")
    return (MINUS if cents < 0 else "") + symbol + _grouped(cents, 2)


@register.filter
def signed_money(value: Any, currency: str = "USD") -> str:
    """As ``money``, with a plus on gains."""
    number = _number(value)
    text = money(number, currency)
    return f"+{text}" if number is not None and number.quantize(CENT, rounding=ROUND_HALF_EVEN) > 0 else text


@register.filter
def price(value: Any) -> str:
    number = _number(value)
    return NOTHING if number is None else (MINUS if number < 0 else "") + _grouped(number, 2)


@register.filter
def quantity(value: Any) -> str:
    number = _number(value)
    return NOTHING if number is None else (MINUS if number < 0 else "") + _grouped(number)


@register.filter
def percent(value: Any) -> str:
    number = _number(value)
    return NOTHING if number is None else f"{_grouped(number.quantize(Decimal('0.1')), 1)} %"


@register.filter
def ratio(value: Any) -> str:
    number = _number(value)
    if number is None:
        return NOTHING
    return (MINUS if number < 0 else "") + _grouped(number.quantize(CENT), 2)


@register.filter
def milliseconds(value: Any) -> str:
    """Milliseconds as people read them: ``3.2 ms``, ``120 ms``, ``2.4 s``."""
    number = _number(value)
    if number is None:
        return NOTHING
    if abs(number) < 10:
        return f"{number:.1f} ms"
    return f"{number:.0f} ms" if abs(number) < 1000 else f"{number / 1000:.1f} s"


@register.filter
def span(value: Any) -> str:
    """Seconds, or a timedelta, in its two largest units: ``1d 4h``, ``3h 12m``, ``4m 05s``, ``12s``."""
    if value is None or value == "":
        return NOTHING
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else Decimal(str(value)))
    minutes, rest = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {rest:02d}s" if minutes else f"{rest}s"


def _time(moment: datetime | None, kind: str, text: str) -> SafeString | str:
    if moment is None:
        return NOTHING
    full = date_format(timezone.localtime(moment), "Y-m-d H:i:s T")
    return format_html(
        '<time datetime="{}" title="{}" data-time="{}">{}</time>', iso(moment), full, kind, text
    )


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago, kept current by the page: ``12s ago``."""
    if moment is None:
        return NOTHING
    return _time(moment, "ago", f"{span(timezone.now() - moment)} ago")


@register.filter
def since(moment: datetime | None) -> SafeString | str:
    """How long something has lasted, kept current by the page."""
    return NOTHING if moment is None else _time(moment, "since", span(timezone.now() - moment))


@register.filter
def until(moment: datetime | None) -> SafeString | str:
    """A countdown, kept current by the page: ``in 3h 12m``, or ``expired``."""
    if moment is None:
        return NOTHING
    left = moment - timezone.now()
    return _time(moment, "until", f"in {span(left)}" if left > timedelta(0) else "expired")


@register.filter
def clock(moment: datetime | None) -> SafeString | str:
    """A time of the user's day, with its date when that is not today."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    today = local.date() == timezone.localtime().date()
    return _time(moment, "clock", date_format(local, "H:i:s" if today else "M j, H:i"))


@register.filter
def tone(status: str) -> str:
    return TONES.get(str(status), "calm")


@register.filter
def words(status: str) -> str:
    text = str(status)
    return WORDS.get(text, text.replace("_", " "))


@register.filter
def direction(value: Any) -> str:
    """``up``, ``down`` or ``flat``, as the stylesheet and the browser name it."""
    number = _number(value)
    cents = number.quantize(CENT, rounding=ROUND_HALF_EVEN) if number is not None else Decimal(0)
    return "up" if cents > 0 else "down" if cents < 0 else "flat"


@register.filter
def side_word(side: str) -> str:
    return {"buy": "Long", "sell": "Short"}.get(str(side).lower(), str(side).capitalize())


@register.filter
def moment(text: Any) -> datetime | None:
    """A time of the API (ISO text) as a time."""
    return parse_iso(text) if isinstance(text, str) and text else text or None


SOURCES = {
    "quote": "valued at live quotes",
    "quotes": "valued at live quotes",
    "broker": "the broker's own figure",
    "mixed": "live quotes, and the broker's figure where there is none",
    "none": "no price known yet",
}


@register.filter
def source_words(source: Any) -> str:
    """From where open profit comes."""
    return SOURCES.get(str(source), str(source))


@register.filter
def plain_number(value: Any) -> str:
    """A number as it is typed: no grouping, no trailing zeros; nothing for none."""
    number = _number(value)
    return "" if number is None else plain(number) or ""


@register.filter
def webhook_url(strategy: Strategy) -> str:
    return webhook_url_of(strategy)


@register.filter
def webhook_start(url: str) -> str:
    """The part of a webhook's address that is no secret."""
    return url.rsplit("/", 1)[0] + "/"


@register.filter
def own_fills(fills: list[dict[str, Any]]) -> int:
    """How many executions an order had itself; those of its stop or target stand in the same list."""
    return sum(1 for fill in fills if fill["leg"] is None)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """``mapping[key]``, or nothing."""
    try:
        return mapping[key]
    except (KeyError, IndexError, TypeError):
        return ""


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A picture of the sprite; without a label it is decoration."""
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"/></svg>', label, _sprite(), name
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', _sprite(), name)


def _sprite() -> str:
    return static("img/sprite.svg")


@register.simple_tag
def pill(status: str, text: str = "") -> SafeString:
    """A status as a coloured word with a dot."""
    return format_html('<span class="pill pill-{}">{}</span>', tone(status), text or words(status))


@register.simple_tag
def pnl(value: Any, currency: str = "USD", field: str = "") -> SafeString:
    """Money gained or lost. With ``field`` the page keeps it current."""
    live = format_html(' data-field="{}" data-as="pnl" data-currency="{}"', field, currency) if field else ""
    return format_html(
        '<span class="pnl pnl-{}"{}>{}</span>', direction(value), live, signed_money(value, currency)
    )
