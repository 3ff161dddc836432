"""What the explorer asks and Python answers: the same in a live notebook and on the static page.

A request and its answers are JSON objects; `answers(request)` yields them one by one. The page runs this file
on MicroPython, so it uses the library's core and nothing else. A number that is not finite is None, and so is
a step that never came.

    {"id", "do": "race", "surface", "start": [x, y], "steps", "runs": [{"rule", "source", "hyperparameters"}]}
    -> {"id", "runs": [{"w", "loss", "gradient", "state", "rate", "diverged", "error"}]}; a run with a source
       also has "hyperparameters", those of the rule that it defines, described as in `specification`
    {"id", "do": "surface", "surface", "size"}
    -> {"id", "name", "window", "start", "minima", "values"}, the rows of values from the lowest y up
    {"id", "do": "series", "values", "beta", "start": "zero" or "first", "corrected"}
    -> {"id", "averages", "weights", "window", "half_life", "latency"}
    {"id", "do": "map", "surface", "start", "steps", "run", "x": {"name", "values"}, "y", "tolerance", "row"}
    -> for each value of y, from the one numbered `row` on:
       {"id", "row", "of", "final_loss", "steps_to_tolerance", "diverged"}
    {"id", "do": "source", "rule"}
    -> {"id", "source"}

A failure is {"id", "error": {"message", "line", "traceback"}}, in a race the failing run's "error" alone;
`line` and `traceback` are None unless the failure lies in the run's `source`, Python that defines a rule: its
last function, which may use all that `lib.optimizers` knows, NumPy's `np` included.
"""

import inspect
import linecache
import traceback
from collections import OrderedDict

import numpy as np

from lib import averages, optimizers, paths, surfaces

try:
    import ctypes
    import threading
except ImportError:  # on the page
    ctypes = None

FILE = "<rule>"  # the name of a source in its tracebacks
PATIENCE = 2  # seconds that a source may take
MOST_STEPS = 10_000
MOST_POINTS = 200  # on a side of a surface or of a map


def answers(request, rules=None, losses=None):
    """Yield the answers to a request: one, or for a map one for every row.

    `rules` and `losses` are what a notebook adds to those of the library: dictionaries by name. Nothing is
    raised: what goes wrong is an answer too.
    """
    do = {
        "race": _race,
        "surface": _surface,
        "series": _series,
        "map": _map,
        "source": _source,
    }
    identity = request.get("id")
    try:
        job = _known("request", request.get("do"), do)
        known = (
            dict(known_rules(), **rules or {}),
            dict(known_surfaces(), **losses or {}),
        )
        for answer in job(request, *known):
            answer["id"] = identity
            yield answer
    except (Exception, SystemExit, Endless) as error:
        run = request.get("run") or {}
        yield {"id": identity, "error": _failure(error, run.get("source"))}


def specification(rules=None, losses=None):
    """What the explorer shows of rules and surfaces, those of the library first, then the notebook's own.

    Limits are low <= value < high; None stands for a limit or a default that there is not.
    """
    return {
        "rules": [
            _describe(name, rule, library)
            for group, library in ((known_rules(), True), (rules or {}, False))
            for name, rule in group.items()
        ],
        "surfaces": [
            {
                "name": name,
                "title": s.name,
                "window": s.window,
                "start": s.start,
                "minima": s.minima,
                "lowest": float(s.value(s.minima[0])) if s.minima else None,
                "library": library,
            }
            for group, library in ((known_surfaces(), True), (losses or {}, False))
            for name, s in group.items()
        ],
    }


def known_rules():
    """The library's rules by their names."""
    here = optimizers.__name__
    return {
        name: rule
        for name, rule in optimizers.__dict__.items()
        if name[0] != "_" and getattr(rule, "__globals__", {}).get("__name__") == here
    }


def known_surfaces():
    """The library's surfaces by their names."""
    return {
        name: s
        for name, s in surfaces.__dict__.items()
        if isinstance(s, surfaces.Surface)
    }


def _describe(name, rule, library):
    return {
        "name": name,
        "library": library,
        "description": (inspect.getdoc(rule) or "").split("\n")[0],
        "state": list(paths.signature(rule)[0]),
        "hyperparameters": _hyperparameters(rule),
        "source": _text(rule),
    }


