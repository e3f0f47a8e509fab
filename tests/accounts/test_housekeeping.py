"""What is over is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.services import idempotent
from accounts.tasks import purge_expired

pytestmark = pytest.mark.django_db


def test_ended_sessions_go_and_living_ones_stay(login, script):
    login()
    Session.objects.create(
        session_key="over", session_data="", expire_date=timezone.now() - timedelta(seconds=1)
    )

    purge_expired()

    assert Session.objects.count() == 1
    assert script.get("/api/v1/auth/check-auth").json()["authenticated"] is True


def test_answers_younger_than_a_day_stay(owner):
    with idempotent(owner, "k1", {}) as call:
        call.finish(200, {})

    purge_expired()

    with idempotent(owner, "k1", {}) as call:
        assert call.stored is not None
