"""Crash points: nothing unless armed, death once or always, and never where a real broker can be reached."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brokers.simulators import SIMULATED
from tradeproject.common import crashpoints

ARMED = """
import sys, pathlib
from tradeproject.common import crashpoints
crashpoints.arm(sys.argv[1], pathlib.Path(sys.argv[2]))
for point in sys.argv[3:]:
    crashpoints.crash_point(point)
"""


def run(wanted: str, folder: Path, *points: str) -> int:
    return subprocess.run([sys.executable, "-c", ARMED, wanted, str(folder), *points], check=False).returncode


def test_it_does_nothing_unless_armed():
    crashpoints.crash_point("after_claim")


def test_it_dies_there_and_only_there(tmp_path):
    assert run("after_claim", tmp_path, "before_socket_write") == 0
    assert run("after_claim", tmp_path, "after_claim") == crashpoints.EXIT_CODE


def test_the_restarted_process_lives(tmp_path):
    assert run("after_claim", tmp_path, "after_claim") == crashpoints.EXIT_CODE
    assert run("after_claim", tmp_path, "after_claim") == 0


def test_it_dies_every_time_when_told_so(tmp_path):
    for _ in range(2):
        assert run("after_claim:always", tmp_path, "after_claim") == crashpoints.EXIT_CODE


def test_it_dies_on_request_at_the_pass_that_was_asked_for(tmp_path):
    request = tmp_path / "crash" / "after_claim"
    assert run("on-request", tmp_path, "after_claim") == 0
    request.write_text("1")
    assert run("on-request", tmp_path, "after_claim") == 0
    assert run("on-request", tmp_path, "after_claim", "after_claim") == crashpoints.EXIT_CODE
    assert not request.exists()


def test_it_freezes_on_request_and_goes_on_when_it_is_woken(tmp_path):
    request = tmp_path / "crash" / "after_claim"
    request.parent.mkdir()
    request.write_text("stop")
    process = subprocess.Popen([sys.executable, "-c", ARMED, "on-request", str(tmp_path), "after_claim"])
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status) and not request.exists()
    process.send_signal(signal.SIGCONT)
    assert process.wait(30) == 0


def test_a_point_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ValueError, match="none of"):
        crashpoints.arm("after_lunch", tmp_path)


def load_settings(tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DATA_DIR": str(tmp_path), **more}
    command = [sys.executable, "-c", "import django; django.setup()"]
    environment["DJANGO_SETTINGS_MODULE"] = "tradeproject.settings"
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_settings_refuse_it_where_a_real_broker_can_be_reached(tmp_path):
    here = {name: "http://127.0.0.1:9/v1" for names in SIMULATED.values() for name in names}
    assert load_settings(tmp_path, CRASH_POINT="on-request", **here).returncode == 0
    for name in here:
        elsewhere = {**here, name: "https://broker.example.com/v1"}
        done = load_settings(tmp_path, CRASH_POINT="on-request", **elsewhere)
        assert done.returncode and "CRASH_POINT" in done.stderr and name in done.stderr
    done = load_settings(tmp_path, CRASH_POINT="after_claim", **dict.fromkeys(here, ""))
    assert done.returncode and "CRASH_POINT" in done.stderr
