"""What goes wrong: each fault is a function that is called with the round and undoes itself when its block ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import redis

from tests.chaos.desk import Group
from tests.chaos.records import sessions_named, terminate_sessions
from tests.stack import BASE_DIR, Stack, bare_environment
from tradeproject.launch.services import Postgres

ORDERS = (
    "order*/[ps][lt]a[cr]*"  # order/place… and orderstrategy/start…: placing in all its ways, and no reading
)
Fault = Callable[[Stack, Group, Random], AbstractContextManager[Callable[[], None]]]
"""Entered before the alert is sent; what it yields is called right after; left when the round may settle."""

FAULTS: dict[str, Fault] = {}


def nothing() -> None:
    """Most faults wait at the broker; nothing is to be done once the alert is out."""


def fault(function: Callable[..., Iterator[Callable[[], None]]]) -> Fault:
    managed = contextlib.contextmanager(function)
    FAULTS[function.__name__] = managed
    return managed


# --- the broker misbehaves --------------------------------------------------------------------------------------------


def control(stack: Stack, where: str, /, **body: Any) -> Any:
    answer = httpx.post(f"{stack.control}/{where}", json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


@contextlib.contextmanager
def broken(stack: Stack, group: Group, *wishes: dict[str, Any]) -> Iterator[None]:
    """These faults for every login of the group, and for nobody else."""
    ids = [control(stack, "faults", **wish, user=user)["id"] for user in group.logins for wish in wishes]
    try:
        yield
    finally:
        for one in ids:
            control(stack, "faults/clear", id=one)


@fault
def lost_reply(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """The order arrives, its answer does not."""
    with broken(
        stack, group, {"kind": "drop", "when": "after", "path": ORDERS, "count": chance.randint(1, 2)}
    ):
        yield lambda: time.sleep(3)


@fault
def lost_request(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """The connection breaks before the order was taken: only look-ups can tell that from the fault before."""
    with broken(stack, group, {"kind": "drop", "when": "before", "path": ORDERS}):
        yield lambda: time.sleep(3)


@fault
def error_after(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    wish = {"kind": "status", "status": chance.choice([500, 502, 503, 504]), "when": "after", "path": ORDERS}
    with broken(stack, group, {**wish, "count": 2, "probability": 0.7}):
        yield lambda: time.sleep(2)


@fault
def error_before(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    wish = {"kind": "status", "status": chance.choice([500, 502, 503, 504]), "when": "before", "path": ORDERS}
    with broken(stack, group, {**wish, "probability": 0.7}):
        yield lambda: time.sleep(2)


@fault
def unreadable_answer(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    with broken(stack, group, {"kind": "truncate", "path": ORDERS}):
        yield lambda: time.sleep(2)


@fault
def black_hole(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """Nothing is answered any more, orders and questions alike; some of the orders arrived."""
    when = chance.choice(["before", "after"])
    orders = {"kind": "hang", "when": when, "path": ORDERS, "count": None, "seconds": 25}
    rest = {"kind": "hang", "when": "before", "path": "*", "count": None, "seconds": 25}
    with broken(stack, group, orders, rest):
        yield lambda: time.sleep(chance.uniform(8, 16))


@fault
def stale_list(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """Answers are lost, and the order list shows what was there five seconds ago."""
    control(stack, "stale", seconds=5)
    try:
        with broken(stack, group, {"kind": "drop", "when": "after", "path": ORDERS}):
            yield lambda: time.sleep(10)
    finally:
        control(stack, "stale", seconds=0)


@fault
def late_fills(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    wish = {"kind": "fill_delay", "ms": chance.randint(200, 4000)}
    with broken(stack, group, {**wish, "count": 4}, {"kind": "partial", "interval_ms": 300, "count": 2}):
        yield lambda: time.sleep(4)


@fault
def events_twice_and_late(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    wishes = [{"kind": kind, "count": None} for kind in ("duplicate_events", "reorder_events")]
    with broken(
        stack, group, *wishes, {"kind": "delay_events", "ms": 700, "count": None, "probability": 0.5}
    ):
        yield lambda: time.sleep(3)


@fault
def fill_before_answer(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    slow = {"kind": "delay", "ms": 0, "after_ms": 900, "path": ORDERS, "count": 4}
    with broken(stack, group, slow, {"kind": "reorder_events", "count": None}):
        yield lambda: time.sleep(2)


@fault
def silent_stream(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """The sockets stay open and say nothing of orders and fills any more."""
    with broken(stack, group, {"kind": "drop_events", "count": None}):
        yield lambda: time.sleep(chance.uniform(4, 12))


@fault
def socket_cut(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    act = chance.choice(["cut", "close"])

    def cut() -> None:
        time.sleep(chance.uniform(0, 0.08))
        for user in group.logins:
            control(stack, "sockets", act=act, username=user)

    yield cut


@fault
def token_expired(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """One login's tokens end in the middle of the fan-out; the other login must not notice."""

    def expire() -> None:
        time.sleep(chance.uniform(0, 0.05))
        control(stack, "tokens", act="expire", username=group.logins[0])

    if chance.random() < 0.5:
        control(stack, "tokens", act="expire", username=group.logins[0])
        yield nothing
    else:
        yield expire


# --- our own processes die --------------------------------------------------------------------------------------------


