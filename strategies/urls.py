"""Addresses of strategies, signals, orders and switches; a strategy's record is the recorder's."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, re_path

from strategies import api, drift_api, limit_api
from strategies.control import ACTIONS
from strategies.views import drift, signals, strategy

api_patterns: list[URLPattern | URLResolver] = [
    re_path(r"^strategies/?$", api.StrategyListView.as_view(), name="strategies"),
    re_path(r"^strategies/(?P<pk>[^/]+)/?$", api.StrategyView.as_view(), name="strategy"),
    re_path(r"^strategies/(?P<pk>[^/]+)/logs/?$", api.StrategyLogsView.as_view(), name="strategy-logs"),
    re_path(
        r"^strategies/(?P<pk>[^/]+)/rotate-webhook/?$",
        api.RotateWebhookView.as_view(),
        name="strategy-rotate-webhook",
    ),
    re_path(
        r"^strategies/(?P<pk>[^/]+)/alert-template/?$",
        api.AlertTemplateView.as_view(),
        name="strategy-alert-template",
    ),
    re_path(r"^signals/?$", api.SignalListView.as_view(), name="signals"),
    re_path(r"^signals/(?P<pk>[^/]+)/?$", api.SignalView.as_view(), name="signal"),
    re_path(r"^signals/(?P<pk>[^/]+)/replay/?$", api.ReplayView.as_view(), name="signal-replay"),
    re_path(r"^orders/?$", api.OrderListView.as_view(), name="orders"),
    re_path(r"^orders/(?P<pk>[^/]+)/?$", api.OrderView.as_view(), name="order"),
    re_path(r"^orders/(?P<pk>[^/]+)/cancel/?$", api.CancelOrderView.as_view(), name="order-cancel"),
    re_path(r"^positions/flatten/?$", api.FlattenView.as_view(), name="positions-flatten"),
    re_path(r"^risk-limits/?$", limit_api.RiskLimitsView.as_view(), name="risk-limits"),
    re_path(r"^drift/?$", drift_api.DriftListView.as_view(), name="drift"),
    re_path(r"^drift/(?P<pk>[^/]+)/?$", drift_api.DriftView.as_view(), name="drift-one"),
    re_path(
        r"^drift/(?P<pk>[^/]+)/bring-back/?$", drift_api.BringBackView.as_view(), name="drift-bring-back"
    ),
    re_path(
        r"^strategies/(?P<pk>[^/]+)/drift/?$", drift_api.StrategyDriftView.as_view(), name="strategy-drift"
    ),
    re_path(r"^control/status/?$", api.ControlStatusView.as_view(), name="control-status"),
    *(
        re_path(
            rf"^control/{action}/?$",
            api.ControlView.as_view(state=state.value),
            name=f"control-{action}",
        )
        for action, state in ACTIONS.items()
    ),
]
urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^user/strats/new/?$", strategy.create, name="strat-new"),
    re_path(r"^user/strats/preview/?$", strategy.preview, name="strat-preview"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/edit/?$", strategy.edit, name="strat-edit"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/delete/?$", strategy.delete, name="strat-delete"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/active/?$", strategy.set_active, name="strat-active"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/rotate/?$", strategy.rotate, name="strat-rotate"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/logs/?$", strategy.logs, name="strat-logs"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/test/?$", strategy.test_alert, name="strat-test"),
    re_path(r"^user/strats/(?P<pk>[0-9a-f-]{36})/drift/?$", drift.set_policy, name="strat-drift"),
    re_path(r"^user/drift/(?P<pk>[0-9a-f-]{36})/bring-back/?$", drift.bring_back, name="drift-bring-back"),
    re_path(r"^user/signals/?$", signals.signals, name="signals"),
    re_path(r"^user/signals/(?P<pk>[0-9a-f-]{36})/?$", signals.signal, name="signal"),
    re_path(r"^user/orders/?$", signals.orders, name="orders"),
    re_path(r"^user/orders/(?P<pk>[0-9a-f-]{36})/cancel/?$", signals.cancel, name="order-cancel"),
]
