"""A raw alert is shown as it was sent, less what could be used to send another one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.masking import mask_body

SECRET = "s3cr3t-value-0123456789"
MASK = "•••"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"key":"{SECRET}","action":"buy"}}',
        f'{{ "action": "buy",\n  "Token" : "{SECRET}" }}',
        f'{{"a":{{"b":[{{"passphrase":"{SECRET}"}}]}}}}',
        f"{{'secret':'{SECRET}','action':'buy'}}",
        f"{{“secret”:“{SECRET}”}}",
        f"key={SECRET}&action=buy",
        f"password: {SECRET}\naction: buy",
        f'{{"api_key":"{SECRET}",',
        f'{{"apiKey":{SECRET}}}',
        f"POST https://host/webhook/{SECRET} buy",
        f"Authorization: Bearer {SECRET}",
        f'{{"webhook_secret":"{SECRET}","access_token":"{SECRET}x"}}',
    ],
)
def test_no_spelling_of_a_secret_gets_through(body):
    shown = mask_body(body.encode())
    assert SECRET not in shown
    assert MASK in shown


def test_what_is_known_to_be_secret_goes_wherever_it_stands():
    assert mask_body(f'{{"comment":"my {SECRET}!"}}'.encode(), [SECRET]) == f'{{"comment":"my {MASK}!"}}'


def test_an_escaped_secret_goes_too():
    body = json.dumps({"key": 'pä"ss\\wörd-1234', "action": "buy"})
    shown = json.loads(mask_body(body.encode()))
    assert shown == {"key": MASK, "action": "buy"}


@pytest.mark.parametrize(
    "body",
    [
        '{"ticker":"MNQ1!",\r\n "action":"buy",  "quantity": 1.50, "price":"21000.250"}',
        '{"action":"buy","action":"sell"}',
        "buy 2 MNQ1!",
        "",
        '{"keyboard":"qwerty","monkey":"banana","tokenized":"yes"}',
    ],
)
def test_everything_else_stays_to_the_letter(body):
    assert mask_body(body.encode()).replace("\\r", "\r") == body


def test_bytes_that_are_no_text_are_told():
    assert mask_body(b'\xff\xfe{"action":"buy"}') == '\\xff\\xfe{"action":"buy"}'


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_anything_can_be_shown(body):
    mask_body(body).encode("utf-8")


VALUES = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=6, max_size=30
)


@settings(deadline=None)
@given(VALUES, st.booleans())
def test_no_value_of_a_secret_field_survives_in_json(value, ascii_only):
    body = json.dumps({"key": f"zq7{value}", "action": "buy"}, ensure_ascii=ascii_only)
    shown = mask_body(body.encode())
    assert json.loads(shown) == {"key": MASK, "action": "buy"}
