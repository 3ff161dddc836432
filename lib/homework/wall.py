"""A rule on one side of a wall, and its walk on the other.

Of a rule that a student has invented only the way can be judged. So the way is walked
outside, where the surface is, and the rule stays inside, where it learns what a rule is
told: the point, the number of the step, and the gradient wherever it asks. `serve` runs
inside, in the kernel, `walk` outside; what they say to each other are lines of JSON.
"""

import contextlib
import copy
import functools
import json
import os
import socket
from inspect import Parameter, Signature

import numpy as np

from lib import paths
from lib.homework import printed, probes
from lib.homework.task import Failure

WIRE = "HOMEWORK_WIRE"  # in the environment of a kernel, the number of its end

# Inside


def serve(answer):
    """Let the other side call an answer as a rule, until it has seen enough."""
    last = []  # the point and the state, the very objects that the rule has returned

    def step(answer, t, w, settings, functions):
        if t == 1:
            last[:] = [np.array(w), *paths.signature(answer)[0].values()]
        w, *state = last
        settings |= {name: functools.partial(_ask, name) for name in functions}
        gradient = settings.pop("gradient")
        with np.errstate(all="ignore"):
            result = answer(w, gradient, t, *state, **settings)
        last[:] = result if isinstance(result, tuple) else (result,)
        return last

    said = printed.told(paths.signature, answer)
    if "result" in said:
        states, hyperparameters = paths.signature(answer)
        optional = [x is not Parameter.empty for x in hyperparameters.values()]
        said = {
            "states": list(states),
            "settings": dict(zip(hyperparameters, optional)),
        }
    _say(said)
    while call := _hear():
        _say(printed.told(step, answer, *call))


def _ask(name, w):
    _say({"asks": name, "at": probes.real(w).tolist()})
    told = _hear()
    if "refused" in told:
        raise ValueError(told["refused"])
    return np.array(told["value"])


@functools.cache
def _wire():
    return socket.socket(fileno=int(os.environ[WIRE])).makefile("rwb")


def _say(line):
    _wire().write(json.dumps(line).encode() + b"\n")
    _wire().flush()


def _hear():
    return json.loads(_wire().readline())


# Outside


class Garbled(Exception):
    """What was said is nothing that `serve` says."""


class _Raised(Exception):
    """The rule has raised an error; the argument is the `Failure`."""


def walk(probe, arguments, kernel):
    """What a probe makes of the rule that is served in a kernel: `...` of a blank, and a
    `Failure` if it raises.

    The kernel can `say` and `hear` a line. Raises `Garbled`, and whatever `hear` raises.
    """
    match _heard(kernel):
        case {"states": [*states], "settings": {**settings}}:
            result = _walked(probe, _Guest(kernel, states, settings), arguments)
        case other:
            result = _understood(other)
    _tell(kernel, None)
    return result


def _walked(probe, guest, arguments):
    try:
        return probe(guest, *copy.deepcopy(arguments))
    except _Raised as raised:
        return raised.args[0]
    except (TypeError, ValueError) as error:  # not of this form, or what it returned
        return Failure(f"{type(error).__name__}: {error}"[: printed.LONG])


class _Guest:
    """A rule whose calls are made inside, where its state is."""

    __name__ = "the rule"

    def __init__(self, kernel, states, settings):
        self.kernel, self.__signature__ = kernel, _signature(states, settings)

    def __call__(self, w, gradient, t, *_, **settings):
        functions = {"gradient": gradient}
        functions |= {name: one for name, one in settings.items() if callable(one)}
        numbers = {k: float(one) for k, one in settings.items() if k not in functions}
        _tell(self.kernel, [t, w.tolist(), numbers, list(functions)])
        while True:
            match _heard(self.kernel):
                case {"asks": str(name), "at": point} if name in functions:
                    _tell(self.kernel, _answer(functions[name], _array(point)))
                case other:
                    return self._result(_understood(other), w)

    def _result(self, result, before):
        if isinstance(result, Failure):
            raise _Raised(result)
        if not isinstance(result, list):
            raise Garbled("a step gives a list")
        w, *state = result
        w = _array(w)
        if w.size > before.size:
            raise ValueError(
                f"the rule must return w in its shape {before.shape}, got {w.shape}"
            )
        return (w, *state)


def _signature(states, settings):
    either, named = Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY
    parameters = [Parameter(name, either) for name in ("_w", "_gradient", "_t")]
    with _garbled():
        parameters += [Parameter(name, either, default=None) for name in states]
        for name, optional in settings.items():
            default = None if optional else Parameter.empty
            parameters.append(Parameter(name, named, default=default))
        return Signature(parameters)


def _answer(function, point):
    """What a function says of a point, which may be none for it."""
    try:
        return {"value": np.asarray(function(point)).tolist()}
    except (IndexError, TypeError, ValueError) as error:
        return {"refused": str(error)}


def _array(numbers):
    with _garbled():
        return np.array(numbers, dtype=float)


def _tell(kernel, line):
    kernel.say(json.dumps(line))


def _heard(kernel):
    line = kernel.hear()
    with _garbled():
        return printed.parsed(line)


def _understood(told):
    with _garbled():
        return printed.understood(told)


@contextlib.contextmanager
def _garbled():
    """What cannot be made of what was said is `Garbled`."""
    try:
        yield
    except (OverflowError, TypeError, ValueError) as error:
        raise Garbled(str(error)) from None
