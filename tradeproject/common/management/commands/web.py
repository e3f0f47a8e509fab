"""The web process: pages, API, webhooks and websockets in one ASGI server."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import BaseCommand
from django.urls import get_resolver
from django.utils.module_loading import import_string

from tradeproject.common.httpserver import GuardedProtocol, allow_many_connections
from tradeproject.common.latency import spare_what_stays, take_short_turns

GRACE_SECONDS = 4


class Command(BaseCommand):
    help = "Serves the web. Several of these may share one port; the kernel spreads the connections."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, **options: Any) -> None:
        # An alert's answer gets the interpreter back quickly from the threads that serve pages.
        take_short_turns()
        allow_many_connections()
        listener = _listener(options["host"], options["port"])
        application = import_string("tradeproject.asgi.application")
        get_resolver().url_patterns  # noqa: B018 - loads every page's code now instead of with the first request
        spare_what_stays()
        config = uvicorn.Config(
            application,
            lifespan="off",
            log_config=None,
            access_log=False,  # an alert's address is a secret
            server_header=False,
            proxy_headers=False,  # who may be believed about the peer is decided by TRUSTED_PROXY_COUNT
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_SECONDS,
            http=GuardedProtocol,
            ws_ping_interval=20,
            ws_ping_timeout=20,
            ws_max_size=65_536,
            backlog=2048,
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.set_inheritable(True)
    return listener
