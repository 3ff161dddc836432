"""lib/paths.py: the contract of trace, history and sweep, and what they say to bad input."""

import functools
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from lib import optimizers, paths, schedules, surfaces, sweep, trace
from lib.paths import diverged, effective_rate, history, signature, walk
from tests.rules import RULES, SURFACES

RAVINE = surfaces.ravine
START = (0.1, 3.5)
LOOKS_AHEAD = {"nesterov"}  # asks for the gradient elsewhere than at w

every_rule = pytest.mark.parametrize("name", RULES)


def functions(rule, surface):
    """What a rule needs beside numbers."""
    return {"hessian": surface.hessian} if "hessian" in signature(rule)[1] else {}


def random_settings(rule, shape, seed=0):
    """Allowed values, of the given shape, for every numeric hyperparameter of a rule."""
    rng = np.random.default_rng(seed)
    settings = {}
    for name, default in signature(rule)[1].items():
        low, high = paths.LIMITS.get(name, (0.0, np.inf))
        if name not in paths.FUNCTIONS:
            spread = rng.uniform(0, 1, shape)
            settings[name] = low + (spread if high == 1 else 30 * spread * (default - low + 1e-3))
    return settings


def one(settings, index):
    return {name: value[index] for name, value in settings.items()}


def loop(rule, gradient, start, steps, **hyperparameters):
    """The loop a reader would write."""
    w = np.array(start, dtype=float)
    state = list(signature(rule)[0].values())
    points, states = [w], []
    with np.errstate(all="ignore"):
        for t in range(1, steps + 1):
            w, *state = rule(w, gradient, t, *state, **hyperparameters)
            points.append(w)
            states.append(state)
    return np.array(points), states


# The contract


def test_the_contract():
    from lib import debias, ewma, optimizers, surfaces, sweep, trace

    path = trace(
        optimizers.adam,
        surfaces.ravine.gradient,
        start=(0.1, 3.5),
        steps=50,
        learning_rate=0.1,
        beta_1=0.9,
        beta_2=0.9,
    )
    assert path.shape == (51, 2)
    rates = np.linspace(0.01, 0.5, 7)
    maps = trace(
        optimizers.momentum,
        surfaces.ravine.gradient,
        (0.1, 3.5),
        100,
        learning_rate=rates,
        momentum=0.9,
    )
    assert maps.shape == (101, 2, 7)
    assert all(map(callable, (sweep, ewma, debias)))


@every_rule
def test_a_path_is_the_plain_loop_to_the_bit(name):
    rule = RULES[name]
    settings = functions(rule, RAVINE) | {k: float(v) for k, v in random_settings(rule, ()).items()}
    for hyperparameters in (functions(rule, RAVINE), settings):
        path = trace(rule, RAVINE.gradient, START, 30, **hyperparameters)
        np.testing.assert_array_equal(path, loop(rule, RAVINE.gradient, START, 30, **hyperparameters)[0])
        assert path.dtype == float


@every_rule
def test_settings_run_together_are_the_settings_run_alone(name):
    rule = RULES[name]
    settings = random_settings(rule, 5)
    shape = (5,) if settings else ()
    together = trace(rule, RAVINE.gradient, START, 30, **functions(rule, RAVINE), **settings)
    assert together.shape == (31, 2, *shape)
    for index in np.ndindex(shape):
        alone = trace(
            rule,
            RAVINE.gradient,
            START,
            30,
            **functions(rule, RAVINE),
            **one(settings, index),
        )
        np.testing.assert_array_equal(together[:, :, *index], alone)


@pytest.mark.parametrize(
    ("start", "rate", "momentum", "batch"),
    [
        ((2,), (), (), ()),
        ((2,), (3,), (), (3,)),
        ((2,), (3,), (3,), (3,)),
        ((2,), (4, 1), (3,), (4, 3)),
        ((2, 3), (), (), (3,)),
        ((2, 3), (3,), (), (3,)),
        ((2, 1), (3,), (), (3,)),
        ((2, 3), (4, 1), (), (4, 3)),
        ((2, 3), (5, 4, 1), (4, 3), (5, 4, 3)),
        ((2, 4, 3), (), (), (4, 3)),
        ((2, 4, 3), (3,), (4, 1), (4, 3)),
        ((2, 4, 1), (3,), (), (4, 3)),
    ],
)
@pytest.mark.parametrize("scheduled", [False, True])
def test_batches_broadcast(start, rate, momentum, batch, scheduled):
    rng = np.random.default_rng(1)
    start, rate, momentum = (
        rng.normal(size=start),
        rng.uniform(0, 0.4, rate),
        rng.uniform(0, 0.9, momentum),
    )
    given = (lambda t: rate / t) if scheduled else rate
    rule = optimizers.momentum
    path = trace(rule, RAVINE.gradient, start, 4, learning_rate=given, momentum=momentum)
    assert path.shape == (5, 2, *batch)
    starts = [np.broadcast_to(coordinate, batch) for coordinate in start]
    rates, momenta = np.broadcast_to(rate, batch), np.broadcast_to(momentum, batch)
    for index in np.ndindex(batch):
        alone = trace(
            rule,
            RAVINE.gradient,
            [coordinate[index] for coordinate in starts],
            4,
            learning_rate=(lambda t, i=index: rates[i] / t) if scheduled else rates[index],
            momentum=momenta[index],
        )
        np.testing.assert_array_equal(path[:, :, *index], alone)


