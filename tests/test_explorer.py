"""The explorer on the side of the notebook: what it holds, what it answers, what it refuses."""

import functools
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from lib import averages, optimizers, paths, surfaces
from lib.explorer import compute, explore, explore_average, explore_map

SVG = "{http://www.w3.org/2000/svg}"
RATES, BETAS = np.linspace(0.1, 1.9, 7), np.linspace(0.0, 0.9, 4)


def mine(w, gradient, t, *, learning_rate=0.1, boost=2.0, loud=False):
    """A rule of a notebook."""
    return (w - boost * learning_rate * gradient(w),)


def three():
    rules = [functools.partial(optimizers.momentum, momentum=beta) for beta in (0.0, 0.2, 0.9)]
    return explore(rules, surfaces.zigzag, steps=30, learning_rate=0.8)


def mapped(**options):
    return explore_map(
        optimizers.momentum, surfaces.ravine, steps=50, learning_rate=RATES, momentum=BETAS, **options
    )


MAKE = {"race": three, "map": mapped, "averages": lambda: explore_average([4.0, 4.95, 6.3], 0.9)}


def answers(explorer, request):
    """What the widget's JavaScript hears when it sends a request."""
    heard = []
    explorer.send = lambda content, buffers=None: heard.append(
        json.loads(json.dumps(content, allow_nan=False))
    )
    explorer._handle_custom_msg(request, [])
    return heard


@pytest.mark.parametrize("kind", MAKE)
def test_state_is_small_plain_and_the_same_every_time(kind):
    explorer, again = MAKE[kind](), MAKE[kind]()
    assert explorer.kind == kind
    for name in ("specification", "setting", "first"):
        text = json.dumps(getattr(explorer, name), allow_nan=False)
        assert text == json.dumps(getattr(again, name))
        assert len(text) < 16_000
    assert (explorer.picture, explorer.text) == (again.picture, again.text)


@pytest.mark.parametrize("kind", MAKE)
def test_a_notebook_stores_the_words(kind):
    explorer = MAKE[kind]()
    data = explorer._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    assert data["text/plain"] == repr(explorer) == explorer.text
    assert "0x" not in explorer.text and len(explorer.text) > 110
    assert "application/vnd.jupyter.widget-view+json" in data


@pytest.mark.parametrize("kind", MAKE)
def test_the_picture_is_a_described_drawing_without_styles_or_ids(kind):
    root = ET.fromstring(MAKE[kind]().picture)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text == MAKE[kind]().text
    for element in root.iter():
        assert not {"style", "id", "onclick", "href"} & set(element.attrib)
        numbers = re.findall(r"[a-z]{3,}", element.get("d", ""))
        assert not numbers  # nan, inf


def test_level_lines_are_there_for_the_widget_to_take():
    for explorer in (three(), mapped()):
        root = ET.fromstring(explorer.picture)
        (layer,) = [svg for svg in root.iter(f"{SVG}svg") if svg.get("class") == "surface"]
        assert len(layer) == 14
        assert layer.get("viewBox") == "0 0 1000 1000"


@pytest.mark.parametrize("name", compute.known_surfaces())
def test_level_lines_lie_where_the_level_is(name):
    surface = compute.known_surfaces()[name]
    root = ET.fromstring(explore([optimizers.adam], surface, steps=1).picture)
    (x0, x1), (y0, y1) = surface.window
    values = surface.value(np.array(np.meshgrid(np.linspace(x0, x1, 65), np.linspace(y0, y1, 65))))
    for path in [element for element in root.iter() if element.get("class") == "level"][::5]:
        corners = np.concatenate([follow(ring) for ring in path.get("d").split("M")[1:]]) / 1000
        inside = corners[((corners > 0.001) & (corners < 0.999)).all(axis=1)]
        if len(inside):
            x, y = x0 + inside[:, 0] * (x1 - x0), y1 - inside[:, 1] * (y1 - y0)
            share = [(values < value).mean() for value in surface.value(np.array([x, y]))]
            assert np.ptp(share) < 0.2  # all of one line are about as deep


def follow(ring):
    """The corners of a ring that is written relative to its first."""
    first, *moves = ring.rstrip("z").split("l")
    return np.cumsum([[float(n) for n in part.split()] for part in (first, *moves)], axis=0)


