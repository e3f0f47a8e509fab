"""HTTP: one request, one answer, and the truth about whether it left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import httpx

from brokers.adapters.tradovate.endpoints import redirected
from brokers.adapters.tradovate.wire import Answer, AnswerLost, Moved, NotSent, answer_of
from tradeproject.common.http import NEVER_SENT

REDIRECTS = {307, 308}


class Rest:
    """Requests to one environment's API. ``api`` changes when the venue names the host that serves this login."""

    def __init__(
        self, http: httpx.AsyncClient, api: str, on_moved: Callable[[str], None] | None = None
    ) -> None:
        self.api = api
        self._http = http
        self._on_moved = on_moved

    async def send(
        self, operation: str, query: str = "", body: bytes | None = None, *, token: str = ""
    ) -> Answer:
        """GET without a body, POST with one. Raises NotSent, AnswerLost or Moved; every status is an answer.

        A redirect means that another host serves this login and that nothing was done here; HTTP libraries drop the
        Authorization header on that hop, so it is taken by hand, once, and only to a host of the venue.
        """
        answer = await self._once(self.api, operation, query, body, token)
        if answer.status not in REDIRECTS:
            return answer
        target = redirected(self.api, operation, answer.location)
        if target is None:
            raise Moved(
                "Tradovate sent this login to a server that is not one of its own. Nothing was done. "
                "Check the TRADOVATE_…_URL settings."
            )
        answer = await self._once(target, operation, query, body, token)
        if answer.status in REDIRECTS:
            raise Moved("Tradovate sent this login from server to server. Nothing was done. Try again later.")
        self.api = target
        if self._on_moved is not None:
            self._on_moved(target)
        return answer

    async def post_form(self, url: str, form: dict[str, str]) -> Answer:
        """A form to an absolute address (the OAuth token endpoint)."""
        return await self._exchange(self._http.build_request("POST", url, data=form, headers=_headers("")))

    async def _once(self, api: str, operation: str, query: str, body: bytes | None, token: str) -> Answer:
        url = f"{api}/{operation}?{query}" if query else f"{api}/{operation}"
        headers = _headers(token)
        if body is None:
            return await self._exchange(self._http.build_request("GET", url, headers=headers))
        headers["Content-Type"] = "application/json"
        return await self._exchange(self._http.build_request("POST", url, headers=headers, content=body))

    async def _exchange(self, request: httpx.Request) -> Answer:
        if self._http.is_closed:
            raise NotSent("The server is shutting down: nothing was sent to Tradovate.")
        try:
            response = await self._http.send(request, stream=True, follow_redirects=False)
        except NEVER_SENT as error:
            raise NotSent(
                f"Tradovate cannot be reached ({type(error).__name__}). Nothing was sent; try again shortly."
            ) from error
        except httpx.RequestError as error:
            raise _lost(error) from error
        # From here on the request is with the venue, whatever an error in the body may be called.
        try:
            content = await response.aread()
        except httpx.HTTPError as error:
            raise _lost(error) from error
        finally:
            with contextlib.suppress(httpx.HTTPError):
                await response.aclose()
        return answer_of(response.status_code, content, response.headers.get("Location", ""))


def _headers(token: str) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _lost(error: Exception) -> AnswerLost:
    return AnswerLost(
        f"Tradovate's answer did not arrive ({type(error).__name__}). It will be looked up before anything is repeated."
    )
