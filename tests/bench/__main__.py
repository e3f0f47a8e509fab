"""``scripts/bench [name …]``: run all benchmarks, or the named ones."""

from __future__ import annotations

import sys

from tests.bench import fanout, fills, ingest, signal_to_order

BENCHMARKS = {
    "signal_to_order": signal_to_order.main,
    "fanout": fanout.main,
    "ingest": ingest.main,
    "fills": fills.main,
}


def main(names: list[str]) -> int:
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        sys.stderr.write(
            f"No benchmark is called {', '.join(sorted(unknown))}. There are: {', '.join(BENCHMARKS)}.\n"
        )
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
