from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.webhooks.parser import parse
from strategies.webhooks.repair import REPAIRS

GOOD = '{"ticker":"MNQ1!","action":"buy","contracts":1,"comment":"x"}'
NAMES = [name for name, _ in REPAIRS]

MENDED = [
    (GOOD.replace('"ticker"', "“ticker”"), NAMES[0]),
    (GOOD.replace('"', "“"), NAMES[0]),
    (GOOD.replace(":", "\u00a0:\u200b"), NAMES[0]),
    (f"```json\n{GOOD}\n```", NAMES[1]),
    (f"Alert on MNQ: {GOOD} sent by a friend", NAMES[1]),
    (GOOD.replace("}", ",}"), NAMES[2]),
    (GOOD.replace("}", " ,\n }"), NAMES[2]),
    (GOOD.replace('"', "'"), NAMES[3]),
    (GOOD.replace('"x"', '"a\nb\tc"'), NAMES[4]),
]


@pytest.mark.parametrize(("text", "repair"), MENDED)
def test_it_mends_what_cannot_mean_anything_else_and_says_so(text, repair):
    parsed = parse(text.encode())
    assert parsed.alert is not None, parsed.error
    assert parsed.repairs == (repair,)
    expected = parse(GOOD.encode()).alert
    assert expected is not None
    assert (parsed.alert.ticker, parsed.alert.action, parsed.alert.quantity) == ("MNQ1!", "buy", 1)


@pytest.mark.parametrize(("text", "repair"), MENDED)
def test_it_mends_nothing_when_told_not_to(text, repair):
    error = parse(text.encode(), repair=False).error
    assert error is not None
    assert error.code == "malformed_json"


def test_it_mends_several_things_in_one_body():
    text = "```\n{“ticker”:“MNQ1!”,\n\"action\":'buy'.}".replace("'buy'.", '"buy",') + "\n```"
    parsed = parse(text.encode())
    assert parsed.alert is not None, parsed.error
    assert parsed.repairs == (NAMES[0], NAMES[1], NAMES[2])


@pytest.mark.parametrize(
    "text",
    [
        GOOD + GOOD,  # two objects: which one?
        GOOD[:-1],
        '"sell" ' + GOOD,  # words with quotes may be data
        "{'ticker':'MNQ1!','action':'buy','comment':'it's'}",
        "{'ticker':'MNQ1!',\"action\":'buy'}",
        '{"ticker":"MNQ1!","action":"buy",,}',
        '{"ticker":"MNQ1!" "action":"buy"}',
        "{ticker:MNQ1!,action:buy}",
        '{"ticker":"MNQ1!","action":"buy","contracts":1,050}',
    ],
)
def test_it_leaves_broken_what_could_be_read_in_two_ways(text):
    error = parse(text.encode()).error
    assert error is not None
    assert error.code == "malformed_json"


def test_it_keeps_typographic_quotes_that_belong_to_a_text():
    parsed = parse('{"ticker":"MNQ1!","action":"buy","comment":"say “hi”",}'.encode())
    assert parsed.alert is not None
    assert parsed.alert.extras["comment"] == "say “hi”"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-99, 99)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc",))),
    lambda inner: st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc",))), inner, max_size=4
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["ticker", "action", "comment", "“x”", "a,}"]), JSON))
def test_it_never_touches_a_body_that_is_json(data):
    for ascii_only in (True, False):
        assert parse(json.dumps(data, ensure_ascii=ascii_only).encode()).repairs == ()


@given(st.text(alphabet="{}[]\"'“”,:\\ \n\u200babc1"))
def test_it_changes_no_letter_or_digit(text):
    for name, repair in REPAIRS:
        if name in (NAMES[0], NAMES[2], NAMES[3]):
            assert [c for c in repair(text) if c.isalnum()] == [c for c in text if c.isalnum()]
