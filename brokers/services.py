"""What is done with broker logins: sign in, find accounts, store, reconnect, forget; and what contracts mean."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from brokers import domain
from brokers.domain import AccountInfo, Environment, InstrumentQuery, Tokens
from brokers.errors import AuthError, AuthRevoked, BrokerError
from brokers.events import AccountsChanged
from brokers.models import BrokerAccount, BrokerConnection, Instrument, SymbolMapping
from brokers.protocol import BrokerAdapter, BrokerSpec
from brokers.registry import build_adapter, build_auth, get_spec
from brokers.selectors import fresh_mapping, instruments_by_venue_id
from brokers.symbols import normalize_symbol
from brokers.tokens import change_state, fresh_tokens
from tradeproject.common.clock import utc_now
from tradeproject.common.events import notify, publish
from tradeproject.common.http import make_client

if TYPE_CHECKING:
    from accounts.models import User

UNATTENDED = "unattended"
RECONNECT_WINDOW = timedelta(minutes=5)
ENGINE_CHANNEL = "sessions"


class CredentialProblem(Exception):
    """What was typed in is not complete: ``errors`` is {field: sentence}."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class FixedTokens:
    """The TokenSource of a login that is not stored yet."""

    tokens: Tokens

    async def current(self) -> Tokens:
        return self.tokens

    async def renewed(self, stale: Tokens) -> Tokens:
        raise AuthRevoked("The broker refused the token it had just given. Try again in a minute.")


@dataclass(frozen=True)
class SignedIn:
    """A successful login: its tokens and the accounts it opens."""

    tokens: Tokens
    accounts: list[AccountInfo]


def check_credentials(broker: str, environment: str, credentials: Mapping[str, Any]) -> dict[str, str]:
    """The credentials as clean text. Raises CredentialProblem or UnknownBroker."""
    spec = get_spec(broker)
    errors: dict[str, str] = {}
    if environment not in {item.value for item in spec.environments}:
        allowed = ", ".join(item.value for item in spec.environments)
        errors["environment"] = f"{spec.label} has {allowed}; {environment!r} is none of them."
    clean = {name: str(value).strip() for name, value in credentials.items() if value not in (None, "")}
    known = {field.name for field in spec.credential_fields} | {UNATTENDED}
    for field in spec.credential_fields:
        if field.required and not clean.get(field.name):
            errors[f"credentials.{field.name}"] = f"{field.label} is needed."
    for name in clean.keys() - known:
        errors[f"credentials.{name}"] = f"{spec.label} has no such credential."
    if errors:
        raise CredentialProblem(errors)
    return clean


async def sign_in(broker: str, environment: str, credentials: Mapping[str, str]) -> SignedIn:
    """Log in with what the owner typed and list the accounts. Stores nothing. Raises BrokerError with a sentence."""
    async with make_client(max_connections=8) as http:
        tokens = await build_auth(broker, environment, credentials, http).login(credentials)
        return SignedIn(tokens, await find_accounts(broker, environment, tokens, http))


async def find_accounts(broker: str, environment: str, tokens: Tokens, http: Any) -> list[AccountInfo]:
    """The accounts of a login at every environment it can trade."""
    found: list[AccountInfo] = []
    for host in get_spec(broker).hosts_of(Environment(environment)):
        adapter = build_adapter(broker, host, FixedTokens(tokens), http=http)
        try:
            found += await adapter.accounts()
        except AuthError:
            # The other host may refuse a token of this one; what this one shows is enough.
            if host.value == environment:
                raise
        finally:
            await adapter.close()
    return found


def test_connection(broker: str, environment: str, credentials: Mapping[str, Any]) -> list[AccountInfo]:
    """Log in and list the accounts, storing nothing."""
    clean = check_credentials(broker, environment, credentials)
    return asyncio.run(sign_in(broker, environment, clean)).accounts


def connect(
    user: User, broker: str, environment: str, credentials: Mapping[str, Any], label: str = ""
) -> BrokerConnection:
    """Log in and store the login with its accounts; a login the user already has is renewed instead of doubled."""
    clean = check_credentials(broker, environment, credentials)
    signed_in = asyncio.run(sign_in(broker, environment, clean))
    return store_login(user, broker, environment, clean, signed_in, label)


def store_login(
    user: User,
    broker: str,
    environment: str,
    credentials: Mapping[str, str],
    signed_in: SignedIn,
    label: str = "",
) -> BrokerConnection:
    with transaction.atomic():
        connection = _same_login(user, broker, environment, signed_in.tokens) or BrokerConnection(
            user=user, broker=broker, environment=environment
        )
        connection.label = label or connection.label or _label(broker, environment, credentials)
        connection.credentials = kept_credentials(credentials, get_spec(broker))
        connection.put_tokens(signed_in.tokens)
        connection.put_state(BrokerConnection.State.CONNECTED)
        connection.deleted_at = None
        connection.save()
        store_accounts(connection, signed_in.accounts)
        notify(ENGINE_CHANNEL, str(connection.pk))
    return connection


