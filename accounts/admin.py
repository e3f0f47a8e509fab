"""People in the admin, the sign-in library's own tables among them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.models import ApiKey, AuditEntry, IdempotencyKey, User
from accounts.services import end_session, revoke_api_key
from tradeproject.admin_site import BaseAdmin, LogAdmin, ReadOnlyAdmin
from tradeproject.common.models import DomainEvent, Heartbeat

# These register themselves with Django's plain look when they are imported; ours take their place.
for _module in (
    "django.contrib.auth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
):
    import_module(f"{_module}.admin")
for _model in (Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


# --- people -----------------------------------------------------------------------------------------------------------


@admin.register(User)
class UserAdmin(BaseAdmin):
    """Who may sign in, and as what. Passwords and second factors are their owner's alone; nobody is deleted here."""

    secret_fields = ("password", "webhook_digest")
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name", "=id")
    ordering = ("-date_joined",)
    readonly_fields = ("email", "date_joined", "last_login")
    filter_horizontal = ("groups", "user_permissions")
    actions = ("deactivate", "activate")

    def _owner_of(self, obj: Any) -> Any:
        return obj

    def has_add_permission(self, request: HttpRequest) -> bool:
        """People sign up, or come from ``manage.py create_user``, which asks for a good password."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only a superuser gives rights away."""
        rights = (
            () if request.user.is_superuser else ("is_staff", "is_superuser", "groups", "user_permissions")
        )
        return (*self.readonly_fields, *rights)

    @admin.action(description="Deactivate: they can no longer sign in", permissions=["change"])
    def deactivate(self, request: HttpRequest, rows: Any) -> None:
        self._set_active(request, rows.exclude(pk=request.user.pk), False)

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, rows: Any) -> None:
        self._set_active(request, rows, True)

    def _set_active(self, request: HttpRequest, rows: Any, active: bool) -> None:
        def act(user: User) -> None:
            user.is_active = active
            user.save(update_fields=["is_active"])
            if not active:
                for session in UserSession.objects.filter(user=user):
                    end_session(session.session_key)
            self.log_change(request, user, "activated" if active else "deactivated")

        self.each(request, rows, act, "activated" if active else "deactivated")


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    secret_fields = ("digest",)
    list_display = (
        "name",
        "user",
        "prefix",
        "scopes",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__email")
    actions = ("revoke",)

    @admin.action(description="Revoke", permissions=["operate"])
    def revoke(self, request: HttpRequest, rows: Any) -> None:
        def act(key: ApiKey) -> None:
            revoke_api_key(key, request=request)
            self._record(request, "admin_changed", key, {"what": str(key), "change": "revoked"})

        self.each(request, rows, act, "keys revoked")


@admin.register(AuditEntry)
class AuditEntryAdmin(LogAdmin):
    owner_path = ""
    list_display = ("at", "actor_email", "action", "object_type", "object_id", "address")
    list_filter = ("object_type",)
    search_fields = ("actor_email", "action", "object_id")
    ordering = ("-id",)
    date_hierarchy = None


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    secret_fields = ("response", "request_digest")
    list_display = ("key", "user", "status_code", "created_at")
    list_select_related = ("user",)
    search_fields = ("key", "user__email")


# --- the sign-in library's ----------------------------------------------------------------------------------------------


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    list_display = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    list_select_related = ("user",)
    search_fields = ("email", "user__email")
    actions = ("make_verified",)

    @admin.action(description="Count as confirmed", permissions=["operate"])
    def make_verified(self, request: HttpRequest, rows: Any) -> None:
        def act(address: EmailAddress) -> str | None:
            if not address.verified and not address.set_verified():
                return "Another user has confirmed this address."
            self._record(request, "admin_changed", address, {"what": address.email, "change": "confirmed"})
            return None

        self.each(request, rows, act, "addresses looked at")


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Which second factors people have; what they consist of is nobody's business."""

    secret_fields = ("data",)
    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    actions = ("remove",)

    @admin.action(description="Remove, for somebody who lost it", permissions=["operate"])
    def remove(self, request: HttpRequest, rows: Any) -> None:
        def act(factor: Authenticator) -> None:
            self._record(request, "admin_deleted", factor, {"what": f"second factor {factor.type}"})
            factor.delete()

        self.each(request, rows, act, "second factors removed")


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    secret_fields = ("session_key", "data")
    list_display = ("user", "ip", "user_agent", "created_at", "last_seen_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "ip")
    actions = ("end",)

    @admin.action(description="End the session and its tokens", permissions=["operate"])
    def end(self, request: HttpRequest, rows: Any) -> None:
        def act(session: UserSession) -> None:
            self._record(request, "admin_deleted", session, {"what": f"session from {session.ip}"})
            end_session(session.session_key)

        self.each(request, rows, act, "sessions ended")


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnlyAdmin):
    secret_fields = ("extra_data",)
    list_display = ("user", "provider", "uid", "last_login")
    list_select_related = ("user",)
    search_fields = ("user__email", "uid")


@admin.register(SocialApp)
class SocialAppAdmin(ReadOnlyAdmin):
    owner_path = ""
    secret_fields = ("secret", "key", "settings")
    list_display = ("name", "provider")


@admin.register(SocialToken)
class SocialTokenAdmin(ReadOnlyAdmin):
    owner_path = "account.user"
    secret_fields = ("token", "token_secret")
    list_display = ("account", "app", "expires_at")
    list_select_related = ("account__user", "app")


@admin.register(Group)
class GroupAdmin(BaseAdmin):
    owner_path = ""
    search_fields = ("name",)
    filter_horizontal = ("permissions",)


# --- the platform's -----------------------------------------------------------------------------------------------------


@admin.register(DomainEvent)
class DomainEventAdmin(LogAdmin):
    list_display = ("id", "type", "user", "created_at", "relayed_at")
    list_filter = (("relayed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    search_fields = ("type", "user__email")
    ordering = ("-id",)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    owner_path = ""
    list_display = ("name", "at")


@admin.register(LogEntry)
class LogEntryAdmin(LogAdmin):
    list_display = ("action_time", "user", "content_type", "object_repr", "action_flag")
    list_select_related = ("user", "content_type")
    search_fields = ("user__email", "object_repr")
    ordering = ("-action_time",)
