"""Run a rule: `trace` keeps every point, `history` the state as well, `sweep` only what a map needs.

The rule and the gradient are passed in. This is the one place that checks what a user gives: afterwards a
path that leaves the finite numbers is a result, not an error, and `diverged` tells at which step it did.
"""

import inspect
from collections import OrderedDict

import numpy as np

BLOCK = 16_384  # settings that `sweep` runs at a time, so that they stay in the cache

# What a hyperparameter may be, by its name: low <= value < high. Any other has to be finite.
LIMITS = {
    "learning_rate": (0.0, np.inf),
    "momentum": (0.0, 1.0),
    "momentum_decay": (0.0, np.inf),
    "beta_1": (0.0, 1.0),
    "beta_2": (0.0, 1.0),
    "rho": (0.0, 1.0),
    "epsilon": (0.0, np.inf),
    "initial_accumulator_value": (0.0, np.inf),
    "initial_step_size": (0.0, np.inf),
    "min_step_size": (0.0, np.inf),
    "max_step_size": (0.0, np.inf),
    "eta_plus": (1.0, np.inf),
    "eta_minus": (0.0, 1.0),
}

# Hyperparameters of which the first may not be above the second.
ORDERED = (("min_step_size", "max_step_size"),)

# Hyperparameters that are functions of the point; any other function is a schedule.
FUNCTIONS = ("hessian",)


def trace(rule, gradient, start, steps, **hyperparameters):
    """The path of a rule: every point from the start on, shape `(steps + 1, n, *batch)`.

    `rule` is a function of `lib.optimizers` or of the same form; `gradient` takes and returns the shape of
    `w`; `start` has shape `(n,)` or `(n, *batch)`. A hyperparameter is a number, an array of shape `batch`,
    or a schedule: a function of the step number `t`, from 1, that returns either. What is not given keeps
    the rule's default.

    Raises `TypeError` or `ValueError`, with the argument, its value and what is allowed, for an unknown or
    out-of-range hyperparameter, a start or a gradient of the wrong shape, shapes that do not broadcast,
    `steps < 1`, or a rule that does not return the new point and its state.

    >>> from lib import optimizers, surfaces
    >>> trace(optimizers.gradient_descent, surfaces.round_bowl.gradient, (1, 4), 1, learning_rate=0.3)
    array([[1. , 4. ],
           [2.2, 2.8]])
    """
    w, state, hyperparameters = _prepare(rule, gradient, start, steps, hyperparameters)
    path = np.empty((steps + 1,) + w.shape)
    path[0] = w
    with np.errstate(all="ignore"):
        for t, point, _ in _walk(rule, gradient, w, state, steps, hyperparameters):
            path[t] = point
    return path


def history(rule, gradient, start, steps, **hyperparameters):
    """A path with everything that moved it, as a dictionary of arrays.

    `"w"` is the path, `(steps + 1, n, *batch)`. `"gradient"`, what the rule was told in each step (`nan` if
    it did not ask), and every part of the state after each step, by its name in the rule's signature, have
    shape `(steps, n, *batch)`.
    Arguments and errors as in `trace`.
    """
    w, state, hyperparameters = _prepare(rule, gradient, start, steps, hyperparameters)
    told = [np.nan]

    def overheard(point):
        told[:] = [gradient(point)]
        return told[0]

    names = ["gradient"] + list(state)
    record = {name: np.empty((steps,) + w.shape) for name in names}
    record["w"] = np.empty((steps + 1,) + w.shape)
    record["w"][0] = w
    with np.errstate(all="ignore"):
        for t, point, values in _walk(
            rule, overheard, w, state, steps, hyperparameters
        ):
            record["w"][t] = point
            for name, value in zip(names, told + values):
                record[name][t - 1] = value
            told[:] = [np.nan]
    return record