def _same_login(user: User, broker: str, environment: str, tokens: Tokens) -> BrokerConnection | None:
    if not tokens.venue_user_id:
        return None
    # A login that was removed and comes back continues its history.
    same = BrokerConnection.objects.filter(
        user=user, broker=broker, environment=environment, venue_user_id=tokens.venue_user_id
    )
    return same.select_for_update().first()


def _label(broker: str, environment: str, credentials: Mapping[str, str]) -> str:
    name = credentials.get("username") or credentials.get("email") or ""
    return f"{get_spec(broker).label} {environment} {name}".strip()


def kept_credentials(credentials: Mapping[str, str], spec: BrokerSpec) -> dict[str, str]:
    """What is stored of the credentials: the password only when unattended re-login was asked for (law 10)."""
    unattended = str(credentials.get(UNATTENDED, "")).lower() in {"true", "1", "yes", "on"}
    drop = {UNATTENDED} if unattended else {UNATTENDED, "password"}
    return {name: value for name, value in credentials.items() if name not in drop}


def store_accounts(connection: BrokerConnection, infos: Sequence[AccountInfo]) -> None:
    """Make the stored accounts equal to what the broker shows; one that vanished is kept, marked missing."""
    known = {(a.environment, a.external_id): a for a in connection.accounts.select_for_update()}
    for info in infos:
        account = known.pop((info.environment.value, info.id), None)
        if account is None:
            account = BrokerAccount(
                connection=connection,
                user_id=connection.user_id,
                environment=info.environment.value,
                external_id=info.id,
            )
        account.name, account.currency = info.name, info.currency
        account.state = BrokerAccount.State.READY if info.active else BrokerAccount.State.CLOSED
        account.save()
    for missing in known.values():
        missing.state = BrokerAccount.State.MISSING
        missing.save(update_fields=["state"])
    publish(AccountsChanged(user_id=connection.user_id, connection=connection.pk))


def reconnect(connection: BrokerConnection, credentials: Mapping[str, Any] | None = None) -> BrokerConnection:
    """Bring a login back: with new credentials, else by refreshing its token. Raises BrokerError with a sentence."""
    if credentials:
        merged = {**connection.credentials, **credentials}
        clean = check_credentials(connection.broker, connection.environment, merged)
        signed_in = asyncio.run(sign_in(connection.broker, connection.environment, clean))
        _refuse_other_login(connection, signed_in.tokens)
        with transaction.atomic():
            connection.credentials = kept_credentials(clean, get_spec(connection.broker))
            connection.put_tokens(signed_in.tokens)
            connection.save()
            store_accounts(connection, signed_in.accounts)
    else:
        if connection.state == BrokerConnection.State.DISABLED:
            change_state(connection, BrokerConnection.State.CONNECTING)
        fresh_tokens(connection.pk, within=RECONNECT_WINDOW)
        connection.refresh_from_db()
        refresh_accounts(connection)
    change_state(connection, BrokerConnection.State.CONNECTED)
    with transaction.atomic():
        notify(ENGINE_CHANNEL, str(connection.pk))
    return connection


def _refuse_other_login(connection: BrokerConnection, tokens: Tokens) -> None:
    if connection.venue_user_id and tokens.venue_user_id and tokens.venue_user_id != connection.venue_user_id:
        raise BrokerError(
            "These credentials belong to another login at the broker. Connect them as a new one."
        )


def refresh_accounts(connection: BrokerConnection) -> None:
    """Ask the broker again which accounts this login opens."""

    async def ask() -> list[AccountInfo]:
        tokens = connection.current_tokens()
        if tokens is None:
            raise AuthRevoked("The broker login has run out. Sign in again on the Accounts page.")
        async with make_client(max_connections=8) as http:
            return await find_accounts(connection.broker, connection.environment, tokens, http)

    infos = asyncio.run(ask())
    with transaction.atomic():
        store_accounts(connection, infos)


def set_enabled(connection: BrokerConnection, enabled: bool) -> None:
    """Switch a login off (its sockets close, its accounts are refused) or on again."""
    if not enabled:
        change_state(connection, BrokerConnection.State.DISABLED, "Switched off by its owner.")
    elif connection.can_sign_in:
        change_state(connection, BrokerConnection.State.CONNECTED)
    else:
        reason = "The broker login has run out. Sign in again on the Accounts page."
        change_state(connection, BrokerConnection.State.NEEDS_REAUTHORIZATION, reason)
    with transaction.atomic():
        notify(ENGINE_CHANNEL, str(connection.pk))


