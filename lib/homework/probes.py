"""How an answer is put to the test: each probe takes it and plain arguments, and returns plain numbers.

A student may call them as well: a check's feedback names the call that went wrong. They hold no reference.
"""

import itertools

import numpy as np

from lib import paths, surfaces

slope = surfaces.Surface(lambda w: w[0] + w[1], np.ones_like, name="slope")


def value(answer):
    """The answer itself, a number or a few."""
    return answer


def call(answer, *arguments):
    """What a function returns for the arguments."""
    return answer(*arguments)


def arrays(answer, *arguments):
    """What a function returns for the arguments, of which each list is given to it as an array."""
    return answer(
        *(
            np.array(one, dtype=float) if isinstance(one, list) else one
            for one in arguments
        )
    )


def at(answer, surface, point):
    """What a function returns for the gradient of a surface, itself a function, and a point of it.

    `surface` is the name of a surface of `lib.surfaces`, or `"slope"`, whose gradient is one everywhere, or
    the coefficients `(a, b)` of a quadratic.
    """
    return answer(_surface(surface).gradient, np.array(point))


def path(answer, surface, start, steps, hyperparameters, moved=(0.0, 0.0)):
    """Where a rule goes: the point and then its state after each step, shape `(steps, 1 + states, 2)`; `nan`
    for a state that is no numbers.

    `surface` is one of those of `at`; a rule that asks for a `hessian` gets the surface's. The rule is told
    all points as if the surface were elsewhere, `moved` by so much, that it may not rest on knowing where a
    minimum is. A hyperparameter is a number, or a list with one number for each step. Raises what
    `lib.paths.trace` raises.
    """
    surface, moved = _surface(surface), np.array(moved)
    settings = {
        name: (lambda t, values=value: values[t - 1])
        if isinstance(value, list)
        else value
        for name, value in hyperparameters.items()
    }
    if "hessian" in paths.signature(answer)[1]:
        settings["hessian"] = lambda w: surface.hessian(real(w) - moved)
    walk = paths.walk(
        answer,
        lambda w: surface.gradient(real(w) - moved),
        np.array(start) + moved,
        steps,
        **settings,
    )
    with np.errstate(all="ignore"):
        return np.stack(
            [
                np.stack([w - moved, *(_shaped(s, np.shape(w)) for s in state)])
                for _, w, state in walk
            ]
        )


def real(w):
    """A point that a rule asks about, as an array of floats; `TypeError` if it is complex or no numbers."""
    return np.asarray(w).astype(float, casting="same_kind")


def _shaped(state, shape):
    try:
        numbers = np.asarray(state, dtype=float)
    except (TypeError, ValueError):
        numbers = np.nan
    return np.broadcast_to(numbers, shape)


def replay(answer, gradients, steps):
    """Where a rule takes a single weight from zero: the weight after each step, shape `(steps,)`.

    Whatever the weight, the rule is told the numbers of the list `gradients`, one each time that it asks,
    over and over. Raises what `lib.paths.trace` raises.
    """
    told = itertools.cycle(gradients)
    points = paths.trace(
        answer, lambda w: np.full(np.shape(w), next(told)), (0.0,), steps
    )
    return points[1:, 0]


def abroad(answer, surface, start, steps, length, money, moved=(0.0, 0.0)):
    """Where a rule goes, twice: at home, and where other units are in use, told in those of home.

    One unit of length at home is `length` units abroad, one of the loss `money` units; the numbers of the
    rule are the same. What is `moved` is as in `path`. Returns the points, shape `(2, 1 + steps, 2)`.
    Raises what `lib.paths.trace` raises.
    """
    return np.stack(
        [
            home(answer, surface, start, steps, length, money, moved),
            away(answer, surface, start, steps, length, money, moved),
        ]
    )


def home(answer, surface, start, steps, length, money, moved=(0.0, 0.0)):
    """The first walk of `abroad`, shape `(1 + steps, 2)`."""
    return away(answer, surface, start, steps, 1.0, 1.0, moved)


def away(answer, surface, start, steps, length, money, moved=(0.0, 0.0)):
    """The second walk of `abroad`, shape `(1 + steps, 2)`."""
    surface, moved = _surface(surface), np.array(moved)

    def gradient(w):
        return money / length * surface.gradient(real(w) / length - moved)

    points = paths.trace(answer, gradient, length * (np.array(start) + moved), steps)
    return points / length - moved


def _surface(which):
    if isinstance(which, tuple):
        return surfaces.quadratic(which)
    return slope if which == "slope" else getattr(surfaces, which)


# What of a rule each of these takes to get its result: a walk, or several.
WALKS = {path: (path,), replay: (replay,), abroad: (home, away)}
