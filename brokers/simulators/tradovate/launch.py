"""Putting it together and starting it."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import uvloop

from brokers.simulators.tradovate.control import Control
from brokers.simulators.tradovate.http import Application
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.server import Server, bind
from brokers.simulators.tradovate.simulator import Simulator

KIND = "tradovate"


class MountedSimulator:
    """A simulator with its application. ``url`` is where it listens, as far as it does."""

    def __init__(self, options: Options) -> None:
        self.simulator = Simulator(options)
        self.control = Control(self.simulator, self.describe)
        self.app = Application(self.simulator, self.control)
        self.url = f"http://{options.host}:{options.port}"

    def describe(self) -> dict[str, Any]:
        """What the product needs to know to use it: addresses by the names of its settings, and who may log in."""
        return {
            "kind": KIND,
            "url": self.url,
            "control": f"{self.url}/control",
            "environment": self.environment(),
            "credentials": [login.told() for login in self.simulator.default_logins],
        }

    def environment(self) -> dict[str, str]:
        sockets = "ws" + self.url.removeprefix("http")
        return {
            "TRADOVATE_API_URL": f"{self.url}/live/v1",
            "TRADOVATE_DEMO_URL": f"{self.url}/demo/v1",
            "TRADOVATE_WS_URL": f"{sockets}/live/v1/websocket",
            "TRADOVATE_DEMO_WS_URL": f"{sockets}/demo/v1/websocket",
            "TRADOVATE_MD_WS_URL": f"{sockets}/md/v1/websocket",
            "TRADOVATE_MD_DEMO_WS_URL": f"{sockets}/md-demo/v1/websocket",
            "TRADOVATE_OAUTH_URL": f"{self.url}/oauth",
            "TRADOVATE_TOKEN_URL": f"{self.url}/live/auth/oauthtoken",
            "TRADOVATE_CLIENT_ID": self.simulator.oauth.client_id,
            "TRADOVATE_CLIENT_SECRET": self.simulator.oauth.client_secret,
        }

    def listens_at(self, url: str) -> None:
        self.url = url
        self.simulator.auth.api_hosts = {
            "live": f"{url}/live/v1",
            "demo": f"{url}/demo/v1",
            "md": f"{url}/md/v1",
        }


def create_simulator(options: Options | None = None) -> MountedSimulator:
    """In this process: ``.app`` for a transport or server, ``.control.call(name, args)`` to arrange it."""
    return MountedSimulator(options or Options())


async def _serve(options: Options) -> None:
    listener = bind(options.host, options.port)
    mounted = create_simulator(options)
    server = Server(mounted.app, listener)
    mounted.listens_at(server.url)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    await server.start()
    sys.stdout.write(json.dumps(mounted.describe()) + "\n")
    sys.stdout.flush()
    gc.freeze()  # what is there from the start need not be looked at in every collection
    await stopping.wait()
    await server.stop()


def run(options: Mapping[str, Any]) -> None:
    """Listen until SIGINT or SIGTERM. One JSON line on stdout says when and where.

    ``options`` are the command line's by name; what this simulator does not know, or is None, is left alone.
    """
    known = {one.name for one in fields(Options)}
    given = {name: value for name, value in options.items() if name in known and value is not None}
    uvloop.run(_serve(Options(**given)))
