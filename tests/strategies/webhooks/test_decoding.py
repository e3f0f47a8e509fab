from __future__ import annotations

import json

import pytest

from strategies.webhooks.parser import parse

START = b'{"ticker":"MNQ1!","action":"buy","contracts":1'


def code_of(body: bytes) -> str:
    error = parse(body).error
    return error.code if error else ""


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf", "\u00a0".encode()])
def test_it_refuses_a_blank_body(body):
    assert code_of(body) == "empty_body"


@pytest.mark.parametrize("body", [START + b',"c":"\xff"}', START.decode().encode("utf-16"), b"\xc3\x28"])
def test_it_refuses_what_is_not_utf8(body):
    assert code_of(body) in {"invalid_encoding", "control_characters"}


def test_it_accepts_a_byte_order_mark():
    assert parse(b"\xef\xbb\xbf" + START + b"}").alert is not None


@pytest.mark.parametrize("body", [START + b"\x00}", START + b',"c":"\x07"}', START + b',"c":"\x7f"}'])
def test_it_refuses_control_characters(body):
    assert code_of(body) == "control_characters"


def test_it_refuses_control_characters_in_escapes_as_well():
    assert code_of(START + rb',"c":"\u0000"}') == "control_characters"
    assert code_of(START + rb',"\u0001":1}') == "control_characters"
    assert code_of(START + rb',"c":"\ud800"}') == "invalid_encoding"
    assert parse(START + rb',"c":"a\nb\ud83d\ude00"}').alert is not None


@pytest.mark.parametrize("body", [b"5", b'"buy"', b"[]", b"null", b"true", b'["ticker","action"]'])
def test_it_refuses_json_that_is_no_object(body):
    assert code_of(body) == "not_an_object"


def test_it_refuses_a_key_sent_twice_even_with_one_value():
    assert code_of(START + b',"action":"sell"}') == "duplicate_key"
    assert code_of(START + b',"action":"buy"}') == "duplicate_key"
    assert code_of(START + b',"extras":{"a":1,"a":2}}') == "duplicate_key"


def test_it_bounds_depth_keys_strings_and_numbers():
    nested: object = 1
    for _ in range(6):
        nested = {"a": nested}
    assert code_of(json.dumps({"ticker": "X", "action": "buy", "extras": nested}).encode()) == "too_deep"
    assert code_of(b"[" * 16_000) == "too_deep"
    assert code_of(b'{"a":' * 3_000) == "too_deep"
    assert code_of(json.dumps({f"k{n}": n for n in range(101)}).encode()) == "too_many_keys"
    assert code_of(START + b',"c":"' + b"x" * 513 + b'"}') == "string_too_long"
    assert code_of(START + b',"n":' + b"1" * 25 + b"}") == "invalid_number"
    assert code_of(START + b',"n":' + b"1" * 5000 + b"}") == "invalid_number"
    assert code_of(START + b',"n":1e99999999999999999999}') == "invalid_number"


@pytest.mark.parametrize("name", [b"NaN", b"Infinity", b"-Infinity"])
def test_it_refuses_numbers_that_only_python_takes_for_json(name):
    assert code_of(START + b',"price":' + name + b"}") == "malformed_json"


def test_it_reads_a_form_that_reads_cleanly():
    assert parse(b"ticker=MNQ1%21&action=buy&contracts=2").alert is not None
    payload = b"payload=%7B%22ticker%22%3A%22MNQ1%21%22%2C%22action%22%3A%22buy%22%7D"
    assert parse(payload).alert is not None
    assert code_of(b"ticker=MNQ1!&action=buy&action=sell") == "duplicate_key"
    assert code_of(b"ticker=MNQ1!&action") == "malformed_json"
    assert code_of(b"payload=%7B%22ticker%22") == "malformed_json"


def test_it_names_a_placeholder_that_broke_the_json():
    error = parse(b'{"ticker":"MNQ1!","action":"buy","contracts":{{strategy.order.contracts}}}').error
    assert error is not None
    assert error.code == "unresolved_placeholder"
    assert "strategy.order.contracts" in error.message