@pytest.mark.parametrize("n", [1, 3, 10])
def test_any_number_of_weights(n):
    start = np.arange(n) + 1.0
    path = trace(optimizers.gradient_descent, lambda w: 2 * w, start, 3, learning_rate=0.25)
    np.testing.assert_array_equal(path, [start, start / 2, start / 4, start / 8])


def test_a_rule_may_return_its_point_as_a_list():
    def listed(w, gradient, t, *, learning_rate=0.25):
        return [x - learning_rate * g for x, g in zip(w, gradient(w))]

    path = trace(listed, lambda w: 2 * w, (1.0, 2.0), 3)
    np.testing.assert_array_equal(
        path, trace(optimizers.gradient_descent, lambda w: 2 * w, (1.0, 2.0), 3, learning_rate=0.25)
    )


@pytest.mark.parametrize("steps", [1, np.int64(1)])
def test_whole_numbers_and_lists_are_numbers(steps):
    path = trace(optimizers.gradient_descent, lambda w: [4, 6], [3, 2], steps, learning_rate=1)
    np.testing.assert_array_equal(path, [[3, 2], [-1, -4]])
    assert path.dtype == float


def test_any_hyperparameter_may_be_a_schedule_counted_from_one():
    asked = []

    def beta(t):
        asked.append(t)
        return 0.5 / t

    path = trace(
        optimizers.momentum,
        lambda w: np.ones_like(w),
        (0.0,),
        3,
        learning_rate=1.0,
        momentum=beta,
    )
    velocity = [-1.0, -1.0 - 1 / 4, -1.0 - 1.25 / 6]
    np.testing.assert_allclose(path[:, 0], np.cumsum([0, *velocity]), rtol=1e-15)
    assert set(asked) == {1, 2, 3}
    asked.clear()
    trace(optimizers.momentum, np.ones_like, (0.0,), 1, momentum=beta)
    assert set(asked) == {1}
    constant = trace(
        optimizers.adam,
        RAVINE.gradient,
        START,
        20,
        learning_rate=schedules.constant(0.3),
    )
    np.testing.assert_array_equal(
        constant, trace(optimizers.adam, RAVINE.gradient, START, 20, learning_rate=0.3)
    )


def test_a_learners_rule_may_return_the_bare_point():
    def sign_descent(w, gradient, t, *, learning_rate=0.5, drift):
        return w - learning_rate * np.sign(gradient(w)) + drift / t

    path = trace(sign_descent, lambda w: 2 * w, (3.0, -1.0), 2, drift=0.5)
    np.testing.assert_array_equal(path, [[3, -1], [3, 0], [2.75, 0.25]])
    record = history(sign_descent, lambda w: 2 * w, (3.0, -1.0), 2, drift=0.5)
    assert set(record) == {"w", "gradient"}
    np.testing.assert_array_equal(record["w"], path)


def test_a_rule_with_arguments_bound_and_a_rule_of_a_class_are_rules():
    class Descent:
        def __call__(self, w, gradient, t, *, learning_rate=0.01):
            return w - learning_rate * gradient(w)

    expected = trace(optimizers.gradient_descent, RAVINE.gradient, START, 5, learning_rate=0.1)
    bound = functools.partial(optimizers.gradient_descent, learning_rate=0.1)
    np.testing.assert_array_equal(trace(bound, RAVINE.gradient, START, 5), expected)
    np.testing.assert_array_equal(trace(Descent(), RAVINE.gradient, START, 5, learning_rate=0.1), expected)


def test_a_surface_of_two_functions_is_enough():
    mine = surfaces.Surface(lambda w: (w**4).sum(axis=0), lambda w: 4 * w**3)
    path = trace(optimizers.gradient_descent, mine.gradient, (1.0, -0.5), 100, learning_rate=0.1)
    found = sweep(
        optimizers.gradient_descent,
        mine,
        (1.0, -0.5),
        100,
        learning_rate=0.1,
        tolerance=0.01,
    )
    assert found["final_loss"] == mine.value(path[-1]) < 0.001
    with pytest.raises(ValueError, match="surface has no Hessian"):
        trace(optimizers.newton, mine.gradient, (1.0, 1.0), 1, hessian=mine.hessian)


# A gradient may be random or remember: nothing may call it but the rule.


@every_rule
def test_the_gradient_is_called_once_a_step(name, monkeypatch):
    rule = RULES[name]
    calls = []
    counting = surfaces.Surface(RAVINE.value, lambda w: (calls.append(w), RAVINE.gradient(w))[1])
    trace(rule, counting.gradient, START, 7, **functions(rule, RAVINE))
    assert len(calls) == 7
    calls.clear()
    history(rule, counting.gradient, START, 7, **functions(rule, RAVINE))
    assert len(calls) == 7
    calls.clear()
    monkeypatch.setattr(paths, "BLOCK", 2)
    sweep(rule, counting, np.ones((2, 5)), 7, **functions(rule, RAVINE))
    assert [w.shape for w in calls] == 14 * [(2, 2)] + 7 * [(2, 1)]


