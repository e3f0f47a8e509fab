"""What users were told."""

from __future__ import annotations

from django.contrib import admin

from notifications.models import Notification
from tradeproject.admin_site import LogAdmin


@admin.register(Notification)
class NotificationAdmin(LogAdmin):
    list_display = ("created_at", "user", "level", "type", "title", "read_at")
    list_filter = ("level", "type")
    list_select_related = ("user",)
    search_fields = ("title", "body", "user__email")
    ordering = ("-created_at",)
