"""The kill switch at the command line. It needs the database alone."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.http import Http404

from accounts.models import User
from brokers.models import BrokerAccount
from strategies import control
from strategies.management.commands.send_alert import find_strategy
from strategies.models import ControlState, Halt
from tradeproject.common import heartbeat
from tradeproject.common.api import Problem

FOLLOW_SECONDS, LOOK_SECONDS = 90.0, 0.25
Scope = ControlState.Scope
WORDS = {
    ControlState.State.RUNNING.value: "RUNNING",
    ControlState.State.REDUCING.value: "EXITS ONLY",
    ControlState.State.HALTED.value: "HALTED",
}


def find_user(email: str) -> User:
    found = User.objects.filter(email=email.strip().lower()).first()
    if found is None:
        raise CommandError(f"There is no user {email}.")
    return found


def find_account(name: str, email: str | None) -> BrokerAccount:
    """An account by its id, the venue's id or its name. Raises CommandError when none or several fit."""
    rows = BrokerAccount.objects.select_related("user", "connection")
    if email:
        rows = rows.filter(user=find_user(email))
    for column in ("pk", "external_id", "name", "label"):
        try:
            found = list(rows.filter(**{column: name})[:2])
        except (ValueError, ValidationError):  # not an id
            continue
        if len(found) == 1:
            return found[0]
        if found:
            raise CommandError(f"Several accounts are called {name!r}. Give the account's id, or add --user.")
    raise CommandError(f"There is no account {name!r}.")


def target_of(options: dict[str, Any]) -> tuple[str, object]:
    """Scope and id: the narrowest that was named, the platform when none was."""
    email = options["user"]
    if options["account"]:
        return Scope.BROKER_ACCOUNT.value, find_account(options["account"], email).pk
    if options["strategy"]:
        return Scope.STRATEGY.value, find_strategy(options["strategy"], email).pk
    if email:
        return Scope.USER.value, find_user(email).pk
    if options["broker"]:
        return Scope.BROKER.value, options["broker"]
    return Scope.PLATFORM.value, ""


def add_target_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--user", help="a user's e-mail; with --strategy or --account: whose")
    parser.add_argument("--strategy", help="a strategy's name or id")
    parser.add_argument("--account", help="a broker account's id, venue id or name")
    parser.add_argument("--broker", help="a broker's kind, such as tradovate")
    parser.add_argument("--reason", default="", help="shown to everybody it stops")


def turn(command: BaseCommand, options: dict[str, Any], state: str) -> control.Change:
    """Turn the switch and say what that did and whom it touches."""
    scope, object_id = target_of(options)
    try:
        change = control.set_state(
            scope,
            object_id,
            state,
            actor=None,
            reason=options["reason"],
            flatten_too=bool(options.get("flatten")),
        )
    except Problem as problem:
        raise CommandError(problem.message) from problem
    except Http404:
        raise CommandError(f"There is no {scope.replace('_', ' ')} {object_id!r}.") from None
    command.stdout.write(describe(change))
    return change


def describe(change: control.Change) -> str:
    accounts = control.accounts_under(change.target).exclude(state=BrokerAccount.State.MISSING)
    count, users = accounts.count(), accounts.order_by().values("user").distinct().count()
    lines = [
        f"{WORDS[change.state]}: {change.target.scope.replace('_', ' ')} {change.target.name}",
        f"  touches {count} broker account(s) of {users} user(s)",
    ]
    if change.canceled:
        lines.append(f"  {change.canceled} working entries are being canceled")
    if change.flattened.orders:
        lines.append(f"  {len(change.flattened.orders)} positions are being closed:")
        lines += [f"    {order.broker_account}: {order}" for order in change.flattened.orders]
    lines += [f"  NOT closed: {warning}" for warning in change.flattened.warnings]
    return "\n".join(lines)


class Command(BaseCommand):
    help = (
        "Stop trading for the platform, or for what is named: nothing but cancels goes out from now on. Works with the "
        "web process and Redis down. Undo it with manage.py resume."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_target_arguments(parser)
        parser.add_argument("--flatten", action="store_true", help="also close what is held")
        parser.add_argument("--exits-only", action="store_true", help="let exits through (reducing)")
        parser.add_argument("--no-wait", action="store_true", help="do not wait for the proof")

    def handle(self, *args: Any, **options: Any) -> None:
        state = ControlState.State.REDUCING if options["exits_only"] else ControlState.State.HALTED
        change = turn(self, options, state.value)
        if change.state == ControlState.State.HALTED and not options["no_wait"]:
            self._follow(change)

    def _follow(self, change: control.Change) -> None:
        """Tell how far it gets. The executor does the work; without one the block holds and the rest waits for it."""
        if not heartbeat.is_alive("execution", heartbeat.ages().get("execution")):
            self.stdout.write("  no executor is running: the block holds; canceling and closing wait for one")
            return
        told, deadline = "", time.monotonic() + FOLLOW_SECONDS
        while time.monotonic() < deadline:
            halt = Halt.objects.filter(scope=change.target.scope, object_id=change.target.object_id).first()
            if halt is None:
                return
            if halt.phase != told:
                told = halt.phase
                self.stdout.write(f"  {told.replace('_', ' ')}")
            if halt.finished_at is not None:
                self.stdout.write("".join(f"    {problem}\n" for problem in halt.problems), ending="")
                return
            time.sleep(LOOK_SECONDS)
        self.stdout.write("  not finished yet; see the page of the trading switches")
