"""The alerts' own short road: raw ASGI in front of Django, without its middleware, sessions or request logs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

from strategies.webhooks import answers, intake
from strategies.webhooks.answers import Answer
from strategies.webhooks.database import Database
from strategies.webhooks.intake import Preview, RawAlert
from strategies.webhooks.request import (
    Receive,
    Scope,
    Send,
    header,
    is_webhook,
    peer_address,
    read_body,
    response_headers,
    target_of,
    wants_dry_run,
)
from strategies.webhooks.wakeup import Waker
from tradeproject.common.clock import utc_now

logger = logging.getLogger(__name__)

READ_SECONDS = 3.0
Application = Callable[..., Awaitable[Any]]


def preview_signal(signal_id: UUID) -> Mapping[str, Any]:
    """What a stored dry run would send: ``{"orders": […], "warnings": […]}``. Runs in a thread, ORM inside."""
    preview: Preview = import_string("strategies.services.preview_signal")
    try:
        return preview(signal_id)
    finally:
        connections.close_all()  # the thread outlives the call; its connection goes back to the pool


class LoopDatabase:
    """The database of the running loop, opened at its first use: when the module loads there is no loop yet."""

    def __init__(self, factory: Callable[[], Database]) -> None:
        self._factory = factory
        self._loop: asyncio.AbstractEventLoop | None = None
        self._database: Database | None = None
        self._opening: asyncio.Task[None] | None = None

    async def get(self) -> Database:
        loop = asyncio.get_running_loop()
        if self._database is None or self._opening is None or self._loop is not loop:
            self._loop, self._database = loop, self._factory()
            self._opening = loop.create_task(self._database.open())
        database = self._database
        if not self._opening.done():
            await self._opening
        return database

    async def close(self) -> None:
        database, self._database = self._database, None
        if database is not None and self._loop is asyncio.get_running_loop():
            await database.close()


class WebhookRoute:
    """ASGI: HTTP requests to /webhook end here, all others go on to ``app``."""

    def __init__(
        self,
        app: Application,
        *,
        database: Callable[[], Database] = Database,
        preview: Preview = preview_signal,
        waker: Waker | None = None,
    ) -> None:
        self._app = app
        self._preview = preview
        self._waker = waker or Waker()
        self.database = LoopDatabase(database)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_webhook(scope["path"]):
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        if answer is None:
            return
        await _send(scope, send, answer)
        if answer.execute is not None:
            self._waker.wake(answer.execute)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | None:
        if scope["method"] != "POST":
            return answers.METHOD_NOT_ALLOWED
        received_at = utc_now()
        try:
            async with asyncio.timeout(READ_SECONDS):
                read = await read_body(receive)
        except TimeoutError:
            return answers.TOO_SLOW
        if read is None:
            return None
        raw = RawAlert(
            body=read[0],
            received_at=received_at,
            content_type=header(scope, b"content-type"),
            source_address=peer_address(scope, settings.TRUSTED_PROXY_COUNT),
            dry_run=wants_dry_run(scope),
            too_large=read[1],
        )
        try:
            return await intake.receive(
                await self.database.get(), raw, target_of(scope["path"]), self._preview
            )
        except Exception:
            logger.exception("an alert could not be taken in")
            return answers.UNAVAILABLE


async def _send(scope: Scope, send: Send, answer: Answer) -> None:
    body = answer.encoded()
    headers = response_headers(answer.headers.items(), len(body))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
