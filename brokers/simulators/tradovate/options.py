"""How one simulator behaves. Everything here can be changed while it runs (``POST /control/settings``)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

START_ONLY = frozenset({"host", "port", "seed", "state_dir", "control_token", "logins", "accounts_per_login"})


@dataclass(slots=True)
class Options:
    """Durations are seconds unless the name says otherwise; None switches a limit off."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    state_dir: Path | None = None
    control_token: str = field(default="", repr=False)
    logins: int = 10
    accounts_per_login: int = 3

    latency_ms: float = 0
    jitter_ms: float = 0
    market_data: bool = False
    start_cash: Decimal = Decimal(50_000)
    liquidation_keeps_orders: bool = False
    """Field reports disagree whether liquidateposition cancels resting orders; true = it does not."""
    late_cancel_is_401: bool = False
    """Canceling what ended is answered with TooLate, or, as others report, with 401."""
    prefers_tickets_over_captcha: bool = False
    """A penalty for failed logins normally asks for a captcha; true = it asks only for time."""

    trades_at_all_hours: bool = True
    rolls_sessions: bool = False
    """Whether the trade date's end (18:00 New York) wipes the session's rows and expires day orders."""

    token_seconds: float = 80 * 60
    refresh_seconds: float = 26 * 3600
    renews_token_text: bool = True
    """Whether a renewal answers with a new access token (undocumented) or repeats the old one with a new life."""
    session_cap: int = 2
    closed_session_status: int = 408
    device_approval: bool = False
    oauth_risk_rights: bool = False
    tells_api_hosts: bool = False

    socket_cap: int = 50
    heartbeat_seconds: float = 2.5
    silence_seconds: float = 10
    entity_types_required: bool = False
    """The partner rules of user/syncrequest: entity types that are not named are not sent."""
    frames: str = "operation"
    """How messages share websocket frames: ``single``, ``operation`` (one frame per command), ``merged``."""

    user_calls_per_hour: int | None = None
    user_calls_per_minute: int | None = None
    renewals_per_hour: int | None = None
    failed_logins_per_hour: int | None = 5
    syncs_per_hour: int | None = None
    fee_queries_per_hour: int | None = None
    demo_cash_changes_per_hour: int | None = None

    ticks_per_second: float = 4
    volatility: float = 1
    frozen: bool = False

    def change(self, values: dict[str, Any]) -> None:
        """Set fields by name. Raises ValueError for an unknown, fixed or wrongly typed one, and changes nothing then."""
        known = {one.name for one in fields(self)} - START_ONLY
        checked = {}
        for name, value in values.items():
            if name not in known:
                raise ValueError(
                    f"{name} is no setting that can be changed; they are: {', '.join(sorted(known))}"
                )
            checked[name] = _like(name, getattr(self, name), value)
        for name, value in checked.items():
            setattr(self, name, value)

    def shown(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in START_ONLY}


def _like(name: str, present: Any, value: Any) -> Any:
    """``value`` in the type that the setting has now."""
    if name.endswith(("_per_hour", "_per_minute")):
        good = value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)
    elif isinstance(present, bool) or isinstance(value, bool):
        good = isinstance(present, bool) and isinstance(value, bool)
    elif isinstance(present, str):
        good = isinstance(value, str) and (name != "frames" or value in {"single", "operation", "merged"})
    else:
        least = 0.1 if name == "ticks_per_second" else 0
        good = isinstance(value, (int, float, Decimal)) and value >= least
    if not good:
        raise ValueError(f"{name} cannot be {value!r}; it is {present!r} now")
    if isinstance(present, (int, float, Decimal)) and not isinstance(present, bool) and value is not None:
        return type(present)(value)
    return value
