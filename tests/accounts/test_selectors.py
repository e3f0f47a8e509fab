"""Reading only what is one's own."""

from __future__ import annotations

import uuid

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from accounts.models import ApiKey
from accounts.selectors import get_owned_or_404, owned
from accounts.services import create_api_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(owner) -> ApiKey:
    return create_api_key(owner, name="x", scopes=["read"])[0]


def test_the_owner_sees_it_and_nobody_else_does(owner, stranger, staff, key):
    everything = ApiKey.objects.all()

    assert list(owned(everything, owner)) == [key]
    assert not owned(everything, stranger).exists()
    assert not owned(everything, staff).exists()
    assert not owned(everything, AnonymousUser()).exists()


def test_staff_see_all_only_where_a_view_says_so(owner, stranger, staff, key):
    everything = ApiKey.objects.all()

    assert list(owned(everything, staff, staff_sees_all=True)) == [key]
    assert not owned(everything, stranger, staff_sees_all=True).exists()


def test_the_way_to_the_owner_may_be_longer(owner, stranger):
    address = EmailAddress.objects.create(user=owner, email=owner.email)
    confirmation = EmailConfirmation.create(address)

    everything = EmailConfirmation.objects.all()
    assert list(owned(everything, owner, path="email_address__user")) == [confirmation]
    assert not owned(everything, stranger, path="email_address__user").exists()


def test_a_foreign_a_missing_and_an_impossible_id_are_the_same(owner, stranger, key):
    everything = ApiKey.objects.all()
    assert get_owned_or_404(everything, owner, pk=key.pk) == key
    assert get_owned_or_404(everything, owner, pk=str(key.pk)) == key

    for user, pk in [
        (stranger, key.pk),
        (AnonymousUser(), key.pk),
        (owner, uuid.uuid4()),
        (owner, "not-a-uuid"),
        (owner, ""),
        (owner, None),
        (owner, "\x00"),
        (owner, 2**200),
    ]:
        with pytest.raises(Http404):
            get_owned_or_404(everything, user, pk=pk)


@pytest.mark.parametrize("value", ["\x00", "x" * 10_000, "☃"])
def test_a_lookup_by_text_survives_any_text(owner, key, value):
    with pytest.raises(Http404):
        get_owned_or_404(ApiKey.objects.all(), owner, name=value)
    assert ApiKey.objects.exists(), "the transaction is still usable"
