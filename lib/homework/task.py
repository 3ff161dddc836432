"""What a task is, and where to find it.

Throughout this package: an answer is what the student's cell defines, a function, a number or a few;
the inputs are a list of tuples of arguments, which `repr` writes as literals; the results are what a
probe made of an answer, one for each of the inputs.
"""

import copy
import importlib
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lib.homework import probes


@dataclass(frozen=True)
class Mistake:
    """A usual wrong answer, and the hint that fits.

    It is recognized by its results, which are those of `answer` for every input; or, where many wrong answers
    have one reason, by `when(result, *arguments)`, true for the first input that fails.
    """

    answer: Any
    hint: str
    when: Callable | None = None


@dataclass(frozen=True)
class Failure:
    """What an answer raised, in place of a result, and the line of the student's cell that did."""

    text: str
    line: str = ""


@dataclass(frozen=True)
class Task:
    """One task: how it is called, what is right and what usually goes wrong.

    `kind` is "implement", "predict", "repair" or "experiment", `stars` 1 to 3, and `answer` the name that the
    student's cell has to define. `reference` is a right answer, and an answer is right if its results are the
    reference's to the relative `tolerance`. Of an experiment there are many right answers: `lacks(result,
    *arguments)` says what is missing, with the figures, and nothing if nothing is.
    """

    name: str
    title: str
    kind: str
    stars: int
    answer: str
    reference: Any
    mistakes: tuple[Mistake, ...]
    inputs: Callable = lambda rng: [()]
    probe: Callable = probes.value
    tolerance: float = 1e-6
    lacks: Callable | None = None

    @property
    def invented(self):
        """Whether the answer is a rule that the student has invented: the way that it
        goes is all that can be judged of it."""
        return self.lacks is not None and self.probe in probes.WALKS

    def results(self, answer, inputs):
        """What the probe makes of an answer for each of the inputs; a `Failure` where it raises."""
        return [
            attempt(self.probe, answer, copy.deepcopy(arguments))
            for arguments in inputs
        ]


def blank(answer):
    """Whether an answer, or a part of it, is still the `...` of the starter."""
    parts = answer if isinstance(answer, (tuple, list)) else [answer]
    return any(part is ... for part in parts)


def attempt(probe, answer, arguments):
    """What a probe makes of an answer; a `Failure` if it raises."""
    try:
        return probe(answer, *arguments)
    except (Exception, SystemExit) as error:
        return Failure(f"{type(error).__name__}: {error}", _line(answer, error))


def _line(answer, error):
    """The line of the answer's own file on which it failed."""
    own = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == own
    ]
    return f"line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


def lesson(number):
    """The tasks of a lesson, `lesson("03")`, in their order; `KeyError` if it has none."""
    module = f"lib.homework.tasks.lesson_{number}"
    try:
        return importlib.import_module(module).TASKS
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise KeyError(f"no lesson {number} has tasks") from None


def find(name):
    """The task of a name, `find("03.1")`; `KeyError` if there is none."""
    if re.fullmatch(r"\d\d\.\d", name):
        for task in lesson(name[:2]):
            if task.name == name:
                return task
    raise KeyError(f"no task is called {name!r}")
