"""The websocket addresses."""

from __future__ import annotations

from django.urls import re_path

from dashboard.consumers import LiveSocket, no_such_socket

websocket_patterns = [
    re_path(r"^ws/?$", LiveSocket()),  # type: ignore[arg-type]
    re_path(r"^ws/dashboard/?$", LiveSocket("dashboard")),  # type: ignore[arg-type]
    re_path(r"", no_such_socket),  # type: ignore[arg-type]
]
