"""The admin shows everything to the operator, changes little, and never shows a secret."""

from __future__ import annotations

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from tests.factories import UserFactory
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

# Django's own bookkeeping, of no use to anybody, and sessions, whose rows are keys to somebody's account.
NOT_SHOWN = {"contenttypes.ContentType", "auth.Permission", "sessions.Session", "account.EmailConfirmation"}


@pytest.fixture(autouse=True)
def _plain_static(settings) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def world(owner) -> World:
    return make_world(owner)


@pytest.fixture
def desk(staff) -> Client:
    """The admin as staff."""
    client = Client()
    client.force_login(staff, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def shown_models() -> list:
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def address(model, kind: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


def test_it_covers_every_model():
    known = {model._meta.label for model in shown_models()} | NOT_SHOWN
    assert {model._meta.label for model in apps.get_models()} - known == set()


def test_it_wears_one_look():
    from unfold.admin import ModelAdmin

    assert [m for m, page in admin.site._registry.items() if not isinstance(page, ModelAdmin)] == []


def test_it_shows_no_secret_on_any_page(desk, world, owner):
    TOTP.activate(owner, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(owner)
    Client().force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    secrets = [*world.secrets, "JBSWY3DPEHPK3PXP", "gAAAA", owner.password]
    LogEntry.objects.create(
        user=owner, content_type=ContentType.objects.first(), object_repr="x", action_flag=1
    )
    for model in shown_models():
        pages = [address(model, "changelist")]
        pages += [address(model, "change", row.pk) for row in model._default_manager.all()[:3]]
        for page in pages:
            answer = desk.get(page)
            assert answer.status_code == 200, page
            text = answer.content.decode()
            assert [secret for secret in secrets if secret in text] == [], page


def test_it_finds_rows_by_what_they_are_called(desk, world):
    for model in shown_models():
        if admin.site._registry[model].search_fields:
            assert desk.get(address(model, "changelist"), {"q": world.mark}).status_code == 200
            assert desk.get(address(model, "changelist"), {"q": str(world.order.pk)}).status_code == 200
    page = desk.get(address(type(world.order), "changelist"), {"q": str(world.order.pk)})
    assert world.account.name in page.content.decode()


def test_it_shows_plain_numbers_and_sorts_by_them(desk, world):
    page = desk.get(address(type(world.trip), "changelist"), {"o": "7"}).content.decode()
    assert ">21000<" in page
    assert "21000.0" not in page


def test_it_lets_nobody_touch_facts(desk, world):
    for row in (world.order, world.signal, world.trip, world.strategy, world.connection, world.account):
        model = type(row)
        assert desk.get(address(model, "add")).status_code == 403
        assert desk.post(address(model, "change", row.pk), {"status": "filled"}).status_code == 403
        assert desk.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert desk.get(address(AuditEntry, "add")).status_code == 403


def test_it_is_for_staff_and_their_rights(world, browser):
    assert browser.get("/admin/").status_code in {302, 403}
    helper = UserFactory(is_staff=True)
    client = Client()
    client.force_login(helper, backend="allauth.account.auth_backends.AuthenticationBackend")
    front = client.get("/admin/")
    assert front.status_code == 200
    assert world.mark not in front.content.decode()
    assert client.get(address(type(world.order), "changelist")).status_code == 403


def test_it_asks_strangers_to_sign_in_on_the_products_own_page():
    answer = Client().get("/admin/")
    assert answer.status_code == 302
    followed = Client().get(answer["Location"])
    assert followed.status_code == 302
    assert "/accounts/login/" in followed["Location"]


def test_its_first_page_tells_what_needs_somebody(desk, world):
    world.connection.state, world.connection.state_reason = "error", "canary is broken"
    world.connection.save()
    text = desk.get("/admin/").content.decode()
    assert "canary is broken" in text
    assert "canary event" in text or "Undecided orders" in text
    assert "is reducing" in text


def test_it_leaves_a_trace_of_who_looked_at_whose(desk, world, staff):
    desk.get(address(type(world.order), "change", world.order.pk))
    entry = AuditEntry.objects.get(action="admin_viewed")
    assert (entry.actor, entry.owner, entry.object_id) == (staff, world.user, str(world.order.pk))
