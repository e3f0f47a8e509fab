from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from strategies.webhooks.alert import Alert, describe
from strategies.webhooks.parser import parse
from tests.strategies.webhooks.examples import examples
from tests.strategies.webhooks.fuzz import SEEDS, mutate


def check(body: bytes) -> None:
    """What holds for any bytes: an alert or an error, never both; what is kept can be stored and read back."""
    parsed = parse(body)
    assert (parsed.alert is None) != (parsed.error is None)
    assert all(note.isprintable() for note in parsed.notes)
    if parsed.error is not None:
        assert parsed.error.code
        assert parsed.error.message.isprintable()
        return
    alert = parsed.alert
    assert alert is not None
    stored = json.dumps(alert.to_json())
    stored.encode("utf-8")
    assert "\\u0000" not in stored
    assert Alert.from_json(json.loads(stored)) == alert
    assert describe(alert)
    if alert.mode == "target" and alert.signed_target:
        assert alert.position_after_size is not None
        assert alert.position_after_size > 0
    if alert.quantity is not None:
        assert alert.quantity.is_finite()


def test_it_never_raises_on_twenty_thousand_mutated_bodies():
    rng = random.Random(20261118)
    for _ in range(20_000):
        check(mutate(rng, rng.choice(SEEDS)))


@given(st.binary(max_size=400))
def test_it_never_raises_on_bytes(body):
    check(body)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["buy", "sell", "long", "flat", "NaN", "{{x}}", "1", "-1", "limit", "percent_of_position"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(sorted({key for seed in SEEDS for key in json.loads(seed)})) | st.text(max_size=10)


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_it_never_raises_on_odd_values_under_known_names(data):
    check(json.dumps(data).encode("utf-8", "surrogatepass"))


def test_it_reads_the_same_body_the_same_way():
    for example in examples("tradingview"):
        assert parse(example.body) == parse(example.body)
