"""The one HTTP client every adapter is given.

httpx is the interface, aiohttp the transport: it fans out to a thousand accounts where httpx's own pool cannot.
The transport's mapping of errors is replaced, because one distinction is worth money: did the request leave?

* ``httpx.ConnectError``, ``httpx.ConnectTimeout``, ``httpx.PoolTimeout``: nothing was sent, safe to send again.
* ``httpx.ReadTimeout``, ``httpx.ReadError``, ``httpx.RemoteProtocolError``: it may have been processed. For an order
  that is *unknown*: look it up, never send it again.
"""

from __future__ import annotations

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def _truthful(
    request: httpx.Request, cause: BaseException | None, error: httpx.TransportError
) -> httpx.TransportError:
    """The httpx error that says whether the bytes left, decided by what aiohttp really raised."""
    text = str(cause or error) or type(cause or error).__name__
    if isinstance(cause, aiohttp.ClientConnectorError):
        return httpx.ConnectError(text, request=request)
    if isinstance(cause, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(text, request=request)
    if isinstance(cause, aiohttp.ServerTimeoutError):
        return httpx.ReadTimeout(text, request=request)
    if isinstance(cause, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
        return httpx.ReadError(text, request=request)
    return error


class HonestTransport(AiohttpTransport):
    """aiohttp under httpx, telling *not sent* from *sent, answer lost*."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except httpx.TransportError as error:
            raise _truthful(request, error.__cause__, error) from error


def make_client(
    *,
    max_connections: int = 200,
    connect_seconds: float = 3.0,
    read_seconds: float = 8.0,
    proxy: str | None = None,
) -> httpx.AsyncClient:
    """A client that follows no redirect, reads no proxy from the environment and keeps its connections open.

    ``read_seconds`` bounds the wait for an answer: after it an order counts as unknown. ``proxy`` is an egress proxy
    URL for venues that accept orders only from a registered address.
    """
    transport = HonestTransport(
        limits=httpx.Limits(max_connections=max_connections, keepalive_expiry=60.0),
        proxy=httpx.Proxy(proxy) if proxy else None,
        trust_env=True,
    )
    timeout = httpx.Timeout(read_seconds, connect=connect_seconds, pool=connect_seconds)
    return httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
