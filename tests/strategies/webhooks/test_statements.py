from __future__ import annotations

import re

import pytest

from strategies.models import Signal
from strategies.webhooks import statements
from tests.strategies.webhooks.helpers import body


def test_it_writes_every_column_of_a_signal_that_must_have_a_value():
    """The statement goes past the ORM, so a column added to the model must be added there as well."""
    found = re.search(r"INSERT INTO strategies_signal\s*\(([^)]*)\)", statements.STORE_TEST)
    assert found is not None
    written = {name.strip() for name in found[1].split(",")}
    needed = {field.column for field in Signal._meta.concrete_fields if not field.null}
    assert needed <= written
    assert written <= {field.column for field in Signal._meta.concrete_fields}


@pytest.mark.django_db(transaction=True)
def test_it_leaves_the_row_as_the_orm_would_have(door, url):
    door.post(url, body())
    signal = Signal.objects.get()
    fresh = Signal(
        user=signal.user,
        strategy=signal.strategy,
        received_at=signal.received_at,
        raw_body="x",
        status="accepted",
    )
    for name in (
        "duplicates",
        "fence",
        "attempts",
        "claimed_by",
        "plan",
        "lease_until",
        "planned_at",
        "finished_at",
    ):
        assert getattr(signal, name) == getattr(fresh, name), name


@pytest.mark.django_db(transaction=True)
def test_it_uses_two_round_trips_for_an_accepted_alert(door, url, monkeypatch):
    import psycopg

    executed: list[str] = []
    real = psycopg.AsyncConnection.execute

    async def counting(self, query, *args, **options):
        executed.append(str(query))
        return await real(self, query, *args, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "execute", counting)
    assert door.post(url, body()).status_code == 202
    assert executed == [statements.BY_KEY, statements.STORE_ONCE]