def test_a_stochastic_gradient_is_drawn_once_a_step():
    def noisy():
        rng = np.random.default_rng(3)
        return lambda w: RAVINE.gradient(w) + rng.normal(size=w.shape)

    expected, _ = loop(optimizers.adam, noisy(), START, 20, learning_rate=0.1)
    np.testing.assert_array_equal(trace(optimizers.adam, noisy(), START, 20, learning_rate=0.1), expected)
    record = history(optimizers.adam, noisy(), START, 20, learning_rate=0.1)
    np.testing.assert_array_equal(record["w"], expected)
    draws = np.random.default_rng(3).normal(size=(20, 2))
    told = np.array([RAVINE.gradient(w) for w in expected[:-1]]) + draws
    np.testing.assert_array_equal(record["gradient"], told)


# history


@every_rule
def test_history_holds_the_path_the_gradients_and_the_state_by_name(name):
    rule = RULES[name]
    settings = functions(rule, RAVINE) | {k: float(v) for k, v in random_settings(rule, (), 4).items()}
    record = history(rule, RAVINE.gradient, START, 20, **settings)
    points, states = loop(rule, RAVINE.gradient, START, 20, **settings)
    state = signature(rule)[0]
    assert set(record) == {"w", "gradient", *state}
    np.testing.assert_array_equal(record["w"], points)
    for position, part in enumerate(state):
        assert record[part].shape == (20, 2)
        expected = [np.broadcast_to(values[position], 2) for values in states]
        np.testing.assert_array_equal(record[part], expected)
    assert record["gradient"].shape == (20, 2)
    if name not in LOOKS_AHEAD:
        np.testing.assert_array_equal(record["gradient"], [RAVINE.gradient(w) for w in points[:-1]])


@every_rule
def test_a_walk_is_the_history_step_by_step(name):
    rule = RULES[name]
    record = history(rule, RAVINE.gradient, START, 9, **functions(rule, RAVINE))
    steps = walk(rule, RAVINE.gradient, START, 9, **functions(rule, RAVINE))
    for step, (t, w, state) in enumerate(steps, 1):
        assert t == step
        np.testing.assert_array_equal(w, record["w"][t])
        for part, value in zip(signature(rule)[0], state):
            np.testing.assert_array_equal(np.broadcast_to(value, 2), record[part][t - 1])
    assert step == 9


def test_a_walk_refuses_before_its_first_step():
    with pytest.raises(TypeError, match="adam has no hyperparameter rho"):
        walk(optimizers.adam, RAVINE.gradient, START, 9, rho=0.9)


def test_history_records_the_gradient_where_nesterov_asks_for_it():
    record = history(optimizers.nesterov, RAVINE.gradient, START, 20, learning_rate=0.1, momentum=0.9)
    velocity = np.vstack([np.zeros((1, 2)), record["velocity"][:-1]])
    ahead = record["w"][:-1] + 0.9 * velocity
    np.testing.assert_array_equal(record["gradient"], [RAVINE.gradient(w) for w in ahead])


def test_history_of_a_batch():
    rates = np.array([0.1, 0.2, 0.3])
    record = history(optimizers.nadam, RAVINE.gradient, START, 6, learning_rate=rates)
    assert {name: values.shape for name, values in record.items()} == {
        "w": (7, 2, 3),
        **dict.fromkeys(("gradient", "m", "v", "product"), (6, 2, 3)),
    }
    alone = history(optimizers.nadam, RAVINE.gradient, START, 6, learning_rate=0.2)
    for name, values in alone.items():
        np.testing.assert_array_equal(record[name][..., 1], values)


def test_the_effective_rate_is_what_the_gradient_was_multiplied_by():
    record = history(optimizers.gradient_descent, RAVINE.gradient, START, 5, learning_rate=0.1)
    np.testing.assert_allclose(effective_rate(record), np.full((5, 2), 0.1), rtol=1e-12)
    record = history(optimizers.adagrad, RAVINE.gradient, START, 5, learning_rate=0.5)
    expected = 0.5 / np.sqrt(record["accumulator"] + 1e-7)
    np.testing.assert_allclose(effective_rate(record), expected, rtol=1e-12)


def test_the_effective_rate_is_nan_where_there_was_no_gradient_or_no_number():
    still = history(optimizers.gradient_descent, RAVINE.gradient, (4.0, 3.0), 1, learning_rate=0.1)
    np.testing.assert_allclose(effective_rate(still), [[np.nan, 0.1]])
    script = iter([[1.0], [0.0]])  # the velocity goes on without a gradient
    rolling = history(optimizers.momentum, lambda w: next(script), (0.0,), 2, learning_rate=0.5)
    np.testing.assert_array_equal(effective_rate(rolling), [[0.5], [np.nan]])
    lost = history(optimizers.gradient_descent, lambda w: w**3, (9.0,), 9, learning_rate=9.0)
    finite = np.isfinite(lost["w"][1:])
    assert not finite.all()
    np.testing.assert_array_equal(np.isnan(effective_rate(lost)), ~finite)


# Divergence is a result


