"""lib/explorer/compute.py in Python, and the files that stand in for Python's own on the page's engine."""

import importlib.util
import inspect
import itertools
import json
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from rules import RULES, SURFACES

from lib import averages, optimizers, paths, surfaces, sweep
from lib.explorer import compute

START = [0.1, 3.5]
ENGINE = Path(compute.__file__).parent / "engine"


def ask(request, **own):
    """The answers to a request, after a trip through JSON, which knows no nan."""
    return [
        json.loads(json.dumps(answer, allow_nan=False))
        for answer in compute.answers({"id": 7} | request, **own)
    ]


def race(*runs, surface="ravine", start=START, steps=20, **own):
    (answer,) = ask({"do": "race", "surface": surface, "start": start, "steps": steps, "runs": runs}, **own)
    return answer


def edited(source, **hyperparameters):
    (run,) = race({"rule": "adam", "source": source, "hyperparameters": hyperparameters})["runs"]
    return run


def numbers(values):
    """An answer's numbers; what is not finite there is nan."""
    return np.array(values, dtype=float)


def finite(values):
    return np.where(np.isfinite(values), values, np.nan)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("rule", RULES)
def test_a_race_is_the_history_of_its_rules(rule, surface):
    start = SURFACES[surface].start
    answer = race({"rule": rule, "source": None, "hyperparameters": {}}, surface=surface, start=start)
    assert answer["id"] == 7
    (run,) = answer["runs"]
    curvature = {"hessian": SURFACES[surface].hessian} if rule == "newton" else {}
    record = paths.history(RULES[rule], SURFACES[surface].gradient, start, 20, **curvature)
    with np.errstate(all="ignore"):
        expected = record | {
            "loss": SURFACES[surface].value(record["w"].T),
            "rate": paths.effective_rate(record),
        }
    got = run["state"] | {name: run[name] for name in ("w", "gradient", "loss", "rate")}
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(numbers(got[name]), finite(values), err_msg=name)
    assert list(run["state"]) == list(paths.signature(RULES[rule])[0])
    assert run["error"] is None


def test_a_race_has_several_contenders_with_their_own_hyperparameters():
    runs = race(
        {"rule": "adam", "hyperparameters": {"learning_rate": 0.1}},
        {"rule": "momentum", "hyperparameters": {"learning_rate": 0.2, "momentum": 0.5}},
    )["runs"]
    gradient = surfaces.ravine.gradient
    for run, rule, given in (
        (runs[0], optimizers.adam, {"learning_rate": 0.1}),
        (runs[1], optimizers.momentum, {"learning_rate": 0.2, "momentum": 0.5}),
    ):
        np.testing.assert_array_equal(run["w"], paths.trace(rule, gradient, START, 20, **given))


def test_divergence_is_an_answer():
    (run,) = race({"rule": "gradient_descent", "hyperparameters": {"learning_rate": 50.0}}, steps=400)["runs"]
    path = paths.trace(optimizers.gradient_descent, surfaces.ravine.gradient, START, 400, learning_rate=50.0)
    lost = int(paths.diverged(path))
    assert run["diverged"] == lost < 400
    assert None not in run["w"][lost - 1] and None in run["w"][lost]
    assert run["loss"][-1] is None and run["error"] is None


RULE = """
def helper(g):
    return np.sign(g)


def mine(w, gradient, t, m=0.0, *, learning_rate=0.5):
    m = ewma(m, helper(gradient(w)), power(0.9, 1))
    return w - learning_rate * debias(m, 0.9, t), m
"""


def test_the_last_function_of_a_source_is_the_rule():
    run = edited(RULE, learning_rate=0.25)
    w, m = numbers(START), 0.0
    for t in range(1, 21):
        m = averages.ewma(m, np.sign(surfaces.ravine.gradient(w)), 0.9)
        w = w - 0.25 * averages.debias(m, 0.9, t)
        np.testing.assert_array_equal(run["w"][t], w)
        np.testing.assert_array_equal(run["state"]["m"][t - 1], m)


