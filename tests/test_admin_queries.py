"""A list of fifty rows costs as many queries as a list of two."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import UserFactory
from tests.world import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cheap(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


def queries_per_list(client: Client) -> dict[str, int]:
    counts = {}
    for model in admin.site._registry:
        page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        client.get(page)  # what is read once per process is no part of it
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(page).status_code == 200
        counts[model._meta.label] = len(queries)
    return counts


def make_worlds(count: int) -> None:
    for number in range(count):
        make_world(UserFactory(), mark=f"w{number}-{count}")


def test_lists_do_not_ask_for_every_row(staff):
    client = Client()
    client.force_login(staff, backend="allauth.account.auth_backends.AuthenticationBackend")
    make_worlds(2)
    few = queries_per_list(client)
    make_worlds(50)
    many = queries_per_list(client)
    assert {label: (few[label], many[label]) for label in few if many[label] > few[label]} == {}
