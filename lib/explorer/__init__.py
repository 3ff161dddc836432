"""Interactive pictures: paths over a surface, an average over a series, a map of two hyperparameters.

    >>> from lib import optimizers, surfaces
    >>> from lib.explorer import explore
    >>> explore([optimizers.adam], surfaces.beale, steps=50, learning_rate=0.1)
    Paths on the Beale surface, 50 steps from (1, 1.5). adam: loss 0.81 at (2.11, -0.0539).

In a live notebook this Python computes what a reader asks for; on a page of the book the page's own engine
does, with the same `compute`. What the reader sees is drawn by widget.js.
"""

import functools
import itertools
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from lib import optimizers, paths, surfaces
from lib.explorer import compute, picture

HERE = Path(__file__).parent
MOST_RUNS = len(picture.SHAPES)


class Explorer(anywidget.AnyWidget):
    """An interactive picture. Its `repr` is the text alternative of its first state."""

    _esm = HERE / "widget.js"
    _css = HERE / "widget.css"
    kind = traitlets.Unicode().tag(sync=True)
    specification = traitlets.Dict().tag(sync=True)
    setting = traitlets.Dict().tag(sync=True)
    first = traitlets.Dict().tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)
    # That of ipywidgets 7, which Colab has, cuts the text short.
    _ipython_display_ = None

    def __init__(self, rules=None, losses=None, **state):
        super().__init__(**state)
        self._rules, self._losses = rules, losses
        self.on_msg(self._hear)

    def _hear(self, _, request, buffers):
        for answer in compute.answers(request, self._rules, self._losses):
            self.send(answer)

    def __repr__(self):
        return self.text

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = self.text  # whole: the widget's own is cut short
        return bundle


def explore(
    rules=(optimizers.gradient_descent, optimizers.momentum, optimizers.adam),
    surface=surfaces.ravine,
    start=None,
    steps=100,
    **hyperparameters,
):
    """Race rules over a surface, all from one start and for the same number of steps.

    `rules` is a list of one to six functions of `lib.optimizers` or of the same form, your own included;
    `functools.partial(optimizers.momentum, momentum=0.2)` gives one of them hyperparameters of its own, and
    `hyperparameters` go to all. What is not given keeps the rule's default. `start` is the surface's own
    unless it is given. Raises `TypeError` for what is no list of rules, no surface or no number, `ValueError`
    for whatever else `lib.paths.trace` refuses.
    """
    if not isinstance(rules, (list, tuple)):
        raise TypeError(f"rules must be a list of rules, got {rules!r}")
    if not 1 <= len(rules) <= MOST_RUNS:
        raise ValueError(
            f"rules must be a list of 1 to {MOST_RUNS} rules, got {len(rules)}"
        )
    own = {}
    runs = [_run(rule, own, hyperparameters) for rule in rules]
    losses, setting = _course(surface, start, steps)
    setting["runs"] = runs
    first = _answer({"do": "race", **setting}, own, losses)
    text = _describe_race(surface, setting, first["runs"])
    labels = [
        (label, _fate(surface, run)) for label, run in zip(_labels(runs), first["runs"])
    ]
    return Explorer(
        own,
        losses,
        kind="race",
        specification=_specification(own, losses),
        setting=setting,
        first={"runs": [_drawn(run) for run in first["runs"]]},
        picture=picture.race(
            surface,
            setting,
            first["runs"],
            labels,
            f"Paths on the {surface.name}",
            text,
        ),
        text=text,
    )


