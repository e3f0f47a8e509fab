"""From bytes to one JSON object, strictly: no duplicate keys, no NaN, no floats, nothing deep, long or invisible."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from strategies.webhooks.refusal import Refusal, shown
from strategies.webhooks.repair import REPAIRS, outside_strings

MAX_DEPTH = 6
MAX_KEYS = 100
MAX_STRING = 512
MAX_NUMBER = 24

_NUMBERS = (int, Decimal)
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_FORM = re.compile(r"[A-Za-z_][\w.\-]*=[^\s;&{}\"]*(?:&[A-Za-z_][\w.\-]*=[^\s;&{}\"]*)*", re.ASCII)
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Refusal(
            "duplicate_key",
            f"The key {shown(twice)} appears twice. Send each key once, so that only one value can be meant.",
        )
    return result


def _guarded(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if len(text) > MAX_NUMBER:
            raise Refusal(
                "invalid_number",
                f"A number has more than {MAX_NUMBER} characters. Send it with fewer digits.",
            )
        try:
            return convert(text)
        except ArithmeticError:
            raise Refusal("invalid_number", "A number is too large to be one. Send plain digits.") from None

    return read


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs,
    parse_float=_guarded(Decimal),
    parse_int=_guarded(int),
    parse_constant=_no_constant,
)


def decode_text(body: bytes) -> str:
    """The body as text without its byte order mark and outer blanks. Raises Refusal."""
    try:
        text = body.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(
            "invalid_encoding", f"The body is not UTF-8 (byte {error.start}). Send the alert as UTF-8 text."
        ) from None
    if _CONTROL.search(text):
        raise Refusal(
            "control_characters",
            "The body holds control characters. Remove everything that is not printable from the alert's message.",
        )
    text = text.strip()
    if not text:
        raise Refusal(
            "empty_body",
            "The body is empty. An order without alert_message leaves {{strategy.order.alert_message}} empty: "
            "put the alert text into the message box, or give every order its alert_message.",
        )
    return text


def load_object(text: str, *, repair: bool = True) -> tuple[dict[str, Any], list[str]]:
    """The one object that ``text`` is, and what had to be repaired for it. Raises Refusal."""
    value, repairs = _load(text, repair)
    if not isinstance(value, dict):
        raise Refusal(
            "not_an_object",
            "The body is valid JSON but not one object in braces. Send one alert per request, as {…}.",
        )
    _check(value, [0])
    return value, repairs


def _load(text: str, repair: bool) -> tuple[Any, list[str]]:
    try:
        return _strict(text), []
    except ValueError as error:
        problem = error
    form = _load_form(text)
    if form is not None:
        return form, ["read the body as a form"]
    repairs: list[str] = []
    for name, fix in REPAIRS if repair else ():
        fixed = fix(text).strip()
        if fixed == text:
            continue
        text = fixed
        repairs.append(name)
        try:
            return _strict(text), repairs
        except ValueError:
            continue
    raise _malformed(text, problem)


def _strict(text: str) -> Any:
    """Raises ValueError when it is not JSON, Refusal when it is JSON that we do not take."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise _too_deep() from None


def _malformed(text: str, problem: ValueError) -> Refusal:
    found = _PLACEHOLDER.search(outside_strings(text))
    if found:
        return unresolved(found[1])
    if not text.startswith(("{", "[")):
        hint = "It is plain text without an instruction."
    elif isinstance(problem, json.JSONDecodeError):
        hint = f"{problem.msg} at line {problem.lineno}, column {problem.colno}."
    else:
        hint = f"{shown(str(problem))} is no number; an empty plot gives it. Put quotes around placeholders."
    return Refusal(
        "malformed_json",
        f"The body is not valid JSON. {hint} Copy the alert message from the strategy's page again.",
    )


def unresolved(name: str) -> Refusal:
    return Refusal(
        "unresolved_placeholder",
        f"The placeholder {shown(name.strip())} was not filled in. Check its spelling; those that begin with "
        "strategy. work only in alerts of a strategy, not of an indicator.",
    )


def _load_form(text: str) -> dict[str, Any] | None:
    """A form-encoded body, only if every part of it reads cleanly: ``payload={…}`` or the fields themselves."""
    if not _FORM.fullmatch(text):
        return None
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_KEYS
        )
    except ValueError:
        return None
    if len(pairs) == 1 and pairs[0][0].lower() == "payload":
        return _form_payload(pairs[0][1])
    return _pairs(list(pairs))


def _form_payload(text: str) -> dict[str, Any] | None:
    try:
        value = _strict(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _too_deep() -> Refusal:
    return Refusal("too_deep", f"The JSON is nested more than {MAX_DEPTH} levels deep. Send a flat object.")


def _check(value: Any, keys: list[int], depth: int = 1) -> None:
    """Refuse what is nested too deep, has too many keys, or strings too long or not storable."""
    if isinstance(value, str):
        _check_string(value)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise _too_deep()
        keys[0] += len(value)
        if keys[0] > MAX_KEYS:
            raise Refusal("too_many_keys", f"The alert has more than {MAX_KEYS} entries. Send fewer.")
        for key, item in value.items() if isinstance(value, dict) else (("", item) for item in value):
            _check_string(key)
            if not isinstance(item, _NUMBERS):
                _check(item, keys, depth + 1)


def _check_string(text: str) -> None:
    if len(text) > MAX_STRING:
        raise Refusal("string_too_long", f"A text has more than {MAX_STRING} characters. Shorten it.")
    found = _UNPRINTABLE.search(text)
    if found is None:
        return
    if "\ud800" <= found[0] <= "\udfff":
        raise Refusal(
            "invalid_encoding", "A text holds half a character (a lone surrogate). Send whole characters."
        )
    raise Refusal("control_characters", "A text holds an escaped control character. Remove it.")
