"""Addresses of broker logins. What differs by broker is made from the registry, so a new broker needs no line here."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, re_path

from brokers import api, oauth, views
from brokers.registry import BROKERS

_by_kind: list[URLPattern] = [
    pattern
    for kind in BROKERS
    for pattern in (
        re_path(rf"^accounts/add-{kind}/?$", api.AddLoginView.as_view(kind=kind), name=f"add-{kind}"),
        re_path(
            rf"^accounts/test-{kind}-connection/?$",
            api.TestLoginView.as_view(kind=kind),
            name=f"test-{kind}",
        ),
    )
]

api_patterns: list[URLPattern | URLResolver] = [
    re_path(r"^connections/?$", api.ConnectionListView.as_view(), name="connections"),
    re_path(r"^connections/test/?$", api.ConnectionTestView.as_view(), name="connection-test"),
    re_path(r"^connections/(?P<pk>[^/]+)/?$", api.ConnectionView.as_view(), name="connection"),
    re_path(
        r"^connections/(?P<pk>[^/]+)/reconnect/?$", api.ReconnectView.as_view(), name="connection-reconnect"
    ),
    re_path(r"^broker-accounts/?$", api.BrokerAccountListView.as_view(), name="broker-accounts"),
    re_path(r"^broker-accounts/(?P<pk>[^/]+)/?$", api.BrokerAccountView.as_view(), name="broker-account"),
    re_path(r"^accounts/get-all-at-accounts/?$", api.AllAccountsView.as_view(), name="all-accounts"),
    *_by_kind,
]

_browser_logins: list[URLPattern] = [
    pattern
    for kind, spec in BROKERS.items()
    if spec.browser_login
    for pattern in (
        re_path(rf"^oauth/{kind}/start/?$", oauth.start, {"kind": kind}, name=f"oauth-{kind}-start"),
        re_path(rf"^oauth/{kind}/callback/?$", oauth.callback, {"kind": kind}, name=f"oauth-{kind}-callback"),
    )
]

urlpatterns: list[URLPattern | URLResolver] = [
    *_browser_logins,
    re_path(r"^user/accounts/?$", views.accounts, name="accounts"),
    re_path(r"^user/accounts/connect/(?P<kind>[a-z0-9_]+)/?$", views.connect, name="connect"),
    re_path(
        r"^user/accounts/login/(?P<pk>[0-9a-f-]{36})/reconnect/?$", views.reconnect, name="login-reconnect"
    ),
    re_path(r"^user/accounts/login/(?P<pk>[0-9a-f-]{36})/edit/?$", views.edit, name="login-edit"),
    re_path(r"^user/accounts/login/(?P<pk>[0-9a-f-]{36})/remove/?$", views.remove, name="login-remove"),
    re_path(r"^user/accounts/(?P<pk>[0-9a-f-]{36})/?$", views.edit_account, name="account-edit"),
]
