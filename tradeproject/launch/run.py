"""scripts/run: from a checkout to a working product, and a clean stop of all of it.

Order: secrets, servers, schema and static files, simulators, then web, execution, background, beat and streams, then the
demo data, then one READY line. After that it only watches: a child that dies is started again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from tradeproject.launch.children import Child, say
from tradeproject.launch.services import Postgres, ServiceError, Valkey, free_port
from tradeproject.runtime import RUNTIME_FILE, data_dir, read_runtime_file

BASE_DIR = Path(__file__).resolve().parent.parent.parent
# Whoever carries alerts and orders goes first where processors are few: recording and housekeeping can wait a moment.
NICENESS = {"streams": 5, "background": 10, "beat": 5}
SIMULATORS_FILE = "simulators.json"
STATIC_STAMP = "static.stamp"
LEFTOVER_SECONDS = 5.0


class Stop(Exception):
    """Asked to end."""


class Product:
    def __init__(self) -> None:
        self.folder = data_dir(BASE_DIR)
        self.env: dict[str, str] = dict(os.environ)
        self.given = set(os.environ)
        self.services: list[Postgres | Valkey] = []
        self.children: list[Child] = []
        self.simulated: dict[str, dict[str, object]] = {}
        self.starting: list[tuple[str, Child, list[dict[str, object]]]] = []
        self.lock: IO[str] | None = None
        self.stopping = False
        self.servers_wait_until = 0.0
        self.crash_point = ""

    # --- start --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        began = time.monotonic()
        self._take_folder()
        self._prepare_environment()
        self._step(began, "starting the servers")
        self._start_services()
        self._write_runtime_file()
        self._start_simulators()
        self._step(began, "preparing schema and static files")
        self._prepare_schema_and_static()
        self._await_simulators()
        self._write_runtime_file()
        self._step(began, "starting web, execution, background, beat and streams")
        self._start_parts()
        demo = self._seed()
        self._wait_ready(began)
        self._announce(demo, began)

    @staticmethod
    def _step(began: float, text: str) -> None:
        say(f"{time.monotonic() - began:5.1f} s  {text}")

    def _take_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.lock = (self.folder / "run.lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ServiceError(
                f"Another scripts/run already uses {self.folder}. Stop it, or set DATA_DIR and PORT to others."
            ) from None
        self._end_leftovers()

    def _end_leftovers(self) -> None:
        """A run that was killed with -9 may have left its servers: we hold the lock, so they are nobody's."""
        pids = self.folder / "children.pids"
        rows = [line.partition(" ") for line in (pids.read_text().splitlines() if pids.exists() else [])]
        leftovers = [(pid, mark) for pid, _, mark in rows if mark]
        for pid, mark in leftovers:
            with contextlib.suppress(OSError, ValueError):
                if _is_running(pid, mark):
                    os.killpg(int(pid), signal.SIGKILL)
        deadline = time.monotonic() + LEFTOVER_SECONDS
        while any(_is_running(pid, mark) for pid, mark in leftovers) and time.monotonic() < deadline:
            time.sleep(
                0.02
            )  # a large process takes a moment to die, and holds its port and its locks until then
        pids.unlink(missing_ok=True)

    def _remember_children(self) -> None:
        rows = [f"{s.process.pid} {self.folder}" for s in self.services if s.process is not None]
        rows += [f"{c.process.pid} manage.py" for c in self.children if c.process is not None]
        (self.folder / "children.pids").write_text("\n".join(rows))

    def _prepare_environment(self) -> None:
        stored = read_runtime_file(self.folder / RUNTIME_FILE)
        generated = {
            "SECRET_KEY": lambda: secrets.token_urlsafe(48),
            "FIELD_ENCRYPTION_KEYS": _new_field_key,
        }
        for name, make in generated.items():
            if name not in self.env and f"{name}_FILE" not in self.env:
                self.env[name] = stored.get(name) or make()
        self.env.setdefault("PORT", "8000")
        self.env.setdefault("SITE_URL", f"http://127.0.0.1:{self.env['PORT']}")
        self.env.setdefault("DJANGO_SETTINGS_MODULE", "tradeproject.settings")
        # The parts get it once every broker is known to be simulated; before that, settings would refuse it.
        self.crash_point = self.env.pop("CRASH_POINT", "")
        self.env["DATA_DIR"] = str(self.folder)
        self.env["PYTHONUNBUFFERED"] = "1"

    def _given(self, name: str) -> bool:
        return name in self.given or f"{name}_FILE" in self.given

    def _start_services(self) -> None:
        if not self._given("DATABASE_URL"):
            postgres = Postgres(self.folder)
            self.services.append(postgres)
            postgres.start()
            self.env["DATABASE_URL"] = postgres.url()
        if not self._given("REDIS_URL"):
            valkey = Valkey(self.folder)
            self.services.append(valkey)
            valkey.start()
            self.env["REDIS_URL"] = valkey.url()
        self._remember_children()

    def _write_runtime_file(self) -> None:
        """Where the installation is, for manage.py in another terminal. Holds secrets, so mode 0600."""
        names = ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL", "SITE_URL", "PORT"]
        names += sorted(name for spec in self.simulated.values() for name in spec.get("environment", {}))  # type: ignore[attr-defined]
        names += [_control_name(kind) for kind in self.simulated]
        path = self.folder / RUNTIME_FILE
        temporary = path.with_suffix(".new")
        temporary.touch(mode=0o600)
        lines = [f"{name}={self.env[name]}" for name in names if name in self.env]
        temporary.write_text("# Written by scripts/run at every start.\n" + "\n".join(lines) + "\n")
        temporary.chmod(0o600)
        temporary.replace(path)

    def _prepare_schema_and_static(self) -> None:
        """Skipped when nothing changed since the last start, which is most of a second start's time."""
        schema = _fingerprint(
            [*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("*/*/migrations/*.py")],
            self.env["DATABASE_URL"],
        )
        work: list[tuple[Path, str, list[str]]] = [
            (self.folder / "schema.stamp", schema, ["migrate", "--noinput", "-v0"]),
            (self.folder / STATIC_STAMP, static_fingerprint(), ["collectstatic", "--noinput", "-v0"]),
        ]
        running = [
            (
                stamp,
                value,
                subprocess.Popen([sys.executable, "manage.py", *command], cwd=BASE_DIR, env=self.env),
            )
            for stamp, value, command in work
            if not stamp.exists() or stamp.read_text() != value
        ]
        for stamp, value, process in running:
            if process.wait():
                raise ServiceError(f"{' '.join(map(str, process.args))} failed; its message stands above.")  # type: ignore[arg-type]
            stamp.write_text(value)

    # --- children -----------------------------------------------------------------------------------------------

    def _part(self, name: str, *arguments: str, **options: object) -> Child:
        command = [sys.executable, "manage.py", *(arguments or (name,))]
        child = Child(name=name, command=command, env=self.env, folder=BASE_DIR, **options)  # type: ignore[arg-type]
        self.children.append(child)
        child.start()
        return child

    def _start_simulators(self) -> None:
        """A simulator stands in for every broker whose address nobody gave. It keeps its port over restarts."""
        from brokers.simulators import SIMULATED  # data only: kind -> the variables that point elsewhere

        ports = self._simulator_ports()
        for kind, variables in SIMULATED.items():
            if any(self._given(name) for name in variables):
                continue
            told: list[dict[str, object]] = []
            state = self.folder / "simulators" / kind
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            port = ports.setdefault(kind, free_port())
            arguments = ("simulate", kind, "--port", str(port), "--state-dir", str(state), "--market-data")
            child = self._part(f"sim-{kind}", *arguments, on_line=_json_lines_into(told), stop_seconds=4.0)
            self.starting.append((kind, child, told))
        (self.folder / SIMULATORS_FILE).write_text(json.dumps(ports))

    def _await_simulators(self) -> None:
        for kind, child, told in self.starting:
            self.simulated[kind] = _wait_told(child, told)
            self.env.update(self.simulated[kind].get("environment", {}))  # type: ignore[call-overload]
            self.env[_control_name(kind)] = str(self.simulated[kind]["control"])
        if self.crash_point:
            self.env["CRASH_POINT"] = self.crash_point

    def _simulator_ports(self) -> dict[str, int]:
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((self.folder / SIMULATORS_FILE).read_text()))
        return {}

    def _start_parts(self) -> None:
        for number in range(int(self.env.get("WEB_WORKERS", "1"))):
            self._part(f"web{number + 1}" if number else "web", "web")
        for name in ("execution", "background", "beat", "streams"):
            self._part(name, niceness=NICENESS.get(name, 0))
        self._remember_children()

    def _wait_ready(self, began: float) -> None:
        url = f"http://127.0.0.1:{self.env['PORT']}/health/ready"
        while time.monotonic() - began < 240:
            self._check_signals()
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError, TimeoutError):
                pass
            self.watch_once()
            time.sleep(0.1)
        raise ServiceError(f"{url} did not become ready; the parts' messages stand above.")

    def _seed(self) -> subprocess.Popen[str]:
        """The demo is made while the parts start: it needs the database and the simulators only."""
        accounts = self.env.get("DEMO_ACCOUNTS", "25")
        command = [sys.executable, "manage.py", "seed_demo", "--first-start", "--accounts", accounts]
        command += ["--brokers", ",".join(self.simulated)]
        return subprocess.Popen(command, cwd=BASE_DIR, env=self.env, text=True, stdout=subprocess.PIPE)

    def _announce(self, seeding: subprocess.Popen[str], began: float) -> None:
        told = seeding.communicate(timeout=120)[0]
        if seeding.returncode:
            raise ServiceError("The demo data could not be made; the message stands above.")
        demo = json.loads(told.strip().splitlines()[-1])
        self._step(began, f"ready; data in {self.folder}")
        line = f"READY {self.env['SITE_URL']} user={demo['user']} password={demo['password']} webhook={demo['webhook']}"
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    # --- watch and stop -----------------------------------------------------------------------------------------

    def _check_signals(self) -> None:
        if self.stopping:
            raise Stop

    def watch_once(self) -> None:
        for child in self.children:
            child.revive()

    def watch(self) -> None:
        while True:
            self._check_signals()
            before = [child.process for child in self.children]
            self.watch_once()
            if before != [child.process for child in self.children]:
                self._remember_children()
            self._revive_services()
            time.sleep(0.1)

    def _revive_services(self) -> None:
        if time.monotonic() < self.servers_wait_until:
            return
        for service in self.services:
            if service.process is not None and service.process.poll() is not None:
                say(f"{type(service).__name__} ended; starting it again")
                try:
                    service.start() if isinstance(service, Postgres) else service.start_again()
                except (ServiceError, OSError) as error:  # what its predecessor left may need a moment to end
                    say(f"{error} Trying again in a second.")
                    self.servers_wait_until = time.monotonic() + 1
                self._remember_children()

    def stop(self) -> None:
        """Everything ends within ten seconds: edges first, then workers, then the servers they need."""
        for child in reversed(self.children):
            child.ask_to_stop()
        deadline = time.monotonic() + 6
        for child in self.children:
            child.stop_seconds = max(0.1, min(child.stop_seconds, deadline - time.monotonic()))
            child.finish()
        for service in self.services:
            service.stop()
        (self.folder / "children.pids").unlink(missing_ok=True)


