"""Broker reports as JSON and back, without loss: the form in which they wait between two processes.

A report becomes ``{"kind": …}`` and its fields by their own names; what equals the field's default is left out. Decimals
are text, times ISO-8601 UTC with microseconds, enums their values. What cannot be read back raises ``CodecError``; it is
never guessed. Pure: no Django, no I/O.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from brokers.domain import (
    AccountReport,
    FillReport,
    OrderReport,
    PositionReport,
    StreamItem,
    StreamSnapshot,
)

KINDS: dict[str, type[Any]] = {
    "order": OrderReport,
    "fill": FillReport,
    "position": PositionReport,
    "account": AccountReport,
    "snapshot": StreamSnapshot,
}
_NAMES = {cls: name for name, cls in KINDS.items()}


class CodecError(ValueError):
    """What was stored is not a report we know."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    default: Any
    optional: bool
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def encode(items: Iterable[StreamItem]) -> list[dict[str, Any]]:
    """One JSON-ready dict per item, in the same order."""
    return [_encode_one(item) for item in items]


def decode(rows: Sequence[Mapping[str, Any]]) -> list[StreamItem]:
    """The items again. Raises CodecError for an unknown kind, a missing field or a malformed value."""
    return [_decode_one(row) for row in rows]


def _encode_one(item: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": _NAMES[type(item)]}
    for part in _FIELDS[type(item)]:
        value = getattr(item, part.name)
        if value != part.default:
            row[part.name] = None if value is None else part.write(value)
    return row


def _decode_one(row: Mapping[str, Any]) -> Any:
    try:
        cls = KINDS[row["kind"]]
        return cls(
            **{part.name: _read_part(part, row[part.name]) for part in _FIELDS[cls] if part.name in row}
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise CodecError(
            f"A stored broker report cannot be read: {type(error).__name__}: {error}."
        ) from error


def _read_part(part: _Field, value: Any) -> Any:
    return None if value is None and part.optional else part.read(value)


def _write_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _read_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise CodecError(f"The time {text!r} has no offset.")
    return moment


def _read_number(text: Any) -> Decimal:
    if not isinstance(text, str):
        raise CodecError(f"The number {text!r} is not stored as text.")
    return Decimal(text)


def _read_text(text: Any) -> str:
    if not isinstance(text, str):
        raise CodecError(f"{text!r} is not text.")
    return text


def _read_texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise CodecError(f"{values!r} is not a list of texts.")
    return tuple(_read_text(value) for value in values)


def _read_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise CodecError(f"{value!r} is neither true nor false.")
    return value


def _same(value: Any) -> Any:
    return value


def _write_many(items: Iterable[Any]) -> list[dict[str, Any]]:
    return [_encode_one(item) for item in items]


def _read_many(rows: Iterable[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(_decode_one(row) for row in rows)


_SIMPLE: dict[Any, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    Decimal: (str, _read_number),
    datetime: (_write_time, _read_time),
    str: (_same, _read_text),
    bool: (_same, _read_flag),
}


def _is_optional(hint: Any) -> bool:
    return types.NoneType in typing.get_args(hint)


def _converters(hint: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    if _is_optional(hint):
        hint = next(option for option in typing.get_args(hint) if option is not types.NoneType)
    if typing.get_origin(hint) is tuple and typing.get_args(hint)[0] is str:
        return list, _read_texts
    if typing.get_origin(hint) is tuple:
        return _write_many, _read_many
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return (lambda value: value.value), hint
    return _SIMPLE[hint]


def _fields_of(cls: type[Any]) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(
        _Field(f.name, f.default, _is_optional(hints[f.name]), *_converters(hints[f.name]))
        for f in dataclasses.fields(cls)
    )


_FIELDS: dict[type[Any], tuple[_Field, ...]] = {cls: _fields_of(cls) for cls in KINDS.values()}
