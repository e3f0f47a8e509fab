"""Prometheus metrics, read from the rows at every scrape: one truth, whichever process is asked."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from ipaddress import ip_address

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tradeproject.common import heartbeat

_COUNTS = {
    "signals": ("Signals of the last 24 hours by what the sender was told", "status", """
        SELECT status, count(*) FROM strategies_signal WHERE received_at > now() - interval '24 hours' GROUP BY status"""),
    "orders": ("Orders of the last 24 hours by state", "status", """
        SELECT status, count(*) FROM strategies_order WHERE planned_at > now() - interval '24 hours' GROUP BY status"""),
    "denials": ("Orders of the last 24 hours that we refused, by reason", "code", """
        SELECT deny_code, count(*) FROM strategies_order
         WHERE status = 'denied' AND planned_at > now() - interval '24 hours' GROUP BY deny_code"""),
    "connections": ("Broker logins by state", "state", """
        SELECT state, count(*) FROM brokers_brokerconnection WHERE deleted_at IS NULL GROUP BY state"""),
}  # fmt: skip
_SINGLES = {
    "signals_waiting": ("Accepted signals not carried out yet",
        "SELECT count(*) FROM strategies_signal WHERE status = 'accepted' AND progress IN ('queued', 'executing') "
        "AND (due_at IS NULL OR due_at < now())"),
    "orders_unknown": ("Orders whose outcome is being looked up",
        "SELECT count(*) FROM strategies_order WHERE status = 'unknown'"),
    "reports_waiting": ("Broker reports not taken in yet", "SELECT count(*) FROM brokers_reportbatch"),
    "events_waiting": ("Events not handed on yet", "SELECT count(*) FROM common_domainevent WHERE relayed_at IS NULL"),
}  # fmt: skip
_LATENCY = """
SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM o.sent_at - g.received_at))
  FROM strategies_order AS o JOIN strategies_signal AS g ON g.id = o.signal_id
 WHERE o.sent_at > now() - interval '15 minutes' AND g.due_at IS NULL
"""


class FromRows(Collector):
    def collect(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            for name, (text, label, query) in _COUNTS.items():
                family = GaugeMetricFamily(f"trade_{name}", text, labels=[label])
                cursor.execute(query)
                for value, count in cursor.fetchall():
                    family.add_metric([value], count)
                yield family
            for name, (text, query) in _SINGLES.items():
                cursor.execute(query)
                yield GaugeMetricFamily(f"trade_{name}", text, value=cursor.fetchone()[0])
            yield self._latency(cursor)
        ages = GaugeMetricFamily(
            "trade_heartbeat_age_seconds", "Seconds since a part's last sign of life", labels=["part"]
        )
        for name, age in heartbeat.ages().items():
            ages.add_metric([name], age)
        yield ages

    @staticmethod
    def _latency(cursor) -> GaugeMetricFamily:  # type: ignore[no-untyped-def] # noqa: ANN001
        family = GaugeMetricFamily(
            "trade_signal_to_order_seconds",
            "From an alert's first byte to its order's sending, last 15 minutes",
            labels=["quantile"],
        )
        cursor.execute(_LATENCY)
        for quantile, value in zip(("0.5", "0.95", "0.99"), cursor.fetchone()[0] or (), strict=False):
            family.add_metric([quantile], float(value))
        return family


def _may_read(request: HttpRequest) -> bool:
    """Staff, the operator's own scraper by its token, or a scraper on this very machine when no proxy stands in between."""
    if request.user.is_authenticated and request.user.is_staff:
        return True
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN:
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    peer = request.META.get("REMOTE_ADDR") or ""
    return settings.TRUSTED_PROXY_COUNT == 0 and bool(peer) and ip_address(peer).is_loopback


def metrics(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FromRows())
    return HttpResponse(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")
