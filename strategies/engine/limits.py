"""Limits and their facts as one reading brings them, for the strategy and for each of its accounts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import DictRow

from strategies.execution.limits import ACCOUNT_DEFAULTS, STRATEGY_DEFAULTS, SUMMED, Limits, defaults, merge
from strategies.execution.sizing import scaled
from strategies.execution.terms import AccountFacts, AccountView, Result, RiskTerms, SignalFacts

if TYPE_CHECKING:
    from strategies.engine.context import SignalContext
    from strategies.engine.pace import Paces
    from strategies.execution.meaning import Instruction

LIVE = "live"
RESULT_SECONDS = 90.0
Key = tuple[str, str]


class LimitBook:
    """The limits of every scope that one signal is subject to, and what was earned there."""

    def __init__(self, user_id: UUID, strategy_id: UUID, risk: Limits, row: DictRow) -> None:
        self._user: Key = ("user", str(user_id))
        self._strategy: Key = ("strategy", str(strategy_id))
        self._risk = risk
        self._limits = {
            (scope, object_id, kind): limits for scope, object_id, kind, limits in row["limits"] or ()
        }
        self._results = {
            (r[0], r[1]): (_exact(r[2]), _exact(r[3]), float(r[4])) for r in row["results"] or ()
        }
        self._usual: dict[bool, RiskTerms] = {}
        self._of_user: RiskTerms | None = None

    def count_everybody(self) -> bool:
        """Whether anybody limits what all accounts of one alert trade together."""
        return any(limits.get("max_fan_out") is not None for limits in (self._risk, *self._limits.values()))

    def strategy(self, *, live: bool) -> RiskTerms:
        return merge(
            [self._risk], self._caps(self._user, self._strategy), defaults(STRATEGY_DEFAULTS, live=live)
        )

    def account(self, account_id: UUID, *, live: bool) -> RiskTerms:
        """The user's own limits are every account's, but for those on what is earned altogether."""
        key = ("broker_account", str(account_id))
        if self._own(key) or self._cap(key):
            return self._account(key, live=live)
        # What an account has without a word of its own is the same for all of them: put together once.
        if live not in self._usual:
            self._usual[live] = self._account(key, live=live)
        return self._usual[live]

    def _account(self, key: Key, *, live: bool) -> RiskTerms:
        mine = {name: value for name, value in self._own(self._user).items() if name not in SUMMED}
        usual = {
            name: value
            for name, value in defaults(ACCOUNT_DEFAULTS, live=live).items()
            if self._risk.get(name) is None
        }
        return merge([mine, self._own(key)], self._caps(self._user, key), usual, by_class=live)

    def user(self) -> RiskTerms:
        if self._of_user is None:
            self._of_user = merge([self._own(self._user)], [self._cap(self._user)])
        return self._of_user

    def platform(self) -> RiskTerms:
        return merge([], [self._cap(("platform", ""))])

    def results(self, account_id: UUID, account: RiskTerms, strategy: RiskTerms) -> tuple[Result, ...]:
        """What was earned wherever a loss is limited; a word that is too old is none."""
        scopes = (
            (("broker_account", str(account_id)), account, "account"),
            (self._strategy, strategy, "strategy"),
            (self._user, self.user(), "user"),
        )
        return tuple(
            self._result(key, terms, name)
            for key, terms, name in scopes
            if terms.max_daily_loss is not None or terms.max_drawdown is not None
        )

    def _result(self, key: Key, terms: RiskTerms, name: str) -> Result:
        day, drawdown, age = self._results.get(key, (None, None, 0.0))
        if age > RESULT_SECONDS:
            day = drawdown = None
        return Result(name, terms.max_daily_loss, terms.max_drawdown, day, drawdown)

    def _own(self, key: Key) -> Limits:
        return self._limits.get((*key, "own"), {})

    def _cap(self, key: Key) -> Limits:
        return self._limits.get((*key, "cap"), {})

    def _caps(self, *keys: Key) -> list[Limits]:
        found = [self._cap(("platform", "")), *(self._cap(key) for key in keys)]
        # A cap on the losses of a user is about all accounts together.
        narrowed = [_without(limits, SUMMED) if index == 1 else limits for index, limits in enumerate(found)]
        return [limits for limits in narrowed if limits]


def _without(limits: Limits, names: frozenset[str]) -> Limits:
    return {name: value for name, value in limits.items() if name not in names}


def _exact(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def signal_facts(row: DictRow) -> SignalFacts:
    minute, today = row["last_minute"] or (0, 0), row["today"] or (None, None)
    return SignalFacts(
        last_minute=minute[0],
        reversals=minute[1],
        orders_today=today[0],
        trades_today=today[1],
        clock_offset=time.time() - row["db_clock"],
    )


def complete_facts(signal: SignalContext, instruction: Instruction, paces: Paces) -> SignalFacts:
    """How large it is altogether, and how many alerts went before it, where somebody limits that."""
    limits, views = signal.limits, [account.view for account in signal.accounts]
    pace = paces.of_alerts(signal.user_id, limits.user(), limits.platform())
    paces.carrying_out(signal.user_id)
    facts = replace(signal.facts, paces=pace)
    if all(terms.max_fan_out is None for terms in (signal.terms.risk, *(view.limits for view in views))):
        return facts
    following = [view for view in views if view.allocation_enabled]
    quantity = sum((scaled(instruction.base, view) for view in following), Decimal(0))
    return replace(facts, fan_out=quantity, accounts=len(following))


def with_limits(
    view: AccountView, book: LimitBook, row: Mapping[str, Any], strategy: RiskTerms
) -> AccountView:
    limits = book.account(view.broker_account_id, live=row["environment"] == LIVE)
    counts = row["counts"] or (None, None)
    facts = AccountFacts(
        orders_today=counts[0],
        trades_today=counts[1],
        equity=row["equity"],
        results=book.results(view.broker_account_id, limits, strategy),
    )
    return replace(view, limits=limits, facts=facts)
