"""What a stored alert would do now: the planner and the gate over our own rows, with nothing sent and nothing written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from brokers import domain
from brokers.domain import Capabilities, TimeInForce
from brokers.errors import BrokerError
from brokers.lookup import look_up_symbol
from brokers.models import BrokerAccount, BrokerConnection, Instrument, SymbolMapping
from brokers.registry import UnknownBroker, get_spec
from brokers.services import known_instrument
from brokers.symbols import normalize_symbol, root_of
from strategies import holdings, selectors
from strategies.execution import bringback
from strategies.execution.adds import built_by
from strategies.execution.gate import Occasion
from strategies.execution.limits import STRATEGY_DEFAULTS, defaults, limits_adds, merge
from strategies.execution.planner import instruct, plan_account
from strategies.execution.sizing import scaled
from strategies.execution.terms import (
    ZERO,
    AccountFacts,
    AccountView,
    Built,
    Control,
    OrderDraft,
    PreviousTarget,
    Result,
    SignalFacts,
    StrategyTerms,
)
from strategies.limits import Book
from strategies.models import Allocation, Order, Signal, Strategy
from strategies.risk_models import RiskState
from strategies.shapes import draft_json
from strategies.switches import Switches
from strategies.webhooks.alert import Alert, describe
from strategies.webhooks.parser import Parsed, parse
from tradeproject.common.clock import utc_now

BROKER_ACCOUNT = "broker_account"
NAMES_SHOWN = 5
MOST_ASKED = 3  # logins that are asked about an unknown symbol before it counts as unknown


@dataclass
class Preview:
    """The orders of a plan in the API's shape, and what its reader must know about it."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


def preview_signal(signal_id: UUID) -> dict[str, Any]:
    """What a stored signal would send now: ``{"orders": […], "warnings": […]}``; nothing to do is an empty list."""
    signal = Signal.objects.select_related("strategy").get(pk=signal_id)
    if not signal.alert or signal.strategy is None:
        return {"orders": [], "warnings": ["The alert was not understood, so there is nothing to plan."]}
    return plan(signal, signal.strategy, Alert.from_json(signal.alert))


def dry_run_of(signal: Signal) -> dict[str, Any]:
    """The signal played again without sending: ``{"status", "intent", "orders", "warnings"}``.

    One that was not understood is read again, for its strategy's settings may have changed since; if it still is not,
    the answer is ``{"status": "rejected", "code", "message"}``.
    """
    strategy = signal.strategy
    if strategy is None:
        message = "The alert belongs to no strategy. Send it to a strategy's address."
        return {"status": "rejected", "code": signal.code or "unknown_strategy", "message": message}
    if signal.alert:
        alert, notes = Alert.from_json(signal.alert), []
    else:
        parsed = parse(signal.body, pinned=strategy.alert_format, symbol=strategy.symbol)
        if parsed.alert is None:
            return _still_refused(parsed)
        alert, notes = parsed.alert, parsed.notes
    planned = plan(signal, strategy, alert)
    warnings = [*notes, *planned["warnings"]]
    return {
        "status": "dry_run",
        "intent": describe(alert),
        "orders": planned["orders"],
        "warnings": warnings,
    }


def _still_refused(parsed: Parsed) -> dict[str, Any]:
    error = parsed.error
    code, message = (error.code, error.message) if error else ("internal_error", "It was not understood.")
    return {"status": "rejected", "code": code, "message": message}


# --- the plan -------------------------------------------------------------------------------------------------------


def plan(signal: Signal, strategy: Strategy, alert: Alert) -> dict[str, Any]:
    """Every account of the strategy through the planner and the gate, as they stand in our rows."""
    symbol = normalize_symbol(alert.contract or alert.ticker or strategy.symbol)
    only = bringback.allocation_of(signal.source, alert)
    rows = [row for row in _allocations(strategy) if only in (None, row.pk)]
    books = Views(strategy, symbol, rows)
    terms = replace(terms_of(strategy), risk=books.risk)
    instruction = (
        instruct(alert, terms, _previous(signal)) if only is None else bringback.instruction_of(alert)
    )
    preview = Preview()
    views = [books.view(row, preview) for row in rows]
    if only is not None:
        views = [bringback.unscaled(view) for view in views]
    following = [view for view in views if view.allocation_enabled]
    facts = SignalFacts(
        orders_today=0,
        trades_today=0,
        fan_out=sum((scaled(instruction.base, view) for view in following), ZERO),
        accounts=len(following),
    )
    for row, view in zip(rows, views, strict=True):
        occasion = _occasion(signal, alert, terms, row.broker_account, root_of(symbol))
        occasion = replace(occasion, signal_price=alert.signal_price, facts=facts)
        for draft in plan_account(alert, instruction, terms, view, occasion).drafts:
            preview.orders.append(_order(strategy, row.broker_account, view, draft, root_of(symbol)))
    if preview.unseen:
        preview.warnings.append(_unseen_warning(preview.unseen))
    return {"orders": preview.orders, "warnings": preview.warnings}


