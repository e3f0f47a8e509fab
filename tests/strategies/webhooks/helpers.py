"""Alert bodies for the tests: valid by default, a test names only what it is about."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from strategies.webhooks.alert import Alert
from strategies.webhooks.parser import Parsed, parse


def fired(seconds_ago: float = 1) -> str:
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def body(**fields: Any) -> bytes:
    """A buy of one, fired just now. None takes a field out."""
    values = {"ticker": "MNQ1!", "action": "buy", "contracts": "1", "timenow": fired(), **fields}
    return json.dumps({name: value for name, value in values.items() if value is not None}).encode()


def target(action: str, before: str, after: str, contracts: str = "1", **fields: Any) -> bytes:
    """``before`` and ``after`` like "long 2" or "flat"."""
    side, _, size = after.partition(" ")
    prev, _, prev_size = before.partition(" ")
    return body(
        action=action,
        contracts=contracts,
        market_position=side,
        market_position_size=size or "0",
        prev_market_position=prev or None,
        prev_market_position_size=(prev_size or "0") if prev else None,
        **fields,
    )


def read(**fields: Any) -> Alert:
    """The alert that a body of these fields is. Fails when it is refused."""
    parsed = parse(body(**fields))
    assert parsed.alert is not None, parsed.error
    return parsed.alert


def parsed(**fields: Any) -> Parsed:
    return parse(body(**fields))


def refusal(**fields: Any) -> str:
    """The code with which a body of these fields is refused."""
    found = parse(body(**fields))
    assert found.error is not None, found.alert
    return found.error.code