@every_rule
@pytest.mark.parametrize("run", ["trace", "history", "sweep"])
def test_no_rule_warns_raises_or_leaves_numpy_changed_when_numbers_end(name, run):
    rule = RULES[name]
    explosive = surfaces.Surface(
        lambda w: np.exp(w * w).sum(axis=0),
        lambda w: 2 * w * np.exp(w * w),
        lambda w: np.zeros((2, 2)),
    )
    settings = functions(rule, explosive)
    if "learning_rate" in signature(rule)[1]:
        settings["learning_rate"] = 1e300
    before = np.geterr()
    with np.errstate(all="raise"):
        if run == "sweep":
            lost = sweep(rule, explosive, (26.0, 27.0), 5, **settings)["diverged"]
            assert lost == (np.inf if name.startswith("rprop") else 1)  # a sign is always finite
        elif run == "history":
            record = history(rule, explosive.gradient, (26.0, 27.0), 5, **settings)
            effective_rate(record)
        else:
            trace(rule, explosive.gradient, (26.0, 27.0), 5, **settings)
    assert np.geterr() == before


def test_diverged_is_the_first_step_with_a_number_lost():
    path = np.zeros((6, 2, 5))
    path[3:, 0, 1] = np.inf
    path[2, 1, 2] = np.nan  # back afterwards, but lost it was
    path[5, :, 3] = -np.inf
    path[1, 0, 4] = np.nan
    np.testing.assert_array_equal(diverged(path), [np.inf, 3, 2, 5, 1])
    np.testing.assert_array_equal(diverged(path.reshape(6, 2, 5, 1)).shape, (5, 1))
    assert diverged(path[:, :, 0]) == np.inf
    assert diverged(path[:, :, 1]) == 3
    assert np.ndim(diverged(path[:, :, 1])) == 0


def test_divergence_is_found_at_the_step_python_finds_it():
    w, step = 1.0, 0
    while np.isfinite(w):
        w, step = w - 10.0 * (w + w), step + 1
    bowl = surfaces.quadratic((1, 1))
    path = trace(optimizers.gradient_descent, bowl.gradient, (1.0, 0.0), 300, learning_rate=10.0)
    assert diverged(path) == step == 242
    found = sweep(optimizers.gradient_descent, bowl, (1.0, 0.0), 300, learning_rate=[0.1, 10.0])
    np.testing.assert_array_equal(found["diverged"], [np.inf, 242])
    assert not np.isfinite(found["final_loss"][1])
    assert found["steps_to_tolerance"][1] == np.inf


def test_a_walk_diverges_without_a_warning_and_leaves_the_callers_warnings_alone():
    steps = list(walk(optimizers.gradient_descent, RAVINE.gradient, START, 300, learning_rate=100.0))
    path = trace(optimizers.gradient_descent, RAVINE.gradient, START, 300, learning_rate=100.0)
    np.testing.assert_array_equal([w for _, w, _ in steps], path[1:])
    assert diverged(path) < 300
    for _ in walk(optimizers.adam, RAVINE.gradient, START, 1):
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            np.divide(1.0, np.zeros(1))


@pytest.mark.parametrize(
    "slope", [math.exp, math.sinh, lambda x: x**3, lambda x: x - math.cos(x) + x], ids=range(4)
)
def test_a_gradient_in_plain_python_diverges_like_one_in_numpy(slope):
    path = trace(
        optimizers.gradient_descent, lambda w: [-slope(float(w[0]))], (1.0,), 3000, learning_rate=0.5
    )
    step = diverged(path)
    assert 1 < step < 3000
    assert np.isfinite(path[: int(step)]).all()


def test_a_gradient_that_fails_before_the_path_diverges_is_an_error():
    with pytest.raises(ValueError, match=r"shape \(1,\), the start's: math domain error"):
        trace(optimizers.gradient_descent, lambda w: [math.sqrt(float(w[0]))], (-1.0,), 3)
    with pytest.raises(ZeroDivisionError):
        trace(optimizers.gradient_descent, lambda w: [1 / float(w[0])], (0.0,), 3)


def test_the_best_of_a_sweep_is_never_a_setting_that_diverged():
    rates = np.array([2.0, 0.1, 5.0])
    for surface in (RAVINE, surfaces.saddle, surfaces.rosenbrock):
        found = sweep(optimizers.momentum, surface, surface.start, 3000, learning_rate=rates)
        lost = np.isfinite(found["diverged"])
        assert lost[0] and lost[2]
        np.testing.assert_array_equal(found["final_loss"][lost], np.inf)
    bowl = surfaces.Surface(lambda w: np.where(w[0] > 0, w[0], np.nan), lambda w: 0 * w)
    found = sweep(optimizers.gradient_descent, bowl, [[1.0, -1.0], [0.0, 0.0]], 1)
    np.testing.assert_array_equal(found["final_loss"], [1.0, np.inf])


def test_numbers_whose_sum_overflows_are_still_numbers():
    large = surfaces.Surface(lambda w: w[0], lambda w: -1e308 * np.ones_like(w))
    found = sweep(optimizers.gradient_descent, large, (0.0, 0.0), 2, learning_rate=[1.0, 0.5])
    np.testing.assert_array_equal(found["diverged"], [2, np.inf])


# sweep


