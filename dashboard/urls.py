from __future__ import annotations

from django.urls import URLPattern, URLResolver, re_path

from dashboard import api, switches, views

api_patterns: list[URLPattern | URLResolver] = [
    re_path(r"^positions/?$", api.LivePositionsView.as_view(), name="positions"),
    re_path(r"^dashboard/summary/?$", api.SummaryView.as_view(), name="dashboard-summary"),
    re_path(
        r"^dashboard/analytics/(?P<pk>[^/]+)/?$", api.AnalyticsView.as_view(), name="dashboard-analytics"
    ),
    re_path(r"^dashboard/pnl/?$", api.PnlView.as_view(), name="dashboard-pnl"),
    re_path(r"^dashboard/trades/?$", api.TradesView.as_view(), name="dashboard-trades"),
    re_path(r"^dashboard/performance/?$", api.PerformanceView.as_view(), name="dashboard-performance"),
    re_path(r"^monitoring/system/?$", api.SystemView.as_view(), name="monitoring-system"),
    re_path(r"^monitoring/metrics/?$", api.MetricsView.as_view(), name="monitoring-metrics"),
    re_path(r"^db-health/check/?$", api.DatabaseHealthView.as_view(), name="db-health"),
    re_path(r"^errors/recent/?$", api.RecentErrorsView.as_view(), name="errors-recent"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^user/dashboard/?$", views.dashboard, name="dashboard"),
    re_path(r"^user/dashboard/equity/?$", views.equity, name="dashboard-equity"),
    re_path(r"^user/control/?$", switches.switch, name="control"),
    re_path(r"^user/settings/?$", views.settings_page, name="user-settings"),
    re_path(r"^user/settings/webhook-secret/?$", views.rotate_secret, name="user-secret-rotate"),
    re_path(r"^user/theme/?$", views.theme, name="theme"),
]
