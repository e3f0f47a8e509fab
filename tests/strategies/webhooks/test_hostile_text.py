from __future__ import annotations

import time

import pytest

from strategies.webhooks.parser import parse

LIMIT = 16 * 1024
HOSTILE = {
    "an unfinished form": b"a=" + b"&a=b" * 4000 + b" ",
    "many fields of a form": b"a=1&" * 4000,
    "an encoded payload": b"payload=" + b"%7B" * 5000,
    "commas": b"," * LIMIT,
    "commas and blanks": b", " * 8000,
    "single quotes": b"'" * LIMIT,
    "single quotes and blanks": b"' " * 8000,
    "a single-quoted key and blanks": b"{'a'" + b" " * 15_000,
    "double quotes": b'"' * LIMIT,
    "curly quotes": "“".encode() * 5000,
    "escaped quotes": b'{"a":"' + b'\\"' * 8000,
    "backslashes": b'{"a":"' + b"\\" * LIMIT,
    "opening braces": b"{" * LIMIT,
    "opening brackets": b"[" * LIMIT,
    "empty objects": b"{}" * 8000,
    "nested objects": b'{"a":' * 2600,
    "open placeholders": b"{{a" * 5000,
    "a long number": b'{"a":' + b"1" * LIMIT,
    "a key and blanks": b"ticker" + b" " * 15_000 + b"action",
    "a key again and again": b"ticker " * 2200,
    "a command again and again": b"command " * 2000,
    "many keys": ("{" + ",".join(f'"k{n}":1' for n in range(1500)) + "}").encode(),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_it_takes_time_in_proportion_to_the_text(body):
    """A stranger chooses this text before anybody is asked for a key: one quadratic pattern would stop the server.

    Processor time, with room for a slow machine: the linear way takes a fiftieth, the quadratic one several times as much.
    """
    started = time.process_time()
    assert parse(body[:LIMIT]).alert is None
    assert time.process_time() - started < 0.5