def explore_map(
    rule,
    surface=surfaces.ravine,
    start=None,
    steps=100,
    *,
    show="final_loss",
    tolerance=1e-3,
    **hyperparameters,
):
    """Map two hyperparameters of a rule; a cell of the map plays its path.

    Of the `hyperparameters` two are lists of values, the first for the columns and the second for the rows;
    the others are numbers. `show` is `"final_loss"` or `"steps_to_tolerance"`, as `lib.paths.sweep` has them.
    """
    spread = {
        name: value
        for name, value in hyperparameters.items()
        if np.ndim(value) == 1 and len(value)
    }
    if len(spread) != 2:
        raise ValueError(
            f"two hyperparameters must be lists of values, got {', '.join(spread) or 'none'}"
        )
    if show not in ("final_loss", "steps_to_tolerance"):
        raise ValueError(
            f"show must be 'final_loss' or 'steps_to_tolerance', got {show!r}"
        )
    own = {}
    fixed = {
        name: value for name, value in hyperparameters.items() if name not in spread
    }
    x, y = (
        {"name": name, "values": _rounded(np.array(values), 6)}
        for name, values in spread.items()
    )
    run = _run(
        rule, own, {**fixed, x["name"]: x["values"][0], y["name"]: y["values"][0]}
    )
    losses, setting = _course(surface, start, steps)
    setting.update(
        runs=[run], plane={"x": x, "y": y, "show": show, "tolerance": tolerance}
    )
    request = {
        "do": "map",
        **setting,
        "run": run,
        "x": x,
        "y": y,
        "tolerance": tolerance,
    }
    rows = [_checked(answer) for answer in compute.answers(request, own, losses)]
    cells = {
        name: [row[name] for row in rows]
        for name in ("final_loss", "steps_to_tolerance", "diverged")
    }
    values = np.array(cells[show], dtype=float)
    if np.isfinite(values).any():
        i, j = np.unravel_index(np.nanargmin(values), values.shape)
        run["hyperparameters"].update(
            {x["name"]: x["values"][j], y["name"]: y["values"][i]}
        )
    first = _answer({"do": "race", **setting}, own, losses)
    text = _describe_map(surface, setting, values, cells["diverged"])
    title = f"A map of {run['rule']} on the {surface.name}"
    told = ", ".join(f"{name} {run['hyperparameters'][name]:.3g}" for name in spread)
    labels = [(told, _fate(surface, first["runs"][0]))]
    shares = _shares(
        values, surface, first["runs"][0]["loss"][0], cells["diverged"], show
    )
    return Explorer(
        own,
        losses,
        kind="map",
        specification=_specification(own, losses),
        setting=setting,
        first={
            "runs": [_drawn(first["runs"][0])],
            **{name: _rounded(cells[name], 3) for name in (show, "diverged")},
        },
        picture=picture.plane(
            surface, setting, shares, first["runs"], labels, title, text
        ),
        text=text,
    )


def explore_average(
    values, beta=0.9, *, start="zero", corrected=False, xlabel="step", ylabel="value"
):
    """Average a series with weight `beta` on the past, from zero or from its first value.

    `start` is `"zero"` or `"first"`; an average that starts at zero may be `corrected`. Raises what
    `lib.averages` raises.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim > 1:
        raise ValueError(f"values must be one series, got shape {values.shape}")
    if start not in ("zero", "first"):
        raise ValueError(f"start must be 'zero' or 'first', got {start!r}")
    setting = {
        "values": _rounded(values, 5),
        "beta": beta,
        "start": start,
        "corrected": corrected,
        "xlabel": xlabel,
        "ylabel": ylabel,
    }
    first = _answer({"do": "series", **setting})
    text = _describe_average(setting, first)
    label = ("average", f"beta {beta:g}, {_manner(setting)}")
    drawn = {name: _rounded(value, 4) for name, value in first.items() if name != "id"}
    drawn["weights"] = [round(weight, 7) for weight in first["weights"]]
    return Explorer(
        kind="averages",
        setting=setting,
        first=drawn,
        picture=picture.averages(
            setting, first, [label], "An exponentially weighted average", text
        ),
        text=text,
    )


def _run(rule, own, hyperparameters):
    """A rule as the widget knows it, by its name; a rule that is not the library's goes into `own`."""
    function, given = rule, {}
    while isinstance(function, functools.partial):
        function, given = function.func, {**function.keywords, **given}
    given = {**hyperparameters, **given}
    _, defaults = paths.signature(function)
    known = compute.known_rules()
    name = getattr(function, "__name__", "rule")
    if known.get(name) is not function:
        title = f"{name} (notebook)" if name in known else name
        titles = (f"{title} {k}" if k > 1 else title for k in itertools.count(1))
        name = next(one for one in titles if own.get(one, function) is function)
        own[name] = function
    values = {
        **{key: value for key, value in defaults.items() if _is_number(value)},
        **given,
    }
    for key, value in values.items():
        if key not in paths.FUNCTIONS and not _is_number(value):
            raise TypeError(f"{key} must be a number here, got {value!r}")
    return {
        "rule": name,
        "source": None,
        "hyperparameters": {key: float(v) for key, v in values.items()},
    }


def _is_number(value):
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _course(surface, start, steps):
    """A surface that is not the library's, by its name, and the setting that all rules share."""
    if not isinstance(surface, surfaces.Surface):
        raise TypeError(f"surface must be a Surface of lib.surfaces, got {surface!r}")
    names = {id(one): name for name, one in compute.known_surfaces().items()}
    name = names.get(id(surface))
    losses = {}
    if name is None:
        name = (
            surface.name
            if surface.name not in compute.known_surfaces()
            else f"{surface.name} (notebook)"
        )
        losses[name] = surface
    start = np.atleast_1d(surface.start if start is None else start)
    start = start.astype(float).tolist()
    return losses, {"surface": name, "start": start, "steps": steps}


def _specification(own, losses):
    """What the widget shows of rules and surfaces. The library's sources it asks for when they are wanted."""
    specification = compute.specification(own, losses)
    for rule in specification["rules"]:
        if rule["library"]:
            rule["source"] = None
    for surface in specification["surfaces"]:
        surface["minima"] = [_rounded(list(point), 6) for point in surface["minima"]]
    return specification


