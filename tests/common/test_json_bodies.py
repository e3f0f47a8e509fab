"""Bodies of the API that are JSON by the letter and nothing one can work with."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000], ids=["lists", "objects"])
def test_endless_nesting_is_a_bad_request(body):
    answer = APIClient().post("/api/v1/auth/login", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_json"


@pytest.mark.parametrize(
    "body",
    [b'{"theme": "\\ud800"}', b'{"name": "a\\udfffb"}', b'{"\\ud800": 1}', b'{"x": [{"y": ["\\udc00"]}]}'],
)
def test_half_a_character_is_a_bad_request(api, body):
    answer = api.patch("/api/v1/users/profile", body, content_type="application/json")
    assert answer.status_code == 400
    assert "half a character" in answer.json()["message"]


def test_characters_beyond_the_basic_plane_are_whole(api):
    body = b'{"name": "\\ud83d\\ude00"}'
    answer = api.patch("/api/v1/users/profile", body, content_type="application/json")
    assert answer.status_code == 200
    assert answer.json()["name"] == "\N{GRINNING FACE}"
