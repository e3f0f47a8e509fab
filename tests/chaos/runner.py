"""Many rounds on one running product: a few groups of accounts side by side, each in the next round as soon as it settled."""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from tests.chaos.desk import Group, make_groups
from tests.chaos.faults import control
from tests.chaos.oracle import Problem
from tests.chaos.scenarios import Outcome, all_scenarios, play
from tests.stack import Stack, running_stack, wait_until

AT_ONCE = 4
# These stop the whole product for a while: two of them at once only prove that what is down is down.
ALONE = {
    "frozen_executor", "frozen_with_orders", "zombie_executor", "postgres_crash", "rolling_restart", "clock_jump", "kill_web",
    "stale_list", "redis_killed",
}  # fmt: skip

Round = tuple[str, str, int]


@contextlib.contextmanager
def armed_stack() -> Iterator[Stack]:
    """The product with its crash points armed, on budgets that are not what is tested here."""
    limits = {"API_CALLS_PER_MINUTE_LIMIT": "900", "API_CALLS_PER_HOUR_LIMIT": "50000"}
    with running_stack(pages=False, DEMO_ACCOUNTS="0", CRASH_POINT="on-request", **limits) as stack:
        control(stack, "market", frozen=True)
        yield stack


def choose(rounds: int, seed: int, only: str = "") -> list[Round]:
    """Every scenario with every step before any of them comes again, in a random order."""
    chance = Random(seed)
    known = [one for one in all_scenarios() if only in {"", one[0], f"{one[0]}/{one[1]}"}]
    if not known:
        raise SystemExit(
            f"No scenario is called {only}. There are: {', '.join(sorted({n for n, _ in all_scenarios()}))}."
        )
    chosen: list[Round] = []
    while len(chosen) < rounds:
        chance.shuffle(known)
        chosen += [(name, step, chance.randrange(2**32)) for name, step in known]
    return chosen[:rounds]


class Arena:
    """Groups that are free, and the rule who may play beside whom."""

    def __init__(self, stack: Stack, groups: Sequence[Group], *, aloud: bool = True) -> None:
        self._stack, self._aloud = stack, aloud
        self._free: queue.Queue[Group] = queue.Queue()
        for group in groups:
            self._free.put(group)
        self._alone = threading.Lock()
        self.outcomes: list[Outcome] = []

    def play(self, one: Round) -> Outcome:
        name, step, seed = one
        group = self._free.get()
        with self._alone if name in ALONE else contextlib.nullcontext():
            outcome = self._played(group, name, step, seed)
        self.outcomes.append(outcome)
        # A group that something is wrong with would say so again in every round: it plays no more while there are others.
        if not outcome.problems or self._free.empty():
            self._free.put(group)
        self._say(outcome)
        return outcome

    def _played(self, group: Group, name: str, step: str, seed: int) -> Outcome:
        try:
            return play(self._stack, group, name, step, seed)
        except Exception:
            failed = Outcome(name, step, seed, began=time.strftime("%H:%M:%S"))
            failed.problems = [Problem("lost", f"the round itself failed: {traceback.format_exc()[-900:]}")]
            return failed

    def _say(self, outcome: Outcome) -> None:
        if not self._aloud:
            return
        words = "; ".join(problem.text for problem in outcome.problems[:3]) or str(outcome.reasons or "ok")
        if outcome.seconds > 15:
            words += f" (last to settle: {outcome.last_to_settle})"
        where = f"{outcome.began} {len(self.outcomes):4} {outcome.scenario}/{outcome.step}"
        sys.stderr.write(f"{where} {outcome.seconds:5.1f} s  {words}\n")
        sys.stderr.flush()


def run(rounds: Sequence[Round], *, at_once: int = AT_ONCE, aloud: bool = True) -> list[Outcome]:
    """Play ``rounds`` on a product of their own, ``at_once`` side by side."""
    with armed_stack() as stack:
        groups = make_groups(stack, at_once + 3)
        wait_until(lambda: _is_ready(stack), 60)
        arena = Arena(stack, groups, aloud=aloud)
        with ThreadPoolExecutor(at_once) as players:
            list(players.map(arena.play, rounds))
        return arena.outcomes


def _is_ready(stack: Stack) -> bool:
    client = stack.api()
    return client.get(f"{stack.url}/health/ready").status_code == 200
