from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _cheap(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