def _allocations(strategy: Strategy) -> Any:
    return (
        Allocation.objects.filter(strategy=strategy)
        .select_related("broker_account__connection")
        .order_by("id")
    )


def _unseen_warning(names: list[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN]) + (" …" if len(names) > NAMES_SHOWN else "")
    return f"the position of {len(names)} account(s) was never read from the broker and is taken as flat: {shown}"


def _order(
    strategy: Strategy, account: BrokerAccount, view: AccountView, draft: OrderDraft, root: str
) -> dict[str, Any]:
    return draft_json(draft, strategy=strategy, account=account, instrument=view.instrument, symbol=root)


def _previous(signal: Signal) -> PreviousTarget | None:
    """The strategy's last applied target, as the executor reads it."""
    last = (
        Signal.objects.filter(strategy=signal.strategy_id, planned_at__isnull=False)
        .exclude(pk=signal.pk)
        .order_by("-id")
        .values("plan", "alert_time")
        .first()
    )
    if last is None or (last["plan"] or {}).get("chart") is None:
        return None
    done = last["plan"]
    return PreviousTarget(Decimal(done.get("base") or "0"), Decimal(done["chart"]), last["alert_time"])


def _occasion(
    signal: Signal, alert: Alert, terms: StrategyTerms, account: BrokerAccount, root: str
) -> Occasion:
    limit, own = settings.SIGNAL_MAX_AGE_SECONDS, terms.risk.max_signal_age
    fired = alert.alert_time
    return Occasion(
        now=utc_now(),
        # How late the alert was when it came; how long it lay here since then says nothing about a new one like it.
        signal_age=(signal.received_at - fired).total_seconds() if fired else 0.0,
        max_age=limit if own is None else min(limit, own),
        broker=account.connection.broker,
        symbol_root=root,
        is_target=alert.mode == "target",
        identity=alert.explicit_id or alert.order_id,
    )


# --- the strategy's terms ---------------------------------------------------------------------------------------------


def terms_of(strategy: Strategy) -> StrategyTerms:
    return StrategyTerms(
        id=strategy.pk,
        symbol_root=root_of(strategy.symbol) if strategy.symbol else "",
        position_size=strategy.position_size,
        position_add=strategy.position_add,
        take_profit=strategy.take_profit,
        stop_loss=strategy.stop_loss,
        units=strategy.tpsl_units,
        trim=strategy.trim,
        direction=strategy.directional_strategy,
        time_in_force=TimeInForce(strategy.time_in_force) if strategy.time_in_force else None,
        risk=merge([strategy.risk or {}], []),
    )


# --- the accounts as rows tell them -------------------------------------------------------------------------------------


