"""From a request's bytes to an alert: pure, deterministic, and without guessing at a side or a size.

decode (UTF-8, no control characters) → one JSON object (strict, then the harmless repairs) → format → typed fields →
does it make sense. Every way out is a ``Parsed``; nothing raises.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from strategies.webhooks.alert import Alert
from strategies.webhooks.decode import decode_text, load_object
from strategies.webhooks.fields import Fields, find_secret, normal_key
from strategies.webhooks.formats import AUTO, choose
from strategies.webhooks.formats.base import Format, read_extras, refuse_lost_protection
from strategies.webhooks.formats.foreign import refuse_foreign_text
from strategies.webhooks.refusal import Refusal, printable
from strategies.webhooks.rules import check_meaning

MAX_NOTES = 20
MAX_NOTE = 200
_STRATEGY_NAMES = frozenset({"strategy", "strategyname", "recorder"})


@dataclass(frozen=True, slots=True)
class ParseError:
    """Why there is no alert: a code for programs, and a sentence that says what happened and what to do next."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a body turned out to be: an alert or an error. ``secret`` and ``strategy_name`` are told in either case.

    ``secret`` is what a generic alert authenticates with (key, token, secret or passphrase); it is in no other field.
    """

    alert: Alert | None = None
    error: ParseError | None = None
    format: str = ""
    repairs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    secret: str = ""
    strategy_name: str = ""

    @property
    def notes(self) -> list[str]:
        """Repairs and warnings together, as answers list them."""
        return [*(f"repaired: {repair}" for repair in self.repairs), *self.warnings]


def parse(body: bytes, *, pinned: str = AUTO, repair: bool = True, symbol: str = "") -> Parsed:
    """Read one alert. ``pinned`` is a format's name or "auto"; ``symbol`` stands in for a ticker that is not sent."""
    try:
        text = decode_text(body)
    except Refusal as refusal:
        return Parsed(error=ParseError(refusal.code, refusal.message))
    try:
        data, repairs = load_object(text, repair=repair)
    except Refusal as refusal:
        refusal = _named(refusal, text)
        return Parsed(error=ParseError(refusal.code, refusal.message))
    return _read(data, pinned, symbol, tuple(repairs))


def _named(refusal: Refusal, text: str) -> Refusal:
    """A text that is no JSON may still be another service's format; say so then."""
    if refusal.code != "malformed_json" or text.startswith(("{", "[")):
        return refusal
    try:
        refuse_foreign_text(text)
    except Refusal as foreign:
        return foreign
    return refusal


def _read(data: dict[str, Any], pinned: str, symbol: str, repairs: tuple[str, ...]) -> Parsed:
    warnings: list[str] = []
    common: dict[str, Any] = {"repairs": repairs, "secret": find_secret(data)}
    found: Format | None = None
    try:
        found = choose(data, pinned)
        fields = Fields(data, warnings=warnings)
        alert = _finished(found.read(fields), fields, symbol)
        warnings.extend(check_meaning(alert))
    except Refusal as refusal:
        common["strategy_name"] = _strategy_name(data)
        error = ParseError(refusal.code, refusal.message)
        name = found.name if found else ""
        return Parsed(error=error, format=name, warnings=_notes(warnings), **common)
    common["strategy_name"] = alert.strategy_name
    return Parsed(alert=alert, format=found.name, warnings=_notes(warnings), **common)


def _finished(alert: Alert, fields: Fields, symbol: str) -> Alert:
    refuse_lost_protection(fields, alert)
    if not alert.ticker and not symbol:
        raise Refusal(
            "missing_ticker",
            "The alert names no instrument and neither does its strategy. Send ticker, or set the strategy's symbol.",
        )
    return replace(alert, ticker=alert.ticker or symbol.strip().upper(), extras=read_extras(fields))


def _strategy_name(data: dict[str, Any]) -> str:
    """The strategy's name out of an object that could not be read as an alert."""
    value = next((item for key, item in data.items() if normal_key(key) in _STRATEGY_NAMES), "")
    return value.strip() if isinstance(value, str) else ""


def _notes(warnings: list[str]) -> tuple[str, ...]:
    """Warnings fit to be shown: they name fields, and a field's name is whatever somebody sent."""
    return tuple(printable(warning)[:MAX_NOTE] for warning in warnings[:MAX_NOTES])
