"""Homework that checks itself: what a student runs, and the tasks behind it.

A cell of an exercise asks `check("03.1", average)` and reads at once what was called,
what came back, what was expected and, for the usual mistakes, a hint. The tasks are in
`lib.homework.tasks`, one file for each lesson, and are loaded when they are asked for.
"""

import os

import numpy as np

from lib.homework.judge import Verdict, judge, unanswered
from lib.homework.task import Mistake, Task, find, lesson

__all__ = ["Mistake", "Task", "Verdict", "check", "find", "judge", "lesson"]

SEED = 0  # of the inputs that a student sees
RAISE = "HOMEWORK_RAISE"  # set in the environment, it makes a failed check an error


def check(name, answer):
    """Say whether the answer to a task is right and, if it is not, why.

    A failed check prints what it has to say and lets the notebook run on. Under pytest it
    raises an `AssertionError` instead (exercises/conftest.py). Raises `KeyError` for a
    name that is no task's.
    """
    task = find(name)
    inputs = task.inputs(np.random.default_rng(SEED))
    verdict = unanswered(task, answer) or judge(
        task, inputs, task.results(answer, inputs)
    )
    if not verdict.passed and os.environ.get(RAISE):
        raise AssertionError(f"\n{verdict.text}")
    print(verdict.text)
