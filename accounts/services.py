"""What changes people, their keys and their settings. Each act and its audit entry are one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.http import HttpRequest

from accounts.audit import AuditReport, record_audit, verify_audit
from accounts.idempotency import IdempotentCall, idempotent, purge_idempotency_keys
from accounts.models import ApiKey, User
from tradeproject.common.clock import utc_now
from tradeproject.common.ids import digest_secret, new_secret

__all__ = [
    "AuditReport",
    "IdempotentCall",
    "change_user",
    "create_api_key",
    "create_user",
    "end_session",
    "end_surplus_sessions",
    "idempotent",
    "purge_idempotency_keys",
    "record_audit",
    "revoke_api_key",
    "rotate_webhook_secret",
    "settle_email_address",
    "verify_audit",
]

MOST_API_KEYS = 50
MOST_SESSIONS = 50
KEY_PREFIX = "tas_"


@transaction.atomic
def create_user(email: str, password: str, *, staff: bool = False, weak: bool = False, **fields: Any) -> User:
    """A new user with a verified e-mail address. ``weak`` skips the password rules (demo data, tests).

    Raises ValidationError when the address is not one, is taken, or the password is too weak.
    """
    email = User.objects.normalize_email(email).strip().lower()
    validate_email(email)
    taken = User.objects.filter(email=email).exists() or EmailAddress.objects.filter(email=email).exists()
    if taken:
        raise ValidationError(f"There already is a user {email}. Choose another address.", code="taken")
    user = User(email=email, is_staff=staff, is_superuser=staff, **fields)
    if not weak:
        validate_password(password, user)
    user.set_password(password)
    user.save()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    record_audit("user_created", actor=None, owner=user, detail={"staff": staff, "email": email})
    return user


def settle_email_address(user: User) -> None:
    """Where nobody is asked to confirm an address, the one a user signs in with counts as confirmed.

    The library takes any unconfirmed address for one that the user is changing to: changing it again would throw
    away the login name itself.
    """
    if account_settings.EMAIL_VERIFICATION == account_settings.EmailVerificationMethod.MANDATORY:
        return
    address, _ = EmailAddress.objects.get_or_create(user=user, email=user.email)
    if not address.verified and address.set_verified():
        address.set_as_primary(conditional=True)


@transaction.atomic
def change_user(user: User, changes: Mapping[str, Any], *, request: HttpRequest | None = None) -> User:
    """Set profile fields; only what really differs is written and recorded."""
    before = {name: getattr(user, name) for name, value in changes.items() if getattr(user, name) != value}
    if not before:
        return user
    for name in before:
        setattr(user, name, changes[name])
    user.save(update_fields=list(before))
    detail = {name: [old, changes[name]] for name, old in before.items()}
    record_audit(
        "profile_changed",
        actor=user,
        object_type="user",
        object_id=user.pk,
        detail=detail,
        request=request,
    )
    return user


@transaction.atomic
def rotate_webhook_secret(user: User, *, request: HttpRequest | None = None) -> str:
    """A new secret for generic alerts; the old one stops working with this commit."""
    secret = user.rotate_webhook_secret()
    record_audit("webhook_secret_rotated", actor=user, object_type="user", object_id=user.pk, request=request)
    return secret


@transaction.atomic
def create_api_key(
    user: User,
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    request: HttpRequest | None = None,
) -> tuple[ApiKey, str]:
    """A key and its secret. The secret is known only to the caller: the row keeps its digest and first letters."""
    User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if ApiKey.objects.filter(user=user, revoked_at__isnull=True).count() >= MOST_API_KEYS:
        raise ValidationError(f"You have {MOST_API_KEYS} API keys already. Revoke one that is not used.")
    secret = new_secret(KEY_PREFIX)
    key = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=secret[:12],
        digest=digest_secret(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    _record_key("api_key_created", key, request, {"expires_at": expires_at})
    return key, secret


@transaction.atomic
def revoke_api_key(key: ApiKey, *, request: HttpRequest | None = None) -> None:
    """The key stops working with this commit; its row stays as a record."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=utc_now()):
        _record_key("api_key_revoked", key, request, {})


def _record_key(action: str, key: ApiKey, request: HttpRequest | None, extra: Mapping[str, Any]) -> None:
    detail = {"name": key.name, "prefix": key.prefix, "scopes": key.scopes, **extra}
    record_audit(
        action, actor=key.user, object_type="api_key", object_id=key.pk, detail=detail, request=request
    )


def end_session(session_key: str) -> None:
    """The session, the JWTs that belong to it and, within seconds, its sockets are dead."""
    SessionStore().delete(session_key)
    UserSession.objects.filter(session_key=session_key).delete()


def end_surplus_sessions(user: User, keep: int = MOST_SESSIONS) -> int:
    """End the oldest sessions beyond ``keep``: a script that logs in anew at every call must not pile them up."""
    surplus = list(UserSession.objects.filter(user=user).order_by("-created_at", "-pk")[keep:])
    for session in surplus:
        session.end()
    return len(surplus)