def _hyperparameters(rule):
    """A rule's hyperparameters that are numbers."""
    described = []
    for parameter, default in paths.signature(rule)[1].items():
        given = default is not inspect.Parameter.empty
        if parameter in paths.FUNCTIONS or (given and not _is_number(default)):
            continue
        low, high = paths.LIMITS.get(parameter, (-np.inf, np.inf))
        described.append(
            {
                "name": parameter,
                "default": default if given else None,
                "low": low if low > -np.inf else None,
                "high": high if high < np.inf else None,
                "scale": "log" if (low, high) == (0, np.inf) else "linear",
            }
        )
    return described


def _text(rule):
    try:
        return inspect.getsource(rule)
    except (OSError, TypeError):
        return None


def _race(request, rules, losses):
    surface, start, steps = _course(request, losses)
    yield {"runs": [_run(run, rules, surface, start, steps) for run in request["runs"]]}


def _run(run, rules, surface, start, steps):
    try:
        with Deadline(run):
            rule, hyperparameters = _contender(run, rules, surface)
            record = paths.history(
                rule, surface.gradient, start, steps, **hyperparameters
            )
    except (Exception, SystemExit, Endless) as error:
        return {"error": _failure(error, run.get("source"))}
    with np.errstate(all="ignore"):
        loss = surface.value(record["w"].T)
    answer = {
        "w": listed(record["w"]),
        "loss": listed(loss),
        "gradient": listed(record["gradient"]),
        "state": OrderedDict(
            (name, listed(record[name])) for name in paths.signature(rule)[0]
        ),
        "rate": listed(paths.effective_rate(record)),
        "diverged": _step(paths.diverged(record["w"])),
        "error": None,
    }
    if run.get("source") is not None:
        answer["hyperparameters"] = _hyperparameters(rule)
    return answer


def _map(request, rules, losses):
    surface, start, steps = _course(request, losses)
    run, x, y = request["run"], request["x"], request["y"]
    if x["name"] == y["name"]:
        raise ValueError(
            f"a map has two different hyperparameters, got {x['name']} twice"
        )
    for axis in (x, y):
        if not 0 < len(axis["values"]) <= MOST_POINTS:
            raise ValueError(
                f"an axis of a map has 1 to {MOST_POINTS} values, got {len(axis['values'])}"
            )
        for value in axis["values"]:
            _number(axis["name"], value)
    tolerance = _number("tolerance", request.get("tolerance", 1e-3))
    columns, rows = np.array(x["values"], dtype=float), len(y["values"])
    first = request.get("row", 0)
    if not 0 <= first < rows:
        raise ValueError(
            f"row must be a whole number from 0 to {rows - 1}, got {first!r}"
        )
    for row in range(first, rows):
        with Deadline(run):
            rule, hyperparameters = _contender(run, rules, surface)
            hyperparameters[x["name"]] = columns
            hyperparameters[y["name"]] = y["values"][row]
            found = paths.sweep(
                rule, surface, start, steps, tolerance=tolerance, **hyperparameters
            )
        yield {
            "row": row,
            "of": rows,
            "final_loss": listed(found["final_loss"]),
            "steps_to_tolerance": [_step(step) for step in found["steps_to_tolerance"]],
            "diverged": [_step(step) for step in found["diverged"]],
        }


def _surface(request, rules, losses):
    surface = _known("surface", request.get("surface"), losses)
    size = request["size"]
    if not 2 <= size <= MOST_POINTS:
        raise ValueError(
            f"size must be a whole number from 2 to {MOST_POINTS}, got {size!r}"
        )
    x, y = [np.linspace(low, high, size) for low, high in surface.window]
    with np.errstate(all="ignore"):
        values = [listed(surface.value(np.array([x, 0 * x + height]))) for height in y]
    yield {
        "name": surface.name,
        "window": surface.window,
        "start": surface.start,
        "minima": surface.minima,
        "values": values,
    }


def _series(request, rules, losses):
    values, beta = request["values"], _number("beta", request["beta"])
    first, corrected = request["start"] == "first", request["corrected"]
    if first and corrected:
        raise ValueError("only an average that starts at zero is to be corrected")
    if corrected:
        series = averages.corrected_series(values, beta)
    else:
        series = averages.ewma_series(values, beta, values[0] if first else 0.0)
    yield {
        "averages": listed(series),
        "weights": listed(averages.weights(beta, len(values))),
        "window": averages.effective_window(beta),
        "half_life": float(averages.half_life(beta)),
        "latency": averages.latency(beta),
    }


