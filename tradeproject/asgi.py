"""The web process's entry: alerts take a short road of their own, pages and API go through Django, sockets to Channels."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeproject.settings")

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - Django must be set up first

from accounts.sockets import SocketIdentity  # noqa: E402
from dashboard.routing import websocket_patterns  # noqa: E402
from strategies.webhooks.app import WebhookRoute  # noqa: E402
from tradeproject.common.httpserver import BodyGuard  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": WebhookRoute(BodyGuard(django_application)),
        "websocket": SocketIdentity(URLRouter(websocket_patterns)),
    }
)
