"""The verdict on the results of an answer: right, or what is wrong with it and the hint that fits.

The student's check and the teacher's grader both ask `judge`; it runs none of the student's code.
"""

import inspect
import textwrap
from dataclasses import dataclass

import numpy as np

from lib.homework import probes
from lib.homework.printed import numbers, shown
from lib.homework.task import Failure, blank

MOST_PARTS, MOST_CHARACTERS = 12, 80  # of a result, that are shown
CLOSE = 0.02  # so near to what is expected, the answer may only have been rounded


@dataclass(frozen=True)
class Verdict:
    """Whether a task is passed, what to tell the student, and the hint in it, if one fits."""

    passed: bool
    text: str
    hint: str = ""


def unanswered(task, answer):
    """The verdict on what is no answer, a blank or the library's own function; `None` for any other."""
    if blank(answer):
        hint = f"Nothing here yet. Give {task.answer} its value in the cell above."
        return _failed(task, [], hint)
    name, module = getattr(answer, "__name__", ""), getattr(answer, "__module__", None)
    if task.kind != "experiment" and name and (module or "").split(".")[0] == "lib":
        hint = f"{name} is the library's own. Write yours; you may look at it."
        return _failed(task, [], hint)
    return None


@np.errstate(all="ignore")
def judge(task, inputs, results):
    """The verdict on the results of an answer, one for each of the inputs.

    A result is what `task.probe` returned, or what a grader read back from its print; or a
    `Failure`. Raises `ValueError` unless there are as many results as inputs.
    """
    if len(results) != len(inputs):
        raise ValueError(
            f"{task.name} has {len(inputs)} inputs, got {len(results)} results"
        )
    results = [_plain(result) for result in results]
    wrong = _first_wrong(task, inputs, results)
    if wrong is None:
        tried = f" ({len(inputs)} calls tried)" if len(inputs) > 1 else ""
        return Verdict(
            True, f"{task.name} passed {'★' * task.stars}: {task.title}{tried}"
        )
    position, told = wrong
    hint = _hint(task, inputs, results, position)
    return _failed(task, [*_called(task, inputs[position]), *told], hint)


def same(result, expected, tolerance=1e-6):
    """Whether two results agree: the same shape, and each number to the relative tolerance.

    A number much smaller than the largest around it is compared on the scale of that one.
    """
    result, expected = numbers(result), numbers(expected)
    if result is None or expected is None or result.shape != expected.shape:
        return False
    return bool(_close(result, expected, tolerance).all())


def _close(result, expected, tolerance):
    finite = np.abs(expected[np.isfinite(expected)])
    scale = tolerance * 1e-3 * finite.max(initial=0.0)
    return np.isclose(result, expected, rtol=tolerance, atol=scale, equal_nan=True)


def _plain(result):
    """A result as lists of floats, which is what the tasks look into, if it is numbers."""
    array = numbers(result)
    return result if array is None else array.tolist()


def _first_wrong(task, inputs, results):
    """The first input with a wrong result, and what to say of that; `None` if all are right."""
    if task.lacks is None:
        expected = task.results(task.reference, inputs)
    for position, (arguments, result) in enumerate(zip(inputs, results)):
        if isinstance(result, Failure):
            where = [("in", result.line)] if result.line else []
            return position, [("raised", result.text), *where]
        if numbers(result) is None:
            nothing = "nothing (None); does it end with return?"
            returned = nothing if result is None else _show(result)
            wanted = "numbers"
            if task.lacks is None and task.kind != "predict":
                array = numbers(expected[position])
                wanted = f"{_show(array)}, shape {array.shape}"
            return position, [("returned", returned), ("expected", wanted)]
        if task.lacks is not None:
            lack = task.lacks(result, *arguments)
            if lack:
                return position, [("missing", lack)]
        elif not same(result, expected[position], task.tolerance):
            return position, _difference(
                task, numbers(result), numbers(expected[position])
            )
    return None