def expected_of(path, surface, tolerance):
    with np.errstate(all="ignore"):
        loss = [surface.value(point) for point in path[1:]]
    reached = [t for t, value in enumerate(loss, 1) if value <= tolerance]
    return {
        "final_loss": loss[-1] if np.isfinite(path).all() and loss[-1] == loss[-1] else np.inf,
        "steps_to_tolerance": min(reached, default=np.inf),
        "diverged": diverged(path),
    }


@pytest.mark.parametrize("surface", SURFACES)
@every_rule
def test_a_sweep_is_its_single_runs_to_the_bit(name, surface, monkeypatch):
    monkeypatch.setattr(paths, "BLOCK", 4)
    rule, surface = RULES[name], SURFACES[surface]
    settings = random_settings(rule, 11)
    start = surface.start if settings else np.array(surface.start)[:, None] * np.linspace(0.5, 1.5, 11)
    tolerance = surface.value(surface.start) / 2
    found = sweep(
        rule,
        surface,
        start,
        25,
        tolerance=tolerance,
        **functions(rule, surface),
        **settings,
    )
    for index in (0, 3, 4, 10):
        point = start if settings else start[:, index]
        alone = one(settings, index) | functions(rule, surface)
        expected = expected_of(trace(rule, surface.gradient, point, 25, **alone), surface, tolerance)
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key][index], value, err_msg=f"{key} of {index}")


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 9])
def test_blocks_change_nothing(count, monkeypatch):
    settings = random_settings(optimizers.adam, count)
    whole = sweep(optimizers.adam, RAVINE, START, 40, tolerance=1.0, **settings)
    monkeypatch.setattr(paths, "BLOCK", 4)
    in_blocks = sweep(optimizers.adam, RAVINE, START, 40, tolerance=1.0, **settings)
    for key, values in whole.items():
        assert values.shape == (count,)
        np.testing.assert_array_equal(in_blocks[key], values)


def test_a_sweep_longer_than_a_block_as_it_ships():
    rates = np.linspace(0.01, 0.9, paths.BLOCK + 3)
    found = sweep(optimizers.momentum, RAVINE, START, 20, learning_rate=rates, momentum=0.2)
    for index in (0, paths.BLOCK - 1, paths.BLOCK, paths.BLOCK + 2):
        path = trace(
            optimizers.momentum,
            RAVINE.gradient,
            START,
            20,
            learning_rate=rates[index],
            momentum=0.2,
        )
        for key, value in expected_of(path, RAVINE, 1e-3).items():
            assert found[key][index] == value


@pytest.mark.parametrize("block", [1, 5, 6, 100])
def test_a_map_of_two_hyperparameters_and_of_starts(block, monkeypatch):
    monkeypatch.setattr(paths, "BLOCK", block)
    rates, betas = np.array([[0.1], [0.3], [2.0]]), np.array([0.0, 0.5, 0.9, 0.99])
    starts = np.random.default_rng(2).normal(size=(2, 3, 4))
    found = sweep(
        optimizers.momentum,
        RAVINE,
        starts,
        30,
        tolerance=0.5,
        learning_rate=rates,
        momentum=betas,
    )
    for i, j in np.ndindex(3, 4):
        path = trace(
            optimizers.momentum,
            RAVINE.gradient,
            starts[:, i, j],
            30,
            learning_rate=rates[i, 0],
            momentum=betas[j],
        )
        for key, value in expected_of(path, RAVINE, 0.5).items():
            assert found[key].shape == (3, 4)
            assert found[key][i, j] == value


@pytest.mark.parametrize("block", [2, 100])
def test_schedules_in_a_sweep(block, monkeypatch):
    monkeypatch.setattr(paths, "BLOCK", block)
    rates, betas = np.array([0.1, 0.3, 0.5]), np.array([[0.5], [0.9]])
    found = sweep(
        optimizers.momentum,
        RAVINE,
        START,
        20,
        tolerance=0.5,
        learning_rate=lambda t: rates / t,
        momentum=lambda t: betas * (1 - 1 / (t + 1)),
    )
    fading = sweep(
        optimizers.momentum,
        RAVINE,
        START,
        20,
        tolerance=0.5,
        learning_rate=schedules.exponential(0.5, 10, 0.5),
        momentum=betas,
    )
    for i, j in np.ndindex(2, 3):
        path = trace(
            optimizers.momentum,
            RAVINE.gradient,
            START,
            20,
            learning_rate=lambda t, j=j: rates[j] / t,
            momentum=lambda t, i=i: betas[i, 0] * (1 - 1 / (t + 1)),
        )
        for key, value in expected_of(path, RAVINE, 0.5).items():
            assert found[key][i, j] == value
        path = trace(
            optimizers.momentum,
            RAVINE.gradient,
            START,
            20,
            learning_rate=schedules.exponential(0.5, 10, 0.5),
            momentum=betas[i, 0],
        )
        for key, value in expected_of(path, RAVINE, 0.5).items():
            assert fading[key][i, 0] == value


def test_a_sweep_of_one_setting_gives_numbers_and_counts_from_the_first_step():
    found = sweep(optimizers.gradient_descent, RAVINE, RAVINE.minima[0], 3, tolerance=0.0)
    assert found == {"final_loss": 0.0, "steps_to_tolerance": 1.0, "diverged": np.inf}
    assert all(np.ndim(value) == 0 for value in found.values())


