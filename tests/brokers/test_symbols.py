"""Chart symbols in one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.symbols import normalize_symbol, root_of


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("mnq1!", "MNQ1!"),
        (" CME_MINI:MNQ1! ", "MNQ1!"),
        ("@MNQ", "MNQ"),
        ("/ES", "ES"),
        ("#CL", "CL"),
        ("NSE:NIFTY24DECFUT", "NIFTY24DECFUT"),
        ("", ""),
    ],
)
def test_it_writes_a_symbol_one_way(text, symbol):
    assert normalize_symbol(text) == symbol


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("MNQ", "MNQ"),
        ("MNQ1!", "MNQ"),
        ("CME_MINI:MNQ2!", "MNQ"),
        ("MNQZ6", "MNQ"),
        ("MNQZ26", "MNQ"),
        ("mnqz2026", "MNQ"),
        ("6EM6", "6E"),
        ("6E1!", "6E"),
        ("M2K", "M2K"),
        ("M2KU6", "M2K"),
        ("SR3Z6", "SR3"),
        ("AAPL", "AAPL"),
        ("MSFT", "MSFT"),
        ("EURUSD", "EURUSD"),
        ("MNQ!", "MNQ!"),
        ("", ""),
    ],
)
def test_it_finds_the_product_behind_a_symbol(text, root):
    assert root_of(text) == root


roots = st.from_regex(r"[A-Z0-9]{1,4}[A-Z]", fullmatch=True)
months = st.sampled_from("FGHJKMNQUVXZ")


@given(roots, months, st.integers(0, 9))
def test_it_gets_the_root_back_from_any_dated_contract(root, month, year):
    assert root_of(f"CME:{root.lower()}{month}{year}") == root


@given(roots, st.integers(1, 9))
def test_it_gets_the_root_back_from_any_continuous_contract(root, rank):
    assert root_of(f"{root}{rank}!") == root


@given(st.text(max_size=40))
def test_it_never_fails_on_text(text):
    assert root_of(text) in normalize_symbol(text)