def test_first_paths_are_those_of_the_library():
    explorer = three()
    for run, momentum in zip(explorer.first["runs"], (0.0, 0.2, 0.9)):
        path = paths.trace(
            optimizers.momentum, surfaces.zigzag.gradient, (0.1, 3), 30, learning_rate=0.8, momentum=momentum
        )
        np.testing.assert_allclose(run["w"], path, rtol=1e-4)
        np.testing.assert_allclose(run["loss"], surfaces.zigzag.value(path.T), rtol=1e-3)


def test_widget_is_answered_through_python():
    explorer = three()
    request = {"id": "a-1", "do": "race", **explorer.setting}
    (answer,) = answers(explorer, request)
    assert answer["id"] == "a-1" and len(answer["runs"]) == 3
    np.testing.assert_allclose(answer["runs"][0]["w"][1], [0.564, 1.08])
    (answer,) = answers(explorer, {"id": "a-2", "do": "source", "rule": "adam"})
    assert answer["source"].startswith("def adam(")


def test_rule_and_surface_of_a_notebook_go_into_the_same_picture():
    bowl = surfaces.quadratic((1, 2), name="my bowl")
    explorer = explore([mine, optimizers.adam], bowl)
    described = {rule["name"]: rule for rule in explorer.specification["rules"]}
    assert [h["name"] for h in described["mine"]["hyperparameters"]] == ["learning_rate", "boost"]
    assert described["mine"]["source"].startswith("def mine(") and described["adam"]["source"] is None
    assert explorer.setting["surface"] == "my bowl"
    (answer,) = answers(explorer, {"id": "1", "do": "race", **explorer.setting})
    path = paths.trace(mine, bowl.gradient, bowl.start, 100)
    np.testing.assert_allclose(answer["runs"][0]["w"], path)


def test_a_notebooks_own_adam_races_the_librarys():
    def adam(w, gradient, t, *, learning_rate=0.5):
        return (w - learning_rate * gradient(w),)

    explorer = explore([adam, optimizers.adam], surfaces.ravine, steps=3)
    assert [run["rule"] for run in explorer.setting["runs"]] == ["adam (notebook)", "adam"]
    first, second = explorer.first["runs"]
    assert first["w"] != second["w"]


def test_two_rules_of_one_name_keep_their_own_paths():
    def made(rate):
        def rule(w, gradient, t):
            return (w - rate * gradient(w),)

        return rule

    slow, fast = made(0.1), made(0.5)
    explorer = explore([slow, fast, slow], surfaces.ravine, steps=3)
    assert [run["rule"] for run in explorer.setting["runs"]] == ["rule", "rule 2", "rule"]
    for run, rule in zip(explorer.first["runs"], (slow, fast, slow)):
        path = paths.trace(rule, surfaces.ravine.gradient, surfaces.ravine.start, 3)
        np.testing.assert_allclose(run["w"], path, rtol=1e-4)


def test_divergence_is_told():
    explorer = explore([optimizers.gradient_descent], surfaces.rosenbrock, steps=50, learning_rate=1.0)
    (run,) = explorer.first["runs"]
    assert run["diverged"] is not None and run["w"][-1] == [None, None]
    assert f"no longer finite at step {run['diverged']}" in explorer.text
    assert "leaves the picture at step 1" in explorer.text


def test_map_has_the_sweeps_numbers_and_plays_its_best_cell():
    explorer = mapped()
    found = paths.sweep(
        optimizers.momentum,
        surfaces.ravine,
        surfaces.ravine.start,
        50,
        learning_rate=RATES,
        momentum=BETAS[:, None],
    )
    np.testing.assert_allclose(explorer.first["final_loss"], found["final_loss"], rtol=1e-2)
    i, j = np.unravel_index(np.argmin(found["final_loss"]), found["final_loss"].shape)
    (run,) = explorer.setting["runs"]
    assert run["hyperparameters"]["learning_rate"] == pytest.approx(RATES[j])
    assert run["hyperparameters"]["momentum"] == pytest.approx(BETAS[i])
    picture = ET.fromstring(explorer.picture)
    classes = {element.get("class") for element in picture.iter()}
    assert "worse" in classes and any((name or "").startswith("shade") for name in classes)


def test_map_of_steps_has_its_own_kind_of_worse():
    explorer = mapped(show="steps_to_tolerance")
    steps = np.array(explorer.first["steps_to_tolerance"], dtype=float)
    assert np.isnan(steps).any() and np.nanmin(steps) > 0
    assert 'class="worse"' in explorer.picture
    assert "steps to loss 0.001" in explorer.text


