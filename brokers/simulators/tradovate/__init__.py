"""A venue that speaks Tradovate's protocol: REST, user-sync and market data sockets, OAuth, orders, money, and faults.

``create_simulator`` builds one; its ``app`` is an ASGI application that any server can run or a test can call directly.
``run`` serves it until a signal comes.
"""

from __future__ import annotations

from brokers.simulators.tradovate.launch import MountedSimulator, create_simulator, run
from brokers.simulators.tradovate.options import Options
from brokers.simulators.tradovate.server import listening

__all__ = ["MountedSimulator", "Options", "create_simulator", "listening", "run"]
