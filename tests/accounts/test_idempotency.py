"""A request under an Idempotency-Key is carried out once."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ApiKey, IdempotencyKey
from accounts.services import create_api_key, idempotent, purge_idempotency_keys
from tradeproject.common.api import Problem

BODY = {"symbol": "MNQ1!", "quantity": "2"}


def order(user, key, body=BODY, scope="orders"):
    """A stand-in for POST orders: its effect is one row."""
    with idempotent(user, key, body, scope=scope) as call:
        if call.stored is None:
            made, _ = create_api_key(user, name="effect", scopes=["read"])
            call.finish(201, {"id": made.pk, "quantity": Decimal("2.0"), "at": timezone.now()})
    return call.answer


def effects() -> int:
    return ApiKey.objects.filter(name="effect").count()


@pytest.mark.django_db
def test_the_same_request_gets_the_same_answer(owner):
    first = order(owner, "k1")
    again = order(owner, "k1", {"quantity": "2", "symbol": "MNQ1!"})

    assert (again.status, again.body) == (201, first.body)
    assert first.body["quantity"] == "2.0"
    assert effects() == 1


@pytest.mark.django_db
def test_the_same_key_for_something_else_is_refused(owner):
    order(owner, "k1")

    for body, scope in [({**BODY, "quantity": "3"}, "orders"), (BODY, "flatten"), (b"raw", "orders")]:
        with pytest.raises(Problem) as refused:
            order(owner, "k1", body, scope)
        assert (refused.value.status_code, refused.value.code) == (422, "idempotency_key_reused")
    assert effects() == 1


@pytest.mark.django_db
def test_keys_are_each_tenants_own(owner, stranger):
    order(owner, "k1")
    order(stranger, "k1", {"symbol": "other"})
    order(owner, "k2")

    assert effects() == 3


@pytest.mark.django_db
def test_without_a_key_nothing_is_kept(owner):
    order(owner, None)
    order(owner, "")

    assert effects() == 2
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x" * 256, "tab\tkey", "schlüssel", "a\x00b"])
def test_a_key_that_cannot_be_one_is_refused(owner, key):
    with pytest.raises(Problem) as refused:
        order(owner, key)

    assert (refused.value.status_code, refused.value.code) == (400, "invalid_idempotency_key")


@pytest.mark.django_db
def test_a_refused_or_crashed_request_leaves_nothing_and_may_come_again(owner):
    for error in (Problem("invalid", "no"), RuntimeError("crash")):
        with pytest.raises(type(error)), idempotent(owner, "k1", BODY, scope="orders"):
            create_api_key(owner, name="effect", scopes=["read"])
            raise error

    assert effects() == 0
    assert order(owner, "k1").status == 201


@pytest.mark.django_db
def test_an_unfinished_block_is_a_mistake_of_ours(owner):
    with pytest.raises(RuntimeError, match="finish"), idempotent(owner, "k1", BODY):
        assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db
def test_an_answer_is_kept_for_a_day(owner):
    order(owner, "k1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))

    assert order(owner, "k1", {"something": "else"}).status == 201
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert purge_idempotency_keys() == 1


@pytest.mark.django_db(transaction=True)
def test_while_the_first_request_runs_the_second_is_told_so(owner):
    inside, leave = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with idempotent(owner, "k1", BODY, scope="orders") as call:
                inside.set()
                leave.wait(10)
                call.finish(201, {"first": True})
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        assert inside.wait(10)
        with pytest.raises(Problem) as refused:
            order(owner, "k1")
        assert (refused.value.status_code, refused.value.code) == (409, "idempotency_in_progress")
    finally:
        leave.set()
        thread.join(10)
    assert order(owner, "k1").body == {"first": True}
    assert effects() == 0
