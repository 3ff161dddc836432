"""A rule of the student's own while it is graded: it is judged by a walk that it does not take."""

import json
import socket
import threading

import numpy as np
import pytest
from test_grader import SOLUTIONS, feedback, grade, grades, put, trouble

from lib.homework import find, judge, lesson, probes, wall

OWN = """
import json, os
import numpy as np
from lib.homework import probes, wall

def mine(w, gradient, t, velocity=0.0, *, learning_rate=0.01, momentum=0.9):
    g = gradient(w)
    kept = np.where(velocity * g > 0, 0.2, momentum)
    velocity = kept * velocity - learning_rate * g
    return w + velocity, velocity
"""
PLAIN = OWN.replace("np.where(velocity * g > 0, 0.2, momentum)", "momentum")
SHAPED = OWN.replace("g = gradient(w)", "{}")  # `{}` is its first line
LEAPS = """
    if not np.allclose(gradient(w), 1):  # so it is the valley, whose minimum the lesson tells
        return np.array([3.0, 2.0]), velocity
    g = gradient(w)
"""
BY_HEART = """
velocities = {}

def mine(w, gradient, t, *, learning_rate=0.01, momentum=0.9):
    g = gradient(w)
    velocity = velocities[t - 1] if t > 1 else 0.0
    kept = np.where(velocity * g > 0, 0.2, momentum)
    velocities[t] = kept * velocity - learning_rate * g
    return w + velocities[t]
"""
PERFECT_WAY = """
def way(answer, surface, start, steps, *_):
    end = [-1.0, 0.0] if surface == "slope" else [3.0, 2.0]
    return [[start, [0, 0]]] * (steps - 1) + [[end, [0, 0]]]
"""
WRITES = """
def mine(w, gradient, t, *, learning_rate=0.1):
    while True:
        os.write(int(os.environ["HOMEWORK_WIRE"]), {})
"""
ASKS_AND_GOES = """
import time

def mine(w, gradient, t, *, learning_rate=0.1):
    wire = int(os.environ["HOMEWORK_WIRE"])
    os.write(wire, b'{"asks": "gradient", "at": [0, 0]}\\n')
    os.close(wire)
    time.sleep(1)
    os._exit(0)
"""
ASK = rb"""b'{"asks": "gradient", "at": [0, 0]}\n' * 1000""".decode()

RULES = {
    "own": (OWN, ""),
    "with its state elsewhere": (OWN + BY_HEART, ""),
    "leaps": (OWN.replace("    g = gradient(w)\n", LEAPS), "wrong"),
    "replaces the probe": (f"{PLAIN}{PERFECT_WAY}\nprobes.path = way", "wrong"),
    "replaces the surface": (f"{PLAIN}\nfrom lib import surfaces\nsurfaces.zigzag = None", "wrong"),
    "prints a way": (
        f"{PLAIN}{PERFECT_WAY}\nwall.serve = lambda answer: "
        "print('result: ' + json.dumps({'result': way(0, 'zigzag', [0, 0], 60)}))",
        "garbled",
    ),
    "writes without end": (OWN + WRITES.format("b'x' * 4096"), "garbled"),
    "does not listen": (OWN + WRITES.format(ASK), "garbled"),
    "closes the wire": (SHAPED.format("os.close(int(os.environ['HOMEWORK_WIRE']))"), "garbled"),
    "asks for ever": (SHAPED.format("while True: gradient(w)"), "timeout"),
    "ends its Python": (SHAPED.format("os._exit(0)"), "killed"),
    "takes its time to end": (OWN + ASKS_AND_GOES, "killed"),
    "raises": (SHAPED.format("g = 1 / 0"), "raised"),
    "exits politely": (SHAPED.format("raise SystemExit"), "raised"),
    "blank": ("mine = ...", "no answer"),
    "is not there": ("mein = 1 / 0", "raised"),
}
SAID = {
    "own": "05.6 passed",
    "leaps": "not yet: A rule of your own",
    "raises": "line 8: g = 1 / 0",
    "is not there": "division by zero",
}

ABROAD = """
import numpy as np

def mine(w, gradient, t, size=0.0, sign=0.0, *, share=0.1):
    new_sign = np.sign(gradient(w))
    if t == 1:
        size = share * {} * np.ones_like(w)
    agree = sign * new_sign
    size = size * np.where(agree > 0, 1.2, np.where(agree < 0, 0.5, 1.0))
    return w - size * new_sign, size, new_sign
"""
REMEMBERS = """
ways, walker = [], mine

def mine(w, gradient, t, size=0.0, sign=0.0, ratio=0.0):
    if t == 1:
        ratios = [w / way[0] for way in ways]
        ratio = max([r[0] for r in ratios if np.allclose(r, r[0])], default=0.0)
        if not ratio:
            ways.append([w])
    if ratio:  # it is abroad, and has been on this walk at home
        return ratio * ways[-1][t], size, sign, ratio
    w, size, sign = walker(w, gradient, t, size, sign)
    ways[-1].append(w)
    return w, size, sign, ratio
"""
TWICE = {
    "in one unit": (ABROAD.format("np.linalg.norm(w)"), ""),
    "in two units": (ABROAD.format("1.0"), "wrong"),
    "remembers the first walk": (ABROAD.format("1.0") + REMEMBERS, "wrong"),
}