def test_the_tolerance_is_reached_when_the_loss_equals_it():
    path = trace(optimizers.gradient_descent, RAVINE.gradient, START, 10, learning_rate=0.1)
    for t in (1, 4, 10):
        loss = RAVINE.value(path[t])
        for tolerance, expected in (
            (loss, t),
            (np.nextafter(loss, 0), t + 1 if t < 10 else np.inf),
        ):
            found = sweep(
                optimizers.gradient_descent,
                RAVINE,
                START,
                10,
                learning_rate=0.1,
                tolerance=tolerance,
            )
            assert found["steps_to_tolerance"] == expected


def test_the_tolerance_is_a_thousandth_unless_told():
    for loss, expected in ((0.001, 1), (0.001001, np.inf)):
        level = surfaces.Surface(lambda w, loss=loss: loss + 0 * w[0], np.zeros_like)
        assert sweep(optimizers.gradient_descent, level, START, 1)["steps_to_tolerance"] == expected


# Arguments stay as they were


@every_rule
def test_arguments_are_left_alone(name):
    rule = RULES[name]
    start = np.array([[0.1, 0.2, 0.3], [3.5, 3.0, 2.5]])
    settings = random_settings(rule, 3)
    given = [start, *settings.values()]
    copies = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    path = trace(rule, RAVINE.gradient, start, 5, **functions(rule, RAVINE), **settings)
    history(rule, RAVINE.gradient, start, 5, **functions(rule, RAVINE), **settings)
    sweep(rule, RAVINE, start, 5, **functions(rule, RAVINE), **settings)
    for array, copy in zip(given, copies):
        np.testing.assert_array_equal(array, copy)
        assert not np.shares_memory(path, array)


# Bad input


LEARNING_RATE = "learning_rate must be a finite number >= 0, got "
NUMERIC = [(name, h) for name, rule in RULES.items() for h in signature(rule)[1] if h not in paths.FUNCTIONS]


def outside(hyperparameter):
    low, high = paths.LIMITS[hyperparameter]
    values = [low - 0.5, np.nan, np.inf, -np.inf]
    return [*values, high, high + 0.5] if high < np.inf else values


@pytest.mark.parametrize(("name", "hyperparameter"), NUMERIC)
def test_every_hyperparameter_of_every_rule_is_held_to_its_limits(name, hyperparameter):
    rule, (low, high) = RULES[name], paths.LIMITS[hyperparameter]
    other = functions(rule, RAVINE)
    if hyperparameter == "max_step_size":
        other["min_step_size"] = 0.0
    allowed = f"in [{low:g}, {high:g})" if high < np.inf else f">= {low:g}"
    for value in outside(hyperparameter):
        expected = f"{hyperparameter} must be a finite number {allowed}, got "
        given = (
            value,
            np.float64(value),
            [low, value],
            np.array([[low], [value]]),
            lambda t, bad=value: bad,
            lambda t, bad=value: low if t < 3 else bad,
            lambda t, bad=value: np.array([low, bad]),
        )
        for bad in given:
            for run, target in (
                (trace, RAVINE.gradient),
                (history, RAVINE.gradient),
                (sweep, RAVINE),
            ):
                with pytest.raises(ValueError, match=hyperparameter) as caught:
                    run(rule, target, START, 3, **other, **{hyperparameter: bad})
                assert str(caught.value).startswith(expected)
                assert str(value) in str(caught.value)
    for good in (low, [low, np.nextafter(high, 0) if high < np.inf else 1e3]):
        trace(rule, RAVINE.gradient, START, 3, **other, **{hyperparameter: good})


def spare(w, gradient, t, v=0.0, *, gain=-1.0):
    return w + gain * gradient(w), v