HOPELESS = {"steps": 3000, "learning_rate": [5.0, 6.0], "momentum": [0.1, 0.2]}
WORSE = {"steps": 5, "learning_rate": [2.0, 2.1], "momentum": [0.0, 0.1]}
AT_THE_MINIMUM = {"start": surfaces.ravine.minima[0], "learning_rate": [0.1, 0.2], "momentum": [0.0, 0.5]}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("show", ["final_loss", "steps_to_tolerance"])
@pytest.mark.parametrize(
    "options, classes",
    [(HOPELESS, {"lost"}), (WORSE, {"worse"}), (AT_THE_MINIMUM, {"shade-10"})],
    ids=["diverges everywhere", "worse everywhere", "best from the start"],
)
def test_map_without_anything_to_compare_is_drawn_in_silence(options, classes, show):
    picture = ET.fromstring(explore_map(optimizers.momentum, show=show, **options).picture)
    found = {element.get("class", "") for element in picture.iter()}
    assert {name for name in found if name in ("lost", "worse") or name.startswith("shade")} == classes


def test_series_of_nothing_but_zero_is_drawn():
    assert "nan" not in explore_average([0.0, 0.0, 0.0]).picture


@pytest.mark.parametrize("start, corrected", [("zero", False), ("zero", True), ("first", False)])
def test_averages_are_the_librarys(start, corrected):
    values = np.random.default_rng(0).normal(size=30)
    explorer = explore_average(values, 0.8, start=start, corrected=corrected)
    expected = (
        averages.corrected_series(values, 0.8)
        if corrected
        else averages.ewma_series(values, 0.8, values[0] if start == "first" else 0.0)
    )
    np.testing.assert_allclose(explorer.first["averages"], expected, rtol=1e-3)
    assert "window 5, half-life 3.11, lag 4 steps" in explorer.text


BAD = {
    "no list": (lambda: explore(optimizers.adam), "rules must be a list of rules, got <function adam"),
    "no surface": (
        lambda: explore([mine], "beale"),
        "surface must be a Surface of lib.surfaces, got 'beale'",
    ),
    "no rules": (lambda: explore([]), "rules must be a list of 1 to 6"),
    "too many": (lambda: explore([mine] * 7), "got 7"),
    "unknown hyperparameter": (lambda: explore([mine], speed=1.0), "mine has no hyperparameter speed"),
    "out of range": (
        lambda: explore([optimizers.adam], beta_1=1.0),
        r"beta_1 must be a finite number in \[0, 1\)",
    ),
    "a schedule": (
        lambda: explore([optimizers.adam], learning_rate=lambda t: 1 / t),
        "must be a number here",
    ),
    "no steps": (lambda: explore([mine], steps=0), "steps must be a whole number >= 1"),
    "start": (lambda: explore([mine], start=(1, 2, 3)), "start must be two numbers"),
    "a start that is one number": (lambda: explore([mine], start=5), "start must be two numbers"),
    "no rule": (lambda: explore(["adam"]), "rule must be a function"),
    "one axis": (lambda: explore_map(mine, learning_rate=RATES), "two hyperparameters must be lists"),
    "an empty axis": (
        lambda: explore_map(mine, learning_rate=[], boost=BETAS),
        "must be lists of values, got boost",
    ),
    "what to show": (lambda: mapped(show="beauty"), "show must be"),
    "beta": (lambda: explore_average([1.0], 1.0), r"beta must be a number in \[0, 1\)"),
    "values": (lambda: explore_average([1.0, np.nan]), "values must be finite"),
    "two series": (lambda: explore_average([[1.0], [2.0]]), r"values must be one series, got shape \(2, 1\)"),
    "another start": (
        lambda: explore_average([1.0], start="last"),
        "start must be 'zero' or 'first', got 'last'",
    ),
    "both cures": (lambda: explore_average([1.0], start="first", corrected=True), "starts at zero"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(case):
    make, message = BAD[case]
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_mistake_of_the_javascript_is_answered_not_raised():
    (answer,) = answers(three(), {"id": "x", "do": "dance"})
    assert answer["id"] == "x" and "there is no request 'dance'" in answer["error"]["message"]


def test_the_widget_is_an_ordinary_anywidget():
    state = three().get_state()
    assert state["_esm"].startswith("// The explorer's pictures.") and "export default" in state["_esm"]
    assert ".explorer" in state["_css"]
    assert state["_view_module"] == "anywidget"
