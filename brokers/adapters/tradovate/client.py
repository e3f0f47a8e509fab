"""Tradovate's endpoints by their own names. No decisions: what carries a request, and what an answer means, is given.

The same requests go over HTTP or over the trading socket, where every REST path is a valid request. Paths are
``entity/operation``; bodies are the venue's own fields.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from brokers.adapters.tradovate.wire import encode

T = TypeVar("T")
Send = Callable[[str, str, bytes | None], Awaitable[T]]
Body = Mapping[str, Any]


class Client(Generic[T]):
    """One method per endpoint; ``send(operation, query, body)`` decides what they return."""

    def __init__(self, send: Send[T]) -> None:
        self._send = send

    def _get(self, operation: str, **query: object) -> Awaitable[T]:
        return self._send(operation, urlencode(query, safe=","), None)

    def _post(self, operation: str, body: Body) -> Awaitable[T]:
        return self._send(operation, "", encode(body))

    # --- operations every entity has ----------------------------------------------------------------------------

    def list(self, entity: str) -> Awaitable[T]:
        return self._get(f"{entity}/list")

    def item(self, entity: str, entity_id: int) -> Awaitable[T]:
        return self._get(f"{entity}/item", id=entity_id)

    def items(self, entity: str, ids: Iterable[int]) -> Awaitable[T]:
        return self._get(f"{entity}/items", ids=_joined(ids))

    def find(self, entity: str, name: str) -> Awaitable[T]:
        return self._get(f"{entity}/find", name=name)

    def suggest(self, entity: str, text: str, limit: int) -> Awaitable[T]:
        return self._get(f"{entity}/suggest", t=text, l=limit)

    def deps(self, entity: str, master_id: int) -> Awaitable[T]:
        return self._get(f"{entity}/deps", masterid=master_id)

    def ldeps(self, entity: str, master_ids: Iterable[int]) -> Awaitable[T]:
        return self._get(f"{entity}/ldeps", masterids=_joined(master_ids))

    # --- reads of their own -------------------------------------------------------------------------------------

    def auth_me(self) -> Awaitable[T]:
        return self._get("auth/me")

    def get_cash_balance_snapshot(self, account_id: int) -> Awaitable[T]:
        return self._post("cashBalance/getcashbalancesnapshot", {"accountId": account_id})

    # --- commands -----------------------------------------------------------------------------------------------

    def place_order(self, body: Body) -> Awaitable[T]:
        return self._post("order/placeorder", body)

    def place_oso(self, body: Body) -> Awaitable[T]:
        return self._post("order/placeoso", body)

    def place_oco(self, body: Body) -> Awaitable[T]:
        return self._post("order/placeoco", body)

    def modify_order(self, body: Body) -> Awaitable[T]:
        return self._post("order/modifyorder", body)

    def cancel_order(self, body: Body) -> Awaitable[T]:
        return self._post("order/cancelorder", body)

    def liquidate_position(self, body: Body) -> Awaitable[T]:
        return self._post("order/liquidateposition", body)

    def start_order_strategy(self, body: Body) -> Awaitable[T]:
        return self._post("orderStrategy/startorderstrategy", body)


def _joined(ids: Iterable[int]) -> str:
    return ",".join(map(str, ids))
