"""Names of contracts, read from the right."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.adapters.tradovate.symbols import Symbol, is_contract_of, read_symbol


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("MNQ", Symbol("MNQ")),
        (" mnq ", Symbol("MNQ")),
        ("MNQ1!", Symbol("MNQ")),
        ("MNQ2!", Symbol("MNQ", rank=2)),
        ("CME_MINI:MNQ1!", Symbol("MNQ")),
        ("CME_MINI_DL:MNQ2!", Symbol("MNQ", rank=2)),
        ("@MNQ", Symbol("MNQ")),
        ("#MNQ", Symbol("MNQ")),
        ("/MNQ", Symbol("MNQ")),
        ("@MNQ#", Symbol("MNQ")),
        ("MNQ1@", Symbol("MNQ")),
        ("MNQ#2", Symbol("MNQ", rank=2)),
        ("MNQZ6", Symbol("MNQ", month="Z", year="6")),
        ("MNQZ26", Symbol("MNQ", month="Z", year="26")),
        ("CME_MINI:MNQZ2026", Symbol("MNQ", month="Z", year="2026")),
        ("6E1!", Symbol("6E")),
        ("6EM6", Symbol("6E", month="M", year="6")),
        ("M2K", Symbol("M2K")),
        ("M2K1!", Symbol("M2K")),
        ("M2KU6", Symbol("M2K", month="U", year="6")),
        ("SR31!", Symbol("SR3")),
        ("SR3Z6", Symbol("SR3", month="Z", year="6")),
        ("NQ1!/ES1!", None),
        ("1/EURUSD", None),
        ("QQQ 260116P500", None),
        ("", None),
        ("MNQ!", None),
        ("МNQ1!", None),
    ],
)
def test_it_reads(text, symbol):
    assert read_symbol(text) == symbol


def test_it_knows_what_the_venue_may_call_a_dated_contract():
    assert read_symbol("MNQZ2026").names == ("MNQZ6", "MNQZ26")
    assert read_symbol("MNQZ6").names == ("MNQZ6",)


@pytest.mark.parametrize(
    ("root", "name", "answer"),
    [
        ("ES", "ESZ6", True),
        ("ES", "ESZ26", True),
        ("ES", "ESTXZ6", False),
        ("ES", "MESZ6", False),
        ("MNQ", "MNQTZ6", False),
        ("M2K", "M2KU6", True),
        ("ES", "ESA6", False),
        ("ES", "ESZ2026", False),
        ("ES", "ES", False),
    ],
)
def test_it_tells_contracts_of_a_root_from_others_that_begin_alike(root, name, answer):
    assert is_contract_of(root, name) is answer


roots = st.from_regex(r"[A-Z0-9]{1,4}[A-Z]", fullmatch=True)


@given(root=roots, month=st.sampled_from("FGHJKMNQUVXZ"), year=st.integers(0, 9))
def test_it_gets_the_root_back_from_any_dated_name(root, month, year):
    symbol = read_symbol(f"CME:{root}{month}{year}")
    assert (symbol.root, symbol.month, symbol.year) == (root, month, str(year))


@given(root=roots, rank=st.integers(1, 9))
def test_it_gets_the_root_back_from_any_continuous_name(root, rank):
    assert read_symbol(f"{root}{rank}!") == Symbol(root, rank=rank)


@given(st.text(max_size=40))
def test_it_never_fails_on_text(text):
    read_symbol(text)
