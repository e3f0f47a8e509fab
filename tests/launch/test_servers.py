"""The embedded PostgreSQL and Valkey: real servers, private to their owner, that lose nothing when they are killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.stack import wait_until
from tradeproject.launch.run import Product
from tradeproject.launch.services import Postgres, ServiceError, Valkey, postgres_bin


@pytest.fixture(scope="module")
def folder():
    made = Path(tempfile.mkdtemp(prefix="tas-srv-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster(folder):
    """One cluster for all tests, since making one takes seconds."""
    server = Postgres(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres(cluster):
    """The cluster, running."""
    if cluster.process is None or cluster.process.poll() is not None:
        cluster.start()
    return cluster


@pytest.fixture
def valkey(tmp_path):
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.stop()


def ask(postgres: Postgres, query: str) -> list[tuple]:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(60)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def test_it_keeps_its_folders_to_its_owner(postgres, folder):
    assert [mode(path) for path in (folder, postgres.data, postgres.sockets)] == ["0o700"] * 3


def test_it_listens_on_no_network_address(postgres):
    assert ask(postgres, "SHOW listen_addresses") == [("",)]


def test_it_guards_its_data_with_checksums_in_utf8(postgres):
    assert ask(postgres, "SHOW data_checksums") == [("on",)]
    assert ask(postgres, "SHOW server_encoding") == [("UTF8",)]


def test_it_comes_back_with_the_data_after_it_was_killed(postgres):
    ask(postgres, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    kill(postgres.process)
    postgres.start()
    assert ask(postgres, "SELECT count(*), sum(n) FROM kept") == [(1000, 500500)]


def test_it_shuts_down_cleanly_under_an_open_session(postgres):
    with closing(psycopg.connect(postgres.url())) as session:
        session.execute("SELECT 1")
        process = postgres.process
        postgres.stop()
    assert process.returncode == 0
    told = subprocess.run(
        [postgres_bin() / "pg_controldata", postgres.data], capture_output=True, text=True, check=True
    )
    assert "shut down" in next(line for line in told.stdout.splitlines() if "cluster state" in line)


def test_it_can_be_stopped_twice(postgres):
    postgres.stop()
    postgres.stop()
    assert postgres.process is None


def test_it_starts_although_a_dead_servers_number_now_belongs_to_another(postgres):
    process = postgres.process
    kill(process)
    lock = postgres.data / "postmaster.pid"
    lock.write_text(lock.read_text().replace(str(process.pid), str(os.getppid()), 1))
    postgres.start()
    assert ask(postgres, "SELECT 1") == [(1,)]


def test_it_starts_although_the_dead_server_was_not_collected_yet(postgres):
    process = postgres.process
    process.send_signal(signal.SIGKILL)
    wait_until(lambda: Path(f"/proc/{process.pid}/cmdline").read_bytes() == b"")
    postgres.start()
    assert ask(postgres, "SELECT 1") == [(1,)]
    process.wait(60)


def test_it_refuses_a_folder_that_another_server_uses(postgres, folder):
    with pytest.raises(ServiceError, match=r"already serves .*stop it, or set DATA_DIR"):
        Postgres(folder).start()
    assert ask(postgres, "SELECT 1") == [(1,)]


def test_it_waits_for_a_busy_session_of_the_killed_server_to_end(postgres):
    with closing(psycopg.connect(postgres.url(), autocommit=True)) as session:
        pid = session.info.backend_pid
        session.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 20000000000) AS n WHERE n < 0")
        kill(postgres.process)
        try:
            with pytest.raises(ServiceError, match=r"postgres\.log"):
                postgres.start()
        finally:
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: starts(postgres), seconds=10)
    assert ask(postgres, "SELECT 1") == [(1,)]


def starts(postgres: Postgres) -> bool:
    try:
        postgres.start()
    except ServiceError:
        return False
    return True


def test_it_puts_its_socket_elsewhere_when_the_path_is_too_long(tmp_path):
    deep = Postgres(tmp_path / ("very-long-name-" * 8))
    assert not deep.sockets.is_relative_to(deep.folder)
    assert len(str(deep.sockets / ".s.PGSQL.5432")) < 100


# --- Valkey -----------------------------------------------------------------------------------------------------------


def test_it_opens_only_with_its_password(valkey):
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)).ping()
    assert redis.Redis.from_url(valkey.url()).ping()


def test_it_keeps_its_password_off_the_command_line(valkey):
    command = Path(f"/proc/{valkey.process.pid}/cmdline").read_bytes()
    assert valkey.password.encode() not in command
    assert mode(valkey.folder / "valkey" / "valkey.conf") == "0o600"
    assert mode(valkey.folder / "valkey") == "0o700"


def test_it_listens_on_this_machine_only(valkey):
    assert redis.Redis.from_url(valkey.url()).config_get("bind") == {"bind": "127.0.0.1"}


def test_it_comes_back_at_the_same_address_with_the_data_after_it_was_killed(valkey):
    address = valkey.url()
    redis.Redis.from_url(address).set("kept", "yes")
    kill(valkey.process)
    valkey.start_again()
    assert valkey.url() == address
    assert redis.Redis.from_url(address).get("kept") == b"yes"


def test_the_next_run_ends_it_after_its_supervisor_was_killed(valkey, tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    killed, following = Product(), Product()
    killed.services.append(valkey)
    killed._remember_children()
    following._end_leftovers()
    assert valkey.process.wait(5) == -signal.SIGKILL


def test_it_stops(valkey):
    process = valkey.process
    valkey.stop()
    assert process.poll() is not None
