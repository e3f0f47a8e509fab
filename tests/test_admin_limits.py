"""Staff set caps in the admin; what owners chose they only see."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from strategies.risk_models import RiskLimits, RiskState
from tests.factories import BrokerAccountFactory
from tradeproject.common.clock import utc_now

pytestmark = pytest.mark.django_db
ADD = "admin:strategies_risklimits_add"


@pytest.fixture(autouse=True)
def _plain_static(settings) -> None:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def desk(staff) -> Client:
    client = Client()
    client.force_login(staff, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def add(desk, **fields):
    return desk.post(reverse(ADD), fields)


def test_staff_cap_the_platform(desk, staff):
    answer = add(desk, scope="platform", max_orders_per_day="100", blackout='[{"start": "2026-12-24T18:00:00Z",'
                 ' "end": "2026-12-25T18:00:00Z"}]')  # fmt: skip
    assert answer.status_code == 302
    row = RiskLimits.objects.get()
    assert (row.kind, row.user, row.changed_by, row.limits["max_orders_per_day"]) == ("cap", None, staff, 100)
    assert len(row.limits["blackout"]) == 1
    assert AuditEntry.objects.filter(action="admin_added", object_type="risklimits").exists()


def test_a_cap_on_an_account_belongs_to_its_owner(desk):
    account = BrokerAccountFactory()
    add(desk, scope="broker_account", object_id=str(account.pk), max_daily_loss="250")
    assert RiskLimits.objects.get().user == account.user


def test_they_change_one(desk):
    row = RiskLimits.objects.create(scope="platform", kind="cap", limits={"max_position": "4"})
    page = reverse("admin:strategies_risklimits_change", args=[row.pk])
    assert 'value="4"' in desk.get(page).content.decode()
    assert desk.post(page, {"max_position": "", "max_drawdown": "900"}).status_code == 302
    row.refresh_from_db()
    assert row.limits == {"max_drawdown": "900"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"scope": "platform", "max_position": "-1"}, "more than zero"),
        ({"scope": "strategy", "object_id": "7", "max_position": "1"}, "nothing with this id"),
        ({"scope": "user", "object_id": "", "max_position": "1"}, "nothing with this id"),
    ],
)
def test_it_says_what_is_wrong(desk, fields, says):
    assert says in add(desk, **fields).content.decode()
    assert not RiskLimits.objects.exists()


def test_there_is_one_set_of_caps_for_each(desk):
    add(desk, scope="platform", max_position="4")
    assert "caps for this already" in add(desk, scope="platform", max_position="5").content.decode()


def test_what_an_owner_chose_is_only_shown(desk, owner):
    row = RiskLimits.objects.create(
        scope="user", object_id=str(owner.pk), user=owner, kind="own", limits={"max_position": "4"}
    )
    page = reverse("admin:strategies_risklimits_change", args=[row.pk])
    assert desk.get(page).status_code == 200
    assert desk.post(page, {"max_position": "9"}).status_code == 403


def test_they_let_a_drawdown_start_anew(desk, owner):
    row = RiskState.objects.create(
        user=owner, scope="user", object_id=str(owner.pk), day_start=utc_now(), day_pnl=-5, total=-5, peak=70
    )
    page = reverse("admin:strategies_riskstate_changelist")
    desk.post(page, {"action": "start_anew", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.drawdown == 0
