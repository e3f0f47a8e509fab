"""Child processes: started in their own session, their lines prefixed, restarted when they die, stopped in order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

RESTART_SECONDS = (0.2, 0.5, 1.0, 2.0)  # a child is back within three seconds, however often it dies
_PR_SET_PDEATHSIG = 1
_prctl = getattr(
    ctypes.CDLL(None), "prctl", None
)  # Linux; elsewhere a killed supervisor's children are ended later


def die_with_parent() -> None:
    """Have the kernel end this process when the supervisor dies, kill -9 included, so that nothing is left behind."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def say(line: str, name: str = "run") -> None:
    sys.stdout.write(f"{name:<10} | {line}\n")
    sys.stdout.flush()


@dataclass
class Child:
    """One supervised part. ``on_line`` sees every line it prints (a simulator tells its address that way)."""

    name: str
    command: list[str]
    env: Mapping[str, str]
    folder: Path
    on_line: Callable[[str], None] | None = None
    quiet: bool = False
    niceness: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 6.0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    deaths: int = field(default=0, init=False)
    started_at: float = field(default=0.0, init=False)
    next_start: float = field(default=0.0, init=False)

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=self._prepare,  # noqa: PLW1509 - two system calls, in a single-threaded child
        )
        if self.process.stdout is not None:
            threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _prepare(self) -> None:
        die_with_parent()
        if self.niceness:
            os.nice(self.niceness)

    def _read(self, pipe: IO[bytes]) -> None:
        for raw in iter(pipe.readline, b""):
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if self.on_line is not None:
                self.on_line(line)
            if not self.quiet:
                with contextlib.suppress(OSError, ValueError):
                    say(line, self.name)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def revive(self) -> None:
        """Start the child again if it died, after a short wait that grows while it keeps dying at once."""
        if self.is_running or self.process is None:
            return
        now = time.monotonic()
        if not self.next_start:
            self.deaths = 0 if now - self.started_at > 30 else self.deaths + 1
            wait = RESTART_SECONDS[min(self.deaths, len(RESTART_SECONDS) - 1)]
            say(f"{self.name} ended ({_cause(self.process.returncode)}); starting it again in {wait:g} s")
            self._kill_group(signal.SIGKILL)  # whatever it left of its own children
            self.next_start = now + wait
        elif now >= self.next_start:
            self.next_start = 0.0
            try:
                self.start()
            except OSError as error:  # no memory for another process, or its program is being replaced
                say(f"{self.name} cannot be started ({error}); trying again in {RESTART_SECONDS[-1]:g} s")
                self.next_start = now + RESTART_SECONDS[-1]

    def _kill_group(self, how: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, how)

    def ask_to_stop(self) -> None:
        if self.is_running and self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def finish(self) -> None:
        """Wait for the end that was asked for, then take down whatever is left of the process group."""
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.1, self.stop_seconds))
            self._kill_group(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
