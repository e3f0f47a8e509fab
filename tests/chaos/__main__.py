"""``scripts/chaos --rounds N [--seed S] [--only name[/step]] [--json FILE]``"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from tests.chaos import report, runner


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None, help="the same seed chooses the same rounds")
    parser.add_argument("--only", default="", help="one scenario, or scenario/step")
    parser.add_argument(
        "--at-once", type=int, default=runner.AT_ONCE, help="how many groups of accounts side by side"
    )
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    rounds = runner.choose(options.rounds, seed, options.only)
    sys.stderr.write(f"seed {seed}\n")
    outcomes = runner.run(rounds, at_once=options.at_once)
    print(report.table(outcomes))
    wrong = report.faults_found(outcomes)
    for line in wrong:
        print(line)
    if options.json is not None:
        report.write_json(options.json, seed, outcomes)
    print(f"seed {seed}: {len(outcomes)} rounds, {len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
