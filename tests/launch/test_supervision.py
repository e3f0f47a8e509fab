"""Supervised parts as real processes: started again when they die, stopped all together, nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.stack import BASE_DIR, wait_until

PATIENT = "import time; print('here', flush=True); time.sleep(600)"
SHORT_LIVED = "print('here', flush=True)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
PARENT = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]]);"
    "print('here', flush=True); time.sleep(600)"
)


class Run:
    """A running supervisor, found again by a mark in its children's command lines."""

    def __init__(self, folder: Path, **children: str) -> None:
        self.mark = f"{folder.name}-{os.getpid()}"
        self.log = folder / "log"
        told = [{"name": f"{name}-{self.mark}", "code": code} for name, code in children.items()]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.launch.supervisor", json.dumps(told)],
                cwd=BASE_DIR,
                env={**os.environ, "DATA_DIR": str(folder)},
                stdout=output,
            )

    def pids(self, name: str = "") -> list[int]:
        """Processes that have this child's name as an argument of their own."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
                wanted = [
                    word
                    for word in words
                    if word.endswith(self.mark.encode()) and word.startswith(name.encode())
                ]
                if wanted and int(entry.name) != self.process.pid:
                    found.append(int(entry.name))
        return found

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def stop(self) -> float:
        """Seconds it took to end after SIGTERM."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        return time.monotonic() - began


@pytest.fixture
def run(tmp_path):
    runs: list[Run] = []

    def start(**children: str) -> Run:
        made = Run(tmp_path, **children)
        runs.append(made)
        wait_until(lambda: all(any(line.startswith(name) for line in made.lines()) for name in children))
        return made

    yield start
    for made in runs:
        made.process.kill()
        made.process.wait(10)
        for pid in made.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_it_starts_a_killed_child_again_within_three_seconds(run):
    running = run(part=PATIENT)
    for _ in range(2):
        (before,) = running.pids("part")
        os.kill(before, signal.SIGKILL)
        wait_until(lambda before=before: set(running.pids("part")) - {before}, seconds=3)


def test_it_does_not_touch_the_others_when_one_dies(run):
    running = run(part=PATIENT, other=PATIENT)
    other = running.pids("other")
    (before,) = running.pids("part")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: set(running.pids("part")) - {before})
    assert running.pids("other") == other


def test_it_does_not_give_up_on_a_child_that_dies_at_once(run):
    running = run(part=SHORT_LIVED)
    for number in range(2, 6):
        wait_until(
            lambda number=number: sum("| here" in line for line in running.lines()) >= number, seconds=3
        )


def test_it_ends_what_a_dead_child_left_behind(run):
    running = run(part=PARENT)
    first = set(wait_until(lambda: len(running.pids("part")) == 2 and running.pids("part")))
    os.kill(min(first), signal.SIGKILL)
    wait_until(lambda: not first & set(running.pids("part")), seconds=3)


def test_it_stops_everything_within_ten_seconds_and_leaves_nothing(run):
    running = run(patient=PATIENT, stubborn=STUBBORN, second=STUBBORN, parent=PARENT)
    seconds = running.stop()
    assert running.process.returncode == 0
    assert running.pids() == []
    assert seconds < 10


def test_it_stops_while_a_child_waits_to_be_started_again(run):
    running = run(part=SHORT_LIVED)
    running.stop()
    assert running.process.returncode == 0
    assert running.pids() == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="the kernel ends the children of a killed supervisor on Linux"
)
def test_it_leaves_nothing_behind_when_it_is_killed_itself(run):
    running = run(part=PATIENT)
    running.process.kill()
    running.process.wait(10)
    wait_until(lambda: not running.pids(), seconds=10)


def test_it_puts_the_name_before_every_line(run):
    running = run(alpha=PATIENT, beta=PATIENT)
    told = [line.split("|", 1) for line in running.lines() if "here" in line]
    assert {name.strip().removesuffix(f"-{running.mark}") for name, _ in told} == {"alpha", "beta"}
    assert {text for _, text in told} == {" here"}


def test_it_says_that_a_child_ended_and_why(run):
    running = run(part=PATIENT)
    os.kill(running.pids("part")[0], signal.SIGKILL)
    wait_until(lambda: any("killed by SIGKILL" in line for line in running.lines()))
