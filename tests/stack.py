"""The whole product in a folder of its own, started as a user starts it, with a simulated broker, and gone afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tradeproject.launch.run import STATIC_STAMP, static_fingerprint
from tradeproject.launch.services import free_port
from tradeproject.runtime import read_runtime_file

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass
class Stack:
    """``runtime`` holds the addresses of its servers; ``api`` is a client signed in as the demo user."""

    folder: Path
    process: subprocess.Popen[str]
    url: str
    user: str
    password: str
    webhook: str
    runtime: dict[str, str]
    lines: list[str] = field(default_factory=list)

    @property
    def control(self) -> str:
        """The broker simulator's control address."""
        return self.runtime["SIMULATOR_TRADOVATE_CONTROL"]

    def api(self) -> httpx.Client:
        client = httpx.Client(base_url=f"{self.url}/api/v1/", timeout=30)
        answer = client.post("auth/login", json={"email": self.user, "password": self.password})
        answer.raise_for_status()
        return httpx.Client(
            base_url=client.base_url,
            timeout=30,
            headers={"Authorization": f"Bearer {answer.json()['access']}"},
        )

    def manage(self, *arguments: str, seconds: float = 150) -> subprocess.CompletedProcess[str]:
        env = {**bare_environment(), "DATA_DIR": str(self.folder)}
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=BASE_DIR, env=env, text=True, capture_output=True, check=False, timeout=seconds
        )

    def pids_of(self, part: str) -> list[int]:
        """The processes whose command line names this part (``web``, ``execution`` …)."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
                environment = (entry / "environ").read_bytes() if b"manage.py" in words else b""
                if part.encode() in words and f"DATA_DIR={self.folder}\0".encode() in environment:
                    found.append(int(entry.name))
        return found


_OF_THE_SUITE = ("DATABASE_URL", "REDIS_URL", "REDIS_PREFIX", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "SITE_URL", "STATIC_ROOT",
                 "TEST_DATABASE_NAME", "PYTEST_XDIST_WORKER", "DATA_DIR")  # fmt: skip


def bare_environment() -> dict[str, str]:
    """Ours without what points at the suite's own servers: the stack is an installation of its own."""
    return {name: value for name, value in os.environ.items() if name not in _OF_THE_SUITE}


@contextlib.contextmanager
def running_stack(*, pages: bool = True, **environment: str) -> Iterator[Stack]:
    """Start it, wait for READY, hand it over, stop it with SIGTERM and check that it went.

    Without ``pages`` no static file is collected, which is most of a start: nobody looks at a page then.
    """
    folder = Path(tempfile.mkdtemp(prefix="tas-stack-"))
    if not pages:
        (folder / STATIC_STAMP).write_text(static_fingerprint())
    port = free_port()
    env = bare_environment()
    env.update(DATA_DIR=str(folder), PORT=str(port), LOG_LEVEL="WARNING", PYTHONDONTWRITEBYTECODE="1")
    env.update(environment)
    log = (folder / "run.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "tradeproject.launch.run"],
        cwd=BASE_DIR,
        env=env,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        ready = _wait_ready(process, folder / "run.log")
        words = dict(part.split("=", 1) for part in ready.split()[2:])
        yield Stack(
            folder,
            process,
            ready.split()[1],
            words["user"],
            words["password"],
            words["webhook"],
            read_runtime_file(folder / "runtime.env"),
        )
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(90)  # seconds on a quiet machine; a killed supervisor would leave its servers behind
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_ready(process: subprocess.Popen[str], log: Path, seconds: float = 260) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        text = log.read_text()
        ready = [line for line in text.splitlines() if line.startswith("READY ")]
        if ready:
            return ready[0]
        if process.poll() is not None:
            raise RuntimeError(f"the product did not start:\n{text[-4000:]}")
        time.sleep(0.1)
    raise RuntimeError(f"the product was not ready within {seconds} s:\n{log.read_text()[-4000:]}")


def wait_until(what: Any, seconds: float = 30, every: float = 0.1) -> Any:
    """The first truthy value of ``what()``. Raises TimeoutError with the last value when none comes."""
    deadline = time.monotonic() + seconds
    value = what()
    while not value:
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {value!r} after {seconds} s")
        time.sleep(every)
        value = what()
    return value


def emit(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()
