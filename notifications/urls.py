from __future__ import annotations

from django.urls import URLPattern, URLResolver, re_path

from notifications import views

api_patterns: list[URLPattern | URLResolver] = []
urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^user/notifications/?$", views.listing, name="notifications"),
    re_path(r"^user/notifications/read/?$", views.read_all, name="notifications-read"),
    re_path(r"^user/notifications/(?P<pk>[0-9a-f-]{36})/?$", views.read_one, name="notification"),
]
