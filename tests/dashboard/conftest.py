from __future__ import annotations

import pytest

from tests.desk import Desk, build_desk


@pytest.fixture
def desk(owner) -> Desk:
    """Twenty-five accounts, two strategies, a record, open positions."""
    return build_desk(owner)


@pytest.fixture
def small_desk(owner) -> Desk:
    return build_desk(owner, accounts=3, trades=8)
