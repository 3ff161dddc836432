"""Contenders timed in turn in one process, round after round; the medians count."""

import statistics
import time
from dataclasses import dataclass

LEAST = 0.01  # seconds that a contender runs for at least in a round


@dataclass(frozen=True)
class Row:
    """A line of the table: what was found, `None` if the contender is not installed, against its goal."""

    what: str
    ours: str
    contender: str
    found: float | None
    goal: str  # "<= limit" or ">= limit"

    @property
    def verdict(self):
        if self.found is None:
            return f"not measured: {self.contender} not installed"
        sign, limit = self.goal.split()
        holds = self.found <= float(limit) if sign == "<=" else self.found >= float(limit)
        return "holds" if holds else "misses"

    def cells(self):
        found = "" if self.found is None else f"{self.found:.3g}"
        return self.what, self.ours, self.contender, found, self.goal, self.verdict


def seconds(call, clock=time.thread_time):
    """The time of one call, the mean of as many as fill `LEAST`.

    By the clock of this thread, which stands still while the machine does something else.
    """
    calls, elapsed, start = 0, 0.0, clock()
    while elapsed < LEAST:
        call()
        calls += 1
        elapsed = clock() - start
    return elapsed / calls


def wall(call):
    """The same by the clock on the wall, for contenders with threads of their own."""
    return seconds(call, time.perf_counter)


def ratio(ours, other, rounds, timer=seconds):
    """The median time of either contender, and the median of `ours / other` over the rounds."""
    times = [(timer(ours), timer(other)) for _ in range(rounds)]
    mine, others = zip(*times)
    return (
        statistics.median(mine),
        statistics.median(others),
        statistics.median(a / b for a, b in times),
    )


def compare(what, ours, name, other, goal, rounds, timer=seconds):
    """A row of `ours / other` if the goal is an upper limit, of `other / ours` if it is a lower one."""
    mine, others, found = ratio(ours, other, rounds, timer)
    if goal.startswith(">="):
        found = 1 / found
    return Row(what, duration(mine), f"{name} {duration(others)}", found, goal)


def duration(t):
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if t >= size:
            return f"{t / size:.3g} {unit}"
    return f"{t / 1e-6:.3g} us"