def disconnect(connection: BrokerConnection) -> None:
    """Forget a login: its secrets are gone at once, its accounts' history stays."""
    with transaction.atomic():
        connection.put_state(BrokerConnection.State.DISABLED, "Removed by its owner.")
        connection.credentials, connection.tokens = {}, None
        connection.token_expires_at = connection.refresh_expires_at = None
        connection.deleted_at = utc_now()
        connection.save()
        connection.accounts.update(state=BrokerAccount.State.MISSING, enabled=False)
        publish(AccountsChanged(user_id=connection.user_id, connection=connection.pk))
        notify(ENGINE_CHANNEL, str(connection.pk))


def note_failure(connection_id: UUID, error: BrokerError) -> None:
    """Remember on the login why the broker could not be asked."""
    connection = BrokerConnection.objects.filter(pk=connection_id).first()
    if connection is None or connection.state == BrokerConnection.State.DISABLED:
        return
    if isinstance(error, AuthRevoked):
        change_state(connection, BrokerConnection.State.NEEDS_REAUTHORIZATION, error.message)
    elif connection.state != BrokerConnection.State.NEEDS_REAUTHORIZATION:
        change_state(connection, BrokerConnection.State.ERROR, error.message)


def note_success(connection_id: UUID) -> None:
    connection = BrokerConnection.objects.filter(pk=connection_id, state__in=["error", "connecting"]).first()
    if connection is not None:
        change_state(connection, BrokerConnection.State.CONNECTED)


# --- browser login --------------------------------------------------------------------------------------------------


def new_oauth_state() -> tuple[str, str]:
    """A state and a PKCE verifier, both unguessable; the caller binds them to the browser's session."""
    return secrets.token_urlsafe(32), secrets.token_urlsafe(48)


def finish_oauth(
    user: User, broker: str, environment: str, *, code: str, redirect_uri: str, code_verifier: str
) -> BrokerConnection:
    """Exchange the code the broker's consent page sent back, and store the login."""

    async def exchange() -> SignedIn:
        async with make_client(max_connections=8) as http:
            auth = build_auth(broker, environment, {}, http)
            tokens = await auth.exchange(code=code, redirect_uri=redirect_uri, code_verifier=code_verifier)
            return SignedIn(tokens, await find_accounts(broker, environment, tokens, http))

    return store_login(user, broker, environment, {}, asyncio.run(exchange()))


# --- instruments ------------------------------------------------------------------------------------------------------


def store_instruments(
    broker: str, environment: str, found: Sequence[domain.Instrument]
) -> dict[str, Instrument]:
    """Contract definitions as rows, keyed by the venue's id."""
    now = utc_now()
    rows = [
        Instrument(
            broker=broker,
            environment=environment,
            venue_id=item.venue_id,
            venue_symbol=item.venue_symbol,
            root=item.root,
            asset_class=item.asset_class.value,
            exchange=item.exchange[:32],
            description=item.description[:160],
            currency=item.currency,
            tick_size=item.tick_size,
            point_value=item.point_value,
            quantity_step=item.quantity_step,
            expires_at=item.expires_at,
            refreshed_at=now,
        )
        for item in found
    ]
    changing = [
        "venue_symbol",
        "root",
        "tick_size",
        "point_value",
        "quantity_step",
        "expires_at",
        "refreshed_at",
    ]
    Instrument.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["broker", "environment", "venue_id"],
        update_fields=changing,
    )
    return instruments_by_venue_id(broker, environment, {item.venue_id for item in found})


async def ask_symbol(adapter: BrokerAdapter, symbol: str) -> list[domain.Instrument]:
    return await adapter.instruments(InstrumentQuery(text=symbol))


def remember_symbol(
    broker: str,
    environment: str,
    symbol: str,
    found: Sequence[domain.Instrument],
    now: datetime | None = None,
) -> Instrument | None:
    """Store what the venue said a symbol means; the first instrument is the one to trade."""
    if not found:
        return None
    stored = store_instruments(broker, environment, found)
    instrument = stored[found[0].venue_id]
    SymbolMapping.objects.update_or_create(
        broker=broker,
        environment=environment,
        symbol=normalize_symbol(symbol),
        defaults={"instrument": instrument, "resolved_at": now or utc_now()},
    )
    return instrument


def known_instrument(broker: str, environment: str, symbol: str) -> Instrument | None:
    return fresh_mapping(broker, environment, normalize_symbol(symbol), utc_now())