def kill_part(part: str, after: float) -> Fault:
    def killed(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
        def kill() -> None:
            time.sleep(chance.uniform(0, after))
            for pid in stack.pids_of(part):
                signal_to(pid, signal.SIGKILL)

        yield kill

    killed.__name__ = f"kill_{part}"
    return fault(killed)


def signal_to(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


for _part, _after in (
    ("execution", 0.08),
    ("web", 0.02),
    ("background", 1.0),
    ("beat", 1.0),
    ("streams", 0.3),
):
    kill_part(_part, _after)


def crash_at(point: str) -> Fault:
    """Whoever comes to this point next dies there."""

    def crashed(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
        request = stack.folder / "crash" / point
        request.write_text(str(chance.choice([0, 0, 1, 3])))

        def wait() -> None:
            # A second attempt comes after ten seconds of look-ups at the earliest.
            deadline = time.monotonic() + (25 if point == "before_resend" else 8)
            while request.exists() and time.monotonic() < deadline:
                time.sleep(0.1)

        try:
            with doubtful(stack, group, point):
                yield wait
        finally:
            request.unlink(missing_ok=True)

    crashed.__name__ = f"crash_{point}"
    return fault(crashed)


def doubtful(stack: Stack, group: Group, point: str) -> AbstractContextManager[None]:
    """Points on the way of an undecided order are reached only if there is one."""
    when = {"after_lookup": "after", "before_resend": "before"}.get(point)
    if when is None:
        return contextlib.nullcontext()
    return broken(stack, group, {"kind": "drop", "when": when, "path": ORDERS})


@fault
def rolling_restart(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """Every part in turn is asked to end, as an update does."""

    def restart() -> None:
        for part in ("web", "execution", "background", "beat", "streams"):
            for pid in stack.pids_of(part):
                signal_to(pid, signal.SIGTERM)
            time.sleep(chance.uniform(0.2, 1.0))

    yield restart


@fault
def frozen_executor(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """Stopped for longer than an order's lease, in the middle of its work; then it goes on as if nothing had been."""
    pids: list[int] = []

    def freeze() -> None:
        time.sleep(chance.uniform(0, 0.08))
        pids.extend(stack.pids_of("execution"))
        for pid in pids:
            signal_to(pid, signal.SIGSTOP)
        time.sleep(17)

    try:
        yield freeze
    finally:
        for pid in pids:
            signal_to(pid, signal.SIGCONT)


@fault
def frozen_with_orders(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """Stopped for longer than an order's lease with orders in its hand: claimed, and not sent yet."""
    request = stack.folder / "crash" / "after_plan_commit"
    request.write_text("stop")

    def wait() -> None:
        deadline = time.monotonic() + 8
        while request.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(17)

    try:
        yield wait
    finally:
        request.unlink(missing_ok=True)
        for pid in stack.pids_of("execution"):
            signal_to(pid, signal.SIGCONT)


@fault
def zombie_executor(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """The executor freezes, the server ends its sessions, a second one takes over; then the first wakes up."""
    first = stack.pids_of("execution")
    env = {**bare_environment(), "DATA_DIR": str(stack.folder), "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "manage.py", "execution"]
    with (stack.folder / "second.log").open("a") as log:
        second = subprocess.Popen(command, cwd=BASE_DIR, env=env, stdout=log, stderr=log)
    database = stack.runtime["DATABASE_URL"]

    def take_over() -> None:
        names = ("execution", "execution-shard")
        time.sleep(chance.uniform(0, 0.08))
        for pid in first:
            signal_to(pid, signal.SIGSTOP)
        terminate_sessions(database, sessions_named(database, *names))
        time.sleep(18)

    try:
        time.sleep(6)
        yield take_over
    finally:
        for pid in first:
            signal_to(pid, signal.SIGCONT)
        time.sleep(2)
        second.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            second.wait(15)
        second.kill()


# --- the servers go away ----------------------------------------------------------------------------------------------


@fault
def redis_wiped(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    client = redis.Redis.from_url(stack.runtime["REDIS_URL"])
    with contextlib.suppress(redis.RedisError):
        client.flushall()
    yield lambda: client.flushall() and None


@fault
def redis_killed(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    def kill() -> None:
        time.sleep(chance.uniform(0, 0.05))
        for pid in pids_with(str(stack.folder / "valkey" / "valkey.conf")):
            signal_to(pid, signal.SIGKILL)

    if chance.random() < 0.5:
        kill()
        yield nothing
    else:
        yield kill


def pids_with(words: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and words.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


@fault
def postgres_crash(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """An immediate shutdown, as ``pg_ctl restart -m immediate`` does it: the start after it recovers from the log."""

    def quit_it() -> None:
        for _ in range(chance.randint(1, 2)):
            time.sleep(chance.uniform(0, 0.06))
            lock = Postgres(stack.folder).data / "postmaster.pid"
            with contextlib.suppress(OSError, ValueError):
                signal_to(int(lock.read_text().split("\n", 1)[0]), signal.SIGQUIT)
            time.sleep(2.5)

    yield quit_it


@fault
def clock_jump(stack: Stack, group: Group, chance: Random) -> Iterator[Callable[[], None]]:
    """The executor comes back with a clock that is minutes or hours off, and the answers to its orders are lost."""
    offset = stack.folder / "crash" / "clock-offset.execution"
    offset.write_text(str(chance.choice([-300, 300, 7200, -7200])))
    restart_executor(stack)
    try:
        wish = {"kind": "drop", "when": chance.choice(["before", "after"]), "path": ORDERS}
        with broken(stack, group, wish):
            yield lambda: time.sleep(14)
    finally:
        offset.unlink(missing_ok=True)
        for pid in stack.pids_of("execution"):
            signal_to(pid, signal.SIGKILL)


def restart_executor(stack: Stack) -> None:
    before = set(stack.pids_of("execution"))
    for pid in before:
        signal_to(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not set(stack.pids_of("execution")) - before:
        time.sleep(0.1)
