"""Typed reading of an alert's fields, the same for every format.

Names are compared without case, underscores, hyphens and blanks, so ``takeProfit`` and ``take_profit`` are one name.
Several names for one thing may be present as long as they agree. What was read is remembered: the rest is free text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from strategies.webhooks.decode import unresolved
from strategies.webhooks.refusal import Refusal, shown
from tradeproject.common.clock import parse_iso

_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,10})?", re.ASCII)
_EPOCH = re.compile(r"\d{10}(\d{3})?", re.ASCII)
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)")
_LIMIT = Decimal(10) ** 15
_BLANK = frozenset({"", "nan", "na", "n/a", "null", "none", "undefined"})
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_SECRETS = ("key", "token", "secret", "passphrase")
_HIDDEN = frozenset({*_SECRETS, "apikey", "password", "passwd", "webhooksecret", "authtoken", "accesstoken"})

E = TypeVar("E", bound=StrEnum)


@lru_cache(maxsize=1024)
def normal_key(key: str) -> str:
    return key.strip().replace("_", "").replace("-", "").replace(" ", "").lower()


def is_blank(value: Any) -> bool:
    """Nothing, or what TradingView writes for nothing (the text NaN for an empty plot)."""
    return value is None or (isinstance(value, str) and value.strip().lower() in _BLANK)


def find_secret(data: Mapping[str, Any]) -> str:
    """The secret that a generic alert carries, or "". The first of key, token, secret and passphrase that is text."""
    by_name = {normal_key(key): value for key, value in data.items()}
    return next((value for name in _SECRETS if isinstance(value := by_name.get(name), str) and value), "")


def storable(value: Any) -> Any:
    """``value`` as plain JSON: numbers that are not whole as text, and nothing whose name says that it is a secret."""
    if isinstance(value, dict):
        return {key: storable(item) for key, item in value.items() if normal_key(key) not in _HIDDEN}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def _as_number(value: Any) -> Decimal | None:
    """The number meant, or None when there could be two opinions about it."""
    if isinstance(value, str):
        text = value.strip()
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    return number if abs(number) < _LIMIT and isinstance(exponent, int) and exponent >= -10 else None


def _agree(first: Any, second: Any) -> bool:
    if str(first).strip().lower() == str(second).strip().lower():
        return True
    one, other = _as_number(first), _as_number(second)
    return one is not None and one == other


class Fields:
    """One level of an alert's JSON. Every reader raises Refusal, or notes a warning and answers None."""

    def __init__(self, data: Mapping[str, Any], *, warnings: list[str] | None = None) -> None:
        self.warnings: list[str] = [] if warnings is None else warnings
        self._values: dict[str, tuple[str, Any]] = {}
        self._used: set[str] = set()
        for key, value in data.items():
            name = normal_key(key)
            if name in _HIDDEN:
                continue
            earlier = self._values.get(name)
            if earlier is not None and not _agree(earlier[1], value):
                raise self._conflict(earlier[0], key)
            self._values[name] = (key, value)

    @staticmethod
    def _conflict(first: str, second: str) -> Refusal:
        return Refusal(
            "conflicting_fields",
            f"{shown(first)} and {shown(second)} mean the same but differ. Send only one of them.",
        )

    def has(self, *names: str) -> bool:
        """Whether any of the names is there with a value other than null."""
        return any(name in self._values and self._values[name][1] is not None for name in names)

    def take(self, *names: str) -> tuple[str, Any] | None:
        """The field under any of these names, as (name as sent, value); null counts as absent."""
        found: tuple[str, Any] | None = None
        for name in names:
            item = self._values.get(name)
            if item is None:
                continue
            self._used.add(name)
            if item[1] is None or (found is not None and is_blank(item[1])):
                continue
            if found is not None and not is_blank(found[1]) and not _agree(found[1], item[1]):
                raise self._conflict(found[0], item[0])
            found = item
        return found

    def rest(self) -> dict[str, Any]:
        """What nobody read, under the names it was sent with."""
        return dict(item for _, item in self.unread())

    def unread(self) -> list[tuple[str, tuple[str, Any]]]:
        """(normalised name, (name as sent, value)) of everything that nobody read."""
        return [item for item in self._values.items() if item[0] not in self._used]

    # --- readers --------------------------------------------------------------------------------------------------

    def text(self, *names: str, code: str = "invalid_text", limit: int = 120) -> str:
        """A word that matters, trimmed; "" when absent or blank."""
        item = self.take(*names)
        if item is None:
            return ""
        key, value = item
        if isinstance(value, bool | dict | list):
            raise Refusal(code, f"{shown(key)} is not a text. Send it as a text in quotes.")
        text = str(value).strip()
        self.refuse_placeholder(text)
        if len(text) > limit:
            raise Refusal(code, f"{shown(key)} is longer than {limit} characters. Shorten it.")
        return "" if text.lower() in _BLANK else text

    def free_text(self, *names: str, limit: int = 120) -> str:
        """A word that is only kept and shown: anything goes, what is odd gets a warning."""
        item = self.take(*names)
        if item is None or isinstance(item[1], dict | list):
            return ""
        text = str(item[1]).strip()
        self.warn_placeholder(item[0], text)
        return "" if text.lower() in _BLANK else text[:limit]

    def number(
        self,
        *names: str,
        code: str = "invalid_number",
        asked: bool = False,
        zero: bool = False,
        signed: bool = False,
    ) -> Decimal | None:
        """A finite number. With ``asked`` a blank one is refused instead of counting as absent."""
        item = self.take(*names)
        if item is None:
            return None
        key, value = item
        if is_blank(value):
            if asked:
                raise Refusal(code, f"{shown(key)} is {_blank_word(value)}. {_BLANK_HELP}")
            self.warnings.append(f"{key} is {_blank_word(value)} and was left out")
            return None
        return self._checked_number(key, value, code, zero, signed)

    def _checked_number(self, key: str, value: Any, code: str, zero: bool, signed: bool) -> Decimal:
        if isinstance(value, str):
            self.refuse_placeholder(value)
        number = _as_number(value)
        if number is None:
            what = shown(value) if isinstance(value, str | int | Decimal) else "no number"
            raise Refusal(
                code,
                f"{shown(key)} is {what}, which can be read in more than one way or not at all. "
                "Send plain digits with at most one dot, such as 1050.25.",
            )
        if (number < 0 and not signed) or (number == 0 and not zero):
            raise Refusal(
                code,
                f"{shown(key)} is {number}; it must be more than zero. Send the right number or leave it out.",
            )
        return number

    def boolean(self, *names: str, code: str = "invalid_boolean") -> bool | None:
        item = self.take(*names)
        if item is None or is_blank(item[1]):
            return None
        key, value = item
        if isinstance(value, str):
            self.refuse_placeholder(value)
        word = str(value).strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise Refusal(code, f"{shown(key)} is neither true nor false. Send true or false.")

    def moment(self, *names: str) -> datetime | None:
        """A time in ISO-8601 or as Unix seconds or milliseconds; an unreadable one counts as absent, with a warning."""
        item = self.take(*names)
        if item is None:
            return None
        key, value = item
        text = str(value).strip()
        self.refuse_placeholder(text)
        try:
            if _EPOCH.fullmatch(text):
                return datetime.fromtimestamp(int(text[:10]), UTC).replace(
                    microsecond=int(text[10:] or 0) * 1000
                )
            return parse_iso(text)
        except ValueError:
            self.warnings.append(f"{key} is not a time and was left out; send {{{{timenow}}}}")
            return None

    def choice(self, words: Mapping[str, E], *names: str, code: str, known: str | None = None) -> E | None:
        """One of a closed set of words, whatever its case."""
        item = self.take(*names)
        if item is None or is_blank(item[1]):
            return None
        key, value = item
        if isinstance(value, str):
            self.refuse_placeholder(value)
        word = "" if isinstance(value, bool) else str(value).strip().lower()
        if word not in words:
            what = shown(value) if isinstance(value, str) else "not a word we know"
            raise Refusal(code, f"{shown(key)} is {what}. Send one of: {known or ', '.join(words)}.")
        return words[word]

    def object(self, *names: str) -> Any:
        item = self.take(*names)
        return None if item is None else item[1]

    # --- placeholders ---------------------------------------------------------------------------------------------

    @staticmethod
    def refuse_placeholder(text: str) -> None:
        if "{{" in text or "}}" in text:
            found = _PLACEHOLDER.search(text)
            raise unresolved(found[1] if found else text.replace("{", "").replace("}", ""))

    def warn_placeholder(self, key: str, value: Any) -> None:
        if isinstance(value, str) and ("{{" in value or "}}" in value):
            self.warnings.append(f"{key} holds a placeholder that was not filled in; it is only kept as text")


_BLANK_HELP = (
    "Nothing is traded without the number that was asked for: "
    "check the plot or placeholder behind it, or leave the field out."
)


def _blank_word(value: Any) -> str:
    return "empty" if not str(value).strip() else str(value).strip()
