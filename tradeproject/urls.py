"""All addresses of the product. The API is mounted twice, identically: under its version and as the current one."""

from __future__ import annotations

from django.contrib import admin
from django.http import Http404
from django.urls import include, path, re_path
from django.views.defaults import page_not_found
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.views import admin_login
from dashboard import health, metrics

API_MODULES = ["accounts.urls", "brokers.urls", "strategies.urls", "recorder.urls", "dashboard.urls"]


def api_patterns() -> list:
    from importlib import import_module

    return [pattern for name in API_MODULES for pattern in import_module(name).api_patterns]


admin.site.login = admin_login  # type: ignore[method-assign]

urlpatterns = [
    re_path(r"^health/?$", health.status, name="health"),
    re_path(r"^health/live/?$", health.live, name="health-live"),
    re_path(r"^health/ready/?$", health.ready, name="health-ready"),
    re_path(r"^metrics/?$", metrics.metrics, name="metrics"),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(
        r"^api/docs/?$",
        SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=["get", "head"]),
        name="api-docs",
    ),
    path("api/v1/", include((api_patterns(), "api"), namespace="v1")),
    path("api/", include((api_patterns(), "api"), namespace="api")),
    path("admin/", admin.site.urls),
    # Telephone numbers are not used here, and the library's address for them fails when they are off.
    path("_allauth/app/v1/account/phone", page_not_found, {"exception": Http404()}),
    path("_allauth/browser/v1/account/phone", page_not_found, {"exception": Http404()}),
    path("_allauth/", include("allauth.headless.urls")),
    path("", include("accounts.urls")),
    path("", include("brokers.urls")),
    path("", include("strategies.urls")),
    path("", include("recorder.urls")),
    path("", include("notifications.urls")),
    path("", include("dashboard.urls")),
    path("", RedirectView.as_view(url="/user/dashboard"), name="home"),
]
