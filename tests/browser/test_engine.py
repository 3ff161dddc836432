"""The page's engine against NumPy: page.js, worker.js and MicroPython in Chromium, under the policy."""

import inspect
import json
import time

import numpy as np
import pytest
from reader import Visit, serve

from lib import paths
from lib.explorer import compute
from tools.site import widgets
from tools.site.files import Site

RULES, SURFACES = compute.known_rules(), compute.known_surfaces()

# A widget that leaves the asking to the tests.
PROBE = """
export default { render };

function render({ model, el }) {
  const listeners = new Map();
  let count = 0;
  model.on("msg:custom", (answer) => listeners.get(answer.id)?.(answer));
  window.model = model;
  window.follow = (request, hear) => {
    const id = ++count;
    listeners.set(id, hear);
    model.send({ ...request, id });
  };
  window.ask = (request) => new Promise((answered) => follow(request, answered));
  el.replaceChildren("drawn by the widget");
}
"""
PAGE = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Engine</title><link rel="icon" href="data:," /></head>
  <body>
    <div class="explorer" data-module="probe.js">
      <svg><title>The first state</title></svg>
      <script type="application/json">{"kind": "race", "setting": {"steps": 7}}</script>
    </div>
    <script src="ENGINE/lib/explorer/page.js" defer></script>
  </body>
