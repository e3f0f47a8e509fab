"""An open-loop sender: requests leave at a constant rate whatever the answers do, over connections kept open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Sent:
    """One request: when its first byte left and when its answer was complete, on the machine's monotonic clock (ns)."""

    first_byte: int
    answered: int
    status: int
    body: bytes


async def _request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, path: str, body: bytes
) -> Sent:
    message = head.replace(b"PATH", path.encode()).replace(b"LENGTH", str(len(body)).encode()) + body
    begun = time.monotonic_ns()
    writer.write(message)
    header = await reader.readuntil(b"\r\n\r\n")
    status = int(header.split(b" ", 2)[1])
    length = next(
        (
            int(line.split(b":")[1])
            for line in header.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    content = await reader.readexactly(length)
    return Sent(begun, time.monotonic_ns(), status, content)


async def post_at_rate(
    host: str,
    port: int,
    path: str | Sequence[str],
    bodies: Sequence[Callable[[], bytes]],
    rate: float,
    connections: int = 8,
) -> list[Sent]:
    """Send every body ``1/rate`` seconds after the one before, to ``path`` or each to its own. A connection that is still busy is
    not waited for.
    """
    paths = [path] * len(bodies) if isinstance(path, str) else path
    head = (
        f"POST PATH HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json; charset=utf-8\r\n"
        "Content-Length: LENGTH\r\n\r\n"
    ).encode()
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await asyncio.open_connection(host, port))

    async def one(where: str, body: Callable[[], bytes]) -> Sent:
        reader, writer = await free.get()
        try:
            return await _request(reader, writer, head, where, body())
        finally:
            free.put_nowait((reader, writer))

    start = time.monotonic()
    tasks = []
    for number, (where, body) in enumerate(zip(paths, bodies, strict=True)):
        await asyncio.sleep(max(0.0, start + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(one(where, body)))
    sent = list(await asyncio.gather(*tasks))
    while not free.empty():
        free.get_nowait()[1].close()
    return sent


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def summary(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, in the unit given, to two places."""
    marks = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: round(percentile(values, share), 2) for name, share in marks.items()}