def _answer(request, rules=None, losses=None):
    (answer,) = compute.answers(request, rules, losses)
    for part in (answer, *answer.get("runs", ())):
        _checked(part)
    return answer


def _checked(answer):
    if answer.get("error"):
        raise ValueError(answer["error"]["message"])
    return answer


def _drawn(run):
    """What of a run the first picture needs; the rest comes with the reader's first touch."""
    return {
        "w": _rounded(run["w"], 5),
        "loss": _rounded(run["loss"], 4),
        "diverged": run["diverged"],
    }


def _rounded(values, digits):
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if isinstance(values, list):
        return [_rounded(value, digits) for value in values]
    return float(f"{values:.{digits}g}") if isinstance(values, float) else values


def _labels(runs):
    """The name of each run's rule, with the hyperparameters that tell it from the others of the same rule."""
    labels = []
    for run in runs:
        like = [
            other["hyperparameters"] for other in runs if other["rule"] == run["rule"]
        ]
        values = run["hyperparameters"]
        differs = [
            name
            for name in values
            if any(other.get(name) != values[name] for other in like)
        ]
        told = ", ".join(f"{name} {values[name]:g}" for name in differs)
        labels.append(f"{run['rule']} ({told})" if told else run["rule"])
    return labels


def _fate(surface, run):
    steps = len(run["w"]) - 1
    outside = next((t for t, w in enumerate(run["w"]) if not _inside(surface, w)), None)
    left = "" if outside is None else f"leaves the picture at step {outside}"
    if run["diverged"] is not None:
        return f"diverges, {left}, no longer finite at step {run['diverged']}"
    if left and not _inside(surface, run["w"][steps]):
        return left
    x, y = run["w"][steps]
    return f"loss {run['loss'][steps]:.3g} at ({x:.3g}, {y:.3g})"


def _inside(surface, w):
    return all(
        v is not None and low <= v <= high for v, (low, high) in zip(w, surface.window)
    )


def _describe_race(surface, setting, runs):
    x, y = setting["start"]
    sentences = [
        f"{label}: {_fate(surface, run)}."
        for label, run in zip(_labels(setting["runs"]), runs)
    ]
    head = f"Paths on the {surface.name} surface, {setting['steps']} steps from ({x:g}, {y:g})."
    return " ".join([head, *sentences])


def _describe_map(surface, setting, values, diverged):
    plane, (x, y) = setting["plane"], (setting["plane"]["x"], setting["plane"]["y"])
    what = {
        "final_loss": "loss",
        "steps_to_tolerance": f"steps to loss {setting['plane']['tolerance']:g}",
    }
    (run,) = setting["runs"]
    lost = np.mean([step is not None for row in diverged for step in row])
    head = (
        f"A map of the {what[plane['show']]} after {setting['steps']} steps of {run['rule']} on the "
        f"{surface.name} surface, over {x['name']} {x['values'][0]:g} to {x['values'][-1]:g} and {y['name']} "
        f"{y['values'][0]:g} to {y['values'][-1]:g}."
    )
    lowest = ""
    if np.isfinite(values).any():
        best = run["hyperparameters"]
        lowest = (
            f" The lowest, {np.nanmin(values):.3g}, is at {x['name']} {best[x['name']]:.3g}, "
            f"{y['name']} {best[y['name']]:.3g}."
        )
    return f"{head}{lowest} {100 * lost:.0f} % of the cells diverge."


def _describe_average(setting, answer):
    values, means = setting["values"], answer["averages"]
    return (
        f"An average of {len(values)} values with beta {setting['beta']:g}, {_manner(setting)}. "
        f"Effective window {answer['window']:.3g}, half-life {answer['half_life']:.3g}, "
        f"lag {answer['latency']:.3g} steps. It begins at {means[0]:.3g}, where the series has "
        f"{values[0]:.3g}, and ends at {means[-1]:.3g}."
    )


def _manner(setting):
    start = "zero" if setting["start"] == "zero" else "the first value"
    return f"started at {start}" + (" and corrected" if setting["corrected"] else "")


def _shares(values, surface, before, diverged, show):
    """Each cell's share of the range that the colors show, as in widget.js.

    Losses count by powers of ten up to the loss at the start; above one is what is worse, or was not reached,
    and None what is no longer finite.
    """
    if show == "final_loss":
        lowest = surface.value(surface.minima[0]) if surface.minima else 0.0
        values, before = np.maximum(values - lowest, 0), before - lowest
        floor = max(min([before, *values[values > 0]]), before * 1e-12)
        shares = np.ones(values.shape)
        if floor < before:
            shares = np.log(np.maximum(values, floor) / floor) / np.log(before / floor)
        shares[values > before] = np.inf
    else:
        shares = values / max([1, *values[values > 0]])
    shares = np.where(np.isnan(values), np.inf, shares).tolist()
    return [
        [None if step is not None else share for share, step in zip(*pair)]
        for pair in zip(shares, diverged)
    ]