</html>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A site of one page, with the engine as the book has it."""
    folder = tmp_path_factory.mktemp("engine")
    site = Site(folder)
    site.files["index.html"] = PAGE.replace("ENGINE", widgets.engine(site)).encode()
    site.files["probe.js"] = PROBE.encode()
    site.write(folder)
    return folder


@pytest.fixture(scope="module")
def url(folder):
    with serve(folder) as served:
        yield served.url


@pytest.fixture
def visit(browser, url):
    one = Visit(browser, url, "desktop")
    one.page.get_by_text("drawn by the widget").wait_for()
    yield one
    one.context.close()
    one.check()


@pytest.fixture(scope="module")
def running(browser, url):
    """A visit with a running engine, for questions that leave no trace."""
    one = Visit(browser, url, "desktop")
    one.page.get_by_text("drawn by the widget").wait_for()
    yield one
    one.context.close()
    one.check()


def ask(visit, request):
    return visit.page.evaluate("(request) => ask(request)", request)


def race(rule, surface="ravine", start=(0.1, 3.5), steps=100, source=None, **hyperparameters):
    run = {"rule": rule, "source": source, "hyperparameters": hyperparameters}
    return {"do": "race", "surface": surface, "start": list(start), "steps": steps, "runs": [run]}


def edited(source, **more):
    return race("adam", source=source, **more)


def pythons(request):
    """What Python with NumPy answers, after the same trip through JSON."""
    answers = [json.loads(json.dumps(answer, allow_nan=False)) for answer in compute.answers(request)]
    return answers[0]


def assert_agree(got, expected, where=""):
    """Nested answers agree; numbers to 1e-12 of the largest in their list."""
    if isinstance(expected, dict):
        assert got.keys() == expected.keys(), where
        for key in expected.keys() - {"id"}:
            assert_agree(got[key], expected[key], f"{where} {key}")
    elif isinstance(expected, list) and expected and not isinstance(expected[0], dict):
        got, expected = (np.array(values, dtype=float) for values in (got, expected))
        largest = np.max(np.abs(expected), where=np.isfinite(expected), initial=0)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12 * largest, err_msg=where)
    elif isinstance(expected, list):
        assert len(got) == len(expected), where
        for k, pair in enumerate(zip(got, expected, strict=True)):
            assert_agree(*pair, f"{where} {k}")
    elif isinstance(expected, float):
        assert got == pytest.approx(expected, rel=1e-12), where
    else:
        assert got == expected, where


# Where descent is neither too slow to show anything nor chaotic: on Rastrigin's surface, with a rate of 0.01,
# the last bit of a sine decides where momentum leads.
RATES = {"rosenbrock": 0.001, "beale": 0.01, "himmelblau": 0.005, "rastrigin": 0.001}


@pytest.mark.parametrize("surface", SURFACES)
def test_every_rule_agrees_with_numpy(running, surface):
    requests = []
    for name, rule in RULES.items():
        rated = "learning_rate" in paths.signature(rule)[1]
        given = {"learning_rate": RATES.get(surface, 0.05)} if rated else {}
        requests.append(race(name, surface, SURFACES[surface].start, **given))
    answers = running.page.evaluate("(requests) => Promise.all(requests.map(ask))", requests)
    assert len(answers) == len(RULES)
    for request, answer in zip(requests, answers, strict=True):
        (got,), (expected,) = answer["runs"], pythons(request)["runs"]
        assert got["error"] is None
        assert list(got["state"]) == list(expected["state"])
        # A rate is a quotient of differences, too small for 12 digits to agree: it has to fit its own path.
        rate, w, gradient = (np.array(got[name], dtype=float) for name in ("rate", "w", "gradient"))
        with np.errstate(all="ignore"):
            quotient = (w[:-1] - w[1:]) / np.where(gradient == 0, np.nan, gradient)
        np.testing.assert_array_equal(rate, np.where(np.isfinite(quotient), quotient, np.nan))
        assert_agree(got | {"rate": None}, expected | {"rate": None}, request["runs"][0]["rule"])


DIVERGING = ["gradient_descent", "momentum", "nesterov", "momentum_averaged", "momentum_accumulated"]


@pytest.mark.parametrize("rule", DIVERGING)
def test_divergence_agrees_with_numpy(running, rule):
    for surface, rate in (("ravine", 400.5), ("rosenbrock", 1.5), ("saddle", 3000.5)):
        request = race(rule, surface, steps=200, learning_rate=rate)
        (got,), (expected,) = ask(running, request)["runs"], pythons(request)["runs"]
        assert got["diverged"] == expected["diverged"] < 200
        assert_agree(got | {"rate": None}, expected | {"rate": None}, f"{rule} on {surface}")


def test_dividing_by_zero_is_a_result(running):
    for rule in ("adam", "rmsprop", "adagrad", "adadelta_zeiler", "nadam"):
        given = {"initial_accumulator_value": 0.0} if rule == "adagrad" else {}
        request = race(rule, "saddle", start=(1.0, 0.0), steps=3, epsilon=0.0, **given)
        (got,), (expected,) = ask(running, request)["runs"], pythons(request)["runs"]
        assert got["diverged"] == expected["diverged"] == 1
        assert_agree(got, expected, rule)
    flat = race("newton", surface="long_valley", start=(1e200, 0.0), steps=2)
    assert_agree(ask(running, flat), pythons(flat))


SERIES = {"do": "series", "values": [3.0, -1.0, 4.0, 1.0, -5.0, 9.0] * 30, "beta": 0.9}
MAP = {
    "do": "map",
    "surface": "beale",
    "start": [1.0, 1.5],
    "steps": 60,
    "run": {"rule": "adam", "source": None, "hyperparameters": {}},
    "x": {"name": "learning_rate", "values": [0.001, 0.01, 0.1, 0.3, 3.0]},
    "y": {"name": "beta_1", "values": [0.0, 0.5, 0.9]},
    "tolerance": 1.0,
}
OTHERS = {
    "from zero": SERIES | {"start": "zero", "corrected": False},
    "corrected": SERIES | {"start": "zero", "corrected": True},
    "from the first": SERIES | {"start": "first", "corrected": False},
    "no memory": SERIES | {"start": "zero", "corrected": True, "beta": 0},
    "a map": MAP,
    "a map's last row": MAP | {"row": 2},
    "a narrow map": MAP | {"x": {"name": "learning_rate", "values": [0.1]}},
    "a map of two": MAP | {"x": {"name": "epsilon", "values": [1e-8, 1e-2]}},
    "a map that diverges": MAP
    | {
        "surface": "ravine",
        "run": {"rule": "momentum"},
        "y": {"name": "momentum", "values": [0.5]},
        "steps": 900,
    }
    | {"x": {"name": "learning_rate", "values": [0.1, 5.0, 0.2]}},
    "the text of a rule": {"do": "source", "rule": "rprop_backtracking"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_answer_agrees(running, name):
    assert_agree(ask(running, OTHERS[name]), pythons(OTHERS[name]))


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces_agree(running, name):
    request = {"do": "surface", "surface": name, "size": 15}
    got, expected = ask(running, request), pythons(request)
    assert sorted(map(tuple, got.pop("minima"))) == sorted(map(tuple, expected.pop("minima")))
    assert_agree(got, expected)


RULE = """
def helper(g):
    return np.sign(g)


def mine(w, gradient, t, m=0.0, *, learning_rate=1 / 8):
    m = ewma(m, helper(gradient(w)), power(0.9, 1))
    return w - learning_rate * debias(m, 0.9, t), m
