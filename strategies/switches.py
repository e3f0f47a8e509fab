"""The trading switches as they stand. No row means running; of all that apply the most restrictive wins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q

from strategies.models import ControlState
from tradeproject.common.clock import utc_now

if TYPE_CHECKING:
    from brokers.models import BrokerAccount
    from strategies.models import Strategy

Scope = ControlState.Scope
State = ControlState.State
Target = tuple[str, str]  # scope, object id as the row has it

_SEVERITY = {State.RUNNING: 0, State.REDUCING: 1, State.HALTED: 2}


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch, or the one that decides: its state, at which scope it was turned, why and when."""

    state: str = State.RUNNING.value
    scope: str = ""
    object_id: str = ""
    reason: str = ""
    changed_at: datetime | None = None
    changed_by: str = ""
    until: datetime | None = None

    @property
    def severity(self) -> int:
        return _SEVERITY[State(self.state)]


RUNNING = Switch()
PLATFORM: Target = (Scope.PLATFORM.value, "")


def user_target(user_id: object) -> Target:
    return Scope.USER.value, str(user_id)


class Switches:
    """All switches that are not running, read once."""

    def __init__(self, found: Iterable[ControlState]) -> None:
        self._found: dict[Target, Switch] = {}
        for row in found:  # a person's and the risk watch's: the more restrictive holds
            target, switch = (row.scope, row.object_id), _switch(row)
            self._found[target] = max(self._found.get(target, switch), switch, key=lambda one: one.severity)

    @classmethod
    def read(cls, targets: Iterable[Target] | None = None) -> Switches:
        """Every turned switch, or those of ``targets`` alone."""
        holding = Q(until__isnull=True) | Q(until__gt=utc_now())
        rows = ControlState.objects.filter(holding).exclude(state=State.RUNNING).select_related("changed_by")
        if targets is not None:
            wanted = Q(pk__in=[])
            for scope, object_id in targets:
                wanted |= Q(scope=scope, object_id=object_id)
            rows = rows.filter(wanted)
        return cls(rows)

    def at(self, target: Target) -> Switch:
        """The switch of this one scope alone."""
        return self._found.get(target, Switch(scope=target[0], object_id=target[1]))

    def decisive(self, targets: Iterable[Target]) -> Switch:
        """The most restrictive of several scopes; the first named wins among equals."""
        found = [self._found[target] for target in targets if target in self._found]
        return max(found, key=lambda switch: switch.severity, default=RUNNING)

    def of_account(self, account: BrokerAccount, strategy: Strategy | None = None) -> Switch:
        """What holds for an order at this account."""
        return self.decisive(targets_of(account.user_id, strategy.pk if strategy else None, account))


def targets_of(
    user_id: object, strategy_id: UUID | None = None, account: BrokerAccount | None = None
) -> list[Target]:
    """Every switch that an order of this kind is subject to, from the widest scope to the narrowest."""
    targets = [PLATFORM]
    if account is not None:
        targets.append((Scope.BROKER.value, account.connection.broker))
    targets.append(user_target(user_id))
    if strategy_id is not None:
        targets.append((Scope.STRATEGY.value, str(strategy_id)))
    if account is not None:
        targets.append((Scope.BROKER_ACCOUNT.value, str(account.pk)))
    return targets


def _switch(row: ControlState) -> Switch:
    wide = row.scope in {Scope.PLATFORM, Scope.BROKER}
    by = "" if wide or row.changed_by is None else row.changed_by.email  # staff's addresses are theirs
    return Switch(row.state, row.scope, row.object_id, row.reason, row.changed_at, by, row.until)
