"""Who may see which row. Every view, endpoint and consumer that serves tenant data reads through ``owned``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import DataError, models
from django.http import Http404

from accounts.models import ApiKey, AuditEntry, User
from tradeproject.common.clock import utc_now

M = TypeVar("M", bound=models.Model)

# A login may be tried this often before it has to wait; the second limit spares devices the user signed in from.
FAILURES_PER_ADDRESS = 10
FAILURES_PER_ADDRESS_WINDOW = timedelta(minutes=15)
FAILURES_PER_LOGIN = 100
FAILURES_PER_LOGIN_WINDOW = timedelta(hours=1)


def owned(
    queryset: models.QuerySet[M],
    user: User | AnonymousUser,
    *,
    path: str = "user",
    staff_sees_all: bool = False,
) -> models.QuerySet[M]:
    """The rows of ``queryset`` that belong to ``user``; nobody owns nothing.

    ``path`` is the lookup that leads from the row to its owner (``strategy__user``). Staff see only their own rows
    unless the caller says otherwise: a view must opt in to ``staff_sees_all``, it is never the default.
    """
    if not user.is_authenticated:
        return queryset.none()
    if staff_sees_all and user.is_staff:
        return queryset
    return queryset.filter(**{path: user})


def get_owned_or_404(
    queryset: models.QuerySet[M],
    user: User | AnonymousUser,
    *,
    path: str = "user",
    staff_sees_all: bool = False,
    **lookup: Any,
) -> M:
    """One owned row, or Http404: the same for a foreign row, a missing one and an id that cannot be an id."""
    try:
        return owned(queryset, user, path=path, staff_sees_all=staff_sees_all).get(**lookup)
    except (ObjectDoesNotExist, ValidationError, ValueError, TypeError, OverflowError, DataError):
        raise Http404 from None


def all_users() -> models.QuerySet[User]:
    return User.objects.order_by("email")


def api_keys_of(user: User | AnonymousUser) -> models.QuerySet[ApiKey]:
    """The user's keys that were not revoked; expired ones are listed so that their owner can tidy up."""
    return owned(ApiKey.objects.filter(revoked_at__isnull=True), user)


def activity_of(user: User | AnonymousUser) -> models.QuerySet[AuditEntry]:
    """What happened around this user's login and settings, newest first."""
    return owned(AuditEntry.objects.order_by("-pk"), user, path="owner")


def is_login_blocked(email: str, address: str | None) -> bool:
    """Whether too many logins as ``email`` failed of late, counted from the audit log: it outlives a lost Redis.

    The limit for one address stops a guesser there. The limit over all addresses stops many of them together, but
    not the owner: an address the user has a live session from is spared, so nobody can be locked out from home.
    Whoever proved by mail who they are, in a password reset, starts afresh.
    """
    now = utc_now()
    acts = AuditEntry.objects.filter(actor_email=email.lower(), at__gt=now - FAILURES_PER_LOGIN_WINDOW)
    failed = acts.filter(action="login_failed")
    reset_at = acts.filter(action="password_reset").aggregate(at=models.Max("at"))["at"]
    if reset_at is not None:
        failed = failed.filter(at__gt=reset_at)
    counts = failed.aggregate(
        here=models.Count("pk", filter=models.Q(address=address, at__gt=now - FAILURES_PER_ADDRESS_WINDOW)),
        everywhere=models.Count("pk"),
    )
    if counts["here"] >= FAILURES_PER_ADDRESS:
        return True
    if counts["everywhere"] < FAILURES_PER_LOGIN:
        return False
    return not UserSession.objects.filter(user__email=email.lower(), ip=address).exists()


_discord_state: list[Callable[[User], str]] = []


def provide_discord_state(provider: Callable[[User], str]) -> None:
    """Let the Discord link's owner (an app above this one) answer ``discord_dm_state``; call it in AppConfig.ready."""
    _discord_state[:] = [provider]


def discord_dm_state(user: User) -> str:
    """Whether direct messages reach this user: ``not_linked`` until a Discord link exists."""
    return _discord_state[0](user) if _discord_state else "not_linked"