def test_a_rule_that_does_not_ask_for_the_gradient_was_told_nothing():
    run = edited("def mine(w, gradient, t, m=0.0):\n    return w, gradient(w) if t % 2 else w")
    assert run["gradient"][1::2] == [[None, None]] * 10
    for t in range(0, 20, 2):
        assert run["state"]["m"][t] == run["gradient"][t]
        assert run["state"]["m"][t + 1] == run["w"][t + 1]


def test_an_edited_rule_brings_its_own_hyperparameters():
    signature = "mine(w, gradient, t, *, rate, share=0.5, twice=False)"
    source = f"def {signature}:\n    return w - rate * share * gradient(w)"
    run = edited(source, rate=0.25, momentum=0.9)  # the edit has taken momentum away
    described = {one["name"]: one["default"] for one in run["hyperparameters"]}
    assert described == {"rate": None, "share": 0.5}
    assert edited(source, rate=0.25, share=1.0)["w"][1] != run["w"][1]
    assert "hyperparameters" not in race({"rule": "adam", "hyperparameters": {}})["runs"][0]


def test_a_source_may_call_the_rules_and_import():
    run = edited("import math\nimport numpy\ndef mine(*given, **more):\n    return adam(*given, **more)")
    assert "must be of the form rule(w, gradient, t" in run["error"]["message"]
    run = edited("import math\ndef mine(w, gradient, t):\n    return gradient_descent(w, gradient, t)")
    np.testing.assert_array_equal(
        run["w"], paths.trace(optimizers.gradient_descent, surfaces.ravine.gradient, START, 20)
    )


