"""Several requests at the same moment: the chain stays a chain, and one token is exchanged once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.services import record_audit, verify_audit
from accounts.sign_in import refresh_tokens

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 6


def at_once(work: Callable[[], Any]) -> list[Any]:
    start = Barrier(AT_ONCE)

    def run(_: int) -> Any:
        try:
            start.wait(10)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def test_the_audit_chain_does_not_fork(owner):
    at_once(lambda: [record_audit("login", actor=owner) for _ in range(5)])

    report = verify_audit()
    assert (report.count, report.broken) == (AT_ONCE * 5, [])
    assert AuditEntry.objects.values("previous_hash").distinct().count() == AT_ONCE * 5


def test_a_refresh_token_is_exchanged_once(login):
    refresh = login().json()["refresh"]

    pairs = [pair for pair in at_once(lambda: refresh_tokens(refresh)) if pair]

    assert len(pairs) == 1
    assert refresh_tokens(pairs[0][1]) is not None


def test_a_one_time_code_opens_one_session(login, second_factor):
    code = second_factor.code()

    answers = at_once(lambda: login(APIClient(), code=code).status_code)

    assert answers.count(200) == 1
    assert set(answers) <= {200, 401, 429}
