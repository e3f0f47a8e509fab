from __future__ import annotations

import pytest

from tests.recorder.venue import Desk


@pytest.fixture
def desk(owner) -> Desk:
    return Desk.open(owner)