class Views:
    """What is known of a strategy's accounts for one symbol, read in a fixed number of queries."""

    def __init__(self, strategy: Strategy, symbol: str, rows: list[Allocation]) -> None:
        self._strategy, self._symbol = strategy, symbol
        ids = [row.broker_account_id for row in rows]
        self._nets = holdings.net_positions(ids)
        self._switches = Switches.read()
        self._shared = _shared_accounts(strategy, ids)
        self._unknown = _unknown_orders(ids)
        self._limits = Book.of(strategy.user_id)
        states = RiskState.objects.filter(user=strategy.user_id)
        self._earned = {(row.scope, row.object_id): (row.day_pnl, row.drawdown) for row in states}
        live = any(row.broker_account.environment == "live" for row in rows)
        usual = defaults(STRATEGY_DEFAULTS, live=live)
        self.risk = self._limits.strategy(strategy.pk, strategy.risk or {}, usual)
        self._instruments: dict[tuple[str, str], Instrument | None] = {}
        self._problems: dict[tuple[str, str], str] = {}
        self._logins: dict[tuple[str, str], dict[UUID, BrokerConnection]] = defaultdict(dict)
        for row in rows:
            account, login = row.broker_account, row.broker_account.connection
            self._logins[login.broker, account.environment][login.pk] = login

    def view(self, row: Allocation, preview: Preview) -> AccountView:
        account = row.broker_account
        connection = account.connection
        instrument = self._instrument((connection.broker, account.environment))
        held = self._held(account, instrument, preview)
        caps = [cap for cap in (row.max_contracts, account.max_contracts) if cap is not None]
        state = self._switches.of_account(account, self._strategy)
        return AccountView(
            allocation_id=row.pk,
            broker_account_id=account.pk,
            multiplier=row.multiplier,
            account_multiplier=account.multiplier,
            max_contracts=min(caps) if caps else None,
            allocation_enabled=row.enabled,
            account_enabled=account.enabled,
            account_open=account.state == BrokerAccount.State.READY,
            connection_state=connection.state,
            control=Control(state.state),
            control_scope=state.scope.replace("_", " "),
            instrument=instrument.to_domain() if instrument else None,
            instrument_problem=self._problems.get((connection.broker, account.environment), ""),
            capabilities=_capabilities(connection.broker),
            net=held - self._others(account, instrument),
            held=held,
            unknown_orders=self._unknown.get((account.pk, instrument.pk if instrument else None), 0),
            limits=self._limits.account(account),
            facts=AccountFacts(
                equity=account.equity,
                orders_today=0,  # a dry run is about the alert, not about how many came before it
                trades_today=0,
                results=self._results(account),
                built=self._built(account, instrument),
            ),
        )

    def _built(
        self, account: BrokerAccount, instrument: Instrument | None
    ) -> Mapping[domain.Side, Built] | None:
        """Of what the strategy's position is built, where somebody limits what is added to it."""
        if instrument is None or not limits_adds(self.risk, self._limits.account(account)):
            return None
        return built_by(selectors.steps_of(self._strategy, account, instrument))

    def _results(self, account: BrokerAccount) -> tuple[Result, ...]:
        """What was earned wherever a loss is limited, as the risk watch last had it."""
        limited = {
            ("account", BROKER_ACCOUNT, str(account.pk)): self._limits.account(account),
            ("strategy", "strategy", str(self._strategy.pk)): self.risk,
            ("user", "user", str(self._strategy.user_id)): self._limits.user(),
        }
        return tuple(
            Result(
                name, terms.max_daily_loss, terms.max_drawdown, *self._earned.get((scope, key), (None, None))
            )
            for (name, scope, key), terms in limited.items()
            if terms.max_daily_loss is not None or terms.max_drawdown is not None
        )

    def _instrument(self, place: tuple[str, str]) -> Instrument | None:
        if place not in self._instruments:
            known = known_instrument(*place, self._symbol) or _older_mapping(*place, self._symbol)
            self._instruments[place] = known or self._ask(place)
        return self._instruments[place]

    def _ask(self, place: tuple[str, str]) -> Instrument | None:
        """The venue's word on a symbol nobody asked it about yet, as the executor would get it."""
        for login in list(self._logins[place].values())[:MOST_ASKED]:
            try:
                found = look_up_symbol(login, place[1], self._symbol)
            except BrokerError as error:
                self._problems[place] = error.message
                continue
            if found is None:
                self._problems[place] = "The broker knows no such contract. Check the symbol."
            return found
        return None

    def _held(self, account: BrokerAccount, instrument: Instrument | None, preview: Preview) -> Decimal:
        if instrument is None:
            return ZERO
        net = self._nets.get((account.pk, instrument.pk))
        if net is None:
            if account.last_synced_at is None:
                preview.unseen.append(account.name)
            return ZERO
        return net

    def _others(self, account: BrokerAccount, instrument: Instrument | None) -> Decimal:
        if instrument is None or account.pk not in self._shared:
            return ZERO
        return holdings.held_by_other_strategies(account.pk, instrument.pk, self._strategy.pk)


def _shared_accounts(strategy: Strategy, ids: Collection[UUID]) -> set[UUID]:
    rows = Allocation.objects.filter(broker_account__in=ids).exclude(strategy=strategy)
    return set(rows.values_list("broker_account", flat=True))


def _unknown_orders(ids: Collection[UUID]) -> dict[tuple[UUID, int | None], int]:
    counts: dict[tuple[UUID, int | None], int] = defaultdict(int)
    rows = Order.objects.filter(broker_account__in=ids, status="unknown")
    for account, instrument in rows.values_list("broker_account", "instrument"):
        counts[account, instrument] += 1
    return counts


def _older_mapping(broker: str, environment: str, symbol: str) -> Instrument | None:
    mapping = (
        SymbolMapping.objects.filter(broker=broker, environment=environment, symbol=symbol)
        .select_related("instrument")
        .first()
    )
    return mapping.instrument if mapping else None


def _capabilities(broker: str) -> Capabilities | None:
    try:
        return get_spec(broker).capabilities
    except UnknownBroker:
        return None


__all__ = ["dry_run_of", "plan", "preview_signal", "terms_of"]