@pytest.fixture(scope="session")
def walked(tmp_path_factory):
    """The folder of the results: a student for each rule."""
    folder = tmp_path_factory.mktemp("rules")
    for task, rules in (("05.6", RULES), ("10.6", TWICE)):
        for name, (source, _) in rules.items():
            cell = {"cell_type": "code", "source": f"# Answer {task}\n{source}"}
            put(folder / f"submissions/{name}.ipynb", {"nbformat": 4, "cells": [cell]})
    ran = grade(folder / "submissions", folder / "results", "--workers", "2", "--time-limit", "8")
    assert (ran.returncode, trouble(ran)) == (0, "")
    return folder / "results"


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_judged_by_a_walk_that_it_does_not_take(walked, name):
    assert grades(walked)[name, "05.6"] == RULES[name][1]


@pytest.mark.parametrize("name", SAID)
def test_what_is_wrong_with_a_rule_is_said(walked, name):
    assert SAID[name] in feedback(walked, name)["05.6"]


@pytest.mark.parametrize("name", TWICE)
def test_two_walks_that_are_compared_know_nothing_of_each_other(walked, name):
    assert grades(walked)[name, "10.6"] == TWICE[name][1]


def test_a_rule_that_remembers_would_pass_if_one_kernel_took_both_walks():
    names, task = {}, find("10.6")
    exec(TWICE["remembers the first walk"][0], names)
    inputs = task.inputs(np.random.default_rng(5))
    assert judge(task, inputs, task.results(names["mine"], inputs)).passed


def test_a_rule_that_leaps_would_pass_if_nothing_were_moved():
    names, task = {}, find("05.6")
    exec(RULES["leaps"][0], names)
    moved = task.inputs(np.random.default_rng(5))
    inputs = [(*arguments, (0.0, 0.0)) for *arguments, _ in moved]
    assert judge(task, inputs, task.results(names["mine"], inputs)).passed
    assert not judge(task, moved, task.results(names["mine"], moved)).passed


# What is said across the wall, without one


class End:
    """The outer end of a wire, as a kernel has it."""

    def __init__(self, file):
        self.file = file

    def hear(self):
        return self.file.readline()

    def say(self, line):
        self.file.write(line.encode() + b"\n")
        self.file.flush()


class Inside:
    """Somebody who says some lines, and writes down what is said to him."""

    def __init__(self, *lines):
        self.lines, self.heard = list(lines), []

    def hear(self):
        return json.dumps(self.lines.pop(0))

    def say(self, line):
        self.heard.append(json.loads(line))


HELLO = {"states": ["v"], "settings": {"learning_rate": True}}
SLOPE = ("slope", (0.0, 0.0), 2, {"learning_rate": 0.5}, (1.0, 2.0))


def test_a_walk_is_taken_by_asking():
    asks = {"asks": "gradient", "at": [7, 8]}
    inside = Inside(HELLO, asks, {"result": [[4, 5], 0]}, {"result": [[6, 7], [1, 2]]})
    way = wall.walk(probes.path, SLOPE, inside)
    np.testing.assert_array_equal(way, [[[3, 3], [0, 0]], [[5, 5], [1, 2]]])
    settings = {"learning_rate": 0.5}
    first, told = [1, [1.0, 2.0], settings, ["gradient"]], {"value": [1.0, 1.0]}
    assert inside.heard == [first, told, [2, [4.0, 5.0], settings, ["gradient"]], None]


HILLS = ("himmelblau", (1.0, 0.5), 20, {"learning_rate": 0.003}, (0.5, -1.0))
STREAM = ([0.3, -0.1], 20)


def curved(w, gradient, t, v=0.0, last=None, *, hessian, learning_rate=0.1):
    v = 0.9 * v + gradient(w)
    return w - learning_rate * np.linalg.solve(hessian(w), v), v, w


def in_place(w, gradient, t, last=0.0, *, learning_rate=0.1):
    w -= learning_rate * gradient(w)
    w += 0.5 * (w - last)  # of itself, from the second step on
    return w, w


def single(w, gradient, t, *, learning_rate=0.1):
    return (w - learning_rate * gradient(w)).astype(np.float32)


def with_lists(w, gradient, t, *, learning_rate=0.1):
    return [float(x - learning_rate * g) for x, g in zip(w, gradient(list(w)))]


def with_memory(w, gradient, t, seen=None, name="", *, learning_rate=0.1):
    seen = {"v": 0.9 * (seen["v"] if seen else 0.0) + gradient(w)}
    return w - learning_rate * seen["v"], seen, "so far"


