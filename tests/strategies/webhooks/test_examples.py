from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from strategies.models import Signal
from strategies.webhooks.alert import describe
from strategies.webhooks.parser import parse
from tests.strategies.webhooks.examples import examples, names

TRADINGVIEW = examples("tradingview")
EVERY = [*TRADINGVIEW, *examples("traderspost")]
FRESH = datetime(2026, 11, 18, 16, tzinfo=UTC)


@pytest.mark.parametrize("example", EVERY, ids=names(EVERY))
def test_it_reads_every_documented_body_as_documented(example):
    parsed = parse(example.body)
    if "code" in example.verdict:
        assert parsed.error is not None
        assert parsed.error.code == example.verdict["code"]
        assert example.verdict.get("names", "") in parsed.error.message
        return
    assert parsed.alert is not None, parsed.error
    assert describe(parsed.alert) == example.verdict["intent"]
    for name in ("mode", "is_exit"):
        assert getattr(parsed.alert, name) == example.verdict.get(name, getattr(parsed.alert, name))


def test_it_reads_each_format_as_itself():
    for name in ("tradingview", "traderspost"):
        formats = {parse(example.body).format for example in examples(name)}
        assert formats - {""} == {name}


@pytest.mark.django_db(transaction=True)
def test_it_answers_every_documented_body_as_documented(door, url):
    for example in TRADINGVIEW:
        recent = (datetime.now(UTC) - timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        body = example.body
        if "ignored" not in example.verdict:  # the printed fire times are long past
            for day in range(16, 20):
                body = b"".join(
                    recent + part[20:] if part.startswith(f"2026-11-{day}T".encode()) else part
                    for part in _split_times(body)
                )
        answer = door.post(url, body)
        signal = Signal.objects.get(pk=answer.json()["signal_id"])
        assert signal.body == body
        if "code" in example.verdict:
            assert (answer.status_code, answer.json()["code"]) == (400, example.verdict["code"]), example.name
        elif "ignored" in example.verdict:
            assert (answer.status_code, answer.json()["reason"]) == (200, example.verdict["ignored"])
        else:
            assert (answer.status_code, answer.json()["intent"]) == (202, example.verdict["intent"])
            wanted = example.verdict.get("warning", "")
            assert any(warning.startswith(wanted) for warning in [*answer.json()["warnings"], ""])


def _split_times(body: bytes) -> list[bytes]:
    """The body cut before every printed time, so that the time begins a part."""
    parts, start = [], 0
    for index in range(len(body)):
        if body.startswith(b"2026-11-", index):
            parts.append(body[start:index])
            start = index
    return [*parts, body[start:]]
