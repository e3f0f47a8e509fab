"""scripts/test: the suite on servers of its own, in a folder of its own, gone afterwards.

With DATABASE_URL or REDIS_URL set those servers are used; test databases and key prefixes of their own keep the data
there untouched.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tradeproject.launch.services import Postgres, Valkey

BASE_DIR = Path(__file__).resolve().parent.parent.parent
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SUITE_SECONDS = 2400.0
MAY_BE_REPEATED = 5  # failures; more of them are no accident
TEST_FIELD_KEY = "dGVzdC1maWVsZC1rZXktdGVzdC1maWVsZC1rZXktMDE="


def ensure_chromium() -> None:
    """The browser tests drive Debian's Chromium. Installed when we may; without it those tests say that they did not run."""
    if any(shutil.which(name) for name in CHROMIUM) or shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    sys.stdout.write("Installing Chromium for the browser tests (apt-get install chromium)\n")
    sys.stdout.flush()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)  # type: ignore[call-overload]
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
    subprocess.run(command, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, **quiet)  # type: ignore[call-overload]


def environment(folder: Path) -> tuple[dict[str, str], list[Postgres | Valkey]]:
    """The variables the suite runs under, and the servers that were started for it."""
    env = {name: value for name, value in os.environ.items() if name not in {"DATA_DIR"}}
    services: list[Postgres | Valkey] = []
    if "DATABASE_URL" not in env:
        postgres = Postgres(folder)
        services.append(postgres)
        postgres.start()
        env["DATABASE_URL"] = postgres.url()
    if "REDIS_URL" not in env:
        valkey = Valkey(folder)
        services.append(valkey)
        valkey.start()
        env["REDIS_URL"] = valkey.url()
    env.update(
        DATA_DIR=str(folder / "data"),
        SECRET_KEY="not-secret-only-for-the-test-suite-0123456789abcdef",
        FIELD_ENCRYPTION_KEYS=TEST_FIELD_KEY,
        TEST_DATABASE_NAME=f"test_trade_{os.getpid()}",
        REDIS_PREFIX=f"test{os.getpid()}",
        PYTHONDONTWRITEBYTECODE="1",
        LOG_LEVEL=env.get("LOG_LEVEL", "WARNING"),
    )
    return env, services


def run_suite(command: list[str], env: dict[str, str], seconds: float = SUITE_SECONDS) -> int:
    """Run it in a session of its own and return its exit code. A suite that has not ended in time is aborted: every process of it
    tells where it stands, and the result is a failure instead of an endless wait.
    """
    suite = subprocess.Popen(command, env=env, start_new_session=True)
    try:
        return suite.wait(seconds)
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"\nThe suite did not end within {seconds:.0f} s. Where its processes stand:\n")
        sys.stderr.flush()
        _signal_all(suite, signal.SIGABRT)
        time.sleep(2)
        _signal_all(suite, signal.SIGKILL)
        suite.wait()
        return 1
    except KeyboardInterrupt:
        _signal_all(suite, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            return suite.wait(30)
        _signal_all(suite, signal.SIGKILL)
        return 130


def run_alone(notes: Path, env: dict[str, str]) -> int:
    """Run the few tests that failed beside others once more, by themselves. What passes then failed over a busy machine, and is
    named; what fails again, or was more than a few, is a failure.
    """
    failed = sorted(set(notes.read_text().splitlines())) if notes.exists() else []
    if not 0 < len(failed) <= MAY_BE_REPEATED:
        return 1
    sys.stdout.write(f"\nOnce more, by themselves: {len(failed)} that failed\n")
    sys.stdout.flush()
    again = {name: value for name, value in env.items() if name != "FAILED_TESTS_FILE"}
    code = run_suite([sys.executable, "-m", "pytest", "-p", "no:xdist", *failed], again)
    if code == 0:
        names = "".join(f"  {name}\n" for name in failed)
        sys.stdout.write(f"\nUNSTEADY, passed only by themselves:\n{names}")
    return code


def _signal_all(suite: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(suite.pid, number)


def main(arguments: list[str]) -> int:
    os.chdir(BASE_DIR)
    folder = Path(tempfile.mkdtemp(prefix="tas-test-"))
    services: list[Postgres | Valkey] = []
    workers = (
        []
        if any(a.startswith(("-n", "--numprocesses")) for a in arguments)
        else ["-n", "2", "--dist", "loadfile"]
    )
    if importlib.util.find_spec("xdist") is None:
        workers = []
    try:
        ensure_chromium()
        env, services = environment(folder)
        env["FAILED_TESTS_FILE"] = str(folder / "failed")
        code = run_suite([sys.executable, "-m", "pytest", *workers, *arguments], env)
        return run_alone(folder / "failed", env) if code == 1 else code
    finally:
        for service in services:
            service.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
