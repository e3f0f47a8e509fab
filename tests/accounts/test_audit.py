"""The audit log: only added to, masked, chained, and telling when somebody tampered with it."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import AuditEntry
from accounts.services import record_audit, verify_audit

pytestmark = pytest.mark.django_db

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def tamper(sql: str, *parameters: object) -> None:
    """What somebody with full rights in the database could do: switch the trigger off and write."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditentry DISABLE TRIGGER accounts_audit_append_only")
        cursor.execute(sql, parameters)
        cursor.execute("ALTER TABLE accounts_auditentry ENABLE TRIGGER accounts_audit_append_only")


def verify(**options: str) -> str:
    out = StringIO()
    call_command("verify_audit", stdout=out, **options)
    return out.getvalue()


def test_it_keeps_who_did_what_to_what_from_where(owner, staff):
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.5")

    entry = record_audit(
        "connection_disabled",
        actor=staff,
        owner=owner,
        object_type="broker_connection",
        object_id=17,
        detail={"reason": "asked for", "password": "hunter2", "nested": [{"api_key": "abcd1234"}]},
        request=request,
    )

    entry.refresh_from_db()
    assert (entry.actor, entry.owner, entry.actor_email) == (staff, owner, staff.email)
    assert (entry.object_type, entry.object_id, entry.address) == ("broker_connection", "17", "203.0.113.5")
    assert entry.detail["reason"] == "asked for"
    assert "hunter2" not in str(entry.detail)
    assert "abcd1234" not in str(entry.detail)


@pytest.mark.parametrize("act", ["update", "delete"])
def test_postgresql_refuses_to_change_or_delete_an_entry(owner, act):
    record_audit("login", actor=owner)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        getattr(AuditEntry.objects.all(), act)(**({"action": "x"} if act == "update" else {}))


def test_an_intact_chain_is_intact(owner):
    for n in range(5):
        record_audit("login", actor=owner, detail={"n": n})

    report = verify_audit()
    assert (report.count, report.broken) == (5, [])
    assert "5 entries, intact" in verify()
    assert verify(head=report.head)


@pytest.mark.parametrize(
    "column",
    [
        "action = 'x'",
        "detail = '{}'",
        "at = now()",
        "actor_email = 'x'",
        "actor_id = NULL",
        "address = '10.0.0.1'",
    ],
)
def test_a_changed_entry_is_found(owner, column):
    entries = [record_audit("login", actor=owner, detail={"n": n}) for n in range(3)]
    tamper(f"UPDATE accounts_auditentry SET {column} WHERE id = %s", entries[1].pk)

    assert verify_audit().broken == [entries[1].pk]
    with pytest.raises(CommandError, match=f"entry {entries[1].pk} was changed"):
        verify()


def test_a_removed_entry_is_found_by_the_one_after_it(owner):
    entries = [record_audit("login", actor=owner) for _ in range(3)]
    tamper("DELETE FROM accounts_auditentry WHERE id = %s", entries[1].pk)

    assert verify_audit().broken == [entries[2].pk]


def test_entries_cut_off_the_end_are_found_with_a_noted_head(owner):
    entries = [record_audit("login", actor=owner) for _ in range(3)]
    tamper("DELETE FROM accounts_auditentry WHERE id = %s", entries[2].pk)

    assert verify_audit().broken == []
    with pytest.raises(CommandError, match="was cut"):
        verify(head=entries[2].hash)


def test_it_does_not_stand_in_the_way_of_deleting_a_user(owner):
    record_audit("login", actor=owner)
    owner.delete()

    assert AuditEntry.objects.get().actor_email == "owner@example.com"
    assert verify_audit().broken == []


@given(detail=st.dictionaries(st.text(), json_values, max_size=4))
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_detail_survives_the_way_through_the_database(detail):
    record_audit("anything", actor=None, detail=detail, object_id="\x00")

    assert verify_audit().broken == []
