"""Hypothesis strategies: alerts that make sense, settings, accounts."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from strategies.webhooks.alert import Position, QuantityKind
from tests.strategies.execution.build import account, applied, contract, order, target, terms

sizes = st.integers(0, 5)
positions = st.integers(-6, 6)
multipliers = st.sampled_from(["0", "0.3", "0.5", "1", "1.5", "2", "0.3333"])
maximums = st.none() | st.integers(0, 6) | st.just("2.5")
contracts = st.sampled_from([contract(), contract(quantity_step=Decimal("0.01"))])


@st.composite
def all_terms(draw):
    return terms(
        position_size=draw(st.none() | sizes),
        position_add=draw(st.none() | sizes),
        direction=draw(st.sampled_from(["Both", "Both", "Long", "Short"])),
        trim=draw(st.sampled_from(["All", "Partial"])),
    )


@st.composite
def accounts(draw):
    return account(
        draw(positions),
        multiplier=draw(multipliers),
        account_multiplier=draw(multipliers),
        max_contracts=draw(maximums),
        instrument=draw(contracts),
    )


@st.composite
def targets(draw):
    after, before = draw(positions), draw(st.none() | positions)
    if draw(st.booleans()) or before is None:
        return target(after, before)
    exits = after == 0 or (after * before > 0 and abs(after) <= abs(before))
    return target(after, before, "exit" if exits else None)


@st.composite
def orders(draw):
    action = draw(st.sampled_from(["buy", "sell", "exit", "add", "reverse"]))
    sided = action in {"buy", "sell"}
    return order(
        action,
        draw(st.none() | st.integers(1, 8)),
        quantity_kind=draw(st.sampled_from(QuantityKind)) if action == "exit" else QuantityKind.FIXED,
        sentiment=draw(st.none() | st.sampled_from(Position)) if sided else None,
    )


earlier = st.none() | st.builds(lambda base, chart: applied(base, chart), positions, positions)
