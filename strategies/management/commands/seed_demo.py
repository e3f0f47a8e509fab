"""A demo to look at within a minute: a user, simulated broker logins, and a strategy that trades on all their accounts."""

from __future__ import annotations

import json
import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import httpx
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import User
from brokers.domain import Environment
from brokers.errors import BrokerError
from brokers.models import BrokerAccount
from brokers.registry import BROKERS
from brokers.services import UNATTENDED, connect
from strategies.models import Allocation, Strategy, WebhookKey

EMAIL = "demo@example.com"
STRATEGY = "Demo MNQ"
SYMBOL = "MNQ1!"
ACCOUNTS_PER_LOGIN = 5


class Command(BaseCommand):
    help = "Makes a demo strategy allocated to N simulated accounts spread over M logins. Safe to run again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", type=int, default=25, help="how many simulated accounts (0: none)")
        parser.add_argument(
            "--logins", type=int, default=0, help="over how many logins (default: five accounts each)"
        )
        parser.add_argument("--brokers", default=",".join(BROKERS), help="which simulated brokers, by comma")
        parser.add_argument("--email", default=EMAIL)
        parser.add_argument("--strategy", default=STRATEGY)
        parser.add_argument(
            "--first-start", action="store_true", help="do nothing where the demo exists already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        told = self._told(options["email"])
        user = User.objects.filter(email=options["email"]).first()
        if user is None:
            told["password"] = secrets.token_urlsafe(12)
            user = self._make_user(options["email"], told["password"])
        strategy = Strategy.objects.filter(user=user, name=options["strategy"]).first()
        if strategy is None or not options["first_start"]:
            strategy = strategy or self._make_strategy(user, options["strategy"])
            for kind in filter(None, options["brokers"].split(",")):
                self._seed_broker(user, strategy, kind, options["accounts"], options["logins"])
        self._remember(options["email"], told)
        summary = {
            "user": user.email,
            "password": told.get("password", "(as you set it)"),
            "strategy": str(strategy.pk),
            "accounts": strategy.allocations.count(),
            "webhook": strategy.webhook_url,
        }
        self.stdout.write(json.dumps(summary))

    @staticmethod
    def _make_user(email: str, password: str) -> User:
        with transaction.atomic():
            user = User.objects.create_superuser(email, password, name="Demo")
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user

    @staticmethod
    def _make_strategy(user: User, name: str) -> Strategy:
        with transaction.atomic():
            strategy = Strategy.objects.create(user=user, name=name, symbol=SYMBOL)
            WebhookKey.objects.create(strategy=strategy)
        return strategy

    def _seed_broker(self, user: User, strategy: Strategy, kind: str, accounts: int, logins: int) -> None:
        if accounts <= 0:
            return
        logins = min(accounts, logins or -(-accounts // ACCOUNTS_PER_LOGIN))
        per_login = -(-accounts // logins)
        wanted = accounts
        for login in self._simulated_logins(kind, logins, per_login):
            credentials = {name: login[name] for name in _names(kind) if login.get(name)}
            try:
                connection = connect(
                    user,
                    kind,
                    Environment.DEMO.value,
                    {**credentials, UNATTENDED: "true"},
                    f"Demo {login['username']}",
                )
            except BrokerError as error:
                raise CommandError(
                    f"The simulated login {login['username']} was refused: {error.message}"
                ) from error
            for account in connection.accounts.filter(environment=Environment.DEMO.value).order_by("name")[
                :per_login
            ]:
                if wanted > 0:
                    self._allocate(strategy, account)
                    wanted -= 1
        if wanted:
            raise CommandError(
                f"The simulator gave {accounts - wanted} of {accounts} accounts. Give it more logins."
            )

    @staticmethod
    def _allocate(strategy: Strategy, account: BrokerAccount) -> None:
        Allocation.objects.get_or_create(strategy=strategy, broker_account=account)
        if strategy.demo_account is None:
            strategy.demo_account = account
            strategy.save(update_fields=["demo_account"])

    @staticmethod
    def _simulated_logins(kind: str, logins: int, per_login: int) -> list[dict[str, Any]]:
        variable = f"SIMULATOR_{kind.upper()}_CONTROL"
        control = os.environ.get(variable)
        if not control:
            raise CommandError(
                f"No simulator of {kind} is known. Start scripts/run, or set {variable} to a simulator's control address."
            )
        body = {"count": logins, "accounts_per_login": per_login, "prefix": "demo"}
        try:
            answer = httpx.post(f"{control}/logins", json=body, timeout=30)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise CommandError(f"The simulator at {control} gave no logins: {error}") from error
        given = answer.json()
        return list(given["logins"] if isinstance(given, dict) else given)

    # --- the password is shown again at every start ----------------------------------------------------------------------

    @staticmethod
    def _file(email: str) -> Path:
        return settings.DATA_DIR / f"demo-{email}.json"

    def _told(self, email: str) -> dict[str, str]:
        try:
            return dict(json.loads(self._file(email).read_text()))
        except (OSError, ValueError):
            return {}

    def _remember(self, email: str, told: dict[str, str]) -> None:
        path = self._file(email)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(told))


def _names(kind: str) -> list[str]:
    return [field.name for field in BROKERS[kind].credential_fields]
