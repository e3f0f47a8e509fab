"""The venue's memory on disk: an append-only file of rows, written before the answer that depends on them leaves.

Every line is one row in its newest form; reading the file front to back gives the state. One write per command, straight to
the operating system, so that a killed process loses nothing. A line cut short by a crash ends the reading there. At the start
and at the end of a session the file is rewritten with the living rows only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from brokers.simulators.tradovate.store import Change
from brokers.simulators.tradovate.wire import encode

FILE = "journal.jsonl"


class Line(msgspec.Struct, rename={"host": "h", "kind": "k", "account_id": "a", "row": "e"}):
    """``host`` is empty for what both hosts share. ``archived`` rows only the ledger still knows."""

    host: str
    kind: str
    account_id: int
    row: msgspec.Raw
    archived: bool = False


_LINES = msgspec.json.Decoder(Line)


def line(host: str, kind: str, account_id: int, raw: bytes, *, archived: bool = False) -> bytes:
    tail = b',"archived":true}\n' if archived else b"}\n"
    return b'{"h":"%s","k":"%s","a":%d,"e":%s%s' % (host.encode(), kind.encode(), account_id, raw, tail)


class Journal:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / FILE
        self._file = -1

    def read(self) -> Iterator[Line]:
        """Every readable line; the first unreadable one is the end."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for text in file:
                try:
                    yield _LINES.decode(text)
                except msgspec.DecodeError:
                    return

    def rewrite(self, lines: Iterable[bytes]) -> None:
        """Start over with these lines; until the new file is complete the old one stays."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        self.close()
        fresh.replace(self._path)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def write(self, changes: Iterable[Change]) -> None:
        """The newest form of every changed row, in one write."""
        newest: dict[tuple[str, str, int], Change] = {}
        for change in changes:
            newest[change.host, change.kind, change.entity.id] = change
        self.append(
            line(change.host, change.kind, change.account_id, change.raw or encode(change.entity))
            for change in newest.values()
        )

    def append(self, lines: Iterable[bytes]) -> None:
        data = b"".join(lines)
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
