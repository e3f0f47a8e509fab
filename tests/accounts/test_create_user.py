"""``manage.py create_user``"""

from __future__ import annotations

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> str:
    out = StringIO()
    call_command("create_user", *arguments, stdout=out)
    return out.getvalue().strip()


def test_it_makes_a_user_with_a_verified_address_and_prints_the_id(login):
    pk = create("New@Example.com", "--password", PASSWORD)

    user = User.objects.get(pk=pk)
    assert (user.email, user.is_staff, user.is_superuser) == ("new@example.com", False, False)
    address = EmailAddress.objects.get(user=user)
    assert (address.verified, address.primary) == (True, True)
    assert login(email="new@example.com").status_code == 200


def test_it_makes_staff():
    user = User.objects.get(pk=create("boss@example.com", "--password", PASSWORD, "--staff"))

    assert (user.is_staff, user.is_superuser) == (True, True)


@pytest.mark.parametrize(
    ("email", "password", "says"),
    [
        ("owner@example.com", PASSWORD, "already"),
        ("OWNER@example.com", PASSWORD, "already"),
        ("new@example.com", "short", "too short"),
        ("new@example.com", "password1234", "common"),
        ("not-an-address", PASSWORD, "valid email"),
    ],
)
def test_it_says_why_it_made_none(owner, email, password, says):
    with pytest.raises(CommandError, match=f"No user was made.*{says}"):
        create(email, "--password", password)
    assert User.objects.count() == 1


def test_a_weak_password_has_to_be_asked_for():
    assert create("demo@example.com", "--password", "demo", "--weak")
