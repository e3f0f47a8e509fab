"""A process that must answer within milliseconds keeps what it loaded out of the collector's way."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import gc, json, sys
from tradeproject.common.latency import YOUNG_OBJECTS, spare_what_stays, take_short_turns
take_short_turns()
spare_what_stays()
print(json.dumps([gc.get_freeze_count(), gc.get_threshold()[0] == YOUNG_OBJECTS, sys.getswitchinterval()]))
"""


def test_it_takes_loaded_code_out_of_collection_and_shortens_turns():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    frozen, is_rare, interval = json.loads(done.stdout)
    assert frozen > 1000
    assert is_rare
    assert interval <= 0.001
