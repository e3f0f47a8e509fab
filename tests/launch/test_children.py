"""One child: what it prints, what it is given, and what the supervisor makes of its troubles."""

from __future__ import annotations

import os
import sys
import time

import pytest

from tests.stack import wait_until
from tradeproject.launch.children import Child
from tradeproject.launch.run import Product, Stop
from tradeproject.launch.services import ServiceError


@pytest.fixture
def child(tmp_path):
    made: list[Child] = []

    def start(code: str, **options: object) -> Child:
        command = [sys.executable, "-u", "-c", code]
        made.append(Child(name="part", command=command, env=dict(os.environ), folder=tmp_path, **options))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop_seconds = 0.1
        each.ask_to_stop()
        each.finish()


def test_it_hands_every_line_to_who_listens(child):
    told: list[str] = []
    child("print('one'); print('two')", on_line=told.append)
    wait_until(lambda: told == ["one", "two"])


def test_it_hands_on_what_goes_to_the_error_stream(child):
    told: list[str] = []
    child("import sys; sys.stderr.write('bad\\n')", on_line=told.append)
    wait_until(lambda: told == ["bad"])


def test_it_survives_a_line_that_is_no_text(child):
    told: list[str] = []
    child("import os; os.write(1, b'\\xff\\xfe\\nnext\\n')", on_line=told.append)
    wait_until(lambda: told[1:] == ["next"])


def test_it_prints_nothing_of_a_quiet_child(child, capsys):
    told: list[str] = []
    child("print('psst')", quiet=True, on_line=told.append)
    wait_until(lambda: told == ["psst"])
    assert "psst" not in capsys.readouterr().out


def test_it_gives_the_child_its_environment_and_folder(child, tmp_path):
    told: list[str] = []
    child("import os; print(os.environ['PATH']); print(os.getcwd())", on_line=told.append)
    wait_until(lambda: told == [os.environ["PATH"], str(tmp_path.resolve())])


def test_it_leaves_a_running_child_alone(child):
    part = child("import time; time.sleep(60)")
    before = part.process
    part.revive()
    assert part.process is before
    assert part.is_running


def test_it_can_be_asked_to_stop_twice(child):
    part = child("pass")
    part.process.wait(10)
    part.ask_to_stop()
    part.finish()
    part.finish()
    assert not part.is_running


def test_it_tries_again_when_the_child_cannot_even_be_started(child, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o700)
    part = child("pass")
    part.process.wait(10)
    part.command = [str(tmp_path / "moved")]
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        part.revive()
        time.sleep(0.05)
    part.command = [str(program)]
    wait_until(lambda: part.revive() or part.is_running, seconds=3)


class FlakyServer:
    """A server that ended, and cannot be started again the first time."""

    def __init__(self, product: Product) -> None:
        self.product, self.process, self.starts = product, self, 0
        self.pid = os.getpid()

    def poll(self) -> int | None:
        return 1 if self.starts < 2 else None

    def start_again(self) -> None:
        self.starts += 1
        if self.starts == 1:
            raise ServiceError("the port is still taken")
        self.product.stopping = True

    def stop(self) -> None:
        return None


def test_it_tries_again_when_a_server_cannot_be_started_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    product = Product()
    server = FlakyServer(product)
    product.services.append(server)
    with pytest.raises(Stop):
        product.watch()
    assert server.starts == 2