def _source(request, rules, losses):
    yield {"source": _text(_known("rule", request.get("rule"), rules))}


def _course(request, losses):
    """The surface, the start and the number of steps, checked where `lib.paths` would allow more."""
    start, steps = request["start"], request["steps"]
    if not isinstance(start, (list, tuple)) or len(start) != 2:
        raise ValueError(f"start must be two numbers, got {start!r}")
    for coordinate in start:
        _number("start", coordinate)
    if isinstance(steps, int) and steps > MOST_STEPS:
        raise ValueError(f"steps must be at most {MOST_STEPS}, got {steps}")
    return _known("surface", request.get("surface"), losses), start, steps


def _contender(run, rules, surface):
    """The rule of a run and all its hyperparameters, the functions among them from the surface."""
    if run.get("source") is None:
        rule = _known("rule", run.get("rule"), rules)
    else:
        rule = _edited(run["source"])
    given = run.get("hyperparameters") or {}
    hyperparameters = {name: _number(name, value) for name, value in given.items()}
    known = paths.signature(rule)[1]
    if run.get("source") is not None:  # a hyperparameter that the edit has taken away
        hyperparameters = {
            name: value for name, value in hyperparameters.items() if name in known
        }
    for name in known:
        if name in paths.FUNCTIONS:
            hyperparameters[name] = getattr(surface, name)
    return rule, hyperparameters


def _edited(source):
    """The last function that a source defines."""
    lines = source.split("\n")
    linecache.cache[FILE] = (len(source), None, [line + "\n" for line in lines], FILE)
    scope = dict(optimizers.__dict__, __name__="rule", __file__=FILE)
    exec(compile(source, FILE, "exec"), scope)
    for line in reversed(lines):
        if line.startswith("def "):
            return scope[line[4:].split("(")[0].strip()]
    raise ValueError("a rule is a function: def rule(w, gradient, t, ...)")


class Endless(BaseException):
    """A source took too long. It is no `Exception`, so that the source itself does not catch it."""

    def __str__(self):
        return f"stopped after {PATIENCE} seconds: does a loop never end?"


class Deadline:
    """Raises `Endless` in a run's source after `PATIENCE` seconds; on the page, the worker is ended."""

    def __init__(self, run):
        self.watching = run.get("source") is not None and ctypes is not None

    def __enter__(self):
        if self.watching:
            self.thread = ctypes.c_ulong(threading.get_ident())
            self.timer = threading.Timer(
                PATIENCE, self._throw, [ctypes.py_object(Endless)]
            )
            self.timer.start()

    def _throw(self, error):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(self.thread, error)

    def __exit__(self, *error):
        if self.watching:
            self.timer.cancel()
            self.timer.join()
            self._throw(None)  # if it was thrown at the last moment


def _failure(error, source=None):
    """A failure's message, and where it happened if that is in the source."""
    kind, message = type(error).__name__, str(error)
    lines, frames = (source or "").split("\n") + [""], []
    for place in "".join(traceback.format_exception(error, chain=False)).split("\n"):
        place = place.strip()
        if source is not None and place.startswith(f'File "{FILE}", line '):
            line = int(place.split("line ")[1].split(",")[0])
            frames.append((line, f"  {place}\n    {lines[line - 1].strip()}\n"))
    if not frames:
        plain = isinstance(error, (TypeError, ValueError, Endless))
        return {
            "message": message if plain else f"{kind}: {message}",
            "line": None,
            "traceback": None,
        }
    shown = "".join([text for _, text in frames[-5:]])
    message = f"{kind}: {message}"
    return {
        "message": message,
        "line": frames[-1][0],
        "traceback": f"Traceback (most recent call last):\n{shown}{message}",
    }


def _known(what, name, things):
    if not isinstance(name, str) or name not in things:
        raise ValueError(
            f"there is no {what} {name!r}; there are: {', '.join(sorted(things))}"
        )
    return things[name]


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(name, value):
    if not _is_number(value):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return value


def listed(array):
    """An array as JSON has it. The page's engine has a faster way of its own."""
    values = array.tolist()
    return values if np.isfinite(array).all() else _plain(values)


def _plain(values):
    if isinstance(values, list):
        return [_plain(value) for value in values]
    return values if -np.inf < values < np.inf else None


def _step(step):
    return int(step) if step < np.inf else None
