"""People's addresses: the API's (mounted twice by the project), the unprefixed login doors, the sign-in pages."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from accounts import api, api_auth, views

_sign_in: list[URLPattern] = [
    re_path(r"^auth/login/?$", api_auth.LoginView.as_view(), name="auth-login"),
    re_path(r"^auth/refresh/?$", api_auth.RefreshView.as_view(), name="auth-refresh"),
    re_path(r"^auth/verify/?$", api_auth.VerifyView.as_view(), name="auth-verify"),
    re_path(r"^auth/logout/?$", api_auth.LogoutView.as_view(), name="auth-logout"),
]

api_patterns: list[URLPattern | URLResolver] = [
    re_path(r"^system/csrf-token/?$", api_auth.CsrfTokenView.as_view(), name="csrf-token"),
    re_path(r"^auth/check-auth/?$", api_auth.CheckAuthView.as_view(), name="check-auth"),
    *_sign_in,
    re_path(r"^users/?$", api.UserListView.as_view(), name="users"),
    re_path(r"^users/current/?$", api.CurrentUserView.as_view(), name="current-user"),
    re_path(r"^users/profile/?$", api.ProfileView.as_view(), name="profile"),
    re_path(r"^users/settings/?$", api.SettingsView.as_view(), name="settings"),
    re_path(r"^user/settings/?$", api.SettingsView.as_view(), name="settings-alias"),
    re_path(r"^user/toggle-discord-dms/?$", api.ToggleDiscordView.as_view(), name="toggle-discord-dms"),
    re_path(r"^api-keys/?$", api.ApiKeyListView.as_view(), name="api-keys"),
    re_path(r"^api-keys/(?P<pk>[^/]+)/?$", api.ApiKeyView.as_view(), name="api-key"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    *_sign_in,
    path("accounts/api-keys/", views.api_keys, name="account_api_keys"),
    path("accounts/api-keys/<str:pk>/revoke/", views.revoke_api_key, name="account_revoke_api_key"),
    path("accounts/activity/", views.activity, name="account_activity"),
    path("accounts/", include("allauth.urls")),
]