def walk(rule, gradient, start, steps, **hyperparameters):
    """Yield `(t, w, state)` after each step: for a path that is too large to keep.

    `state` is a list of the values of the rule's state, in the order of its signature. Arguments and errors
    as in `trace`, the errors at once.

    >>> from lib import optimizers
    >>> steps = walk(optimizers.momentum, lambda w: w, (1,), 2, learning_rate=0.5, momentum=0.5)
    >>> [(t, float(w[0]), float(velocity[0])) for t, w, (velocity,) in steps]
    [(1, 0.5, -0.5), (2, 0.0, -0.5)]
    """
    w, state, hyperparameters = _prepare(rule, gradient, start, steps, hyperparameters)
    return _quietly(_walk(rule, gradient, w, state, steps, hyperparameters))


def effective_rate(record):
    """What each weight's gradient was multiplied by in each step of a `history`: `(steps, n, *batch)`.

    The step divided by minus the gradient; `nan` where the gradient is zero or the path has diverged.
    """
    with np.errstate(all="ignore"):
        step = record["w"][1:] - record["w"][:-1]
        return -step / np.where(record["gradient"] == 0, np.nan, record["gradient"])


def diverged(path):
    """The step at which a path left the finite numbers, `inf` if it never did: shape `batch`."""
    finite = np.isfinite(path).all(axis=1)
    return np.where(finite.all(axis=0), np.inf, np.argmin(finite, axis=0))[()]


def sweep(rule, surface, start, steps, *, tolerance=1e-3, **hyperparameters):
    """What a map of many settings needs, without the paths: a dictionary of arrays of shape `batch`.

    `"final_loss"` is the loss after the last step, `inf` for a path that has diverged;
    `"steps_to_tolerance"` the first step after which the loss is at most `tolerance`; `"diverged"` the step
    at which the path left the finite numbers. A step that never came is `inf`. `surface` has a `value` and a
    `gradient`, functions of `w`; the rest, and the errors, are as in `trace`. Settings run in blocks, so that
    a million of them fit in memory.

    >>> from lib import optimizers, surfaces
    >>> rates = np.array([0.1, 0.8, 0.9])
    >>> sweep(optimizers.gradient_descent, surfaces.ravine, (0.1, 3.5), 5000, learning_rate=rates)["diverged"]
    array([  inf,   inf, 4775.])
    """
    if not (callable(getattr(surface, "value", None)) and hasattr(surface, "gradient")):
        raise TypeError(
            f"surface must have a value and a gradient, functions of w, got {surface!r}"
        )
    if not _is_number(tolerance) or np.isnan(tolerance):
        raise ValueError(f"tolerance must be a number, got {tolerance!r}")
    w, state, hyperparameters = _prepare(
        rule, surface.gradient, start, steps, hyperparameters
    )
    batch = w.shape[1:]
    w = w.reshape((len(w), -1))
    result = {
        name: np.full(w.shape[1], np.inf)
        for name in ("final_loss", "steps_to_tolerance", "diverged")
    }

    def flat(value):
        return np.broadcast_to(value, batch).reshape(-1) if np.ndim(value) else value

    def cut(name, value, block):
        if _is_schedule(name, value):
            return lambda t: cut(name, flat(value(t)), block)
        return value[block] if np.ndim(value) else value

    flattened = {name: flat(value) for name, value in hyperparameters.items()}
    for first in range(0, w.shape[1], BLOCK):
        block = slice(first, first + BLOCK)
        settings = {name: cut(name, value, block) for name, value in flattened.items()}
        reached = result["steps_to_tolerance"][block]
        lost = result["diverged"][block]
        with np.errstate(all="ignore"):
            for t, point, _ in _walk(
                rule, surface.gradient, w[:, block], state, steps, settings
            ):
                loss = surface.value(point)
                if t == 1:
                    _check_loss(loss, point)
                reached[(loss <= tolerance) & (reached > t)] = t
                finite = np.isfinite(point)
                if not finite.all():
                    lost[~finite.all(axis=0) & (lost > t)] = t
        result["final_loss"][block] = np.where(
            (lost < np.inf) | np.isnan(loss), np.inf, loss
        )
    return {name: value.reshape(batch)[()] for name, value in result.items()}


