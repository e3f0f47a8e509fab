"""scripts/test itself: a suite that hangs ends as a failure, and nothing of it stays."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.stack import wait_until
from tradeproject.launch.test import MAY_BE_REPEATED, run_alone, run_suite

HANGS = (
    "import faulthandler, subprocess, sys, time; faulthandler.enable();"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(600)"
)


def _is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_it_ends_a_suite_that_hangs_and_says_where_it_stood(tmp_path, capfd):
    note = tmp_path / "child"
    assert run_suite([sys.executable, "-c", HANGS, str(note)], dict(os.environ), seconds=3) == 1
    told = capfd.readouterr().err
    assert "did not end within 3 s" in told and "most recent call first" in told
    child = int(note.read_text())
    wait_until(lambda: not _is_alive(child), 5)


@pytest.mark.parametrize("code", [0, 1, 5])
def test_it_hands_on_the_suites_own_result(code):
    assert run_suite([sys.executable, "-c", f"raise SystemExit({code})"], dict(os.environ)) == code


def _suite(tmp_path: Path, body: str) -> tuple[Path, dict[str, str]]:
    """A suite of one test, whose failure was noted, and the environment to repeat it in."""
    test = tmp_path / "test_one.py"
    test.write_text(body)
    notes = tmp_path / "failed"
    notes.write_text(f"{test}::test_it\n{test}::test_it\n")
    return notes, {**os.environ, "PYTEST_ADDOPTS": "-p no:django -c /dev/null"}


def test_a_failure_that_passes_by_itself_is_named(tmp_path, capfd):
    notes, env = _suite(tmp_path, "def test_it(): pass\n")
    assert run_alone(notes, env) == 0
    assert "UNSTEADY" in (told := capfd.readouterr().out) and "test_one.py::test_it" in told


def test_a_failure_that_fails_again_is_a_failure(tmp_path):
    notes, env = _suite(tmp_path, "def test_it(): assert False\n")
    assert run_alone(notes, env) == 1


def test_many_failures_are_not_repeated(tmp_path, capfd):
    notes, env = _suite(tmp_path, "def test_it(): pass\n")
    notes.write_text("".join(f"a::{n}\n" for n in range(MAY_BE_REPEATED + 1)))
    assert run_alone(notes, env) == 1 and not capfd.readouterr().out
