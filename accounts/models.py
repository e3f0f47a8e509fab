"""People: who may sign in, with which keys, and what they did."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models

from tradeproject.common.clock import utc_now
from tradeproject.common.crypto import EncryptedTextField
from tradeproject.common.ids import digest_secret, new_secret, uuid7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail address is the login name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    theme = models.CharField(max_length=8, choices=[("dark", "Dark"), ("light", "Light")], default="dark")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=utc_now)
    # The secret that a generic alert (POST /webhook) carries in its body. Shown to its owner, so kept sealed, not hashed.
    webhook_secret = EncryptedTextField(default=new_secret)
    webhook_digest = models.CharField(max_length=64, unique=True, editable=False)
    discord_dms_enabled = models.BooleanField(default=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~models.Q(email=""), name="user_has_email")]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        if not self.webhook_digest:
            self.webhook_digest = digest_secret(self.webhook_secret)
        super().save(*args, **kwargs)

    def rotate_webhook_secret(self) -> str:
        self.webhook_secret = new_secret()
        self.webhook_digest = digest_secret(self.webhook_secret)
        self.save(update_fields=["webhook_secret", "webhook_digest"])
        return self.webhook_secret

    @property
    def display_name(self) -> str:
        return self.name or self.email.split("@", 1)[0]


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> ApiKeyQuerySet:
        now = utc_now()
        return self.filter(revoked_at__isnull=True, user__is_active=True).filter(
            models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=now)
        )


class ApiKey(models.Model):
    """A key for scripts. Only its digest is stored: the key itself is shown once, when it is made."""

    class Scope(models.TextChoices):
        READ = "read", "Read everything of mine"
        TRADE = "trade", "Change strategies, cancel and place orders, start and stop"
        ADMIN = "admin", "Broker logins, API keys and settings"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ApiKeyQuerySet] = ApiKeyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def touch(self) -> None:
        """Remember the use, at most once a minute: a busy script must not write a row at every request."""
        now = utc_now()
        if self.last_used_at is None or now - self.last_used_at > timedelta(minutes=1):
            ApiKey.objects.filter(pk=self.pk).update(last_used_at=now)


class AuditEntry(models.Model):
    """One security-relevant act. Rows are only ever added (a trigger refuses the rest) and chained by hash."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=utc_now)
    actor = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    actor_email = models.CharField(max_length=254, blank=True)
    owner = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["owner", "-id"]),
            models.Index(fields=["action", "-id"]),
            models.Index(fields=["action", "actor_email", "-at"], name="audit_action_email"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_email} {self.action}"

    def computed_hash(self) -> str:
        body = [
            self.previous_hash,
            self.at.isoformat(),
            str(self.actor_id or ""),
            self.actor_email,
            str(self.owner_id or ""),
            self.action,
            self.object_type,
            self.object_id,
            self.detail,
            str(self.address or ""),
        ]
        return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()


class IdempotencyKey(models.Model):
    """The stored answer to a request that must not be carried out twice (kept for 24 hours)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