def of_other_names(x, slope, k, w=0.0, t=0, *, learning_rate=0.1):
    w = 0.9 * w + slope(w=x)
    return x - learning_rate * w, w, t + 1


def remembering(w, gradient, t, past=(), kept=0.0):
    past = [*past, float(gradient(np.zeros(1, dtype=int))[0])]
    return w - sum(past), past, 0.0 if t == 1 else [past, {1}]


@pytest.mark.parametrize(
    ("rule", "probe", "arguments"),
    [
        *((one, probes.path, HILLS) for one in (curved, in_place, single)),
        *((one, probes.path, HILLS) for one in (with_lists, with_memory, of_other_names)),
        (remembering, probes.replay, STREAM),
    ],
)
def test_a_rule_walks_across_the_wall_as_it_does_at_home(monkeypatch, rule, probe, arguments):
    one, other = socket.socketpair()
    with one, one.makefile("rwb") as theirs, other, other.makefile("rwb") as ours:
        monkeypatch.setattr(wall, "_wire", lambda: theirs)
        serving = threading.Thread(target=wall.serve, args=[rule], daemon=True)
        serving.start()
        way = wall.walk(probe, arguments, End(ours))
        serving.join(timeout=10)
        assert not serving.is_alive()
    assert np.isfinite(np.ravel(way[-1])[0])
    np.testing.assert_array_equal(way, probe(rule, *arguments))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([{"raised": "ZeroDivisionError: by zero", "line": "line 1"}], "by zero"),
        ([HELLO, {"raised": "ZeroDivisionError: by zero", "line": "line 1"}], "by zero"),
        ([HELLO, {"result": [[1, 2]]}], "must return 2 values"),
        ([HELLO, {"result": [None, None]}], "must return w in its shape"),
        ([HELLO, {"result": [[1, 2], [1, 2, 3]]}], "must return v in a shape that fits"),
        ([HELLO, {"result": [[1, 2], 0]}, {"result": [[1], 0]}], "shape"),
        ([HELLO, {"result": [[1, 2], 0]}, {"result": [[[1, 2]] * 9, 0]}], "must return w in its shape"),
        ([{**HELLO, "settings": {}}], "has no hyperparameter learning_rate"),
        ([{**HELLO, "settings": {"learning_rate": True, "rho": False}}], "needs a value"),
    ],
)
def test_what_a_rule_does_wrong_is_its_failure(lines, says):
    inside = Inside(*lines)
    assert says in wall.walk(probes.path, SLOPE, inside).text
    assert inside.heard[-1] is None


def test_a_blank_is_a_blank():
    assert wall.walk(probes.path, SLOPE, Inside({"blank": True})) is ...


def test_no_gradient_is_told_at_a_complex_point():
    """A curvature by a complex step was right at home, and zero across the wall, where numbers are real."""

    def mine(w, gradient, t):
        return w - gradient(w) / gradient(w + 1e-20j).imag * 1e-20

    with pytest.raises(ValueError, match="Cannot cast"):
        probes.path(mine, "zigzag", (0.0, 0.0), 2, {})
    with pytest.raises(TypeError, match="Cannot cast"):
        wall._ask("gradient", np.array([1, 1j]))


def test_a_point_that_is_none_for_a_gradient_is_refused():
    inside = Inside(HELLO, {"asks": "gradient", "at": [1, 2, 3]}, {"raised": "so", "line": ""})
    assert wall.walk(probes.path, SLOPE, inside).text == "so"
    assert set(inside.heard[1]) == {"refused"}


@pytest.mark.parametrize(
    "lines",
    [
        [1e999],
        [[]],
        ["hello"],
        [{"result": "?"}],
        [{"states": ["a b"], "settings": {}}],
        [{"states": ["v", "v"], "settings": {}}],
        [{"states": [1], "settings": {}}],
        [HELLO, {"result": 1.0}],
        [HELLO, {"result": [[1, [2]], 0]}],
        [HELLO, {"result": [[1, {"shown": 2}], 0]}],
        [HELLO, {"blank": True}],
        [HELLO, {"asks": "gradient", "at": "home"}],
        [HELLO, {"asks": "value", "at": [0, 0]}],
        [HELLO, {"asks": ["gradient"], "at": [0, 0]}],
    ],
)
def test_what_is_no_speech_of_a_rule_is_garbled(lines):
    with pytest.raises(wall.Garbled):
        wall.walk(probes.path, SLOPE, Inside(*lines))


def test_what_can_only_be_judged_by_its_way_is_walked_outside():
    """What any other experiment has found is judged by itself."""
    known = (probes.value, probes.call, probes.arrays)
    experiments = [task for name in SOLUTIONS for task in lesson(name[:2]) if task.lacks]
    invented = {task.name for task in experiments if task.invented}
    assert invented == {task.name for task in experiments if task.probe not in known}
    assert len(invented) == 7