TWO = np.ones(2)
BAD = {
    "an unknown hyperparameter": (
        {"beta": 0.9},
        TypeError,
        "adam has no hyperparameter beta (given 0.9); it has: learning_rate, beta_1, beta_2, epsilon",
    ),
    "a hyperparameter for a rule without": (
        {"rule": lambda w, gradient, t: w, "rate": 1},
        TypeError,
        "<lambda> has no hyperparameter rate (given 1); it has: none",
    ),
    "a missing hyperparameter": (
        {"rule": optimizers.newton},
        TypeError,
        "newton needs a value for its hyperparameter hessian",
    ),
    "a number for a function": (
        {"rule": optimizers.newton, "hessian": 3.0},
        TypeError,
        "hessian must be a function of w, got 3.0",
    ),
    "a word for a number": (
        {"learning_rate": "fast"},
        TypeError,
        "learning_rate must be a number or an array of numbers, got 'fast'",
    ),
    "a schedule of words": (
        {"learning_rate": lambda t: "fast"},
        TypeError,
        "learning_rate must be a number or an array of numbers, got 'fast'",
    ),
    "nothing for a number": (
        {"learning_rate": None},
        ValueError,
        LEARNING_RATE + "None",
    ),
    "a negative rate": ({"learning_rate": -0.1}, ValueError, LEARNING_RATE + "-0.1"),
    "the first of several bad rates": (
        {"learning_rate": [0.1, -0.2, -0.3]},
        ValueError,
        LEARNING_RATE + "-0.2",
    ),
    "a rate without end": (
        {"learning_rate": np.inf},
        ValueError,
        LEARNING_RATE + "inf",
    ),
    "a beta of one": (
        {"beta_1": 1.0},
        ValueError,
        "beta_1 must be a finite number in [0, 1), got 1.0",
    ),
    "any other hyperparameter": (
        {"rule": spare, "gain": np.nan},
        ValueError,
        "gain must be a finite number, got nan",
    ),
    "a gain without end": (
        {"rule": spare, "gain": -np.inf},
        ValueError,
        "gain must be a finite number",
    ),
    "batches that do not broadcast": (
        {"start": np.ones((2, 4)), "learning_rate": [0.1, 0.2], "beta_1": 0.5},
        ValueError,
        "the batch shapes of the arguments must broadcast, got start (4,), learning_rate (2,)",
    ),
    "a schedule that does not broadcast": (
        {"learning_rate": [0.1, 0.2], "beta_1": lambda t: np.full(3, 0.5)},
        ValueError,
        "the batch shapes of the arguments must broadcast, got learning_rate (2,), beta_1 (3,)",
    ),
    "crossed step sizes": (
        {"rule": optimizers.rprop, "min_step_size": 2.0, "max_step_size": 1.0},
        ValueError,
        "min_step_size must be at most max_step_size, 1, got 2",
    ),
    "a step size above the default's limit": (
        {"rule": optimizers.rprop, "min_step_size": 100.0},
        ValueError,
        "min_step_size must be at most max_step_size, 50, got 100",
    ),
    "steps as a truth": (
        {"steps": True},
        ValueError,
        "steps must be a whole number >= 1, got True",
    ),
    "no steps": ({"steps": 0}, ValueError, "steps must be a whole number >= 1, got 0"),
    "negative steps": (
        {"steps": -3},
        ValueError,
        "steps must be a whole number >= 1, got -3",
    ),
    "half a step": (
        {"steps": 2.5},
        ValueError,
        "steps must be a whole number >= 1, got 2.5",
    ),
    "steps in words": (
        {"steps": "10"},
        ValueError,
        "steps must be a whole number >= 1, got '10'",
    ),
    "a number as the start": (
        {"start": 5.0},
        ValueError,
        "start must be finite numbers of shape (n,) or (n, *batch), got array(5.)",
    ),
    "a start that is lost": (
        {"start": (0.1, np.nan)},
        ValueError,
        "start must be finite numbers of shape (n,) or (n, *batch), got array([0.1, nan])",
    ),
    "a start of no weights": (
        {"start": ()},
        ValueError,
        "start must be finite numbers of shape (n,) or (n, *batch), got array([]",
    ),
    "a start without end": (
        {"start": (np.inf, 1.0)},
        ValueError,
        "start must be finite numbers",
    ),
    "a start in words": (
        {"start": "here"},
        TypeError,
        "start must be a number or an array of numbers, got 'here'",
    ),
    "a ragged start": (
        {"start": [[1, 2], [3]]},
        TypeError,
        "start must be a number or an array of numbers",
    ),
    "a start too long": (
        {"start": (1.0, 2.0, 3.0)},
        ValueError,
        "gradient does not accept a point of shape (3,), the start's: a point has 2 coordinates",
    ),
    "a start too short": (
        {"start": (1.0,)},
        ValueError,
        "gradient does not accept a point of shape (1,), the start's: a point has 2 coordinates",
    ),
    "a gradient of one number": (
        {"gradient": lambda w: w.sum()},
        ValueError,
        "gradient must return the shape of w, (2,), got ()",
    ),
    "a gradient of a wrong shape": (
        {"gradient": lambda w: np.ones((2, 3)), "learning_rate": [0.1, 0.2, 0.3, 0.4]},
        ValueError,
        "gradient must return the shape of w, (2, 4), got (2, 3)",
    ),
    "a gradient of words": (
        {"gradient": lambda w: "steep"},
        TypeError,
        "gradient must be a number or an array of numbers, got 'steep'",
    ),
    "a name for a rule": (
        {"rule": "adam"},
        TypeError,
        "rule must be a function, got 'adam'",
    ),
    "a rule of too few arguments": (
        {"rule": lambda w, gradient: w},
        TypeError,
        "rule must be of the form rule(w, gradient, t, state=start, *, hyperparameters), "
        "got <lambda>(w, gradient)",
    ),
    "a state without a start": (
        {"rule": lambda w, gradient, t, m, v=0.0: (w, m, v)},
        TypeError,
        "rule must be of the form rule(w, gradient, t, state=start, *, hyperparameters), "
        "got <lambda>(w, gradient, t, m, v=0.0)",
    ),
    "a rule that forgets its state": (
        {"rule": lambda w, gradient, t, v=0.0: w},
        ValueError,
        "<lambda> must return 2 values, (w, v), got 1",
    ),
    "a rule without a return": (
        {"rule": lambda w, gradient, t, v=0.0: None},
        ValueError,
        "<lambda> returned nothing; does it end with return?",
    ),
    "a rule that returns a list": (
        {"rule": lambda w, gradient, t, v=0.0: [w, v]},
        ValueError,
        "<lambda> must return 2 values, (w, v), got a list",
    ),
    "a number in a string": (
        {"learning_rate": "0.1"},
        TypeError,
        "learning_rate must be a number or an array of numbers, got '0.1'",
    ),
    "a rule that returns too much": (
        {"rule": lambda w, gradient, t, v=0.0: (w, v, v)},
        ValueError,
        "<lambda> must return 2 values, (w, v), got 3",
    ),
    "a rule that returns another point": (
        {"rule": lambda w, gradient, t, v=0.0: (np.ones(3), v)},
        ValueError,
        "<lambda> must return w in its shape (2,), got (3,)",
    ),
    "a rule that returns a number": (
        {"rule": lambda w, gradient, t: 1.0},
        ValueError,
        "<lambda> must return w in its shape (2,), got ()",
    ),
    "a rule that returns another point later": (
        {"rule": lambda w, gradient, t: w if t < 3 else w[:1]},
        ValueError,
        "<lambda> must return w in its shape (2,), got (1,)",
    ),
    "a rule that returns nothing later": (
        {"rule": lambda w, gradient, t: w if t < 3 else None},
        ValueError,
        "<lambda> returned nothing; does it end with return?",
    ),
    "a state that does not fit": (
        {"rule": lambda w, gradient, t, v=0.0: (w, np.ones(3))},
        ValueError,
        "<lambda> must return v in a shape that fits w's (2,), got (3,)",
    ),
    "a state larger than the point": (
        {"rule": lambda w, gradient, t, v=0.0: (w, np.ones((3, 2, 4)))},
        ValueError,
        "<lambda> must return v in a shape that fits w's (2,), got (3, 2, 4)",
    ),
}