def _difference(task, result, expected):
    if task.kind == "predict":  # the number itself would end the exercise
        if result.shape != expected.shape:
            return [("answered", _count(result)), ("expected", _count(expected))]
        close = _close(result, expected, task.tolerance)
        which = ", ".join(
            "right" if good else _direction(*pair)
            for good, *pair in _each(close, result, expected)
        )
        return [("answered", _show(result)), ("which is", which)]
    if result.shape != expected.shape:
        return [
            ("returned", f"{_show(result)}, shape {result.shape}"),
            ("expected", f"{_show(expected)}, shape {expected.shape}"),
        ]
    if result.ndim == 0:
        return [("returned", _show(result)), ("expected", _show(expected))]
    index = tuple(np.argwhere(~_close(result, expected, task.tolerance))[0])
    if task.probe is probes.path:
        step = index[0]
        return [("returned", _step(step, result)), ("expected", _step(step, expected))]
    place = "".join(f"[{i}]" for i in index)
    first = f"{place}: {result[index]:.6g} instead of {expected[index]:.6g}"
    return [
        ("returned", _show(result)),
        ("expected", _show(expected)),
        ("first at", first),
    ]


def _step(step, path):
    names = ["w", *["state"] * (path.shape[1] - 1)]
    return f"after step {step + 1} " + ", ".join(
        f"{name} {_show(part)}" for name, part in zip(names, path[step])
    )


def _count(array):
    count = "one number" if array.size == 1 else f"{array.size} numbers"
    if array.ndim == (array.size > 1):
        return count
    return f"{count}, in {'a list' if array.ndim == 1 else 'a list of lists'}"


def _each(*arrays):
    return zip(*(np.ravel(array) for array in arrays))


def _direction(result, expected):
    if not np.isfinite(result):
        return "no number"
    little = "a little " if abs(result - expected) <= CLOSE * abs(expected) else ""
    return f"{little}too {'large' if result > expected else 'small'}"


def _hint(task, inputs, results, position):
    result = results[position]
    if numbers(result) is None or (
        task.kind == "predict" and np.shape(result) != np.shape(task.reference)
    ):
        return ""
    for mistake in task.mistakes:
        if mistake.when is None:
            usual = task.results(mistake.answer, inputs)
            if all(
                isinstance(result, Failure) or same(result, other, task.tolerance)
                for result, other in zip(results, usual)
            ):
                return mistake.hint
        elif mistake.when(result, *inputs[position]):
            return mistake.hint
    return ""


def _called(task, arguments):
    if task.probe is probes.value:
        return []
    shown = [repr(argument) for argument in arguments]
    if task.probe is probes.call:
        return [("called", f"{task.answer}({', '.join(shown)})")]
    if task.probe in probes.WALKS:
        parameters = list(inspect.signature(task.probe).parameters.values())[1:]
        shown = [
            text if p.default is p.empty else f"{p.name}={text}"
            for p, text in zip(parameters, shown)
        ]
    return [("called", f"{task.probe.__name__}({', '.join([task.answer, *shown])})")]


def _show(result):
    array = numbers(result)
    if array is None:
        text = " ".join(shown(result).split())
        cut = len(text) > MOST_CHARACTERS
        return f"{text[:MOST_CHARACTERS]}..." if cut else text
    if array.ndim == 0:
        return f"{array:.6g}"
    parts = [_show(part) for part in array[:MOST_PARTS]]
    return f"[{', '.join(parts)}{', ...' if len(array) > MOST_PARTS else ''}]"


def _failed(task, told, hint):
    lines = [f"{task.name} not yet: {task.title}"]
    lines += [f"  {label:9} {text}" for label, text in told]
    if hint:
        lines += textwrap.wrap(f"  Hint: {hint}", 88, subsequent_indent="  ")
    return Verdict(False, "\n".join(lines), hint)
