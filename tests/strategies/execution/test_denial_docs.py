"""The page of denial codes says what the table in the code says."""

from __future__ import annotations

import re
from pathlib import Path

from strategies.execution.denialdocs import EXITS_TOO, page
from strategies.execution.denials import CAUTIONS, DENIALS

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_the_tables():
    assert (DOCS / "denials.md").read_text() == page(), "run manage.py denial_codes > docs/denials.md"


def test_every_code_is_on_it_once():
    codes = re.findall(r"^\| `([A-Z_]+)`", (DOCS / "denials.md").read_text(), re.MULTILINE)
    assert codes == [*DENIALS, *CAUTIONS] and set(DENIALS) >= EXITS_TOO


def test_every_code_has_a_category_and_a_condition():
    assert [code for code in DENIALS if not re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code)] == []
    assert [code for code in DENIALS if "_" not in code] == []
