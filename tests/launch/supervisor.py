"""A supervisor over small real processes, run as a process of its own: ``python -m tests.launch.supervisor <children>``.

The argument is JSON: a list of {"name", "code"}, each a child that runs that piece of Python.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from tradeproject.launch.children import Child
from tradeproject.launch.run import BASE_DIR, Product, Stop


def main() -> int:
    product = Product()

    def ask_stop(*_: object) -> None:
        product.stopping = True

    signal.signal(signal.SIGTERM, ask_stop)
    for told in json.loads(sys.argv[1]):
        command = [sys.executable, "-u", "-c", told["code"], told["name"]]
        child = Child(name=told["name"], command=command, env=dict(os.environ), folder=BASE_DIR)
        product.children.append(child)
        child.start()
    try:
        product.watch()
    except Stop:
        return 0
    finally:
        product.stop()
    return 1


if __name__ == "__main__":
    sys.exit(main())
