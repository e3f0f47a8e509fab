"""Bodies that go wrong: valid ones, mutated in the ways that keyboards, templates and attackers have."""

from __future__ import annotations

import json
import random

from tests.strategies.webhooks.examples import examples

SEEDS = [
    *(
        example.body
        for name in ("tradingview", "traderspost")
        for example in examples(name)
        if example.body.startswith(b"{") and b"NaN" not in example.body and b",}" not in example.body
    ),
    json.dumps({"ticker": "MNQ1!", "action": "buy", "position_size": "-2", "sl": "1", "tp": "2"}).encode(),
    json.dumps({"ticker": "X", "action": "exit", "orderType": "limit", "limitPrice": "1"}).encode(),
]
_TOKENS = [
    b"NaN", b"null", b"-1", b"1e400", b'"{{x}}"', b'""', b"{}", b"[]", b"\x00", b"\xff", b'"\\u0000"', b'"\\ud800"',
    b"1,050", b"{{", b"}}", b",", b":", b'"', b"'", "“".encode(), "\u200b".encode(), b"true", b"{", b"}", b"[" * 50,
    b"9" * 30, b"0.00000000001", b'"long"', b'"flat"', b'"sell"', b"\n", b"&", b"=", b"\xef\xbb\xbf", b"A" * 600,
]  # fmt: skip


def mutate(rng: random.Random, body: bytes) -> bytes:
    for _ in range(rng.randint(1, 4)):
        at, to = sorted((rng.randint(0, len(body)), rng.randint(0, len(body))))
        body = rng.choice(
            (
                lambda b, i, j: b[:i] + rng.choice(_TOKENS) + b[i:],
                lambda b, i, j: b[:i] + rng.choice(_TOKENS) + b[min(j, i + 8) :],
                lambda b, i, j: b[:i] + b[min(j, i + 12) :],
                lambda b, i, j: b[:i] + bytes([rng.randrange(256)]) + b[i + 1 :],
                lambda b, i, j: b[:j] + b[i:],
                lambda b, i, j: b[:i] + b[i:j].swapcase() + b[j:],
            )
        )(body, at, to)
    return body