def signature(rule):
    """A rule's state with its start values, and its hyperparameters with their defaults: two dictionaries.

    Read from the function itself, in its order, which a plain dictionary does not keep on the page. A
    hyperparameter without a default has `inspect.Parameter.empty`. Raises `TypeError` for what is not a
    function of the form `rule(w, gradient, t, *state, *, hyperparameters)`.
    """
    if not callable(rule):
        raise TypeError(f"rule must be a function, got {rule!r}")
    parameters = list(inspect.signature(rule).parameters.values())
    positional = [p for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]
    state = OrderedDict((p.name, p.default) for p in positional[3:])
    missing = [
        name for name, value in state.items() if value is inspect.Parameter.empty
    ]
    if len(positional) < 3 or missing:
        raise TypeError(
            f"rule must be of the form rule(w, gradient, t, state=start, *, hyperparameters), got "
            f"{_name(rule)}{inspect.signature(rule)}"
        )
    return state, OrderedDict(
        (p.name, p.default) for p in parameters if p.kind == p.KEYWORD_ONLY
    )


def check_whole(name, value, least=1):
    """The value as an `int`; `ValueError` if it is no whole number, or a smaller one."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}")
    return int(value)


def _prepare(rule, gradient, start, steps, hyperparameters):
    """The start in the shape of the whole batch, the start of the state, and the hyperparameters, checked."""
    check_whole("steps", steps)
    if not callable(gradient):
        raise TypeError(f"gradient must be a function of w, got {gradient!r}")
    state, defaults = signature(rule)
    checked = _check_hyperparameters(rule, defaults, hyperparameters)
    start = _numbers("start", start)
    if start.ndim == 0 or len(start) == 0 or not np.isfinite(start).all():
        raise ValueError(
            f"start must be finite numbers of shape (n,) or (n, *batch), got {start!r}"
        )
    shapes = {"start": start.shape[1:]}
    for name, value in checked.items():
        if not callable(value):
            shapes[name] = np.shape(value)
        elif _is_schedule(name, value):
            shapes[name] = np.shape(value(1))
    try:
        batch = np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(
            f"the batch shapes of the arguments must broadcast, got {given}"
        ) from None
    w = np.empty(start.shape[:1] + batch)
    w[...] = start.reshape(
        start.shape[:1] + (1,) * (1 + len(batch) - start.ndim) + start.shape[1:]
    )
    return w, state, checked


def _check_hyperparameters(rule, defaults, given):
    """The hyperparameters as numbers, arrays and functions, known to the rule and within their limits."""
    for name, value in given.items():
        if name not in defaults:
            allowed = ", ".join(defaults) or "none"
            raise TypeError(
                f"{_name(rule)} has no hyperparameter {name} (given {value!r}); it has: {allowed}"
            )
    for name, default in defaults.items():
        if default is inspect.Parameter.empty and name not in given:
            raise TypeError(
                f"{_name(rule)} needs a value for its hyperparameter {name}"
            )
    checked = {
        name: value if callable(value) else _in_limits(name, value)
        for name, value in given.items()
    }
    for low, high in ORDERED:
        least, most = [checked.get(name, defaults.get(name)) for name in (low, high)]
        if _is_number(least) and _is_number(most) and least > most:
            raise ValueError(f"{low} must be at most {high}, {most:g}, got {least:g}")
    return checked


def _in_limits(name, value):
    if name in FUNCTIONS:
        raise TypeError(f"{name} must be a function of w, got {value!r}")
    low, high = LIMITS.get(name, (-np.inf, np.inf))
    number = (
        float(value) if isinstance(value, (int, float)) else _numbers(name, value)[()]
    )
    good = (number >= low) & (number < high) & (number > -np.inf)
    if good is not True and not np.all(good):
        wrong = value if np.ndim(number) == 0 else float(number[~good].flat[0])
        limits = (
            f" in [{low:g}, {high:g})"
            if high < np.inf
            else f" >= {low:g}"
            if low > -np.inf
            else ""
        )
        raise ValueError(f"{name} must be a finite number{limits}, got {wrong!r}")
    return number


def _numbers(name, value):
    try:
        if isinstance(value, str):  # NumPy would read the number in it
            raise TypeError
        return np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a number or an array of numbers, got {value!r}"
        ) from None


def _is_number(value):
    return isinstance(value, (int, float, np.number))


def _is_schedule(name, value):
    return callable(value) and name not in FUNCTIONS


def _walk(rule, gradient, w, state, steps, hyperparameters):
    """Yield the step number, the point and the values of the state after every step."""
    # Freed at once: from now on malloc keeps memory of this size at hand.
    np.empty(min(64 * w.size, 1 << 21))
    gradient = _checked(gradient)
    values, shape = list(state.values()), w.shape
    settings = dict(hyperparameters)
    schedules = {
        name: value
        for name, value in hyperparameters.items()
        if _is_schedule(name, value)
    }
    for t in range(1, steps + 1):
        for name, schedule in schedules.items():
            settings[name] = _in_limits(name, schedule(t))
        result = rule(w, gradient, t, *values, **settings)
        if not isinstance(result, tuple):
            result = (result,)
        if t == 1 or getattr(result[0], "shape", None) != shape:
            _check_result(rule, result, w, state)
            if not isinstance(result[0], np.ndarray):
                result = (_numbers("w", result[0]),) + result[1:]
        w, *values = result
        yield t, w, values


def _quietly(steps):
    """What a walk yields: its own arithmetic does not warn, what a caller does between two steps may."""
    while True:
        with np.errstate(all="ignore"):
            step = next(steps, None)
        if step is None:
            return
        yield step


def _checked(gradient):
    """The gradient function; it returns an array of the shape of its argument, or an error says why not.

    Where plain Python fails because a path diverges, there is no gradient: `nan`.
    """

    def checked(w):
        shape = np.shape(w)
        try:
            g = gradient(w)
        except (ArithmeticError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, OverflowError) or not np.isfinite(w).all():
                return np.full(shape, np.nan)
            if isinstance(error, ArithmeticError):
                raise
            raise ValueError(
                f"gradient does not accept a point of shape {shape}, the start's: {error}"
            ) from error
        if not isinstance(g, np.ndarray):
            g = _numbers("gradient", g)
        if g.shape != shape:
            raise ValueError(
                f"gradient must return the shape of w, {shape}, got {g.shape}"
            )
        return g

    return checked


def _check_result(rule, result, w, state):
    names = ["w"] + list(state)
    if len(result) == 1 and result[0] is None:
        raise ValueError(f"{_name(rule)} returned nothing; does it end with return?")
    if len(result) != len(names):
        got = "a list" if isinstance(result[0], list) else len(result)
        raise ValueError(
            f"{_name(rule)} must return {len(names)} values, ({', '.join(names)}), got {got}"
        )
    if np.shape(result[0]) != w.shape:
        raise ValueError(
            f"{_name(rule)} must return w in its shape {w.shape}, got {np.shape(result[0])}"
        )
    for name, value in zip(names, result):
        try:
            fits = np.broadcast_shapes(np.shape(value), w.shape) == w.shape
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(
                f"{_name(rule)} must return {name} in a shape that fits w's {w.shape}, got {np.shape(value)}"
            )


def _check_loss(loss, w):
    if loss is None or np.shape(loss) not in ((), w.shape[1:]):
        raise ValueError(
            f"value must return a number for each point, shape {w.shape[1:]}, got {loss!r}"
        )


def _name(rule):
    return getattr(rule, "__name__", repr(rule))