"""


def test_an_edited_rule_runs(running):
    request = edited(RULE, steps=30)
    assert_agree(ask(running, request), pythons(request))
    faster = edited(RULE.replace("1 / 8", "1 / 4"), steps=30)
    assert ask(running, faster)["runs"][0]["w"] != ask(running, request)["runs"][0]["w"]
    request = edited(RULE, steps=30, learning_rate=0.01)
    assert_agree(ask(running, request), pythons(request))
    request = edited(inspect.getsource(RULES["nadam_pytorch"]), steps=30, momentum_decay=0.01)
    assert_agree(ask(running, request), pythons(request))
    source = RULE.replace("0.9", "beta_1").replace("*,", "*, beta_1=0.5,")
    request = MAP | {"run": {"rule": "adam", "source": source}, "row": 1}
    assert_agree(ask(running, request), pythons(request))


BROKEN = {
    "syntax": ("def mine(w, gradient, t):\n    return w +\n", 2, "SyntaxError"),
    "name": (
        "def mine(w, gradient, t):\n    g = gradient(w)\n    return w - rate * g",
        3,
        "NameError: name 'rate'",
    ),
    "at once": ("limit = 1 / 0\ndef mine(w, gradient, t):\n    return w", 1, "ZeroDivisionError"),
    "in a helper": (RULE.replace("np.sign(g)", "g[2]"), 3, "IndexError: index 2 is out of bounds"),
    "later": ("def mine(w, gradient, t):\n    return w if t < 5 else w[7]", 2, "IndexError"),
    "no end": (
        "def mine(w, gradient, t):\n    return mine(w, gradient, t)",
        2,
        "RuntimeError: maximum recursion",
    ),
    "not here": (
        "def mine(w, gradient, t):\n    return np.fft(w)",
        2,
        "AttributeError: numpy.fft is not known on this",
    ),
    "exit": ("def mine(w, gradient, t):\n    raise SystemExit", 2, "SystemExit"),
    "memory": ("def mine(w, gradient, t):\n    return [0] * 10**9", 2, "MemoryError"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_error_in_a_rule_has_its_line(running, case):
    source, line, message = BROKEN[case]
    error = ask(running, edited(source))["runs"][0]["error"]
    assert error["line"] == line
    assert error["message"].startswith(message)
    assert f'File "<rule>", line {line}' in error["traceback"]
    assert source.split("\n")[line - 1].strip() in error["traceback"]
    assert error["traceback"].endswith(error["message"])
    assert "lib/" not in error["traceback"], "only the learner's own frames"


BAD = {
    "too few values": edited("def mine(w, gradient, t, m=0.0):\n    return w"),
    "a number": edited("def mine(w, gradient, t):\n    return 1.0"),
    "no rule": edited("x = 1"),
    "no rule's form": edited("def mine(w):\n    return w"),
    "an unknown rule": race("lion"),
    "an unknown surface": race("adam", surface="moon"),
    "an unknown request": {"do": "dance"},
    "a rate below zero": race("adam", learning_rate=-0.5),
    "a rate in words": race("adam", learning_rate="fast"),
    "nothing as a rate": race("adam", learning_rate=None),
    "an unknown hyperparameter": race("adam", rate=1.5),
    "a start in words": race("adam", start="xy"),
    "a start of one": race("adam", start=[1.5]),
    "no steps": race("adam", steps=0),
    "half a step": race("adam", steps=2.5),
    "steps without end": race("adam", steps=10**9),
    "a beta too large": SERIES | {"start": "zero", "corrected": False, "beta": 1.5},
    "an empty series": SERIES | {"start": "zero", "corrected": False, "values": []},
    "a rate out of range in a map": MAP | {"x": {"name": "learning_rate", "values": [0.1, -0.5, 0.1]}},
    "a map of one hyperparameter": MAP | {"x": MAP["y"]},
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_answered_in_pythons_words(running, name):
    def error(answer):
        return (answer if "error" in answer else answer["runs"][0])["error"]

    got, expected = error(ask(running, BAD[name])), error(pythons(BAD[name]))
    assert got == expected
    assert got["message"] and got["line"] is None


@pytest.mark.parametrize("module", ["js", "jsffi", "builtins", "uctypes", "asyncio", "sys"])
def test_a_strangers_rule_does_not_reach_the_browser(running, module):
    for way in (
        f"import {module}",
        f"from {module} import *",
        f"__import__('{module}')",
        f"import {module}.path",
    ):
        error = ask(running, edited(f"{way}\ndef mine(w, gradient, t):\n    return w"))["runs"][0]["error"]
        assert error["message"].startswith("ImportError: a rule on this page can import collections, ")
    allowed = (
        "import math\nimport numpy as np\nfrom collections import deque\nfrom lib.averages import ewma\n"
    )
    assert (
        ask(running, edited(f"{allowed}def mine(w, gradient, t):\n    return w"))["runs"][0]["error"] is None
    )


def test_the_engine_starts_when_it_is_needed(visit):
    visit.page.wait_for_load_state("networkidle")
    assert not [url for url in visit.requests if "worker" in url or "micropython" in url]
    began = time.perf_counter()
    ask(visit, race("adam"))
    first = time.perf_counter() - began
    assert len([url for url in visit.requests if url.endswith("micropython.wasm")]) == 1
    print(f"\nfirst answer, start of the engine included: {1000 * first:.0f} ms")


LOOP = "def mine(w, gradient, t):\n    while True:\n        t = [t]\n"
STOPPED = "Stopped after 2 seconds: does a loop never end, or are there too many steps?"


def test_an_endless_loop_is_stopped_and_the_engine_is_back(visit):
    answers, stopped, back = visit.page.evaluate(
        """async ([loop, race]) => {
            const answers = [await ask(race)];
            const began = performance.now();
            answers.push(await ask(loop));
            const stopped = performance.now();
            answers.push(await ask(race));
            return [answers, stopped - began, performance.now() - stopped];
        }""",
        [edited(LOOP), race("adam")],
    )
    assert answers[1]["error"]["message"] == STOPPED
    assert answers[2] | {"id": 1} == answers[0] | {"id": 1}
    print(f"\nstopped after {stopped / 1000:.2f} s, back after {back / 1000:.2f} s more")


def test_a_restart_disturbs_no_one_else(visit):
    """Loops one after the other, with questions before, between and after: each gets its own answer, once."""
    requests = [race("adam"), edited(LOOP), race("momentum"), edited(LOOP), race("nadam"), edited(RULE)]
    answers = visit.page.evaluate("(requests) => Promise.all(requests.map(ask))", requests)
    for request, answer in zip(requests, answers, strict=True):
        if LOOP in (request["runs"][0]["source"] or ""):
            assert answer["error"]["message"] == STOPPED
        else:
            assert_agree(answer, pythons(request))
    assert len([url for url in visit.requests if url.endswith("worker.js")]) == 3


def test_a_question_asked_while_the_engine_restarts_is_answered(visit):
    answers = visit.page.evaluate(
        """async ([loop, race]) => {
            const stopped = await ask(loop);
            return [stopped, await Promise.all([ask(race), ask(race)])];
        }""",
        [edited(LOOP), race("adam")],
    )
    assert answers[0]["error"]["message"] == STOPPED
    for answer in answers[1]:
        assert_agree(answer, pythons(race("adam")))


FOLLOW = """
([map, later, asked, once]) => new Promise((done) => {
  const heard = [];
  const end = () => (done(heard), true);
  follow(map, (answer) => {
    heard.push(answer.error?.message ?? answer.row);
    if (answer.error || answer.row + 1 === answer.of) end();
    if (answer.row === asked)
      follow(later, (other) => {
        heard.push(other.row === undefined ? "race" : `other ${other.row}`);
        if (once && other.row + 1 === other.of) end();
      });
  });
})
"""


def test_a_map_comes_row_by_row_and_lets_others_through(visit):
    large = MAP | {"y": {"name": "beta_1", "values": [k / 10 for k in range(8)]}}
    heard = visit.page.evaluate(FOLLOW, [large, race("adam"), 2, False])
    assert [row for row in heard if row != "race"] == list(range(8))
    assert heard.index(2) < heard.index("race") < heard.index(7)


def test_a_new_map_takes_the_place_of_the_old(visit):
    large = MAP | {"y": {"name": "beta_1", "values": [k / 100 for k in range(90)]}}
    heard = visit.page.evaluate(FOLLOW, [large, MAP, 2, True])
    assert heard[-3:] == ["other 0", "other 1", "other 2"]
    assert heard[:-3] == [0, 1, 2]


def test_a_map_may_take_longer_than_a_loop(visit):
    slow = (
        "def mine(w, gradient, t, *, rate=0, other=0):\n    for k in range(%d): pass\n    return rate * w\n"
    )
    request = MAP | {
        "run": {"rule": "adam", "source": slow % 20_000},
        "x": {"name": "rate", "values": [0.1, 0.2]},
        "y": {"name": "other", "values": [k / 20 for k in range(20)]},
    }
    began = time.perf_counter()
    assert visit.page.evaluate(FOLLOW, [request, race("adam"), -1, False]) == list(range(20))
    assert time.perf_counter() - began > 2
    request["run"]["source"] = slow % 10**8
    assert visit.page.evaluate(FOLLOW, [request, race("adam"), -1, False]) == [STOPPED]


def test_the_model_is_what_a_widget_expects(running):
    heard = running.page.evaluate(
        """async () => {
            const heard = [];
            const hear = (self, value) => heard.push([self === model, value]);
            model.on("change:kind", hear);
            model.set("kind", "race");
            model.set("kind", "map");
            model.off("change:kind", hear);
            model.set("kind", "race");
            model.save_changes();
            return [heard, model.get("kind"), model.get("setting"), model.get("page"), model.get("picture"),
                (await model.widget_manager.get_model("any")) === model];
        }"""
    )
    picture = "<svg><title>The first state</title></svg>"
    assert heard == [[[True, "map"]], "race", {"steps": 7}, True, picture, True]
    assert running.page.locator("[data-module]").inner_text() == "drawn by the widget"
    assert running.page.locator("svg").count() == 0


@pytest.mark.parametrize("missing", ["worker.js", "micropython.mjs", "micropython.wasm", "paths.py"])
def test_an_engine_that_cannot_start_says_so(browser, url, missing):
    one = Visit(browser, "about:blank", "desktop")
    one.page.route(f"**/{missing}", lambda route: route.abort())
    one.page.goto(url)
    one.page.get_by_text("drawn by the widget").wait_for()
    for _ in range(2):
        answer = ask(one, race("adam"))
        assert (
            answer["error"]["message"]
            == "The page's engine did not start: the picture stays as it was drawn."
        )
    one.context.close()


def test_without_webassembly_the_engine_says_so(browser, url):
    one = Visit(browser, "about:blank", "desktop")

    def strip(route):
        response = route.fetch()
        policy = response.headers["content-security-policy"].replace(" 'wasm-unsafe-eval'", "")
        route.fulfill(response=response, headers=response.headers | {"content-security-policy": policy})

    one.page.route("**/worker.js", strip)
    one.page.goto(url)
    one.page.get_by_text("drawn by the widget").wait_for()
    assert "did not start" in ask(one, race("adam"))["error"]["message"]
    one.context.close()


def test_a_widget_that_does_not_arrive_leaves_the_picture(browser, url):
    one = Visit(browser, "about:blank", "desktop")
    one.page.route("**/probe.js", lambda route: route.abort())
    one.page.goto(url)
    one.page.wait_for_load_state("networkidle")
    assert one.page.locator("svg title").inner_html() == "The first state"
    one.context.close()


def test_from_the_file_system_the_picture_stays_in_silence(browser, folder):
    one = Visit(browser, (folder / "index.html").as_uri(), "desktop")
    one.page.wait_for_load_state("networkidle")
    assert one.page.locator("svg title").inner_html() == "The first state"
    one.context.close()
    assert not one.complaints


def test_timings(visit):
    """Printed, not judged: `pytest -s`."""
    times = visit.page.evaluate(
        """async ([race, map, surface]) => {
            const time = async (request) => {
                const began = performance.now();
                await ask(request);
                return performance.now() - began;
            };
            const result = { first: await time(race), races: [] };
            for (let k = 1; k < 80; k++) result.races.push(await time(race));
            result.surface = await time(surface);
            const began = performance.now();
            await new Promise((done) => follow(map, (row) => row.row === row.of - 1 && done()));
            return { ...result, map: performance.now() - began };
        }""",
        [
            race("adam", "beale", (1.0, 1.5), learning_rate=0.01),
            MAP
            | {"steps": 100, "x": {"name": "learning_rate", "values": [0.001 * 1.3**k for k in range(24)]}}
            | {"y": {"name": "beta_1", "values": [k / 25 for k in range(24)]}},
            {"do": "surface", "surface": "beale", "size": 65},
        ],
    )
    races = np.array(times["races"])
    print(
        f"\nfirst answer, start included: {times['first']:.0f} ms"
        f"\nAdam, 100 steps: {np.median(races[:20]):.1f} ms at first, {np.median(races[40:]):.1f} ms warm"
        f"\nsurface 65 x 65: {times['surface']:.0f} ms; map 24 x 24 of Adam, 100 steps: {times['map']:.0f} ms"
    )
    assert len(races) == 79
