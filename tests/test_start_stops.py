"""A setting that is missing or malformed stops the start: the real command, with one variable spoilt."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BASE_DIR = Path(__file__).resolve().parent.parent


def start(**spoilt: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import django; django.setup()"]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tradeproject.settings", **spoilt}
    return subprocess.run(command, cwd=BASE_DIR, env=env, text=True, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", ""),
        ("FIELD_ENCRYPTION_KEYS", "not-a-key"),
        ("TRADOVATE_API_URL", "nonsense"),
    ],
)
def test_it_does_not_start_with_a_spoilt_setting(name, value):
    done = start(**{name: value})
    assert done.returncode != 0
    assert f"ImproperlyConfigured: {name}: " in done.stderr


def test_it_starts_with_good_ones():
    assert start().returncode == 0