BROKEN = {
    "syntax": ("def mine(w, gradient, t)\n    return w", 1, "SyntaxError"),
    "name": (
        "def mine(w, gradient, t):\n    g = gradient(w)\n    return w - rate * g",
        3,
        "NameError: name 'rate'",
    ),
    "at once": ("limit = 1 / 0\ndef mine(w, gradient, t):\n    return w", 1, "ZeroDivisionError"),
    "in a helper": (RULE.replace("np.sign(g)", "g[2]"), 3, "IndexError"),
    "below": ("def mine(w, gradient, t):\n    return w + np.ones(3)", 2, "ValueError"),
    "exit": ("def mine(w, gradient, t):\n    raise SystemExit", 2, "SystemExit"),
    "no end": ("def mine(w, gradient, t):\n    return mine(w, gradient, t)", 2, "RecursionError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_error_in_a_source_has_its_line(case):
    source, line, message = BROKEN[case]
    error = edited(source)["error"]
    assert error["line"] == line
    assert error["message"].startswith(message)
    assert error["traceback"].startswith("Traceback (most recent call last):\n")
    assert error["traceback"].endswith(error["message"])
    assert f'File "<rule>", line {line}' in error["traceback"]
    assert source.split("\n")[line - 1].strip() in error["traceback"]
    assert str(ENGINE.parent) not in error["traceback"], "only the learner's own frames"


def test_a_traceback_shows_the_way_through_the_source():
    error = edited(BROKEN["in a helper"][0])["error"]
    assert re.findall(r"line (\d+), in (\w+)", error["traceback"]) == [("7", "mine"), ("3", "helper")]


@pytest.mark.parametrize(
    "source, message",
    [
        ("x = 1", "a rule is a function"),
        ("def mine(w, gradient, t, m=0.0):\n    return w", "mine must return 2 values, (w, m), got 1"),
        ("def mine(w, gradient, t):\n    return 1.0", "mine must return w in its shape (2,), got ()"),
        ("def mine(w):\n    return w", "rule must be of the form"),
    ],
)
def test_a_source_that_is_no_rule(source, message):
    error = edited(source)["error"]
    assert message in error["message"]
    assert error["line"] is None and error["traceback"] is None


ENDLESS = [
    "while True: pass",
    "while True:\n        try: t = 1\n        except Exception: pass",
    "return all(k < 1 for k in iter(int, 1))",
]


@pytest.mark.parametrize("body", ENDLESS)
def test_an_endless_loop_is_stopped_with_its_line(monkeypatch, body):
    monkeypatch.setattr(compute, "PATIENCE", 0.2)
    threads = threading.active_count()
    began = time.monotonic()
    error = edited(f"def mine(w, gradient, t):\n    {body}")["error"]
    assert time.monotonic() - began < 5
    assert "does a loop never end?" in error["message"]
    assert error["line"] >= 2
    assert threading.active_count() == threads


def test_one_broken_run_does_not_stop_the_others():
    runs = race(
        {"source": "def mine(w"}, {"rule": "adam"}, {"rule": "adam", "hyperparameters": {"beta_1": 2}}
    )["runs"]
    assert runs[0]["error"]["line"] == 1
    assert runs[1]["error"] is None and len(runs[1]["w"]) == 21
    assert runs[2]["error"]["message"] == "beta_1 must be a finite number in [0, 1), got 2"


WELL = {"do": "race", "surface": "ravine", "start": START, "steps": 5, "runs": [{"rule": "adam"}]}
MAP = {
    "do": "map",
    "surface": "ravine",
    "start": START,
    "steps": 50,
    "run": {"rule": "momentum", "hyperparameters": {}},
    "x": {"name": "learning_rate", "values": [0.01, 0.1, 1.0, 50.0]},
    "y": {"name": "momentum", "values": [0.0, 0.5, 0.9]},
    "tolerance": 0.1,
}
SERIES = {"do": "series", "values": [1.0, 2.0], "beta": 0.9, "start": "zero", "corrected": True}
BAD = [
    ({}, "there is no request None; there are: map, race, series, source, surface"),
    (WELL | {"surface": "moon"}, "there is no surface 'moon'; there are: beale, "),
    (WELL | {"start": [1.0]}, "start must be two numbers, got [1.0]"),
    (WELL | {"start": 3}, "start must be two numbers, got 3"),
    (WELL | {"start": [1.0, "2"]}, "start must be a number, got '2'"),
    (WELL | {"start": [1.0, None]}, "start must be a number, got None"),
    (WELL | {"steps": 10**9}, "steps must be at most 10000, got 1000000000"),
    ({"do": "race", "surface": "ravine", "steps": 3}, "KeyError: 'start'"),
    ({"do": "surface", "surface": "ravine", "size": 10**6}, "size must be a whole number from 2 to 200"),
    ({"do": "source", "rule": "lion"}, "there is no rule 'lion'; there are: adadelta, "),
    ({"do": "source", "rule": "ewma"}, "there is no rule 'ewma'"),
    (SERIES | {"beta": 1.0}, "beta must be a number in [0, 1), got 1.0"),
    (SERIES | {"beta": "high"}, "beta must be a number, got 'high'"),
    (SERIES | {"values": []}, "values must be a series with at least one value"),
    (SERIES | {"start": "first"}, "only an average that starts at zero is to be corrected"),
    (MAP | {"y": MAP["x"]}, "a map has two different hyperparameters, got learning_rate twice"),
    (MAP | {"x": {"name": "learning_rate", "values": []}}, "an axis of a map has 1 to 200 values, got 0"),
    (MAP | {"x": {"name": "learning_rate", "values": [[1]]}}, "learning_rate must be a number, got [1]"),
    (MAP | {"x": {"name": "rho", "values": [0.1]}}, "momentum has no hyperparameter rho"),
    (MAP | {"row": 3}, "row must be a whole number from 0 to 2, got 3"),
]


@pytest.mark.parametrize("request_, message", BAD)
def test_a_bad_request_is_answered_with_what_is_wrong(request_, message):
    (answer,) = ask(request_)
    assert answer == {
        "id": 7,
        "error": {"message": answer["error"]["message"], "line": None, "traceback": None},
    }
    assert answer["error"]["message"].startswith(message)


BAD_RUNS = [
    ("lion", {}, "there is no rule 'lion'"),
    (["adam"], {}, "there is no rule ['adam']"),
    ("adam", {"learning_rate": "fast"}, "learning_rate must be a number, got 'fast'"),
    ("adam", {"learning_rate": None}, "learning_rate must be a number, got None"),
    ("adam", {"learning_rate": True}, "learning_rate must be a number, got True"),
    ("adam", {"rate": 1}, "adam has no hyperparameter rate (given 1)"),
    ("adam", {"epsilon": -1}, "epsilon must be a finite number >= 0, got -1"),
]


@pytest.mark.parametrize("rule, hyperparameters, message", BAD_RUNS)
def test_a_bad_run_is_answered_with_what_is_wrong(rule, hyperparameters, message):
    (run,) = race({"rule": rule, "hyperparameters": hyperparameters})["runs"]
    assert run["error"]["message"].startswith(message)


@pytest.mark.parametrize("source", [None, RULE.replace("rate=0.5", "rate=0.5, momentum=0.9")])
def test_a_map_is_a_sweep_row_by_row(source):
    rows = ask(MAP | {"run": {"rule": "momentum", "source": source, "hyperparameters": {}}})
    assert [row["row"] for row in rows] == [0, 1, 2]
    rule = optimizers.momentum if source is None else compute._edited(source)
    rates, momenta = np.array(MAP["x"]["values"]), np.array(MAP["y"]["values"])
    whole = sweep(
        rule, surfaces.ravine, START, 50, tolerance=0.1, learning_rate=rates, momentum=momenta[:, None]
    )
    for name, values in whole.items():
        got = numbers([row[name] for row in rows])
        np.testing.assert_array_equal(got, finite(values))
    assert ask(MAP | {"row": 2, "run": {"rule": "momentum", "source": source}}) == rows[2:]


@pytest.mark.parametrize("name", SURFACES)
def test_a_surface_is_its_values_on_a_grid(name):
    (answer,) = ask({"do": "surface", "surface": name, "size": 9})
    surface = SURFACES[name]
    assert answer["name"] == surface.name
    np.testing.assert_array_equal(answer["window"], surface.window)
    np.testing.assert_array_equal(answer["start"], surface.start)
    np.testing.assert_array_equal(answer["minima"], surface.minima or np.empty(0))
    x, y = (np.linspace(*limits, 9) for limits in surface.window)
    np.testing.assert_array_equal(answer["values"], surface.value(np.array(np.meshgrid(x, y))))


def test_a_series_is_its_averages():
    values = np.random.default_rng(0).normal(10, 3, 50).tolist()
    expected = {
        ("zero", False): averages.ewma_series(values, 0.8),
        ("zero", True): averages.corrected_series(values, 0.8),
        ("first", False): averages.ewma_series(values, 0.8, values[0]),
    }
    for (start, corrected), series in expected.items():
        request = SERIES | {"values": values, "beta": 0.8, "start": start, "corrected": corrected}
        (answer,) = ask(request)
        np.testing.assert_array_equal(answer["averages"], series)
    np.testing.assert_array_equal(answer["weights"], averages.weights(0.8, 50))
    assert answer["window"] == averages.effective_window(0.8)
    assert answer["half_life"] == averages.half_life(0.8)
    assert answer["latency"] == averages.latency(0.8)


def test_the_specification_is_read_from_the_library():
    specification = json.loads(json.dumps(compute.specification(), allow_nan=False))
    rules = {rule["name"]: rule for rule in specification["rules"]}
    assert list(rules) == list(RULES)
    for name, rule in RULES.items():
        state, hyperparameters = paths.signature(rule)
        hyperparameters.pop("hessian", None)
        assert rules[name]["state"] == list(state)
        assert {h["name"]: h["default"] for h in rules[name]["hyperparameters"]} == hyperparameters
        assert rules[name]["source"] == inspect.getsource(rule)
        assert rules[name]["description"] == rule.__doc__.split("\n")[0]
        assert rules[name]["library"] is True
        for h in rules[name]["hyperparameters"]:
            low, high = paths.LIMITS[h["name"]]
            assert (h["low"], h["high"]) == (low, high if high < np.inf else None)
            assert h["low"] <= h["default"] and (h["high"] is None or h["default"] < h["high"])
    scales = {h["name"]: h["scale"] for h in rules["nadam_pytorch"]["hyperparameters"]}
    assert scales["learning_rate"] == scales["epsilon"] == "log"
    assert scales["beta_1"] == scales["beta_2"] == "linear"
    assert [surface["name"] for surface in specification["surfaces"]] == list(SURFACES)
    ravine = next(surface for surface in specification["surfaces"] if surface["name"] == "ravine")
    assert ravine == {
        "name": "ravine",
        "title": surfaces.ravine.name,
        "window": [list(limits) for limits in surfaces.ravine.window],
        "start": list(surfaces.ravine.start),
        "minima": [list(point) for point in surfaces.ravine.minima],
        "lowest": 0.0,
        "library": True,
    }


def halves(w, gradient, t, *, factor=0.5, extra):
    """Go half the way to the origin.

    Not a serious rule.
    """
    return factor * w


def test_a_notebook_adds_its_own_rules_and_surfaces():
    own = {"rules": {"halves": halves}, "losses": {"bowl": surfaces.quadratic((1, 2), name="my bowl")}}
    specification = compute.specification(**own)
    assert (
        specification["surfaces"][-1]["name"] == "bowl"
        and specification["surfaces"][-1]["title"] == "my bowl"
        and specification["surfaces"][-1]["library"] is False
    )
    rule = specification["rules"][-1]
    assert rule["name"] == "halves" and rule["library"] is False
    assert rule["source"] == inspect.getsource(halves)
    assert rule["hyperparameters"][0] == {
        "name": "factor",
        "default": 0.5,
        "low": None,
        "high": None,
        "scale": "linear",
    }
    assert rule["hyperparameters"][1]["default"] is None
    (run,) = race({"rule": "halves", "hyperparameters": {"extra": 1}}, surface="bowl", steps=2, **own)["runs"]
    np.testing.assert_array_equal(run["w"], [START, [0.05, 1.75], [0.025, 0.875]])
    (source,) = ask({"do": "source", "rule": "halves"}, **own)
    assert source["source"] == inspect.getsource(halves)


# The engine's own files, which stand in for NumPy and for parts of Python


def engine(name):
    specification = importlib.util.spec_from_file_location(f"engine_{name}", ENGINE / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


SHIM = engine("numpy")
AWKWARD = [0.0, -0.0, 1.0, -2.0, 2.5, 1e300, -1e300, 1e-300, np.inf, -np.inf, np.nan]
BINARY = {
    "add": lambda np, a, b: a + b,
    "subtract": lambda np, a, b: a - b,
    "multiply": lambda np, a, b: a * b,
    "divide": lambda np, a, b: a / b,
    "power": lambda np, a, b: a**b,
    "less": lambda np, a, b: a < b,
    "at most": lambda np, a, b: a <= b,
    "greater": lambda np, a, b: a > b,
    "at least": lambda np, a, b: a >= b,
    "equal": lambda np, a, b: a == b,
    "not equal": lambda np, a, b: a != b,
    "minimum": lambda np, a, b: np.minimum(a, b),
    "maximum": lambda np, a, b: np.maximum(a, b),
    "clip": lambda np, a, b: np.clip(a, -1.0, b),
    "where": lambda np, a, b: np.where(np.sign(a) == 1, a, b),
    "and": lambda np, a, b: (a == a) & (b == b),
    "or": lambda np, a, b: (a > b) | (a < b),
}
UNARY = {
    "sqrt": lambda np, a: np.sqrt(a),
    "exp": lambda np, a: np.exp(a),
    "log": lambda np, a: np.log(a),
    "sin": lambda np, a: np.sin(a),
    "cos": lambda np, a: np.cos(a),
    "tanh": lambda np, a: np.tanh(a),
    "floor": lambda np, a: np.floor(a),
    "square": lambda np, a: np.square(a),
    "abs": lambda np, a: np.abs(a) + abs(a),
    "sign": lambda np, a: np.sign(a),
    "isfinite": lambda np, a: np.isfinite(a),
    "isnan": lambda np, a: ~np.isnan(a),
    "minus": lambda np, a: -a,
    "T": lambda np, a: a.T,
    "reshape": lambda np, a: a.reshape(-1, 1),
    "flat": lambda np, a: a.reshape((-1,)),
    "first": lambda np, a: a[0],
    "last": lambda np, a: a[-1:],
    "backward": lambda np, a: a[::-1],
    "new axis": lambda np, a: a[:, None],
    "inner": lambda np, a: a[..., 1],
    "whole": lambda np, a: a[()],
    "picked": lambda np, a: a[a > 0],
    "unpacked": lambda np, a: np.array([x for x in a] + [a[0]]),
    "nested": lambda np, a: np.array([a, a]),
    "min": lambda np, a: a.min() + a.min(axis=0),
    "max": lambda np, a: np.max(a, axis=0) - np.min(a),
    "sum": lambda np, a: np.sum(np.sign(a), axis=0) + np.isfinite(a).sum(),
    "mean": lambda np, a: np.mean(np.sign(a), axis=-1),
    "any": lambda np, a: np.any(a > 1),
    "all": lambda np, a: np.isfinite(a).all(axis=0),
    "argmin": lambda np, a: np.argmin(np.isfinite(a), axis=0),
    "argwhere": lambda np, a: np.argwhere(a > 0),
    "broadcast_to": lambda np, a: np.broadcast_to(a, (2,) + np.shape(a)),
    "like": lambda np, a: np.ones_like(a) - np.zeros_like(a) + np.ndim(a),
    "made": lambda np, a: np.array([np.arange(1, 4), np.ones(3), np.full(3, 2.0), np.linspace(0, 1, 3)]),
}


def both(act, *operands):
    """What NumPy and the engine's numpy make of the same operands, numbers or nested lists."""
    with np.errstate(all="ignore"):
        expected = act(np, *(np.array(x) if isinstance(x, list) else x for x in operands))
    got = act(SHIM, *(SHIM.array(x) if isinstance(x, list) else x for x in operands))
    if isinstance(got, SHIM.ndarray):
        assert got.shape == np.shape(expected)
        got = got.tolist()
    return np.array(got, dtype=float).reshape(np.shape(expected)), np.array(expected, dtype=float)


@pytest.mark.parametrize("name", BINARY)
def test_arithmetic_on_arrays_is_numpys(name):
    for x, y in itertools.product(AWKWARD, repeat=2):
        shapes = [[x, y], [y, x, 3.0], [[x, 1.0, y], [y, 0.0, -2.0]], [[x], [y]]]
        for a, b in itertools.product([*shapes, x, 2], repeat=2):
            rows = [np.shape(operand) for operand in (a, b)]
            if rows in ([(), ()], [(2,), (3,)], [(3,), (2,)], [(2,), (2, 3)], [(2, 3), (2,)]):
                continue  # two numbers, or what does not fit together
            got, expected = both(BINARY[name], a, b)
            np.testing.assert_allclose(got, expected, rtol=1e-15, err_msg=f"{a} {name} {b}")


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_arrays_are_numpys(name):
    for x, y in itertools.product(AWKWARD, repeat=2):
        for a in ([x, y], [y, x, 3.0], [[x, 1.0, y], [y, 0.0, -2.0]]):
            got, expected = both(UNARY[name], a)
            np.testing.assert_allclose(got, expected, rtol=1e-15, err_msg=f"{name} of {a}")


OF_NUMBERS = list(UNARY)[: list(UNARY).index("isfinite") + 1]


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_functions_of_numbers_are_numpys(name):
    for x in [*AWKWARD, 0, 4, -1]:
        got, expected = both(UNARY[name], x)
        np.testing.assert_allclose(got, expected, rtol=1e-15, err_msg=f"{name} of {x}")
        assert not isinstance(UNARY[name](SHIM, x), SHIM.ndarray)


def test_views_write_through_and_copies_do_not():
    def act(np, a):
        a[1:][0] = 5.0
        a[0][1] = 6.0
        np.minimum(a[1:], 4.0, out=a[1:], where=np.array([True, False]))
        a[a == 2.5] = -1.0
        a[...] = a[...] + 1
        np.array(a)[0] = 7.0
        a.copy()[0] = 7.0
        return a

    got, expected = both(act, [[1.0, 2.0], [2.5, 3.0], [2.5, 9.0]])
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    "act",
    [
        lambda np: np.array([1.0, 2.0]) + np.array([1.0, 2.0, 3.0]),
        lambda np: np.array([[1.0, 2.0], [3.0]]),
        lambda np: np.array([1.0, 2.0]).reshape(3),
        lambda np: np.broadcast_to(np.array([1.0, 2.0]), (3,)),
        lambda np: bool(np.array([1.0, 2.0])),
    ],
)
def test_what_does_not_fit_is_refused(act):
    for module in (np, SHIM):
        with pytest.raises(ValueError):
            act(module)


def test_an_index_out_of_bounds_is_an_index_error():
    for module in (np, SHIM):
        for key in (2, -3, (0, 0)):
            with pytest.raises(IndexError):
                module.array([1.0, 2.0])[key]


def test_what_the_page_does_not_know_says_so():
    with pytest.raises(AttributeError, match=r"numpy\.fft is not known on this page"):
        SHIM.fft  # noqa: B018


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_signatures_and_sources_read_from_the_text_are_pythons(rule):
    shim = engine("inspect")
    kinds = {getattr(inspect.Parameter, name): getattr(shim.Parameter, name) for name in KINDS}
    got = list(shim.signature(rule).parameters.values())
    expected = list(inspect.signature(rule).parameters.values())
    assert [p.name for p in got] == [p.name for p in expected]
    assert [p.kind for p in got] == [kinds[p.kind] for p in expected]
    for mine, pythons in zip(got, expected, strict=True):
        empty = pythons.default is inspect.Parameter.empty
        assert mine.default is shim.Parameter.empty if empty else mine.default == pythons.default
    assert shim.getsource(rule) == inspect.getsource(rule)


KINDS = ["POSITIONAL_OR_KEYWORD", "VAR_POSITIONAL", "KEYWORD_ONLY", "VAR_KEYWORD"]
AWKWARD_DEFINITION = """
def mine(w, gradient: "a, b", t,  # the step), counted
         m=(0.0, [1, 2]), *rest, name="a, (b", scale: float = 1 / 4, **more):
    # A comment
    return w

# of the next
x = 1
"""


def test_an_awkward_definition_is_read_too(tmp_path, monkeypatch):
    file = tmp_path / "awkward.py"
    file.write_text(AWKWARD_DEFINITION)
    monkeypatch.syspath_prepend(tmp_path)
    rule = importlib.import_module("awkward").mine
    shim = engine("inspect")
    parameters = shim.signature(rule).parameters
    expected = inspect.signature(rule).parameters
    assert list(parameters) == list(expected)
    assert [p.kind for p in parameters.values()] == [1, 1, 1, 1, 2, 3, 3, 4]
    for name in ("m", "name", "scale"):
        assert parameters[name].default == expected[name].default
    assert str(shim.signature(optimizers.momentum)) == str(inspect.signature(optimizers.momentum))
    assert shim.getsource(rule) == inspect.getsource(rule)


def test_a_function_without_a_text_has_no_signature():
    for function in (lambda w: w, len):
        with pytest.raises(TypeError, match="is not a function at the top level of a file"):
            engine("inspect").signature(function)
