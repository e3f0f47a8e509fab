"""Every refusal of ours can happen, and says what happened with its numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest

from strategies.execution.denials import DENIALS, as_text, explain
from strategies.execution.terms import Purpose
from tests.strategies.execution.build import sent
from tests.strategies.execution.refusals import CIRCUMSTANCES, LATER

each = pytest.mark.parametrize("refusal", CIRCUMSTANCES, ids=str)


def test_it_has_a_circumstance_for_every_code():
    assert {refusal.code for refusal in CIRCUMSTANCES} | set(LATER) == set(DENIALS)


@each
def test_it_refuses_with_that_code(refusal):
    assert refusal.denial.code == refusal.code


@each
def test_it_sends_no_entry(refusal):
    assert [draft for draft in sent(refusal.plan()) if draft.purpose is Purpose.ENTRY] == []


@each
def test_it_says_why_with_its_numbers(refusal):
    sentence = explain(refusal.denial.code, refusal.denial.context)
    assert [words for words in refusal.says if words not in sentence] == []


@each
def test_it_leaves_no_hole_in_the_sentence(refusal):
    sentence = explain(refusal.denial.code, refusal.denial.context)
    unasked = sentence.replace("Did you mean NQ?", "")
    assert "?" not in unasked and "None" not in unasked and "{" not in unasked


@pytest.mark.parametrize(("code", "told"), LATER.items())
def test_it_says_why_what_was_planned_did_not_go(code, told):
    context, words = told
    assert words in explain(code, context) and "?" not in explain(code, context)


def test_it_writes_numbers_as_people_do():
    context = {"quantity": Decimal("3.00000000"), "limit": Decimal("1E+2")}
    assert as_text(context) == {"quantity": "3", "limit": "100"}
    assert explain("QUANTITY_ABOVE_LIMIT", context).startswith(
        "3 is above the strategy's largest order of 100."
    )


def test_it_explains_what_was_stored_the_same_way():
    context = {"quantity": Decimal("3.00000000"), "limit": Decimal(1)}
    assert explain("QUANTITY_ABOVE_LIMIT", as_text(context)) == explain("QUANTITY_ABOVE_LIMIT", context)


def test_it_marks_a_number_that_was_not_stored():
    assert "limit" not in explain("QUANTITY_ABOVE_LIMIT", {}) and "?" in explain("QUANTITY_ABOVE_LIMIT", {})


def test_it_gives_back_a_code_it_does_not_know():
    assert explain("SOMETHING_NEW", {}) == "SOMETHING_NEW"


def test_a_reason_that_is_missing_leaves_no_double_space():
    assert "  " not in explain("CONNECTION_NOT_READY", {"state": "disabled", "reason": ""})
