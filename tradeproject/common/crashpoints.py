"""Points at which a process can be made to die as under ``kill -9``, so that tests reach every gap between claim and record.

Unless a test armed them the calls do nothing. ``CRASH_POINT`` in the environment arms them, and settings refuse it unless every
broker is a simulator on this machine:

* ``CRASH_POINT=after_claim`` dies there once; a mark in ``DATA_DIR/crash`` keeps the restarted process from dying again;
* ``CRASH_POINT=after_claim:always`` dies there every time;
* ``CRASH_POINT=on-request`` dies at whatever point has a file of its name in ``DATA_DIR/crash``, which goes with it. A number in
  the file lets so many passes go by; ``stop`` in it freezes the process there (SIGSTOP) instead. One running installation can so
  be killed at one point after the other.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

ON_REQUEST = "on-request"
STOP = "stop"
EXIT_CODE = 137  # what a shell reports of a process that was killed with -9

POINTS = (
    "before_signal_commit",
    "after_signal_commit",
    "after_signal_claim",
    "before_plan_commit",
    "after_plan_commit",
    "after_claim",
    "before_socket_write",
    "after_socket_write",
    "after_response",
    "before_outcome_commit",
    "after_outcome_commit",
    "after_exit_confirmed",
    "before_bracket_placed",
    "after_bracket_placed",
    "before_report_commit",
    "after_report_commit",
    "before_ingest_commit",
    "after_ingest_commit",
    "after_lookup",
    "before_resend",
)


class _Harness:
    """``wanted`` is the point to die at, or ON_REQUEST."""

    def __init__(self, wanted: str, always: bool, folder: Path) -> None:
        self._wanted, self._always, self._folder = wanted, always, folder
        self._passed: dict[str, int] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def pass_by(self, point: str) -> None:
        if self._wanted == ON_REQUEST:
            self._serve_request(point)
        elif self._is_due(point):
            os._exit(EXIT_CODE)

    def _is_due(self, point: str) -> bool:
        if self._wanted != point:
            return False
        return self._always or _make(self._folder / f"{point}.done")

    def _serve_request(self, point: str) -> None:
        request = self._folder / point
        try:
            words = request.read_text()
            skip = int(words.removeprefix(STOP) or 0)
        except (OSError, ValueError):
            return
        self._passed[point] = self._passed.get(point, 0) + 1
        if self._passed[point] <= skip or not _take(request):
            return
        if words.startswith(STOP):
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            os._exit(EXIT_CODE)


def _make(path: Path) -> bool:
    """Whether this call made the file; only one process dies for it."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _take(path: Path) -> bool:
    """Whether this call removed the file."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


_armed: list[_Harness] = []


def crash_point(name: str) -> None:
    """Die here if a test wants it."""
    for harness in _armed:
        harness.pass_by(name)


def arm(wanted: str, folder: Path) -> None:
    """Arm ``CRASH_POINT``'s value; "" disarms. Raises ValueError for a point that does not exist."""
    point, _, how = wanted.partition(":")
    if point and (point not in {*POINTS, ON_REQUEST} or how not in {"", "always"}):
        raise ValueError(
            f"{wanted!r} is none of {ON_REQUEST}, {', '.join(POINTS)} (with :always to die there every time)"
        )
    _armed[:] = [_Harness(point, bool(how), folder / "crash")] if point else []


def clock_offset(folder: Path) -> float:
    """By how many seconds this part's clock is to be wrong: what stands in ``DATA_DIR/crash/clock-offset.<part>``."""
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        return float((folder / "crash" / f"clock-offset.{part}").read_text())
    except (OSError, ValueError):
        return 0.0
