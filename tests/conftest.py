"""What every test may ask for: three people, clients signed in as them. And how Hypothesis searches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from accounts.models import User
from tests.factories import UserFactory

# The gate tries the same examples each time, so that a change is judged by what it changes. ``HYPOTHESIS_PROFILE=explore`` looks
# for new ones.
hypothesis_settings.register_profile(
    "gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note each test that failed for ``scripts/test``, which runs it once more by itself."""
    notes = os.environ.get("FAILED_TESTS_FILE")
    if notes and report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(notes).open("a") as file:
            file.write(f"{report.nodeid}\n")


def pytest_configure(config: pytest.Config) -> None:
    """Pages name static files as they are: hashed names exist only after collectstatic."""
    from django.conf import settings

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def owner(db) -> User:
    return UserFactory(email="owner@example.com")


@pytest.fixture
def stranger(db) -> User:
    """Another tenant: must never see, guess or stream anything of the owner's."""
    return UserFactory(email="stranger@example.com")


@pytest.fixture
def staff(db) -> User:
    return UserFactory(email="staff@example.com", is_staff=True, is_superuser=True)


@pytest.fixture
def api(owner) -> APIClient:
    """The API as the owner."""
    client = APIClient()
    client.force_authenticate(owner)
    return client


@pytest.fixture
def stranger_api(stranger) -> APIClient:
    client = APIClient()
    client.force_authenticate(stranger)
    return client


@pytest.fixture
def browser(owner) -> Client:
    """Pages as the owner."""
    client = Client()
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client
