"""What staff can do from the lists: stop, switch off, cancel, try out; each with an audit entry."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from strategies.models import ControlState, Order, Signal
from tests.factories import SymbolMappingFactory, UserFactory
from tests.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _plain_static(settings) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def world(owner) -> World:
    return make_world(owner)


@pytest.fixture
def desk(staff) -> Client:
    client = Client()
    client.force_login(staff, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def act(client: Client, action: str, *rows) -> list[str]:
    """Do the action to the rows; what the page then says."""
    options = rows[0]._meta
    page = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    answer = client.post(page, {"action": action, "_selected_action": [row.pk for row in rows]})
    assert answer.status_code in {200, 302}
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_staff_switch_a_login_off_and_on(desk, world, staff):
    said = act(desk, "disable", world.connection)
    world.connection.refresh_from_db()
    assert world.connection.state == "disabled"
    assert said[-1] == "1 logins switched off."
    entry = AuditEntry.objects.get(action="connection_edited")
    assert (entry.actor, entry.owner) == (staff, world.user)
    act(desk, "enable", world.connection)
    world.connection.refresh_from_db()
    assert world.connection.state == "connected"


def test_staff_halt_and_resume_a_strategy(desk, world):
    act(desk, "halt", world.strategy)
    switch = ControlState.objects.get(scope="strategy", object_id=str(world.strategy.pk))
    assert switch.state == "halted"
    assert Order.objects.get(pk=world.order.pk).cancel_requested_at is not None
    act(desk, "resume", world.strategy)
    switch.refresh_from_db()
    assert switch.state == "running"
    assert AuditEntry.objects.filter(action="control_changed").count() == 2


def test_staff_replay_a_signal_without_sending(desk, world):
    SymbolMappingFactory(instrument=world.instrument)
    world.signal.alert = {"format": "tradingview", "ticker": "MNQ1!", "action": "sell", "quantity": "2"}
    world.signal.save()
    ControlState.objects.all().delete()
    said = act(desk, "replay", world.signal)
    assert "enter short 2 MNQ: sell 1 MNQZ6; sell 2 MNQZ6" in said[0]  # out of what is held, then in
    assert Order.objects.count() == 1
    assert Signal.objects.count() == 1


def test_replaying_what_was_not_understood_says_why(desk, world):
    world.signal.raw_body, world.signal.alert = "{nonsense", {}
    world.signal.save()
    assert "not understood (malformed_json)" in act(desk, "replay", world.signal)[0]


def test_staff_cancel_an_order_but_not_one_that_ended(desk, world):
    act(desk, "cancel", world.order)
    assert Order.objects.get(pk=world.order.pk).cancel_requested_at is not None
    Order.objects.update(status="filled")
    said = act(desk, "cancel", world.order)
    assert "already filled" in said[-2]
    assert said[-1] == "0 cancels asked for."


def test_staff_without_the_right_cannot_act(world):
    from django.contrib.auth.models import Permission

    helper = UserFactory(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_order"))
    client = Client()
    client.force_login(helper, backend="allauth.account.auth_backends.AuthenticationBackend")
    act(client, "cancel", world.order)
    assert Order.objects.get(pk=world.order.pk).cancel_requested_at is None


def test_deactivating_somebody_ends_their_sessions_but_never_ones_own(desk, world, staff):
    UserSession.objects.create(user=world.user, ip="127.0.0.1", session_key="k" * 32, user_agent="")
    act(desk, "deactivate", world.user, staff)
    world.user.refresh_from_db()
    staff.refresh_from_db()
    assert (world.user.is_active, staff.is_active) == (False, True)
    assert not UserSession.objects.filter(user=world.user).exists()
    assert AuditEntry.objects.filter(action="admin_changed", owner=world.user).exists()


def test_a_helper_cannot_make_themselves_superuser(world):
    from django.contrib.auth.models import Permission

    helper = UserFactory(is_staff=True)
    helper.user_permissions.add(*Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.force_login(helper, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = reverse("admin:accounts_user_change", args=[helper.pk])
    form = {"name": "me", "timezone": "UTC", "theme": "dark", "is_active": "on", "is_superuser": "on"}
    assert client.post(page, form).status_code == 302
    helper.refresh_from_db()
    assert (helper.name, helper.is_superuser) == ("me", False)
