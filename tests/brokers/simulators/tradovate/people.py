"""The test's side of the wire: a logged-in REST client and a raw socket client, both written from the specification."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import httpx
from websockets.asyncio.client import connect

from brokers.simulators.tradovate import MountedSimulator


class Person:
    """One login at one host of an in-process simulator."""

    def __init__(self, venue: MountedSimulator, number: int = 1, host: str = "demo") -> None:
        self.venue, self.host = venue, host
        self.login = venue.simulator.default_logins[number - 1]
        self.token = self.md_token = ""
        transport = httpx.ASGITransport(app=venue.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://simulator")

    @property
    def account(self):
        return self.login.on(self.host)[0]

    async def log_in(self, **more: Any) -> dict[str, Any]:
        body = {"name": self.login.name, "password": self.login.password, **more}
        told = (await self.send("auth/accesstokenrequest", body)).json()
        self.token, self.md_token = told.get("accessToken", ""), told.get("mdAccessToken", "")
        return told

    async def send(self, path: str, body: Any = None, method: str = "POST", **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"/{self.host}/v1/{path}"
        return await self.http.request(method, url, json=body, params=query, headers=headers)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.send(path, method="GET", **query)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.send(path, body)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    def order(self, **terms: Any) -> dict[str, Any]:
        """The body of a market order for one MNQ, changed by ``terms``; None takes a field out."""
        body = {
            "accountId": self.account.id,
            "accountSpec": self.account.name,
            "action": "Buy",
            "symbol": front(self.venue, "MNQ").name,
            "orderQty": 1,
            "orderType": "Market",
            "isAutomated": True,
            **terms,
        }
        return {name: value for name, value in body.items() if value is not None}

    async def place(self, **terms: Any) -> int:
        told = await self.post("order/placeorder", **self.order(**terms))
        assert "orderId" in told, told
        return told["orderId"]

    async def rows(self, entity: str) -> list[dict[str, Any]]:
        return await self.get(f"{entity}/list")

    async def row(self, entity: str, row_id: int) -> dict[str, Any]:
        return await self.get(f"{entity}/item", id=row_id)

    async def reason(self, order_id: int) -> str | None:
        """Why an order was rejected, from the reports of its command; None if it was not."""
        command = (await self.get("command/deps", masterid=order_id))[0]
        reports = await self.get("commandReport/deps", masterid=command["id"])
        return next((one["rejectReason"] for one in reports if "rejectReason" in one), None)


def front(venue: MountedSimulator, root: str):
    return venue.simulator.library.front(root, venue.simulator.clock.now())


def set_price(venue: MountedSimulator, price: float, root: str = "MNQ", **more: Any) -> None:
    venue.control.call("prices", {"symbol": root, "price": price, **more})


class Socket:
    """A socket client that reads frames one by one and messages out of them."""

    def __init__(self, wire: Any) -> None:
        self.wire = wire
        self.frames: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.ids = itertools.count(1)

    @classmethod
    async def open(cls, url: str, path: str = "demo/v1/websocket") -> Socket:
        socket = cls(await connect(url.replace("http", "ws", 1) + "/" + path, compression=None))
        assert await socket.wire.recv() == "o"
        return socket

    async def read(self, seconds: float = 5) -> str:
        frame = await asyncio.wait_for(self.wire.recv(), seconds)
        self.frames.append(frame)
        if frame.startswith("a"):
            self.messages += json.loads(frame[1:])
        return frame

    async def say(self, path: str, body: Any = None, query: str = "") -> int:
        number = next(self.ids)
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        await self.wire.send(f"{path}\n{number}\n{query}\n{text}")
        return number

    async def answer(self, number: int, seconds: float = 5) -> dict[str, Any]:
        return await self.find(lambda told: told.get("i") == number, seconds)

    async def ask(self, path: str, body: Any = None, query: str = "") -> dict[str, Any]:
        return await self.answer(await self.say(path, body, query))

    async def find(self, wanted, seconds: float = 5) -> dict[str, Any]:
        """The first message that fits, read or still to come."""
        seen = 0
        async with asyncio.timeout(seconds):
            while True:
                for message in self.messages[seen:]:
                    if wanted(message):
                        return message
                seen = len(self.messages)
                await self.read(seconds)

    async def event(self, kind: str, wanted=lambda _entity: True, seconds: float = 5) -> dict[str, Any]:
        """The first ``props`` of that entity type whose entity fits."""
        told = await self.find(lambda m: is_event(m, kind) and wanted(m["d"]["entity"]), seconds)
        return told["d"]["entity"]

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        told = [m["d"] for m in self.messages if m.get("e") == "props"]
        return [one for one in told if not kind or one["entityType"] == kind]

    async def sync(self, person: Person) -> dict[str, Any]:
        assert (await self.ask("authorize", person.token))["s"] == 200
        return await self.ask("user/syncrequest", {"users": [person.login.user_id]})

    async def closed(self, seconds: float = 5) -> int | None:
        """Reads to the end. The close code, None if the line just broke."""
        async with asyncio.timeout(seconds):
            try:
                while True:
                    await self.read(seconds)
            except Exception as error:
                received = getattr(error, "rcvd", None)
                return received.code if received else None


def is_event(message: dict[str, Any], kind: str) -> bool:
    return message.get("e") == "props" and message["d"]["entityType"] == kind