def _is_running(pid: str, mark: str) -> bool:
    """Whether the process ``pid`` is there, not dead and uncollected, and still the one of ``mark``: a part of its command line
    or, for a server that writes another title over that, of the folder it works in.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return bool(command) and (
            mark.encode() in command or mark in str(Path(f"/proc/{pid}/cwd").readlink())
        )
    except OSError:
        return False


def _control_name(kind: str) -> str:
    return f"SIMULATOR_{kind.upper()}_CONTROL"


def _new_field_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def static_fingerprint() -> str:
    """What the static files are collected from."""
    return _fingerprint(
        [
            BASE_DIR / "package-lock.json",
            *BASE_DIR.glob("[!.]*/static/**/*"),  # not what the last start collected into .data
            *BASE_DIR.glob("requirements/base.txt"),
        ]
    )


def _fingerprint(files: list[Path], *more: str) -> str:
    digest = hashlib.sha256("|".join(more).encode())
    for file in sorted(files):
        if file.is_file():
            digest.update(str(file).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _json_lines_into(told: list[dict[str, object]]) -> Callable[[str], None]:
    def take(line: str) -> None:
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                told.append(json.loads(line))

    return take


def _wait_told(child: Child, told: list[dict[str, object]], seconds: float = 60) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while not told:
        child.revive()
        if time.monotonic() > deadline:
            raise ServiceError(f"{child.name} did not say that it listens; its messages stand above.")
        time.sleep(0.05)
    return told[-1]


def main() -> int:
    product = Product()

    def ask_stop(*_: object) -> None:
        product.stopping = True

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, ask_stop)
    try:
        product.start()
        product.watch()
    except Stop:
        say("stopping")
    except ServiceError as error:
        say(f"cannot start: {error}")
        return 1
    finally:
        product.stop()
    say("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
