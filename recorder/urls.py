"""Addresses of the record; those of a strategy's own record stand below the strategy."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, re_path

from recorder import api, views

api_patterns: list[URLPattern | URLResolver] = [
    re_path(
        r"^recorder/start/(?P<pk>[^/]+)/?$", api.RecordingView.as_view(is_on=True), name="recorder-start"
    ),
    re_path(r"^recorder/stop/(?P<pk>[^/]+)/?$", api.RecordingView.as_view(is_on=False), name="recorder-stop"),
    re_path(
        r"^recorder/positions/(?P<pk>[^/]+)/?$",
        api.RecordedPositionsView.as_view(),
        name="recorder-positions",
    ),
    re_path(
        r"^strategies/(?P<pk>[^/]+)/positions/?$",
        api.StrategyPositionsView.as_view(),
        name="strategy-positions",
    ),
    re_path(
        r"^strategies/(?P<pk>[^/]+)/analytics/?$",
        api.StrategyAnalyticsView.as_view(),
        name="strategy-analytics",
    ),
]
urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^user/strats/?$", views.strategies, name="strats"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/?$", views.strategy, name="strat"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/recording/?$", views.set_recording, name="strat-recording"),
]