@pytest.mark.parametrize("run", [trace, history, sweep])
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_its_value_and_what_is_allowed(case, run):
    given, error, message = BAD[case]
    call = {
        "rule": optimizers.adam,
        "start": START,
        "steps": 3,
        "gradient": RAVINE.gradient,
    } | given
    if run is sweep:
        call["surface"] = surfaces.Surface(RAVINE.value, call.pop("gradient"))
    with pytest.raises(error) as caught:
        run(**call)
    said = str(caught.value)
    if run is sweep:  # it runs one setting as a row of one
        said = re.sub(r"\((\d), 1\)", r"(\1,)", said)
    assert message in said


@pytest.mark.parametrize("given", [TWO, RAVINE, None])
def test_a_gradient_that_is_no_function(given):
    message = f"gradient must be a function of w, got {given!r}"
    for run, target in (
        (trace, given),
        (history, given),
        (sweep, SimpleNamespace(value=RAVINE.value, gradient=given)),
    ):
        with pytest.raises(TypeError) as caught:
            run(optimizers.adam, target, START, 3)
        assert str(caught.value) == message


@pytest.mark.parametrize("tolerance", [np.nan, "0.1", None, TWO])
def test_a_tolerance_that_is_no_number(tolerance):
    with pytest.raises(ValueError) as caught:
        sweep(optimizers.adam, RAVINE, START, 3, tolerance=tolerance)
    assert str(caught.value) == f"tolerance must be a number, got {tolerance!r}"


def test_a_tolerance_may_be_a_number_of_numpy():
    for tolerance in (np.float32(5), np.int64(5)):
        assert sweep(optimizers.adam, RAVINE, START, 3, tolerance=tolerance)["steps_to_tolerance"] == 1


@pytest.mark.parametrize("loss", [None, np.ones(3), [1.0, 2.0, 3.0]], ids=["nothing", "array", "list"])
@pytest.mark.parametrize("rate", [0.1, [0.1, 0.2]])
def test_a_value_of_the_wrong_shape(loss, rate):
    surface = SimpleNamespace(value=lambda w: loss, gradient=RAVINE.gradient)
    message = f"value must return a number for each point, shape ({np.size(rate)},), got {loss!r}"
    with pytest.raises(ValueError) as caught:
        sweep(optimizers.adam, surface, START, 3, learning_rate=rate)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "surface",
    [
        RAVINE.gradient,
        TWO,
        None,
        SimpleNamespace(value=RAVINE.value),
        SimpleNamespace(value=1.0, gradient=RAVINE.gradient),
    ],
)
def test_a_sweep_of_what_is_no_surface(surface):
    with pytest.raises(TypeError) as caught:
        sweep(optimizers.adam, surface, START, 3)
    expected = f"surface must have a value and a gradient, functions of w, got {surface!r}"
    assert str(caught.value) == expected


def test_an_error_inside_a_rule_or_a_schedule_is_the_users_to_see():
    def broken(w, gradient, t):
        return gradient(w)[7]

    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        trace(broken, RAVINE.gradient, START, 1)
    with pytest.raises(ZeroDivisionError):
        trace(optimizers.adam, RAVINE.gradient, START, 1, learning_rate=lambda t: 1 / 0)


def test_the_signature_is_the_specification():
    state, hyperparameters = signature(optimizers.rmsprop_momentum)
    assert state == {"v": 0.0, "velocity": 0.0}
    assert list(hyperparameters) == ["learning_rate", "rho", "momentum", "epsilon"]
    assert signature(spare) == ({"v": 0.0}, {"gain": -1.0})
