"""How a result travels from the student's process to the grader: in one line that is
printed.

`tell` runs inside, among the student's answers, and what it prints is a claim and no
more. `read` runs outside and believes nothing of it: neither that it is JSON, nor how
large or how deep it is.
"""

import json
import sys

import numpy as np

from lib.homework.task import Failure, attempt, blank

MARK = "result: "
MOST_CHARACTERS, MOST_DEPTH = 2_000_000, 8
LONG, SHORT = 400, 200  # of a text that is told: an error's, and any other object's

# As they are when the notebook starts, whatever an answer puts in their places.
_stdout, _dumps = sys.stdout, json.dumps


def clean(text):
    """A text that can be written and shown: without what moves a cursor or is no
    character."""
    return "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


class Shown(str):
    """What a result that is no number looks like. Its `repr` is the text itself."""

    def __repr__(self):
        return str(self)


def tell(probe, answer, *arguments):
    """Print what a probe makes of an answer, or why it makes nothing."""
    _stdout.write(f"\n{MARK}{_dumps(told(probe, answer, *arguments))}\n")
    _stdout.flush()


def told(probe, answer, *arguments):
    """What a probe makes of an answer, or why it makes nothing, as JSON can say it."""
    if blank(answer):
        return {"blank": True}
    result = attempt(lambda *given: _plain(probe(*given)), answer, arguments)
    if isinstance(result, Failure):
        return {"raised": result.text[:LONG], "line": result.line[:SHORT]}
    return {"result": result}


def read(output):
    """The result that was told in an output: numbers, `...` for a blank or a `Failure`.

    Raises `ValueError` if there is none, or what stands for it is nothing that `tell`
    tells.
    """
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    if not lines or len(lines[-1]) > MOST_CHARACTERS:
        raise ValueError("no result was printed, or one too large")
    return understood(parsed(lines[-1][len(MARK) :]))


def understood(said):
    """The result in what `told` has made, or has not; otherwise as `read`."""
    match said:
        case {"blank": True}:
            return ...
        case {"raised": str(text), "line": str(line)}:
            return Failure(text[:LONG], line[:SHORT])
        case {"result": result}:
            return _numbers(result)
    raise ValueError("no result")


def parsed(line):
    """What a line of JSON says; raises `ValueError` if that cannot be told."""
    try:
        return json.loads(line, parse_int=_integer)
    except RecursionError:
        raise ValueError("a result too deep") from None


def _plain(result):
    """A result as JSON can say it: numbers and lists of them; `{"shown": text}` for
    anything else."""
    if result is None or isinstance(result, (bool, int, float)):
        return result
    if isinstance(result, (tuple, list)):
        return [_plain(part) for part in result]
    array = numbers(result)
    return {"shown": shown(result)[:SHORT]} if array is None else array.tolist()


def numbers(result):
    """A result as an array of floats; `None` for what is none."""
    if result is None:
        return None
    try:
        array = np.asarray(result)
        return array.astype(float) if array.dtype.kind in "biufO" else None
    except Exception:  # whatever an object of the student's own raises
        return None


def shown(result):
    """What any result looks like: its `repr`, or its kind if it has none."""
    try:
        return repr(result)
    except Exception:  # too deep, too long, or the student's own
        return f"<{type(result).__name__}>"


def _integer(digits):
    return int(digits) if len(digits) < 16 else float(digits)


def _numbers(result, depth=0):
    if depth > MOST_DEPTH:
        raise ValueError("a result too deep")
    match result:
        case {"shown": str(text)}:
            return Shown(text[:SHORT])
        case list():
            return [_numbers(part, depth + 1) for part in result]
        case None | bool() | int() | float():
            return result
    raise ValueError("no result")
